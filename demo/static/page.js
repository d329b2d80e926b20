// The page: what is chosen, and the comparison that follows from it. The last choice always wins.
import { estimate } from "./network.js";
import { corrupted, psnr } from "./noise.js";
import { asDigit, fromImage, paint } from "./pictures.js";

const LARGE = 64;  // pixels: up to this side a picture is enlarged, each pixel to a square
const at = (id) => document.getElementById(id);
const facts = await (await fetch("page.json")).json();
let clean = null, shown = null, busy = false, wanted = false;

/** What is on the screen, for tests: the clean and the noisy picture, and the answer of each network by name. */
window.shown = () => shown;

function chosen() {
  const family = document.querySelector('input[name="family"]:checked').value;
  const seed = Number(at("seed").value);
  return {
    family, sigma: Number(at("sigma").value), clip: at("clip").checked,
    seed: Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : null,
  };
}

/** Compare what is chosen now; where a comparison runs already, once more after it. */
async function compare() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    at("level").value = `${Number(at("sigma").value).toFixed(2)} (${Math.round(at("sigma").value * 255)} of 255)`;
    const { family, sigma, clip, seed } = chosen();
    if (seed === null) { at("said").textContent = "The seed must be a whole number from 0 to 4294967295."; continue; }
    const noisy = corrupted(clean, sigma, seed, clip), answers = {};
    try {
      for (const network of facts.networks.filter((one) => one.family === family))
        answers[network.name] = await estimate(network, noisy);
    } catch (error) {
      at("said").textContent = `The networks do not run in this browser: ${error.message}`;
      continue;
    }
    if (wanted && shown) continue;  // something else was chosen meanwhile
    shown = { clean, noisy, answers, family, sigma, clip, seed };
    draw();
  }
  busy = false;
}

function draw() {
  const { noisy, answers, family, sigma, clip, seed } = shown;
  const scores = Object.values(answers).map(({ picture }) => psnr(picture, clean)), best = Math.max(...scores);
  const figures = [figure("Clean", clean), figure("Noisy input", noisy, { score: psnr(noisy, clean) })];
  facts.networks.filter((one) => one.family === family).forEach((network, i) => {
    const { picture, ms } = answers[network.name];
    const facts = { colour: network.colour, score: scores[i], best: scores[i] === best, ms };
    figures.push(figure(network.label, picture, facts));
  });
  at("board").className = Math.max(clean.width, clean.height) > LARGE ? "large" : "";
  at("board").replaceChildren(...figures);
  const trained = facts.families.find((one) => one.name === family).label;
  at("said").textContent = `Gaussian noise, sigma ${sigma.toFixed(2)}, ${clip ? "clipped" : "unclipped"}, seed ${seed}. ` +
    `${clean.width}x${clean.height} pixels. Networks trained on ${trained}.`;
}

const decibels = (score) => (Number.isFinite(score) ? `${score.toFixed(2)} dB` : "∞ dB");

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function figure(label, picture, { colour, score, best, ms } = {}) {
  const canvas = element("canvas");
  paint(canvas, picture);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", score === undefined ? label : `${label}, ${decibels(score)}`);
  const name = element("span", { className: "name" }, label), caption = element("figcaption", {}, name);
  if (colour) {
    name.prepend(element("span", { className: "dot" }));
    name.firstChild.style.background = colour;
  }
  if (score !== undefined) caption.append(element("span", { className: "psnr" }, decibels(score)));
  if (best) caption.append(" ", element("span", { className: "badge" }, "best"));
  if (ms !== undefined) caption.append(element("span", { className: "rest" }, `${ms.toFixed(1)} ms`));
  return element("figure", { className: best ? "best" : "" }, canvas, caption);
}

/** Make a picture the one to compare; `button` is that of the sample that it is. */
function take(picture, button = null) {
  clean = picture;
  for (const other of at("samples").children) other.setAttribute("aria-pressed", other === button);
  compare();
}

function offerSamples() {
  for (const { label, family, file } of facts.samples) {
    const image = element("img", { src: file, alt: label }), button = element("button", { type: "button" }, image);
    button.addEventListener("click", async () => {
      await image.decode();
      document.querySelector(`input[name="family"][value="${family}"]`).checked = true;
      take(fromImage(image), button);
    });
    at("samples").append(button);
  }
}

function offerFamilies() {
  for (const { name, label } of facts.families) {
    const input = element("input", { type: "radio", name: "family", value: name });
    input.checked = name === facts.samples[0].family;
    input.addEventListener("change", compare);
    at("families").append(element("label", {}, input, ` ${label}`));
  }
}

function offerPad() {
  const pad = at("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
  const wipe = () => pen.fillRect(0, 0, pad.width, pad.height);
  let drawing = false;
  Object.assign(pen, { lineWidth: 22, lineCap: "round", lineJoin: "round", strokeStyle: "#fff", fillStyle: "#000" });
  wipe();
  const stroke = (event) => {
    const box = pad.getBoundingClientRect();
    pen.lineTo((event.clientX - box.left) * pad.width / box.width, (event.clientY - box.top) * pad.height / box.height);
    pen.stroke();
  };
  const lift = () => {
    if (!drawing) return;
    drawing = false;
    const digit = asDigit(pad);
    if (digit) take(digit);
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    drawing = true;
    pen.beginPath();
    stroke(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => { if (drawing) stroke(event); });
  pad.addEventListener("pointerup", lift);
  pad.addEventListener("pointercancel", lift);
  at("clear").addEventListener("click", wipe);
}

function offerUpload() {
  at("upload").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    try {
      const bitmap = await createImageBitmap(file);  // upright, as EXIF says
      take(fromImage(bitmap, facts.largest_side));
      bitmap.close();
    } catch {
      at("said").textContent = `${file.name} cannot be used: it is not a picture that this browser reads.`;
    }
  });
}

offerFamilies();
offerSamples();
offerPad();
offerUpload();
Object.assign(at("sigma"), { max: facts.highest, value: facts.usual.sigma });
at("clip").checked = facts.usual.clip;
at("seed").value = facts.usual.seed;
for (const id of ["sigma", "clip", "seed"]) at(id).addEventListener("input", compare);
at("samples").firstChild.click();
