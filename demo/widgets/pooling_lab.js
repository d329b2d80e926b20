// Max-pooling and two ways back, to touch: a pixel lights up the pixels that it comes from and goes to.
customElements.define("pooling-lab", class PoolingLab extends Lab {
  static FIRST = [[3, 11, 6, 2], [7, 1, 16, 9], [14, 5, 4, 10], [8, 12, 13, 15]];

  constructor() {
    super();
    this.input = PoolingLab.FIRST.map((row) => [...row]);
    this.find(".shuffle").addEventListener("click", () => this.shuffle());
  }
  connectedCallback() { this.restore(); }
  /** Take the numbers of a link; numbers that are not 1 to 16 are dropped. */
  restore() {
    const { pool } = this.given, sorted = [...(pool ?? [])].sort((a, b) => a - b);
    if (sorted.length === 16 && sorted.every((value, i) => value === i + 1))
      this.input = layers.filled(4, 4, (r, c) => pool[4 * r + c]);
    this.draw();
  }

  /** Put the numbers 1 to 16 into another order. */
  shuffle() {
    const order = this.input.flat().map((value) => [Math.random(), value]).sort(([a], [b]) => a - b);
    this.input = layers.filled(4, 4, (r, c) => order[4 * r + c][1]);
    this.draw();
    this.say("Other numbers: the maxima have other positions.");
  }

  draw() {
    this.pooled = layers.pooled(this.input);
    const { maxima, places } = this.pooled, kept = (r, c) => places[r >> 1][c >> 1].join() === [r, c].join();
    this.cells("input", this.input, { pressed: kept });
    this.cells("pooled", maxima);
    this.cells("unpooled", layers.filled(4, 4, (r, c) => (kept(r, c) ? this.input[r][c] : 0)));
    this.cells("repeated", layers.filled(4, 4, (r, c) => maxima[r >> 1][c >> 1]));
    this.unlight();
    this.tell({ pool: this.input.flat().join("_") });
  }

  /** Light the block of a pixel in every grid, but of the unpooled one only the position that is filled. */
  point({ grid, row, column }) {
    const half = grid === "pooled" ? [Number(row), Number(column)] : [row >> 1, column >> 1];
    const block = [0, 1].flatMap((y) => [0, 1].map((x) => [2 * half[0] + y, 2 * half[1] + x]));
    const place = this.pooled.places[half[0]][half[1]], value = Lab.text(this.pooled.maxima[half[0]][half[1]]);
    this.unlight();
    this.light("input", grid === "unpooled" ? [place] : block);
    this.light("pooled", [half]);
    this.light("unpooled", [place]);
    this.light("repeated", block);
    this.say(`The block keeps ${value}. Unpooling writes it to its position, row ${place[0] + 1}, column ${place[1] + 1}; ` +
      "upsampling writes it four times.");
  }

  /** Swap a pixel with the maximum of its block. */
  press({ grid, row, column }) {
    if (grid !== "input") return;
    const [r, c] = this.pooled.places[row >> 1][column >> 1];
    [this.input[r][c], this.input[row][column]] = [this.input[row][column], this.input[r][c]];
    this.draw();
    this.point({ grid, row, column });
  }
});
