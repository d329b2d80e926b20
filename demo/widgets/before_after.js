// Images with a draggable dividing line. A custom element: Gradio updates a page attribute by attribute, but leaves the
// line in the shadow DOM as it is. All lines of the page move as one, so a new output moves no line.
customElements.define("before-after", class BeforeAfter extends HTMLElement {
  static all = new Set();
  static at = 50;
  static move(at) {
    BeforeAfter.at = Math.min(100, Math.max(0, at));
    for (const one of BeforeAfter.all) one.draw();
  }
  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = `<style>
      .all { display: contents; }
      .line { position: absolute; top: 0; bottom: 0; left: var(--at); width: 44px; margin-left: -22px; outline: none; }
      .line::before { content: ""; position: absolute; top: 0; bottom: 0; left: 21px; width: 2px; background: #fff;
        box-shadow: 0 0 2px #000; }
      .line::after { content: "↔"; position: absolute; left: 9px; top: calc(50% - 13px); width: 26px; height: 26px;
        font: 18px/26px sans-serif; text-align: center; color: #222; background: #fff; border-radius: 50%;
        box-shadow: 0 0 3px #000; }
      :host(.plain) .line::after { left: 15px; top: calc(50% - 7px); width: 14px; height: 14px; content: ""; }
      .line:focus-visible::after { box-shadow: 0 0 0 3px #1d4ed8, 0 0 0 5px #fff; }
    </style><div class="all"><slot></slot><div class="line" role="slider" tabindex="0"
      aria-label="Dividing line between noisy input and output" aria-valuemin="0" aria-valuemax="100"></div></div>`;
    this.inside = this.shadowRoot.querySelector(".all");
    this.handle = this.shadowRoot.querySelector(".line");
    this.handle.addEventListener("keydown", (event) => this.press(event));
    this.addEventListener("pointerdown", (event) => this.grasp(event));
    for (const name of ["pointermove", "pointerup"])
      this.addEventListener(name, (event) => { if (this.hasPointerCapture(event.pointerId)) this.drag(event); });
    for (const name of ["mousedown", "dragstart"])  // no selection, no image to drag, and the line keeps the focus
      this.addEventListener(name, (event) => event.preventDefault());
    this.addEventListener("click", (event) => event.stopPropagation());
  }
  connectedCallback() {
    BeforeAfter.all.add(this);
    this.draw();
  }
  disconnectedCallback() { BeforeAfter.all.delete(this); }
  draw() {
    this.inside.style.setProperty("--at", `${BeforeAfter.at}%`);
    this.handle.setAttribute("aria-valuenow", Math.round(BeforeAfter.at));
    this.handle.setAttribute("aria-valuetext", `${Math.round(BeforeAfter.at)} %`);
  }
  grasp(event) {
    if (event.button) return;
    this.setPointerCapture(event.pointerId);
    this.handle.focus({ preventScroll: true });
    if (event.pointerType !== "touch") this.drag(event);  // a finger may be about to scroll the page
  }
  drag(event) {
    const box = this.getBoundingClientRect();
    BeforeAfter.move((event.clientX - box.left) / box.width * 100);
  }
  press(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10,
      Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    BeforeAfter.move(Math.round(BeforeAfter.at) + steps[event.key]);
  }
});
