// Gaussian noise from a seed: the same pattern for every level, so that a moving slider scales the pattern.

/** Return a generator of numbers in (0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/** Draw standard normal numbers, Float32Array(count), by Box and Muller (1958). */
export function normals(count, seed) {
  const next = uniform(seed), numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  return numbers;
}

/** Add noise of standard deviation `sigma`, in units of the [0, 1] range, to an image; clamp if `clip`. */
export function corrupted(picture, sigma, seed, clip) {
  const pattern = normals(picture.values.length, seed);
  const values = picture.values.map((value, i) => {
    const noisy = value + sigma * pattern[i];
    return clip ? Math.min(1, Math.max(0, noisy)) : noisy;
  });
  return { ...picture, values };
}

/** Return PSNR in dB, data_range 1; infinite for equal images. */
export function psnr(preds, target) {
  let sum = 0;
  preds.values.forEach((value, i) => { sum += (Math.min(1, Math.max(0, value)) - target.values[i]) ** 2; });
  return -10 * Math.log10(sum / preds.values.length);
}
