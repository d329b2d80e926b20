// Film of the training: the outputs of several decoders for one noisy image, from the first step to the last. The attribute
// `data-film` is the dictionary of demo/compute/film.py.
customElements.define("training-film", class TrainingFilm extends HTMLElement {
  static observedAttributes = ["data-film"];
  static SECONDS = 0.9;  // of a frame

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = document.getElementById(this.localName).textContent;
    this.slider = this.find("input[type=range]");
    this.slider.addEventListener("input", () => { this.stop(); this.show(Number(this.slider.value)); });
    this.find(".errors").addEventListener("change", () => this.show(Number(this.slider.value)));
    this.find(".play").addEventListener("click", () => (this.timer ? this.stop() : this.play()));
  }
  find(selector) { return this.shadowRoot.querySelector(selector); }
  disconnectedCallback() { this.stop(); }

  attributeChangedCallback() {
    this.stop();
    this.film = JSON.parse(this.dataset.film);
    this.slider.max = this.film.times.length - 1;
    const still = [["Clean", this.film.clean], ["Noisy", this.film.noisy]].map(([name, url]) => TrainingFilm.tile(name, url));
    this.tiles = this.film.rows.map((row) => TrainingFilm.tile(row.label, "", row.color));
    this.find(".tiles").replaceChildren(...still, ...this.tiles);
    this.charts = ["energy", "psnr"].map((name) => this.chart(name));
    this.show(this.film.times.length - 1);
    this.find("p").textContent = this.summary();
  }

  static tile(name, url, color) {
    const figure = document.createElement("figure"), image = document.createElement("img"), caption = document.createElement("figcaption");
    const label = document.createElement("span"), score = document.createElement("span"), energy = document.createElement("span");
    Object.assign(image, { src: url || "data:,", alt: name });
    Object.assign(label, { className: "name", textContent: name });
    score.className = "score";
    energy.className = "soft";
    if (color) {
      const dot = document.createElement("span");
      dot.className = "dot";
      dot.style.background = color;
      label.prepend(dot);
    }
    caption.append(label, score, energy);
    figure.append(image, caption);
    return figure;
  }

  /** Name a frame: training images seen, or the finished training. */
  name(place) {
    const images = this.film.times[place];
    return images === null ? "fully trained" : images === 0 ? "untrained" : `${images.toLocaleString("en")} images`;
  }

  show(place) {
    const errors = this.find(".errors").checked;
    this.slider.value = place;
    this.slider.ariaValueText = this.find(".time").textContent = this.name(place);
    this.film.rows.forEach((row, at) => {
      const frame = row.frames[place], [image, caption] = this.tiles[at].children, [, score, energy] = caption.children;
      image.src = errors ? frame.error : frame.image;
      image.alt = `${row.label}, ${this.name(place)}: ${frame.psnr.toFixed(2)} dB`;
      score.textContent = `${frame.psnr.toFixed(2)} dB`;
      energy.textContent = frame.energy === null ? "" : `checkerboard ${frame.energy.toFixed(2)}`;
    });
    for (const { now, x } of this.charts) {
      now.setAttribute("x1", x(place));
      now.setAttribute("x2", x(place));
    }
  }

  play() {
    const last = this.film.times.length - 1;
    let place = Number(this.slider.value);
    if (place === last) this.show(place = 0);
    this.find(".play").textContent = "Pause";
    this.timer = setInterval(() => {
      this.show(++place);
      if (place === last) this.stop();
    }, 1000 * TrainingFilm.SECONDS);
  }
  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.find(".play").textContent = "Play";
  }

  /** Say when each decoder's checkerboard is strongest, and what is left of it. */
  summary() {
    const rows = this.film.rows.filter((row) => row.frames.every((frame) => frame.energy !== null));
    if (!rows.length) return "This image has no flat part on which a checkerboard could be measured.";
    const peak = (row) => row.frames.reduce((best, frame, place) => (frame.energy > row.frames[best].energy ? place : best), 0);
    const [worst] = [...rows].sort((one, other) => other.frames[peak(other)].energy - one.frames[peak(one)].energy);
    const place = peak(worst), least = Math.min(...rows.map((row) => row.frames[place].energy));
    return `The strongest checkerboard: ${worst.label}, ${this.name(place)}, energy ${worst.frames[place].energy.toFixed(2)}; ` +
      `the least at that time: ${least.toFixed(2)}. Fully trained, ${worst.label} has ${worst.frames.at(-1).energy.toFixed(2)}.`;
  }

  /** Draw one line for each decoder over the frames; return the line of the present frame and its scale. */
  chart(name) {
    const values = this.film.rows.map((row) => row.frames.map((frame) => frame[name])), known = values.flat().filter((one) => one !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)], span = high - low || 1, frames = this.film.times.length;
    const x = (place) => 44 + place * 380 / Math.max(1, frames - 1), y = (value) => 150 - 132 * (value - low) / span;
    const svg = TrainingFilm.shape("svg", { viewBox: "0 0 440 190", role: "img", "aria-label": this.find(`.${name}`).previousElementSibling.textContent });
    for (const value of [low, (low + high) / 2, high]) {
      if (!Number.isFinite(value)) continue;
      svg.append(TrainingFilm.shape("line", { class: "grid", x1: 44, x2: 424, y1: y(value), y2: y(value) }),
        TrainingFilm.shape("text", { x: 38, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(1)));
    }
    this.film.times.forEach((images, place) => {
      const text = images === null ? "end" : images >= 1000 ? `${Math.round(images / 1000)}k` : images;
      svg.append(TrainingFilm.shape("text", { x: x(place), y: 170, "text-anchor": "middle" }, text));
    });
    svg.append(TrainingFilm.shape("text", { x: 234, y: 188, "text-anchor": "middle" }, "training images seen"));
    values.forEach((row, at) => {
      const points = row.map((value, place) => [place, value]).filter(([, value]) => value !== null).map(([place, value]) => `${x(place)},${y(value)}`);
      svg.append(TrainingFilm.shape("polyline", { class: "line", stroke: this.film.rows[at].color, points: points.join(" ") }));
    });
    const now = TrainingFilm.shape("line", { class: "now", y1: 14, y2: 154 });
    svg.append(now);
    this.find(`.${name}`).replaceChildren(svg);
    return { now, x };
  }

  static shape(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
});
