// Base of the labs of the Learn tab: grids of numbers to point at, press and walk through by the arrow keys. The shadow DOM
// is the template whose id is the element's name.
class Lab extends HTMLElement {
  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML =
      ["lab", this.localName].map((id) => document.getElementById(id).textContent).join("");
    for (const kind of ["pointerover", "focusin"])
      this.shadowRoot.addEventListener(kind, ({ target }) => { if (target.dataset?.grid) this.point(target.dataset); });
    this.shadowRoot.addEventListener("click", ({ target }) => { if (target.dataset?.grid) this.press(target.dataset); });
    this.shadowRoot.addEventListener("keydown", (event) => this.move(event));
    this.find(".board").addEventListener("pointerleave", () => this.unlight());
  }
  static observedAttributes = ["data-settings"];
  attributeChangedCallback() { if (this.isConnected && this.drawn) this.restore(); }
  /** Return the settings that a link gives, by their names in it. */
  get given() { return JSON.parse(this.dataset.settings ?? "{}"); }
  /** Tell the settings to the links of the page. */
  tell(settings) {
    this.drawn = true;
    this.dataset.link = JSON.stringify(settings);
  }
  restore() {}
  find(selector) { return this.shadowRoot.querySelector(selector); }
  say(text) { this.find(".said").textContent = text; }
  point() {}
  press() {}

  /** Format a number for a cell or a sentence. */
  static text = (number) => String(Number(number.toFixed(2))).replace("-", "−");

  /** Draw rows of numbers in the grid `name`; cells are kept while the size stays, so that the focus stays. */
  cells(name, rows, { pressed = null } = {}) {
    const table = this.find(`.${name} table`), largest = Math.max(1e-9, ...rows.flat().map(Math.abs));
    if (table.rows.length !== rows.length || table.rows[0]?.cells.length !== rows[0].length)
      table.replaceChildren(...rows.map((values, row) => this.line(name, values.length, row, pressed)));
    rows.forEach((values, row) => values.forEach((value, column) => {
      const cell = table.rows[row].cells[column], shade = Math.round(255 * Math.abs(value) / largest);
      cell.style.background = value < 0 ? `rgb(${255 - shade},${255 - Math.round(shade / 2)},255)` : `rgb(${shade},${shade},${shade})`;
      cell.style.color = value < 0 || shade > 117 ? "#000" : "#fff";
      cell.firstChild.textContent = Lab.text(value);
      if (pressed) cell.firstChild.setAttribute("aria-pressed", pressed(row, column));
    }));
  }

  line(name, count, row, pressed) {
    const line = document.createElement("tr");
    line.setAttribute("role", "row");
    for (let column = 0; column < count; column++) {
      const cell = document.createElement("td"), inner = document.createElement(pressed ? "button" : "span");
      cell.setAttribute("role", pressed ? "gridcell" : "presentation");
      if (pressed) inner.type = "button";
      else inner.setAttribute("role", "gridcell");
      Object.assign(inner.dataset, { grid: name, row, column });
      inner.tabIndex = row || column ? -1 : 0;  // one stop of the Tab key for each grid
      cell.append(inner);
      line.append(cell);
    }
    return line;
  }

  /** Light cells of a grid. */
  light(name, places) {
    for (const [row, column] of places) this.find(`.${name} table`).rows[row].cells[column].classList.add("lit");
  }
  unlight() { for (const cell of this.shadowRoot.querySelectorAll(".lit")) cell.classList.remove("lit"); }

  /** Move the focus in a grid by the arrow keys. */
  move(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target;
    if (!steps || !cell.dataset?.grid) return;
    event.preventDefault();
    const rows = cell.closest("table").rows;
    const next = rows[Number(cell.dataset.row) + steps[0]]?.cells[Number(cell.dataset.column) + steps[1]]?.firstChild;
    if (!next) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}
