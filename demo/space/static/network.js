// Inference in ONNX Runtime Web: inputs of any size, outputs of the same size.
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.wasmPaths = { wasm: new URL("./ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.wasm.numThreads = 1;  // more threads need headers that a static Space does not send

const sessions = new Map();

function session({ file, multiple }) {
  if (!sessions.has(file)) {
    const made = warm(file, multiple);
    made.catch(() => sessions.delete(file));  // the next call tries again
    sessions.set(file, made);
  }
  return sessions.get(file);
}

/** Create a session and run it once, because the first call prepares buffers and must not be timed. */
async function warm(file, side) {
  const made = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
  await made.run({ noisy: new ort.Tensor("float32", new Float32Array(side * side), [1, 1, side, side]) });
  return made;
}

/** Return the padding before and after `size` pixels, so that the sum is a multiple that the network accepts. */
function padding(size, { multiple }) {
  const missing = (multiple - (size % multiple)) % multiple, before = Math.floor(missing / 2);
  return [before, missing - before];
}

/** Map a position outside 0..size-1: mirrored at the border, or to the border if the image is too small to mirror. */
const mirrored = (i, size) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i);
const nearest = (i, size) => Math.min(size - 1, Math.max(0, i));

/** Denoise an image; return the estimate, in [0, 1], and the network's milliseconds. */
export async function estimate(network, noisy) {
  const { width, height, values } = noisy;
  const [left, right] = padding(width, network), [top, bottom] = padding(height, network);
  const read = Math.max(top, bottom) < height && Math.max(left, right) < width ? mirrored : nearest;
  const wide = left + width + right, high = top + height + bottom, entering = new Float32Array(wide * high);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++)
      entering[y * wide + x] = values[read(y - top, height) * width + read(x - left, width)];
  const running = await session(network);
  const began = performance.now();
  const { estimate: answer } = await running.run({ noisy: new ort.Tensor("float32", entering, [1, 1, high, wide]) });
  const ms = performance.now() - began, kept = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    kept.set(answer.data.subarray((y + top) * wide + left, (y + top) * wide + left + width), y * width);
  return { picture: { width, height, values: kept }, ms };
}
