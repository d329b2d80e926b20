// Strip "this noise, drawn 200 times": the distribution of each network's PSNR over the draws, against the first network
// in the same draws, and the share of draws in which each decoder is the best. The attribute `data-draws` holds
// { matters, rows: [{ label, color, decoder, psnr: [dB by draw] }] }.
customElements.define("draw-strip", class DrawStrip extends HTMLElement {
  static observedAttributes = ["data-draws"];

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = document.getElementById(this.localName).textContent;
  }
  find(selector) { return this.shadowRoot.querySelector(selector); }
  attributeChangedCallback() {
    const { rows, matters } = JSON.parse(this.dataset.draws);
    this.hidden = rows.length === 0;
    if (rows.length) this.draw(DrawStrip.summary(rows), rows[0], matters);
  }

  static sorted = (values) => [...values].sort((one, other) => one - other);
  static mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  static quantile(sorted, share) {
    const place = share * (sorted.length - 1), low = Math.floor(place);
    return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  }

  /** Return each row with `values` (sorted differences from the first row), `mean` and `wins`: the share of draws in which this decoder is the best decoder; a tie is shared. A ceiling has none. */
  static summary(rows) {
    const decoders = rows.filter((row) => row.decoder), draws = rows[0].psnr.length;
    const best = rows[0].psnr.map((_, draw) => Math.max(...decoders.map((row) => row.psnr[draw])));
    const shared = best.map((score, draw) => decoders.filter((row) => row.psnr[draw] === score).length);
    return rows.map((row) => {
      const values = DrawStrip.sorted(row.psnr.map((score, draw) => score - rows[0].psnr[draw]));
      const won = row.psnr.map((score, draw) => (score === best[draw] ? 1 / shared[draw] : 0));
      return { ...row, values, mean: DrawStrip.mean(values),
        wins: row.decoder ? won.reduce((sum, one) => sum + one, 0) / draws : null };
    });
  }

  /** Return the sentence about the decoders: a lead counts only if it matters and the draws confirm it. */
  static verdict(rows, matters) {
    const [first, second] = rows.filter((row) => row.decoder).sort((one, other) => other.mean - one.mean);
    if (!second) return "";
    const draws = first.psnr.length, leads = first.psnr.map((score, draw) => score - second.psnr[draw]);
    const lead = DrawStrip.mean(leads), ahead = Math.round(100 * leads.filter((one) => one > 0).length / draws);
    const spread = Math.sqrt(leads.reduce((sum, one) => sum + (one - lead) ** 2, 0) / (draws - 1) / draws);
    const names = `${first.label} and ${second.label}`;
    if (lead < matters)
      return `No decoder leads on this image: over ${draws} draws of this noise the first two, ${names}, are ` +
        `${lead.toFixed(2)} dB apart. Below ${matters} dB, another training run may reverse the order.`;
    if (lead < 2 * spread)
      return `No decoder leads on this image: ${draws} draws of this noise do not confirm the ${lead.toFixed(2)} dB between ${names}.`;
    return `On this image, ${first.label} leads ${second.label} by ${lead.toFixed(2)} dB on average, and in ${ahead} % of ` +
      `${draws} draws of this noise.`;
  }

  draw(rows, reference, matters) {
    const low = Math.min(-0.05, ...rows.map((row) => DrawStrip.quantile(row.values, 0.005)));
    const high = Math.max(0.05, ...rows.map((row) => DrawStrip.quantile(row.values, 0.995)));
    const margin = 0.04 * (high - low), axis = [low - margin, high + margin];
    this.find("p").textContent = DrawStrip.verdict(rows, matters);
    this.find("caption").textContent =
      `This noise, drawn ${reference.psnr.length} times: dB against ${reference.label} in the same draw`;
    this.find(".axis").replaceChildren(...this.ticks(axis));
    this.find("tbody").replaceChildren(...rows.map((row, place) => this.row(row, axis, place === 0)));
  }

  static at = (value, [low, high]) => (value - low) / (high - low);

  ticks(axis) {
    const wanted = (axis[1] - axis[0]) / 5, power = 10 ** Math.floor(Math.log10(wanted));
    const step = power * [1, 2, 5, 10].find((one) => one * power >= wanted);
    const marks = [];
    for (let tick = Math.ceil(axis[0] / step); tick * step <= axis[1]; tick++) {
      const mark = document.createElement("span"), value = tick * step;
      mark.textContent = DrawStrip.signed(value, step < 0.1 ? 2 : step < 1 ? 1 : 0);
      mark.style.left = `${100 * DrawStrip.at(value, axis)}%`;
      marks.push(mark);
    }
    return marks;
  }

  static signed = (value, digits) => {
    const text = Math.abs(value).toFixed(digits);
    return (Number(text) === 0 ? "" : value < 0 ? "−" : "+") + text;
  };

  row(row, axis, isReference) {
    const line = document.createElement("tr"), name = document.createElement("th");
    name.scope = "row";
    name.textContent = row.label;
    const plot = line.insertCell(), mean = line.insertCell(), wins = line.insertCell();
    line.prepend(name);
    plot.className = "plot";
    plot.append(this.plot(row, axis, isReference));
    mean.textContent = isReference ? "reference" : `${DrawStrip.signed(row.mean, 2)} dB`;
    wins.textContent = row.wins === null ? "ceiling" : `${Math.round(100 * row.wins)} %`;
    if (row.wins !== null) {
      const bar = document.createElement("span"), part = document.createElement("i");
      bar.className = "wins";
      part.style.width = `${100 * row.wins}%`;
      part.style.background = DrawStrip.ink(row.color);
      bar.append(part);
      wins.prepend(bar);
    }
    return line;
  }

  /** Draw a row's density of differences, its mean, and the line of the reference. */
  plot(row, axis, isReference) {
    const svg = DrawStrip.shape("svg", { viewBox: "0 0 1000 34", preserveAspectRatio: "none", "aria-hidden": true });
    const zero = 1000 * DrawStrip.at(0, axis), mean = 1000 * DrawStrip.at(row.mean, axis);
    if (!isReference) svg.append(DrawStrip.shape("path", { d: DrawStrip.area(row, axis), fill: DrawStrip.ink(row.color) }));
    const kept = { "vector-effect": "non-scaling-stroke" };
    svg.append(DrawStrip.shape("path", { class: "zero", d: `M${zero} 0V34`, ...kept }));
    svg.append(DrawStrip.shape("path", { class: "mean", d: `M${mean} 4V30`, ...kept }));
    return svg;
  }

  /** Return the outline of a Gaussian kernel density estimate, mirrored at the middle of the row. */
  static area({ values }, axis) {
    const count = values.length, center = DrawStrip.mean(values);
    const deviation = Math.sqrt(values.reduce((sum, one) => sum + (one - center) ** 2, 0) / Math.max(1, count - 1));
    const width = Math.max(1.06 * deviation * count ** -0.2, (axis[1] - axis[0]) / 300);  // Silverman's rule
    const places = Array.from({ length: 161 }, (_, i) => axis[0] + (axis[1] - axis[0]) * i / 160);
    const density = places.map((x) => values.reduce((sum, one) => sum + Math.exp(-0.5 * ((x - one) / width) ** 2), 0));
    const most = Math.max(...density), half = density.map((one) => 16 * one / most);
    const points = (sign) => half.map((height, i) => `${6.25 * i} ${(17 + sign * height).toFixed(2)}`);
    return `M${points(-1).join("L")}L${points(1).reverse().join("L")}Z`;
  }

  /** Return a color that shows on both backgrounds: gray for black, a mix with the color of the text for other dark ones. */
  static ink(color) {
    const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)), sum = parts[0] + parts[1] + parts[2];
    if (Math.max(...parts) - Math.min(...parts) < 16) return "#858585";
    return sum < 240 ? `color-mix(in srgb, ${color} 60%, currentColor)` : color;
  }

  static shape(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }
});
