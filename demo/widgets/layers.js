// The layers of the Learn tab on one small image: arrays of rows, one channel. Each output keeps its terms: which input
// value met which kernel value.
const layers = {
  /** Return an array of rows filled by `value(row, column)`. */
  filled: (rows, columns, value) =>
    Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => value(r, c))),

  /** Return where a framework crops the whole output of a transposed convolution, so that the size is `stride` times. */
  crop(kernel, stride, framework) {
    const extra = kernel - stride;
    if (framework === "none") return { start: 0, end: 0 };
    if (extra < 0) return { start: 0, end: extra };  // zeros are added at the end
    // PyTorch: padding at both sides, output_padding back at the end; Keras: the smaller half at the start
    const start = framework === "pytorch" ? Math.ceil(extra / 2) : Math.floor(extra / 2);
    return { start, end: extra - start };
  },

  /** Transposed convolution: each input value adds a copy of the kernel, `stride` pixels apart. */
  transposed(input, kernel, stride, framework) {
    const size = kernel.length, { start, end } = layers.crop(size, stride, framework);
    const rows = (input.length - 1) * stride + size - start - end;
    const columns = (input[0].length - 1) * stride + size - start - end;
    const output = layers.filled(rows, columns, () => ({ value: 0, terms: [] }));
    input.forEach((line, r) => line.forEach((value, c) => kernel.forEach((cells, y) => cells.forEach((weight, x) => {
      const pixel = output[r * stride + y - start]?.[c * stride + x - start];
      if (pixel) {
        pixel.value += value * weight;
        pixel.terms.push({ input: [r, c], kernel: [y, x], value, weight });
      }
    }))));
    return output;
  },

  /** Nearest upsampling by `stride`, then a convolution with zero padding, of the size of its input. */
  resized(input, kernel, stride) {
    const rows = input.length * stride, columns = input[0].length * stride, half = (kernel.length - 1) / 2;
    const output = layers.filled(rows, columns, () => ({ value: 0, terms: [] }));
    output.forEach((line, r) => line.forEach((pixel, c) => kernel.forEach((cells, y) => cells.forEach((weight, x) => {
      const large = [r + y - half, c + x - half];
      if (large[0] < 0 || large[1] < 0 || large[0] >= rows || large[1] >= columns) return;
      const at = large.map((place) => Math.floor(place / stride)), value = input[at[0]][at[1]];
      pixel.value += value * weight;
      pixel.terms.push({ input: at, kernel: [y, x], value, weight });
    }))));
    return output;
  },

  /** Max-pooling of 2x2 blocks: the maxima, and the position of each. */
  pooled(input) {
    const places = layers.filled(input.length / 2, input[0].length / 2, (r, c) =>
      [[0, 0], [0, 1], [1, 0], [1, 1]].map(([y, x]) => [2 * r + y, 2 * c + x])
        .reduce((best, place) => (input[place[0]][place[1]] > input[best[0]][best[1]] ? place : best)));
    return { places, maxima: places.map((row) => row.map(([r, c]) => input[r][c])) };
  },
};
