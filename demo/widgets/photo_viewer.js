// Input and output of one image in one canvas, so that both always show the same region: a dividing line, zoom, pan, a loupe,
// and the strength as a blend that is computed here. A custom element: Gradio updates a page attribute by attribute, and
// leaves the shadow DOM as it is. `before` and `after` are images of at most the size `width` x `height`; `full` are their
// addresses at that size, loaded once a pixel of them is seen.
class PhotoViewer extends HTMLElement {
  static observedAttributes = ["data-result"];  // a new result has a new value
  static LARGEST_SCALE = 32;
  static STEP = 1.5;  // of a button or a key
  static LOUPE = 128;  // CSS pixels of a side
  static QUIET = 300;  // milliseconds without scrolling after which the wheel zooms
  static all = new Set();
  static scrolled = -Infinity;  // time of the last scroll of the page
  static strength = 100;  // percent; of all viewers, because a page has one slider

  /** Show every result at a strength; called by the slider. */
  static setStrength(percent) {
    PhotoViewer.strength = percent;
    for (const one of PhotoViewer.all) one.draw();
  }

  /** Return the PSNR of a blend in dB: the squared error is a polynomial of the strength. */
  static psnr([before, product, after], percent) {
    const s = percent / 100;
    return -10 * Math.log10((1 - s) ** 2 * before + 2 * s * (1 - s) * product + s ** 2 * after);
  }

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = document.getElementById("photo-viewer").textContent;
    this.find = (selector) => this.shadowRoot.querySelector(selector);
    Object.assign(this, { stage: this.find(".stage"), canvas: this.find(".stage > canvas"), handle: this.find(".line"),
      loupe: this.find(".loupe"), at: 50, scale: 1, x: 0, y: 0, fitted: true, point: null, pointers: new Map(), gesture: null });
    this.listen();
    this.watcher = new ResizeObserver(() => this.layout());
  }
  connectedCallback() {
    PhotoViewer.all.add(this);
    this.watcher.observe(this);
    this.load();
  }
  disconnectedCallback() {
    PhotoViewer.all.delete(this);
    this.watcher.disconnect();
  }
  attributeChangedCallback() { if (this.isConnected) queueMicrotask(() => this.load()); }

  /** Take a new result; zoom and place stay if its size is the same. */
  async load() {
    const { width, height, before, after, errors, label } = this.dataset, result = this.dataset.result;
    const pair = await this.decoded([before, after]);
    if (result !== this.dataset.result) return;
    const same = this.width === Number(width) && this.height === Number(height);
    Object.assign(this, { width: Number(width), height: Number(height), errors: errors ? JSON.parse(errors) : null,
      sources: pair, mixed: null, fullState: "" });
    this.canvas.setAttribute("aria-label", label);
    if (!same) this.fitted = true;
    this.dataset.shown = result;
    this.layout();
  }
  decoded(addresses) {
    return Promise.all(addresses.map(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return image;
    }));
  }

  /** Load both images at full size, unless they are shown so already. */
  async loadFull() {
    if (!this.dataset.full || this.fullState) return;
    this.fullState = "loading";
    const result = this.dataset.result;
    try {
      const pair = await this.decoded(JSON.parse(this.dataset.full));
      if (result !== this.dataset.result) return;
      Object.assign(this, { sources: pair, mixed: null, fullState: "shown" });
    } catch {
      if (result !== this.dataset.result) return;
      this.fullState = "failed";  // deleted since, or no connection
    }
    this.draw();
  }

  // Geometry: a pixel of the image is `scale` CSS pixels, its upper left corner lies at (x, y) of the stage.
  get fit() {
    const most = Math.min(this.clientWidth / this.width, this.tallest / this.height);
    return most > 1 ? Math.min(8, Math.floor(most)) : most;  // whole steps keep pixels square
  }
  get tallest() { return Math.max(160, innerHeight * Number(getComputedStyle(this).getPropertyValue("--tallest") || 0.7)); }
  get zoomed() { return this.scale > this.fit * 1.001; }

  layout() {
    if (!this.width || !this.clientWidth) return;
    const fit = this.fit;
    this.stage.style.height = `${Math.max(96, Math.round(this.height * fit))}px`;
    if (this.fitted || this.scale < fit) this.scale = fit;
    this.place(this.x, this.y);
  }
  /** Move the image, within the stage; smaller than the stage, it is centered. */
  place(x, y) {
    const within = (at, size, stage) => (size <= stage ? (stage - size) / 2 : Math.min(0, Math.max(stage - size, at)));
    const round = this.scale >= 1 ? Math.round : (at) => at;  // whole pixels stay exact
    this.x = round(within(x, this.width * this.scale, this.stage.clientWidth));
    this.y = round(within(y, this.height * this.scale, this.stage.clientHeight));
    this.fitted = !this.zoomed;
    this.draw();
  }
  /** Zoom to a scale around a point of the stage, by default its center. */
  zoom(scale, [x, y] = [this.stage.clientWidth / 2, this.stage.clientHeight / 2]) {
    if (!this.width) return;
    const next = Math.min(Math.max(PhotoViewer.LARGEST_SCALE, this.fit), Math.max(this.fit, scale)), ratio = next / this.scale;
    this.scale = next;
    this.place(x - (x - this.x) * ratio, y - (y - this.y) * ratio);
  }
  /** Zoom by a factor; 100 % is not jumped over. */
  step(factor, point) {
    const next = this.scale * factor, crossed = (this.scale - 1) * (next - 1) < -1e-9 && 1 >= this.fit;
    this.zoom(crossed ? 1 : next, point);
  }

  // Drawing
  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.paint(); });
  }
  /** Return input and output, as images or canvases; the output is blended by the strength. */
  get layers() {
    const [before, after] = this.sources, percent = PhotoViewer.strength;
    if (percent === 100) return [before, after];
    if (percent === 0) return [before, before];
    return [before, this.blended(before, after, percent)];
  }
  blended(before, after, percent) {
    this.mixed ??= this.prepared(before, after);
    const { first, last, context, image, shown } = this.mixed;
    if (shown !== percent) {
      const table = Int32Array.from({ length: 511 }, (_, i) => percent * (i - 255) + 50), out = image.data;
      for (let i = 0; i < out.length; i++) out[i] = (100 * first[i] + table[last[i] - first[i] + 255]) / 100 | 0;
      context.putImageData(image, 0, 0);
      this.mixed.shown = percent;
    }
    return context.canvas;
  }
  prepared(...images) {
    const [first, last] = images.map((image) => {
      const context = PhotoViewer.context(image.naturalWidth, image.naturalHeight);
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
    });
    return { first: first.data, last: last.data, image: new ImageData(first.width, first.height),
      context: PhotoViewer.context(first.width, first.height) };
  }
  static context(width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    return canvas.getContext("2d", { willReadFrequently: true });
  }

  paint() {
    if (!this.sources || !this.stage.clientWidth) return;
    const ratio = devicePixelRatio, [wide, tall] = [this.stage.clientWidth, this.stage.clientHeight];
    if (this.scale * ratio > this.sources[0].naturalWidth / this.width + 0.01 || this.point) this.loadFull();
    const size = [wide * ratio, tall * ratio].map(Math.round);
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const pen = this.canvas.getContext("2d"), layers = this.layers, line = this.line();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    for (const [layer, left, right] of [[layers[1], line, wide], [layers[0], 0, line]]) {
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, right - left, tall);
      pen.clip();
      this.region(pen, layer, this.scale, this.x, this.y);
      pen.restore();
    }
    this.handle.style.left = `${line}px`;
    const [left, right] = this.edges;
    this.find(".side.left").style.left = `${left + 8}px`;
    this.find(".side.right").style.right = `${wide - right + 8}px`;
    this.enlarge(layers, pen);
    this.say();
  }
  /** Draw an image at a scale; its pixels are squares from 100 % on. */
  region(pen, layer, scale, x, y) {
    pen.imageSmoothingEnabled = scale < 1 || (layer.naturalWidth ?? layer.width) < this.width;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(layer, x, y, this.width * scale, this.height * scale);
  }
  /** Return the edges of the visible image in the stage. */
  get edges() {
    return [Math.max(0, this.x), Math.min(this.stage.clientWidth, this.x + this.width * this.scale)];
  }
  line() {
    const [left, right] = this.edges;
    return left + this.at / 100 * (right - left);
  }
  /** Write numbers that follow the view; a live region changes only if its text does. */
  say() {
    const write = (selector, text) => { const at = this.find(selector); if (at.textContent !== text) at.textContent = text; };
    const waits = { loading: ", loading full size…", failed: ", full size is no longer there" }[this.fullState] ?? "";
    write("output", `${Math.round(this.scale * 100)} %${waits}`);
    const percent = PhotoViewer.strength, decibels = (at) => PhotoViewer.psnr(this.errors, at).toFixed(2);
    write(".scores", !this.errors || percent === 100 ? "" : percent === 0
      ? `Strength 0 %: the input itself, PSNR ${decibels(0)} dB.`
      : `Strength ${percent} %: PSNR ${decibels(percent)} dB (input ${decibels(0)}, strength 100 % ${decibels(100)}).`);
    const value = `${Math.round(this.at)}`;
    if (this.handle.getAttribute("aria-valuenow") !== value) {
      this.handle.setAttribute("aria-valuenow", value);
      this.handle.setAttribute("aria-valuetext", `${value} %`);
    }
    this.find(".plus").disabled = this.scale >= PhotoViewer.LARGEST_SCALE;
    this.find(".minus").disabled = !this.zoomed;
    this.stage.classList.toggle("free", this.zoomed || this.point !== null);
    this.stage.classList.toggle("zoomed", this.zoomed);
  }

  // Loupe: input and output side by side around a point of the stage
  toggleLoupe() {
    const on = this.point === null;
    this.point = on ? [this.stage.clientWidth / 2, this.stage.clientHeight / 2] : null;
    this.find(".magnify").setAttribute("aria-pressed", on);
    this.loupe.hidden = !on;
    this.draw();
  }
  enlarge(layers, pen) {
    if (!this.point) return;
    const side = PhotoViewer.LOUPE, scale = Math.max(4, 2 * this.scale), ratio = devicePixelRatio;
    const [x, y] = this.point = this.point.map((at, i) => Math.min(i ? this.stage.clientHeight : this.stage.clientWidth, Math.max(0, at)));
    const center = [(x - this.x) / this.scale, (y - this.y) / this.scale];
    this.loupe.querySelectorAll("canvas").forEach((canvas, i) => {
      canvas.width = canvas.height = side * ratio;
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.region(context, layers[i], scale, ...center.map((at) => Math.round(side / 2 - at * scale)));
    });
    const seen = side / scale * this.scale;
    for (const [color, width] of [["#000", 3], ["#fff", 1]]) {
      Object.assign(pen, { strokeStyle: color, lineWidth: width });
      pen.strokeRect(x - seen / 2, y - seen / 2, seen, seen);
    }
    const [wide, tall] = [this.loupe.offsetWidth, this.loupe.offsetHeight], gap = seen / 2 + 24;
    const left = Math.min(this.stage.clientWidth - wide, Math.max(0, x - wide / 2));
    const top = y - gap - tall >= 0 ? y - gap - tall : Math.min(y + gap, this.stage.clientHeight - tall);
    this.loupe.style.transform = `translate(${left}px, ${Math.max(0, top)}px)`;
    this.loupe.querySelector("figcaption").textContent = `Input | output, ${Math.round(scale * 100)} %`;
  }

  // Gestures
  listen() {
    const clicks = { ".plus": () => this.step(PhotoViewer.STEP), ".minus": () => this.step(1 / PhotoViewer.STEP),
      ".fit": () => this.zoom(0), ".one": () => this.zoom(1), ".magnify": () => this.toggleLoupe() };
    for (const [selector, act] of Object.entries(clicks)) this.find(selector).addEventListener("click", act);
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
    this.stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const kind of ["pointerup", "pointercancel"]) this.stage.addEventListener(kind, (event) => this.lift(event));
    this.stage.addEventListener("dblclick", (event) => this.zoom(this.zoomed ? 0 : Math.max(1, 2 * this.fit), this.spot(event)));
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    // two fingers zoom the image, and never the page
    this.stage.addEventListener("touchstart", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });
    for (const kind of ["mousedown", "dragstart"]) this.stage.addEventListener(kind, (event) => event.preventDefault());
    this.stage.addEventListener("keydown", (event) => this.key(event));
  }
  spot(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  press(event) {
    if (event.button || !this.width || event.composedPath().includes(this.loupe)) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.spot(event));
    const onLine = event.composedPath().includes(this.handle), touch = event.pointerType === "touch";
    (onLine || !this.zoomed ? this.handle : this.stage).focus({ preventScroll: true });
    if (this.pointers.size === 2) this.gesture = { kind: "pinch", ...this.spread() };
    else if (onLine) this.gesture = { kind: "line" };
    else if (this.point && touch) this.gesture = { kind: "loupe" };
    else this.gesture = this.zoomed ? this.grabbed(event) : { kind: "line" };
    // a finger may be about to scroll the page, or to be joined by a second one
    if (!touch || this.gesture.kind === "loupe") this.drag(event);
  }
  /** Return the gesture that keeps a point of the image under the pointer. */
  grabbed(event) {
    const [x, y] = this.pointers.get(event.pointerId) ?? [...this.pointers.values()][0];
    return { kind: "pan", from: [this.x - x, this.y - y] };
  }
  /** Return distance and center of two fingers. */
  spread() {
    const [[x, y], [u, v]] = [...this.pointers.values()];
    return { distance: Math.max(1, Math.hypot(x - u, y - v)), center: [(x + u) / 2, (y + v) / 2] };
  }
  drag(event) {
    const spot = this.spot(event);
    if (event.pointerType !== "touch" && this.point) { this.point = spot; this.draw(); }
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, spot);
    const { kind, from } = this.gesture ?? {};
    if (kind === "pan") this.place(from[0] + spot[0], from[1] + spot[1]);
    if (kind === "line") this.moveLine(spot[0]);
    if (kind === "loupe") { this.point = spot; this.draw(); }
    if (kind === "pinch" && this.pointers.size === 2) this.pinch();
  }
  pinch() {
    const now = this.spread(), { distance, center } = this.gesture;
    this.zoom(this.scale * now.distance / distance, now.center);
    this.place(this.x + now.center[0] - center[0], this.y + now.center[1] - center[1]);
    Object.assign(this.gesture, now);
  }
  lift(event) {
    this.pointers.delete(event.pointerId);
    this.gesture = this.pointers.size === 1 && this.zoomed ? this.grabbed(event) : null;
  }
  moveLine(x) {
    const [left, right] = this.edges;
    this.at = Math.min(100, Math.max(0, (x - left) / (right - left) * 100));
    this.draw();
  }
  wheel(event) {
    const atFit = event.deltaY > 0 && !this.zoomed;  // the page scrolls on
    const scrolling = !event.ctrlKey && performance.now() - PhotoViewer.scrolled < PhotoViewer.QUIET;
    if (atFit && !event.ctrlKey || scrolling) return;
    event.preventDefault();
    const lines = event.deltaMode ? 33 : 1;  // a line of the wheel in pixels
    this.step(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), this.spot(event));
  }
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const zooms = { "+": () => this.step(PhotoViewer.STEP), "=": () => this.step(PhotoViewer.STEP),
      "-": () => this.step(1 / PhotoViewer.STEP), 0: () => this.zoom(0), 1: () => this.zoom(1), l: () => this.toggleLoupe() };
    const onLine = this.shadowRoot.activeElement === this.handle;
    const act = zooms[event.key] ?? (onLine ? this.lineKey(event.key) : this.arrow(event.key));
    if (!act) return;
    event.preventDefault();
    act();
  }
  lineKey(key) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity }[key];
    return by && (() => { this.at = Math.min(100, Math.max(0, Math.round(this.at) + by)); this.draw(); });
  }
  /** Move the loupe, else the image. */
  arrow(key) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (!by) return null;
    if (!this.point) return () => this.place(this.x - 40 * by[0], this.y - 40 * by[1]);
    return () => { this.point = [this.point[0] + 8 * by[0], this.point[1] + 8 * by[1]]; this.draw(); };
  }
}
customElements.define("photo-viewer", PhotoViewer);
// One listener for all viewers: one of each viewer would keep its images after the viewer is gone.
addEventListener("scroll", () => { PhotoViewer.scrolled = performance.now(); }, { passive: true, capture: true });

// Until the server has blended the file at a new strength, the button offers the file of the strength before.
addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("#photo-file");
  const wanted = PhotoViewer.strength === 100 ? "the output" : `strength ${PhotoViewer.strength} %`;
  if (!button || button.textContent.includes(wanted)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
