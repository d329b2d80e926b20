// A table of scores: sorted by its headers, filtered, and copied as it is shown. The content is that of `fill`. With
// `data-tab`, a row is chosen and the button below the table opens its setting in that tab.
// Events: `point` (a row has the pointer or the focus), `press` (a row is pressed), `open` (the button is pressed).
customElements.define("score-table", class ScoreTable extends HTMLElement {
  static FORMATS = { markdown: "Markdown", csv: "CSV", latex: "LaTeX" };

  find(selector) { return this.querySelector(selector); }
  say(text) { this.find(".said").textContent = text; }
  tell(kind, row) { this.dispatchEvent(new CustomEvent(kind, { detail: row, bubbles: false })); }

  connectedCallback() {
    if (this.rows) return;
    this.rows = new Map();
    this.innerHTML = TEMPLATES.table;
    this.sorting = null;
    this.find("input").addEventListener("input", () => this.arrange());
    this.find(".copy").addEventListener("click", ({ target }) => { if (target.value) this.copy(target.value); });
    this.find("thead").addEventListener("click", ({ target }) => { if (target.closest("button")) this.sort(target.closest("th").cellIndex); });
    const body = this.find("tbody"), rowOf = (event) => this.rows.get(event.target.closest("tr")?.dataset.key);
    for (const kind of ["pointerover", "focusin"])
      body.addEventListener(kind, (event) => { if (event.pointerType !== "touch") this.tell("point", rowOf(event)); });
    body.addEventListener("pointerdown", (event) => { this.finger = event.pointerType === "touch"; });
    body.addEventListener("click", (event) => this.press(rowOf(event), event.detail > 0 && this.finger));
    this.find(".open").addEventListener("click", () => this.tell("open", { ...this.chosen.opens, tab: this.tab }));
  }

  /** Show rows: `columns` as in `copying`, `rows` [{ key, values, mark }], `sorting` { column, down }. */
  fill({ label, columns, rows, sorting, tab }) {
    this.columns = columns;
    this.rows = new Map(rows.map((row) => [row.key, row]));
    if (!this.sorting || this.sorting.column >= columns.length) this.sorting = sorting;
    this.tab = tab;
    this.chosen = null;
    this.find(".scroll").setAttribute("aria-label", label);
    const open = this.find(".open");
    open.hidden = !tab;
    if (tab) Object.assign(open, { disabled: true, textContent: `Show a setting in ${tab}: choose a row first` });
    this.find("thead tr").replaceChildren(...columns.map((column) => this.header(column)));
    this.find("tbody").replaceChildren(...rows.map((row) => this.line(row)));
    this.arrange(false);
  }

  header({ name, digits }) {
    const cell = document.createElement("th"), button = document.createElement("button");
    cell.scope = "col";
    cell.className = digits === undefined ? "" : "number";
    button.type = "button";
    button.textContent = name;
    cell.append(button);
    return cell;
  }

  line(row) {
    const line = document.createElement("tr");
    line.dataset.key = row.key;
    line.append(...row.values.map((value, i) => {
      const column = this.columns[i], cell = document.createElement(i === this.named ? "th" : "td");
      const text = copying.text(value, column);
      if (i !== this.named) {
        cell.textContent = text;
        if (column.digits !== undefined) cell.className = "number";
        return cell;
      }
      const button = Object.assign(document.createElement("button"), { type: "button" });
      if (row.mark) button.append(row.mark.cloneNode(true));
      button.append(text);
      cell.scope = "row";
      cell.append(button);
      return cell;
    }));
    return line;
  }
  /** Column that names a row. */
  get named() { return Math.max(0, this.columns.findIndex(({ names }) => names)); }

  sort(column) {
    const down = this.sorting?.column === column ? !this.sorting.down : this.columns[column].digits !== undefined;
    this.sorting = { column, down };
    this.arrange();
    this.say(`Sorted by ${this.columns[column].name}, ${down ? "descending" : "ascending"}.`);
  }

  /** Order the rows and hide those that the filter leaves out. */
  arrange(aloud = true) {
    const { column, down } = this.sorting, body = this.find("tbody"), sign = down ? -1 : 1;
    const digits = this.columns[column].digits, words = this.find("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    const value = (line) => this.rows.get(line.dataset.key).values[column];
    const lines = [...body.rows].sort((one, other) => {
      const a = value(one), b = value(other);
      if ((a ?? null) === null || (b ?? null) === null) return ((a ?? null) === null) - ((b ?? null) === null);  // missing: last
      return sign * (digits === undefined ? String(a).localeCompare(String(b), "en", { numeric: true }) : a - b);
    });
    for (const line of lines) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
    }
    body.append(...lines);
    [...this.find("thead tr").cells].forEach((cell, i) => {
      if (i === column) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    if (aloud) this.say(`${this.shown.length} of ${this.rows.size} rows.`);
  }
  /** Rows as they are shown. */
  get shown() { return [...this.find("tbody").rows].filter((line) => !line.hidden).map((line) => this.rows.get(line.dataset.key)); }

  async copy(format) {
    const rows = this.shown, done = await copying.put(copying[format]({ columns: this.columns, rows: rows.map(({ values }) => values) }));
    this.say(done ? `Copied ${rows.length} rows as ${ScoreTable.FORMATS[format]}.` : "The browser does not allow copying here.");
  }

  press(row, finger) {
    if (!row) return;
    if (!this.tab) return this.dispatchEvent(new CustomEvent("press", { detail: { row, finger } }));
    this.chosen = row;
    for (const line of this.find("tbody").rows) line.classList.toggle("lit", line.dataset.key === row.key);
    Object.assign(this.find(".open"), { disabled: false, textContent: `Show this setting in ${this.tab}: ${row.setting}` });
  }

  /** Light the row of a key, and scroll the table, not the page, to it. */
  light(key) {
    const scroll = this.find(".scroll");
    for (const line of this.find("tbody").rows) {
      line.classList.toggle("lit", line.dataset.key === key);
      if (line.dataset.key !== key || line.hidden) continue;
      const top = line.offsetTop - this.find("thead").offsetHeight, bottom = line.offsetTop + line.offsetHeight;
      if (top < scroll.scrollTop) scroll.scrollTop = top;
      else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
    }
  }
});
