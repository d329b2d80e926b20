// Quality against cost, drawn by Plotly: a point has its interval, its output and a row of the table below. Events: `preview`
// asks for the output of a point, which `previewed` shows; `open` asks for a point in another tab.
customElements.define("score-chart", class ScoreChart extends HTMLElement {
  static GROUPS = {
    macs: { name: "MACs", title: "MACs of one 28x28 image", digits: 0 },
    parameters: { name: "Parameters", title: "Parameters", digits: 0 },
    time: { name: "Measured time", title: "Milliseconds per image", digits: 4, missing: "time" },
    int8: { name: "8-bit integer time", title: "Milliseconds per image in 8-bit integers", digits: 4, missing: "time in 8-bit integers" },
  };
  static SYMBOLS = { decoder: ["circle"], ceiling: ["square", "triangle-up"], classical: ["diamond-open"] };
  static SHAPES = {
    circle: "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10z", square: "M2 2h8v8h-8z", "triangle-up": "M6 1l5 9h-10z", "diamond-open": "M6 1l5 5l-5 5l-5-5z",
  };
  static SPREAD = 11;  // pixels between points of equal cost
  static PATIENCE = 120;  // milliseconds that a point is looked at before its output is asked for

  static LOST = 10_000;  // milliseconds after which a request counts as lost

  find(selector) { return this.querySelector(selector); }
  tell(kind, detail) { this.dispatchEvent(new CustomEvent(kind, { detail })); }

  connectedCallback() {
    if (this.outputs) return;
    this.outputs = new Map();
    this.innerHTML = TEMPLATES.chart;
    this.find(".card").innerHTML = TEMPLATES.card;
    this.table = this.find("score-table");
    this.addEventListener("change", ({ target }) => this.changed(target));
    this.find("[name=level]").addEventListener("input", ({ target }) => this.changed(target));
    this.find(".arms").addEventListener("click", ({ target }) => this.toggle(target.closest("button")));
    this.table.addEventListener("point", ({ detail }) => this.point(detail?.key));
    this.table.addEventListener("press", ({ detail }) => { this.point(detail.row.key); if (!detail.finger) this.open(); });
    this.find(".card .open").addEventListener("click", () => this.open());
  }

  /** Show scores: those of `demo.compute.scores.payload`, with `opens`, the tab that shows a data set. */
  fill(chart) {
    this.data = chart;
    const counts = {};
    for (const [name, arm] of Object.entries(chart.arms)) {
      counts[arm.kind] = (counts[arm.kind] ?? -1) + 1;
      const symbols = ScoreChart.SYMBOLS[arm.kind];
      Object.assign(arm, { name, symbol: symbols[counts[arm.kind] % symbols.length] });
    }
    this.state = { body: chart.bodies[0].name, group: "macs", scale: 0, mean: false, hidden: new Set(this.armsOf("classical")) };
    this.settle();
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    new ResizeObserver(() => this.resized()).observe(this.find(".plot"));
    this.load();
  }
  armsOf(kind) { return Object.values(this.data.arms).filter((arm) => arm.kind === kind).map(({ name }) => name); }

  async load() {
    const plot = this.find(".plot");
    try {
      await this.addScript(benchmarkFile("plotly.js"));
    } catch {
      plot.firstChild.textContent = "The chart could not be loaded: reload the page. The table below has its numbers.";
      return;
    }
    plot.replaceChildren();
    this.draw();
    // The ring of a point is drawn anew, after which Plotly reports the same point again.
    plot.on("plotly_hover", ({ points }) => { if (points[0].customdata !== this.chosen?.method) this.point(points[0].customdata); });
    plot.on("plotly_click", ({ points }) => { this.point(points[0].customdata); if (!this.finger) this.open(); });
    plot.addEventListener("pointerdown", ({ pointerType }) => { this.finger = pointerType === "touch"; }, true);
  }
  addScript(src) {
    return window.Plotly ? null : new Promise((resolve, reject) =>
      document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject })));
  }

  get body() { return this.data.bodies.find(({ name }) => name === this.state.body); }
  get set() { return this.body.sets[this.state.set]; }
  get scales() { return this.body.scales.filter(({ group }) => group === this.state.group); }
  get scale() { return this.scales[this.state.scale]; }
  get level() { return this.body.levels[this.state.level]; }

  /** Make every setting one that the body has, and draw the controls. */
  settle() {
    const { state, body } = this, inSet = (point) => point.trained_on === this.set.trained_on && point.tested_on === this.set.tested_on;
    if (!(state.set < body.sets.length)) state.set = 0;
    if (!(state.level < body.levels.length)) state.level = Math.floor(body.levels.length / 2);
    if (!this.scales.length) state.group = body.scales[0].group;
    if (!this.scale) state.scale = 0;
    this.points = body.points.filter(inSet);
    const clippings = [...new Set(this.points.map(({ clipped }) => clipped))];
    if (!clippings.includes(state.clipped)) state.clipped = clippings[0];
    this.points = this.points.filter(({ clipped }) => clipped === state.clipped);
    const budgets = Object.keys(this.data.budgets).filter((name) => this.points.some((point) => point.budgets.includes(name)));
    state.budgets = budgets.filter((name) => state.budgets?.includes(name));
    if (!state.budgets.length) state.budgets = budgets.slice(0, 1);
    this.controls(clippings, budgets);
    this.chips();
    this.draw();
  }

  controls(clippings, budgets) {
    const { state, body, data } = this, focused = this.contains(document.activeElement) && document.activeElement.dataset.id, groups = new Set(body.scales.map(({ group }) => group));
    const scales = this.scales;
    this.find(".controls").replaceChildren(
      this.choice("group", "Cost", [...groups].map((name) => [name, ScoreChart.GROUPS[name].name])),
      ...(scales.length > 1 ? [this.menu("scale", "Measured on", scales.map(({ label }, i) => [i, label]))] : []),
      this.choice("body", "Backbone", data.bodies.map(({ name, label }) => [name, label])),
      this.choice("set", "Data set", body.sets.map(({ label }, i) => [i, label])),
      this.choice("clipped", "Noise", clippings.map((clipped) => [clipped, clipped ? "Clipped to [0, 1]" : "Not clipped"])),
      this.choice("budgets", "Decoders at", budgets.map((name) => [name, data.budgets[name]]), "checkbox"),
    );
    if (focused) this.querySelector(`[data-id="${focused}"]`)?.focus({ preventScroll: true });
    const slider = this.find("[name=level]");
    Object.assign(slider, { max: body.levels.length - 1, value: state.level, disabled: state.mean });
    slider.setAttribute("aria-valuetext", `sigma ${this.level.label}`);
    this.find("output").value = state.mean ? "mean" : this.level.label;
    const missing = Object.entries(ScoreChart.GROUPS).filter(([name, { missing }]) => missing && !groups.has(name)).map(([, { missing }]) => missing);
    this.missing = missing.length ? `Not measured for these networks: ${missing.join(", ")}.` : "";
  }
  choice(name, legend, options, type = "radio") {
    const field = document.createElement("fieldset"), line = document.createElement("div"), chosen = [this.state[name]].flat();
    line.append(...options.map(([value, text]) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type, name, value, checked: chosen.includes(value) });
      input.dataset.id = `${name}-${value}`;
      input.setting = value;
      label.append(input, text);
      return label;
    }));
    line.className = "options";
    field.append(Object.assign(document.createElement("legend"), { textContent: legend }), line);
    field.hidden = options.length < 2;
    return field;
  }
  menu(name, text, options) {
    const label = document.createElement("label"), menu = document.createElement("select");
    Object.assign(menu, { name });
    menu.dataset.id = name;
    menu.append(...options.map(([value, shown]) => new Option(shown, value, false, value === this.state[name])));
    label.className = "menu";
    label.append(`${text} `, menu);
    return label;
  }

  changed(control) {
    const { name, type } = control, { state } = this;
    if (!(name in state)) return;
    if (name === "budgets") {
      const chosen = [...this.querySelectorAll("[name=budgets]:checked")].map(({ setting }) => setting);
      if (!chosen.length) { control.checked = true; return; }  // one stays
      state.budgets = chosen;
    } else if (name === "mean") state.mean = control.checked;
    else state[name] = type === "radio" ? control.setting : Number(control.value);
    if (name === "body") Object.assign(state, { set: 0, level: undefined, budgets: undefined, clipped: undefined });
    this.settle();
  }

  /** Draw a button for each method of this view, which shows or hides it. */
  chips() {
    const names = Object.keys(this.data.arms).filter((name) => this.points.some(({ arm }) => arm === name));
    this.find(".arms").replaceChildren(...names.map((name) => {
      const button = Object.assign(document.createElement("button"), { type: "button", value: name });
      button.setAttribute("aria-pressed", !this.state.hidden.has(name));
      button.append(this.mark(name), this.data.arms[name].label);
      return button;
    }));
  }
  toggle(button) {
    if (!button) return;
    const { hidden } = this.state, name = button.value;
    if (!hidden.delete(name)) hidden.add(name);
    button.setAttribute("aria-pressed", !hidden.has(name));
    this.draw();
  }

  get dark() { return document.body.classList.contains("dark"); }
  get ink() { return getComputedStyle(this).color; }
  /** Return the color of a method that can be seen on the page's background. */
  color(name) {
    const { color, kind } = this.data.arms[name];
    if (kind === "ceiling") return this.ink;
    const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
    const light = (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255, target = this.dark ? 0.5 : 0.6;
    const share = this.dark ? Math.max(0, (target - light) / (1 - light)) : Math.max(0, 1 - target / light);
    return `rgb(${parts.map((part) => Math.round(part + ((this.dark ? 255 : 0) - part) * share)).join(", ")})`;
  }
  mark(name) {
    const { symbol } = this.data.arms[name], open = symbol.endsWith("open"), color = this.color(name);
    const holder = document.createElement("span");
    holder.innerHTML = `<svg class="mark" viewBox="0 0 12 12" aria-hidden="true"><path d="${ScoreChart.SHAPES[symbol]}" stroke-width="2"/></svg>`;
    Object.assign(holder.querySelector("path").style, { fill: open ? "none" : color, stroke: open ? color : "none" });
    return holder.firstChild;
  }

  /** Return the points of this view, each once. */
  visible() {
    const { state } = this, level = state.mean ? "all" : this.level.name;
    return this.points.filter((point) => {
      const { kind } = this.data.arms[point.arm];
      return point.level === level && !state.hidden.has(point.arm)
        && (kind !== "decoder" || point.budgets.some((name) => state.budgets.includes(name)));
    });
  }

  /** Return the settings of a link, by the names of `demo.tabs.benchmark.SETTINGS`. */
  link() {
    const { state, set } = this;
    return {
      "chart-backbone": state.body, "chart-cost": state.group, "chart-scale": state.scale, "chart-set": `${set.tested_on}-${set.trained_on}`,
      "chart-clip": state.clipped, "chart-budgets": state.budgets, "chart-level": state.mean ? "all" : this.level.name,
      "chart-hidden": state.hidden.size ? [...state.hidden] : "none",
    };
  }
  /** Take the settings of a link: texts by name. A setting that no view has keeps its opening value. */
  restore(given) {
    const { state } = this, list = (text) => text.split("."), place = (index) => (index < 0 ? undefined : index);
    const take = (name, use) => { if (given[`chart-${name}`] !== undefined) use(given[`chart-${name}`]); };
    take("backbone", (text) => { state.body = text; });
    take("cost", (text) => { state.group = text; });
    take("scale", (text) => { state.scale = Number(text); });
    take("set", (text) => { state.set = place(this.body.sets.findIndex((one) => `${one.tested_on}-${one.trained_on}` === text)); });
    take("clip", (text) => { state.clipped = text === "1"; });
    take("budgets", (text) => { state.budgets = list(text); });
    take("level", (text) => {
      state.mean = text === "all";
      if (!state.mean) state.level = place(this.body.levels.findIndex(({ name }) => name === text));
    });
    take("hidden", (text) => { state.hidden = new Set(text === "none" ? [] : list(text)); });
    this.find("[name=mean]").checked = state.mean;
    this.settle();
  }

  draw() {
    this.dataset.link = JSON.stringify(this.link());
    const shown = this.visible(), kindOf = ({ arm }) => this.data.arms[arm].kind;
    const placed = shown.filter((point) => point.method in this.scale.costs), classical = shown.filter((point) => kindOf(point) === "classical");
    const lost = shown.length - placed.length - classical.length;
    this.find(".note").textContent = [
      shown.length ? "" : "Every method is hidden: press its name to show it.",
      "Bars: 95 % intervals. Points that would cover each other stand side by side; the table has the exact cost.",
      classical.length ? "Classical methods have no such cost: a line shows their PSNR." : "",
      lost ? `${lost} of the networks ${lost > 1 ? "have" : "has"} no such measurement and ${lost > 1 ? "stand" : "stands"} in the table alone.` : "",
      this.missing,
    ].filter(Boolean).join(" ");
    this.list(shown);
    this.chosen = shown.find(({ method }) => method === this.chosen?.method) ?? shown[0];
    if (window.Plotly) this.plot(placed, classical);
    if (this.chosen) this.point(this.chosen.method);
  }

  list(shown) {
    const { digits } = ScoreChart.GROUPS[this.state.group], timed = digits > 0, { costs } = this.scale;
    const cost = (group, { method }) => this.body.scales.find((scale) => scale.group === group)?.costs[method] ?? null;
    this.table.fill({
      label: "Points of the chart",
      columns: [
        { name: "Method", names: true }, { name: "Budget" }, { name: "PSNR (dB)", digits: 2 }, { name: "95 % from", digits: 2 },
        { name: "to", digits: 2 }, { name: "SSIM", digits: 4 }, { name: "Parameters", digits: 0 }, { name: "M MACs", digits: 2 },
        ...(timed ? [{ name: this.state.group === "int8" ? "ms, 8-bit" : "ms per image", digits }] : []),
      ],
      rows: shown.map((point) => ({
        key: point.method,
        mark: this.mark(point.arm),
        values: [
          this.data.arms[point.arm].label, point.budgets.map((name) => this.data.budgets[name].replace("Equal ", "")).join(", ") || "–",
          point.psnr_db, point.psnr_db_low, point.psnr_db_high, point.ssim, cost("parameters", point),
          cost("macs", point) === null ? null : cost("macs", point) / 1e6, ...(timed ? [costs[point.method] ?? null] : []),
        ],
      })),
      sorting: { column: 2, down: true },
    });
  }

  plot(placed, classical) {
    const plot = this.find(".plot");
    const touch = matchMedia("(pointer: coarse)").matches, range = this.range(), at = this.spread(placed, range), style = getComputedStyle(this);
    const grid = style.getPropertyValue("--border-color-primary").trim() || "#888";
    const traces = Object.keys(this.data.arms).flatMap((name) => {
      const points = placed.filter(({ arm }) => arm === name).sort((one, other) => at.get(one) - at.get(other));
      return points.length ? [this.trace(name, points, points.map((point) => at.get(point)), {})] : [];
    });
    const lines = classical.map((point) => this.trace(point.arm, [point], [0.015], { xaxis: "x2" }));
    this.places = new Map([...traces, ...lines].flatMap(({ customdata, x, y, xaxis }) =>
      customdata.map((key, i) => [key, { x: x[i], y: y[i], xaxis: xaxis ?? "x" }])));
    this.rings = traces.length + lines.length;
    const ring = { mode: "markers", hoverinfo: "skip", marker: { symbol: "circle-open", size: 22, color: this.ink, line: { width: 2.5 } } };
    // Both rings are always there, so that a chosen point changes data alone.
    const { x, y } = this.ringed(), rings = ["x", "x2"].map((xaxis, i) => ({ ...ring, xaxis, x: x[i], y: y[i] }));
    const axis = { gridcolor: grid, zeroline: false, linecolor: grid };
    const layout = {
      autosize: true, showlegend: false, hovermode: "closest", hoverdistance: 30, dragmode: touch ? false : "zoom",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 66, r: 14, t: 30, b: 52 },
      font: { family: style.fontFamily, size: 13, color: this.ink },
      hoverlabel: { bgcolor: this.dark ? "#111827" : "#fff", bordercolor: this.ink, font: { color: this.ink, family: style.fontFamily } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: this.dark ? "#9ca3af" : "#6b7280", activecolor: this.ink },
      xaxis: { ...axis, ...ScoreChart.ticks(range, Math.min(8, this.room / 55)), type: "log", range, title: { text: ScoreChart.GROUPS[this.state.group].title, standoff: 8, font: { size: 14 } } },
      xaxis2: { overlaying: "x", range: [0, 1], visible: false, fixedrange: true },
      yaxis: { ...axis, range: ScoreChart.padded([...placed, ...classical]), title: { text: this.state.mean ? "Mean PSNR (dB)" : `PSNR (dB) at sigma ${this.level.label}`, standoff: 8, font: { size: 14 } } },
      shapes: classical.map((point) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: point.psnr_db, y1: point.psnr_db, layer: "below",
        line: { color: this.color(point.arm), dash: "dot", width: 1.5 } })),
    };
    const config = { displaylogo: false, responsive: false, displayModeBar: touch ? false : "hover", modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
    plot.setAttribute("aria-label", `Chart of ${placed.length + classical.length} methods: ${layout.yaxis.title.text} against ` +
      `${layout.xaxis.title.text}. The table below has every point.`);
    Plotly.react(plot, [...traces, ...lines, ...rings], layout, config);
  }
  /** Return the data of both rings, one for each x axis: the chosen point has one of them. */
  ringed() {
    const place = this.places.get(this.chosen?.method), at = (name) => ["x", "x2"].map((xaxis) => (place?.xaxis === xaxis ? [place[name]] : []));
    this.marked = this.chosen?.method;
    return { x: at("x"), y: at("y") };
  }

  trace(name, points, x, more) {
    const { label, symbol, kind } = this.data.arms[name], color = this.color(name);
    return {
      x, y: points.map(({ psnr_db }) => psnr_db), name: label, mode: points.length > 1 ? "lines+markers" : "markers", customdata: points.map(({ method }) => method),
      line: { color, width: 1, dash: "dot" },
      marker: { symbol, size: kind === "decoder" ? 12 : 11, color, opacity: 1, line: { width: kind === "classical" ? 2 : 1, color: kind === "classical" ? color : this.dark ? "#e5e7eb" : "#fff" } },
      error_y: { type: "data", symmetric: false, color, thickness: 1.5, width: 4, array: points.map((point) => point.psnr_db_high - point.psnr_db),
        arrayminus: points.map((point) => point.psnr_db - point.psnr_db_low) },
      text: points.map((point) => `<b>${label}</b><br>${ScoreChart.interval(point)}<br>${this.costText(point)}`),
      hovertemplate: "%{text}<extra></extra>", ...more,
    };
  }
  static interval(point) { return `${point.psnr_db.toFixed(2)} dB, ${point.psnr_db_low.toFixed(2)} to ${point.psnr_db_high.toFixed(2)}`; }
  costText({ method }) {
    const cost = this.scale.costs[method], { name, digits } = ScoreChart.GROUPS[this.state.group];
    return cost === undefined ? "" : digits ? `${cost.toPrecision(3)} ms per image` : `${cost.toLocaleString("en-US")} ${name === "MACs" ? name : name.toLowerCase()}`;
  }

  /** Return the range of the x axis, in powers of ten: it holds every level and every budget of this view. */
  range() {
    const { hidden } = this.state, costs = this.points.filter(({ arm }) => !hidden.has(arm)).map(({ method }) => this.scale.costs[method]).filter(Boolean);
    if (!costs.length) return [0, 1];
    const low = Math.log10(Math.min(...costs)), high = Math.log10(Math.max(...costs)), more = Math.max(0.05, 0.1 * (high - low));
    return [low - more, high + more];
  }
  /** Return the place of each point on the x axis, in the order of the costs and `SPREAD` pixels apart. */
  spread(points, [low, high]) {
    const step = (high - low) * ScoreChart.SPREAD / this.room, groups = [], start = ({ center, members }) => center - (members.length - 1) / 2 * step;
    const costs = points.map((point) => [point, Math.log10(this.scale.costs[point.method])]).sort(([, one], [, other]) => one - other);
    for (const member of costs) {
      let group = { center: member[1], members: [member] };
      while (groups.length && start(group) < start(groups.at(-1)) + groups.at(-1).members.length * step - 1e-9) {
        const members = [...groups.pop().members, ...group.members];
        group = { members, center: members.reduce((sum, [, cost]) => sum + cost, 0) / members.length };
      }
      groups.push(group);
    }
    return new Map(groups.flatMap((group) => group.members.map(([point], i) => [point, 10 ** (start(group) + i * step)])));
  }
  /** Width of the axis in pixels, about. */
  get room() { return Math.max(200, this.find(".plot").clientWidth - 70); }
  static padded(points) {
    if (!points.length) return [0, 1];
    const low = Math.min(...points.map((point) => point.psnr_db_low)), high = Math.max(...points.map((point) => point.psnr_db_high));
    const more = Math.max(0.05, 0.06 * (high - low));
    return [low - more, high + more];
  }
  /** Return at most `most` round ticks of a logarithmic axis. */
  static ticks([low, high], most) {
    const units = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [0, ""]];
    const text = (value) => { const [size, unit] = units.find(([size]) => value >= size); return `${Number((value / (size || 1)).toPrecision(3))}${unit}`; };
    for (const digits of [[10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 25, 28, 30, 35, 40, 45, 50, 60, 70, 80, 90], [10, 12, 15, 20, 25, 30, 40, 50, 60, 80], [10, 15, 20, 30, 50, 70], [10, 20, 50], [10]]) {
      const values = [];
      for (let power = Math.floor(low) - 1; power <= high; power++)
        for (const digit of digits) if (Math.log10(digit) + power - 1 >= low && Math.log10(digit) + power - 1 <= high) values.push(digit * 10 ** (power - 1));
      if (values.length <= most) return { tickvals: values, ticktext: values.map(text), tickangle: 0 };
    }
    return {};
  }
  resized() {
    const plot = this.find(".plot"), width = plot.clientWidth;
    if (!window.Plotly || !width || width === this.width) return;
    this.width = width;
    this.draw();
  }

  /** Show a point: its ring in the chart, its row and its card. */
  point(method) {
    const point = this.visible().find((one) => one.method === method);
    if (!point) return;
    this.chosen = point;
    this.table.light(method);
    if (this.places && this.marked !== method) Plotly.restyle(this.find(".plot"), this.ringed(), [this.rings, this.rings + 1]);
    this.card(point);
    clearTimeout(this.timer);
    const asked = this.asked(point), known = this.outputs.get(JSON.stringify(asked));
    if (known) this.show(known);
    else this.timer = setTimeout(() => this.ask(), ScoreChart.PATIENCE);
  }
  /** Ask for the output of the chosen point, one request at a time; a request without an answer is given up. */
  ask() {
    const now = performance.now();
    if (!this.chosen || now < (this.until ?? 0)) return;
    this.until = now + ScoreChart.LOST;
    this.turn = (this.turn ?? 0) + 1;  // makes every answer a new value, of which Gradio tells
    this.tell("preview", { ...this.asked(this.chosen), turn: this.turn });
  }
  /** Return the names of a point for the server; the mean over the levels is shown at the middle level. */
  asked({ method, tested_on }) { return { grid: this.state.body, method, tested_on, level: this.level.name }; }

  card(point) {
    const card = this.find(".card"), { label } = this.data.arms[point.arm], number = (value) => value.toLocaleString("en-US");
    card.querySelector("h3").replaceChildren(this.mark(point.arm), label);
    const costs = this.body.scales.flatMap(({ group, costs }) => (group !== "time" && group !== "int8" && point.method in costs
      ? [[ScoreChart.GROUPS[group].name, number(costs[point.method])]] : []));
    const timed = ["time", "int8"].includes(this.state.group), { changes } = this.scale;
    const facts = [
      ["PSNR", `${point.psnr_db.toFixed(2)} dB`], ["95 % interval", `${point.psnr_db_low.toFixed(2)} to ${point.psnr_db_high.toFixed(2)} dB`],
      ["SSIM", point.ssim === null ? "not computed" : point.ssim.toFixed(4)], ...costs,
      ...(timed ? [[ScoreChart.GROUPS[this.state.group].name, this.costText(point) || "not measured"]] : []),
      ...(timed && point.method in changes ? [["Change by 8-bit integers", `${changes[point.method].toFixed(2)} dB (validation images)`]] : []),
      ["Mean over", `${number(point.pictures)} images${point.budgets.length ? `, ${point.seeds} training seed${point.seeds > 1 ? "s" : ""}` : ""}`],
    ];
    card.querySelector("dl").replaceChildren(...facts.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: text })]));
    for (const image of card.querySelectorAll("img")) image.classList.add("old");
    card.querySelector(".sample").textContent = `Computing its output at sigma ${this.level.label}…`;
    const opens = this.set.opens, button = card.querySelector(".open");
    Object.assign(button, { hidden: !opens, textContent: `Show in ${opens}` });
  }

  /** Keep an answer of the server, and show it or ask for the point that was chosen meanwhile. */
  previewed(found) {
    this.until = 0;
    if (!found.error) this.outputs.set(JSON.stringify(found.asked), found);
    if (!this.chosen) return;
    const wanted = JSON.stringify(this.asked(this.chosen));
    if (JSON.stringify(found.asked) === wanted) this.show(found);
    else if (!this.outputs.has(wanted)) this.ask();
  }
  /** Show the output of the chosen point in the card. */
  show(found) {
    const card = this.find(".card"), { label } = this.data.arms[this.chosen.arm];
    card.querySelector(".sample").textContent = found.error ? `No output. ${found.error}`
      : `Sample ${found.sample}, sigma ${this.level.label}${this.chosen.budgets.length ? ", network of the first seed" : ""}.`;
    const texts = [["clean", "Clean", "Clean sample"], ["noisy", `Noisy, ${found.noisy_db} dB`, "Noisy sample"],
      ["output", `Output, ${found.output_db} dB`, `Output of ${label}`]];
    [...card.querySelectorAll("figure")].forEach((figure, i) => {
      const image = figure.querySelector("img"), [name, text, alt] = texts[i];
      Object.assign(image, { hidden: Boolean(found.error), alt });
      image.classList.remove("old");
      if (found.error) return;
      image.src = found[name];
      figure.querySelector("figcaption").textContent = text;
    });
  }

  open() { if (this.chosen && this.set.opens) this.tell("open", { ...this.asked(this.chosen), tab: this.set.opens }); }
});
