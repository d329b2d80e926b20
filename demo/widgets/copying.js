// Tables as text: Markdown, CSV and LaTeX. A table is { columns: [{ name, digits }], rows: [[text or number or null]] };
// `digits` is the number of decimals of a column of numbers, absent for text.
const copying = {
  MISSING: "–",
  /** Format a cell: numbers with the decimals of their column, and commas between thousands if `grouped`. */
  text(value, { digits }, grouped = true) {
    if (value === null || value === undefined) return copying.MISSING;
    if (digits === undefined) return String(value);
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: grouped });
  },

  csv({ columns, rows }) {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const cell = (value, column) => (value === null || value === undefined ? "" : copying.text(value, column, false));
    return [columns.map(({ name }) => quoted(name)), ...rows.map((row) => row.map((value, i) => quoted(cell(value, columns[i]))))]
      .map((line) => `${line.join(",")}\n`).join("");
  },

  markdown({ columns, rows }) {
    const escaped = (text) => text.replace(/[\\`*_[\]<>|]/g, "\\$&").replace(/\s+/g, " ");
    const line = (cells) => `| ${cells.join(" | ")} |\n`;
    return line(columns.map(({ name }) => escaped(name)))
      + line(columns.map(({ digits }) => (digits === undefined ? ":---" : "---:")))
      + rows.map((row) => line(row.map((value, i) => escaped(copying.text(value, columns[i]))))).join("");
  },

  LATEX: { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "|": "\\textbar{}", "±": "$\\pm$", "−": "$-$", "×": "$\\times$", "–": "--" },
  latex({ columns, rows }) {
    const escaped = (text) => text.replace(/[&%$#_{}]|[\\~^<>|±−×–]/g, (sign) => copying.LATEX[sign] ?? `\\${sign}`);
    const line = (cells) => `${cells.join(" & ")} \\\\\n`;
    return "% needs \\usepackage{booktabs}\n"
      + `\\begin{tabular}{${columns.map(({ digits }) => (digits === undefined ? "l" : "r")).join("")}}\n\\toprule\n`
      + line(columns.map(({ name }) => escaped(name))) + "\\midrule\n"
      + rows.map((row) => line(row.map((value, i) => escaped(copying.text(value, columns[i]))))).join("")
      + "\\bottomrule\n\\end{tabular}\n";
  },

  /** Copy a text; return false if the browser forbids it. */
  async put(text) {
    if (navigator.clipboard) {
      const allowed = await navigator.clipboard.writeText(text).then(() => true, () => false);
      if (allowed) return true;
    }
    // Without HTTPS a browser has no clipboard object, but takes the selection.
    const field = Object.assign(document.createElement("textarea"), { value: text });
    field.style.cssText = "position:fixed;opacity:0";
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus({ preventScroll: true });
    return done;
  },
};
