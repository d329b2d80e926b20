// Images are { width, height, values }: gray, row by row, Float32Array in [0, 1].

const SIDE = 28, BOX = 20;  // MNIST scaled each digit to a 20x20 box and put its center of mass in the center of 28x28

/** Convert an image, canvas or bitmap to gray; downscale if a side has more than `largest` pixels. */
export function fromImage(image, largest = Infinity) {
  const [wide, high] = [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height];
  const scale = Math.min(1, largest / Math.max(wide, high));
  const width = Math.max(1, Math.round(wide * scale)), height = Math.max(1, Math.round(high * scale));
  const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";  // background of transparent pixels
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, width, height);
  return gray(pen.getImageData(0, 0, width, height));
}

function gray({ data, width, height }) {
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const luma = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];  // ITU-R BT.601
    values[i] = Math.round(luma) / 255;
  }
  return { width, height, values };
}

/** Return true for photographs and scans, like the Python page: by the two fullest bins of gray. */
export function isPhotograph({ width, height, values }, { photograph: { bins, flat, small_side } }) {
  if (Math.max(width, height) <= small_side) return false;
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[Math.floor(Math.round(value * 255) / (256 / bins))]++;
  const [first, second] = counts.sort((one, other) => other - one);
  return first + second < flat * values.length;
}

/** Draw an image on a canvas without scaling, clamped to [0, 1]. */
export function paint(canvas, picture) {
  Object.assign(canvas, { width: picture.width, height: picture.height });
  const image = new ImageData(picture.width, picture.height);
  picture.values.forEach((value, i) => {
    image.data.fill(Math.round(255 * Math.min(1, Math.max(0, value))), 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Convert a drawing, bright on black, to the format of MNIST; return null if the drawing is empty. */
export function asDigit(pad) {
  const drawn = fromImage(pad), xs = [], ys = [];
  drawn.values.forEach((value, i) => {
    if (value > 0.12) { xs.push(i % drawn.width); ys.push(Math.floor(i / drawn.width)); }
  });
  if (!xs.length) return null;
  const [left, right] = extent(xs), [top, bottom] = extent(ys);
  const scale = BOX / Math.max(right - left + 1, bottom - top + 1);
  const width = Math.max(1, Math.round((right - left + 1) * scale));
  const height = Math.max(1, Math.round((bottom - top + 1) * scale));
  const small = new OffscreenCanvas(width, height), pen = small.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(pad, left, top, right - left + 1, bottom - top + 1, 0, 0, width, height);
  const digit = fromImage(small), values = new Float32Array(SIDE * SIDE);
  const [x, y] = [offset(digit, (i) => i % width, width), offset(digit, (i) => Math.floor(i / width), height)];
  digit.values.forEach((value, i) => { values[(y + Math.floor(i / width)) * SIDE + x + (i % width)] = value; });
  return { width: SIDE, height: SIDE, values };
}

function extent(numbers) {
  return numbers.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
}

/** Return the offset of a digit of `size` pixels that puts its center of mass in the center. */
function offset(digit, place, size) {
  let ink = 0, moment = 0;
  digit.values.forEach((value, i) => { ink += value; moment += value * place(i); });
  return Math.min(SIDE - size, Math.max(0, Math.round(SIDE / 2 - 0.5 - moment / ink)));
}
