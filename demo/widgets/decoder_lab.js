// A transposed convolution, and upsampling + convolution, to touch: an output pixel shows its inputs and weights, an input
// pixel its stamp. `layers.js` computes.
customElements.define("decoder-lab", class DecoderLab extends Lab {
  static SIDE = 4;  // pixels of the input
  static PAUSE = 350;  // milliseconds between two stamps
  static LAYERS = ["transposed", "resized"];
  static PATTERNS = {
    point: (r, c) => Number(r === 1 && c === 1),
    ones: () => 1,
    ramp: (r, c) => 1 + r * DecoderLab.SIDE + c,
    edge: (r, c) => Number(r + c < DecoderLab.SIDE),
  };
  /** Weight of linear interpolation at a place of a kernel; the kernel is centered. */
  static tent = (place, size, stride) => Math.max(0, 1 - Math.abs(place - (size - 1) / 2) / stride);

  constructor() {
    super();
    this.state = { pattern: "ones", preset: "ones", size: 3, stride: 2, framework: "pytorch", view: "sums" };
    this.stamped = null;  // places of the input pixels whose stamps are shown, or null for all
    for (const [name, value] of Object.entries(this.state)) this.find(`[name=${name}]`).value = value;
    this.shadowRoot.addEventListener("input", ({ target }) => this.changed(target));
    this.find(".play").addEventListener("click", () => this.play());
  }
  connectedCallback() {
    this.trained = this.dataset.trained ? JSON.parse(this.dataset.trained) : null;
    this.find("[value=trained]").hidden = !this.trained;
    this.restore();
  }
  /** Take the settings of a link; weights of another number than the kernels are dropped. */
  restore() {
    const { weights, ...given } = this.given;
    for (const [name, value] of Object.entries(given)) {
      const control = name.slice("lab-".length), number = ["size", "stride"].includes(control);
      this.choose(control, number ? Number(value) : value);
    }
    if (this.state.preset === "trained" && !this.trained) this.choose("preset", "ones");
    this.preset();
    const { size } = this.state;
    if (weights?.length !== size * size + 9) return;
    this.kernels = {
      transposed: layers.filled(size, size, (r, c) => weights[r * size + c]),
      resized: layers.filled(3, 3, (r, c) => weights[size * size + 3 * r + c]),
    };
    this.edited = true;
    DecoderLab.LAYERS.forEach((layer) => this.fields(layer));
    this.draw();
  }
  disconnectedCallback() { clearTimeout(this.timer); }

  /** Take a control's value, or an edited weight. */
  changed(control) {
    clearTimeout(this.timer);
    if (control.matches(".weight")) {
      const { layer, row, column } = control.dataset;
      this.kernels[layer][row][column] = control.valueAsNumber || 0;
      this.edited = true;
      return this.draw();
    }
    this.state[control.name] = control.type === "range" ? control.valueAsNumber : control.value;
    if (["size", "stride"].includes(control.name) && this.state.preset === "trained") this.choose("preset", "ones");
    if (["preset", "size", "stride"].includes(control.name)) return this.preset();
    this.stamped = null;
    this.draw();
  }
  choose(name, value) { this.find(`[name=${name}]`).value = this.state[name] = value; }

  /** Fill both kernels by the chosen preset. */
  preset() {
    if (this.state.preset === "trained") {
      this.choose("size", this.trained.transposed.length);
      this.choose("stride", 2);
    }
    const { preset, size, stride } = this.state, random = () => Math.round(20 * Math.random() - 10) / 10;
    const tent = (y, x) => DecoderLab.tent(y, size, stride) * DecoderLab.tent(x, size, stride);
    const ways = {
      ones: [() => 1, () => 1],
      tent: [tent, (y, x) => Number(y === 1 && x === 1)],
      random: [random, random],
      trained: DecoderLab.LAYERS.map((layer) => (y, x) => this.trained?.[layer][y][x]),
    };
    this.kernels = { transposed: layers.filled(size, size, ways[preset][0]), resized: layers.filled(3, 3, ways[preset][1]) };
    this.edited = preset === "random";
    this.stamped = null;
    DecoderLab.LAYERS.forEach((layer) => this.fields(layer));
    this.draw();
  }

  get input() { return layers.filled(DecoderLab.SIDE, DecoderLab.SIDE, DecoderLab.PATTERNS[this.state.pattern]); }

  /** Compute and draw everything. */
  draw() {
    const { stride, framework, view } = this.state, given = (rows) => (view === "counts" ? rows.map((row) => row.map(() => 1)) : rows);
    const input = given(this.input), { transposed, resized } = this.kernels;
    const shown = input.map((row, r) => row.map((value, c) => (!this.stamped || this.stamped.has(`${r},${c}`) ? value : 0)));
    this.outputs = {
      transposed: layers.transposed(shown, given(transposed), stride, framework),
      resized: layers.resized(shown, given(resized), stride),
    };
    for (const range of this.shadowRoot.querySelectorAll("[type=range]")) range.nextElementSibling.value = range.value;
    this.cells("input", this.input, { pressed: (r, c) => Boolean(this.stamped?.has(`${r},${c}`)) });
    for (const layer of DecoderLab.LAYERS)
      this.cells(layer, this.outputs[layer].map((row) => row.map(({ value }) => value)));
    this.unlight();
    this.captions();
    const settings = Object.fromEntries(Object.entries(this.state).map(([name, value]) => [`lab-${name}`, value]));
    const weights = DecoderLab.LAYERS.flatMap((layer) => this.kernels[layer].flat());
    this.tell(this.edited ? { ...settings, weights: weights.join("_") } : settings);
  }

  captions() {
    const { stride, size, framework } = this.state, side = DecoderLab.SIDE, { start, end } = layers.crop(size, stride, framework);
    const caption = (layer, text) => { this.find(`.${layer} figcaption`).textContent = text; };
    caption("transposed", `Transposed conv ${size}x${size}, stride ${stride}. ` + (size % stride === 0
      ? "Inside, every pixel adds up as many copies." : `${size} is no multiple of ${stride}: pixels add up unequal numbers of copies.`));
    caption("resized", `Upsampling nearest x${stride} + conv 3x3. Inside, every pixel adds up 9 products.`);
    const whole = (side - 1) * stride + size, ways = {
      none: "nothing is cropped",
      pytorch: `PyTorch crops ${Math.max(0, start)} at the start and ${Math.max(0, end)} at the end ` +
        `(padding=${Math.max(0, start)}, output_padding=${Math.max(0, start - end)})`,
      keras: `Keras crops ${Math.max(0, start)} at the start and ${Math.max(0, end)} at the end (padding="same")`,
    };
    this.find(".size").textContent = `Size: (${side} − 1) · ${stride} + ${size} = ${whole}; ${ways[framework]}` +
      `${end < 0 ? `, and ${-end} of zeros are added` : ""}: ${whole - start - end}.`;
  }

  /** Draw a kernel as number fields. */
  fields(layer) {
    this.find(`.kernel-${layer} table`).replaceChildren(...this.kernels[layer].map((weights, row) => {
      const line = document.createElement("tr");
      line.append(...weights.map((weight, column) => {
        const cell = document.createElement("td"), field = document.createElement("input");
        Object.assign(field, { type: "number", step: "0.1", className: "weight", value: Number(weight.toFixed(2)) });
        Object.assign(field.dataset, { layer, row, column });
        field.setAttribute("aria-label", `Weight ${row + 1}, ${column + 1}`);
        cell.append(field);
        return cell;
      }));
      return line;
    }));
  }

  /** Light what belongs to an output pixel, or the output pixels of an input pixel. */
  point({ grid, row, column }) {
    const at = [Number(row), Number(column)], same = (place) => place[0] === at[0] && place[1] === at[1];
    this.unlight();
    this.light(grid, [at]);
    if (grid === "input") {
      for (const layer of DecoderLab.LAYERS)
        this.outputs[layer].forEach((line, r) => line.forEach(({ terms }, c) => {
          if (terms.some((term) => same(term.input))) this.light(layer, [[r, c]]);
        }));
      return;
    }
    const { terms, value } = this.outputs[grid][at[0]][at[1]];
    this.light("input", terms.map((term) => term.input));
    this.light(`kernel-${grid}`, terms.map((term) => term.kernel));
    const sum = terms.map((term) => `${Lab.text(term.value)} · ${Lab.text(term.weight)}`).join(" + ") || "no product";
    this.say(`Output (${at[0] + 1}, ${at[1] + 1}) = ${sum} = ${Lab.text(value)}.`);
  }

  /** Show the stamp of an input pixel alone; pressed again, show all. */
  press({ grid, row, column }) {
    if (grid !== "input") return;
    clearTimeout(this.timer);
    const place = `${row},${column}`, alone = this.stamped?.size === 1 && this.stamped.has(place);
    this.stamped = alone ? null : new Set([place]);
    this.draw();
    this.say(alone ? "All stamps are added up." : `Input (${Number(row) + 1}, ${Number(column) + 1}) alone: its value times the ` +
      "weights, written into the output. Press it again for all.");
  }

  /** Add up the stamps one by one; at once if the visitor asks for less motion. */
  play() {
    clearTimeout(this.timer);
    const places = this.input.flatMap((row, r) => row.map((value, c) => (value ? `${r},${c}` : ""))).filter(Boolean);
    const step = (count) => {
      this.stamped = count < places.length ? new Set(places.slice(0, count)) : null;
      this.draw();
      this.say(`${count} of ${places.length} stamps.`);
      if (this.stamped) this.timer = setTimeout(step, DecoderLab.PAUSE, count + 1);
    };
    step(matchMedia("(prefers-reduced-motion: reduce)").matches ? places.length : 1);
  }
});
