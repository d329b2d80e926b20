// The page: its inputs, and the comparison of the chosen settings. The last choice always wins.
import { drawn } from "./draws.js";
import { estimate } from "./network.js";
import { corrupted, psnr } from "./noise.js";
import { asDigit, fromImage, isPhotograph, paint } from "./pictures.js";

const LARGE = 64;  // pixels: up to this side, each pixel of an image is enlarged to a square
const at = (id) => document.getElementById(id);
const say = (text) => { at("said").textContent = text; };
let facts, clean = null, shown = null, busy = false, wanted = false, turn = 0, seed = 0;

/** Return the displayed images, for tests: the clean and the noisy image, and each network's output by name. */
window.shown = () => shown;

function chosen() {
  const family = document.querySelector('input[name="family"]:checked').value;
  return { family, sigma: Number(at("sigma").value), clip: at("clip").checked, seed };
}

/** Compare with the current settings; if a comparison is running, run another one after it. */
async function compare() {
  wanted = true;
  if (busy || !clean) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      await once();
    }
  } finally {
    busy = false;
  }
}

async function once() {
  const { family, sigma, clip, seed } = chosen(), target = clean, answers = {};
  at("level").value = `${sigma.toFixed(2)} (${Math.round(sigma * 255)} of 255)`;
  try {
    const noisy = corrupted(target, sigma, seed, clip);
    for (const network of networks(family)) answers[network.name] = await estimate(network, noisy);
    shown = { clean: target, noisy, answers, family, sigma, clip, seed };
    draw();
    at("strip").classList.add("old");
    for await (const rows of drawn(shown, networks(family), facts.draws, () => wanted)) {
      at("strip").dataset.draws = JSON.stringify({ rows, matters: facts.draws.matters });
      at("strip").classList.remove("old");
    }
  } catch (error) {
    say(`The networks failed: ${error.message}. Change a setting to try again.`);
  }
}

const networks = (family) => facts.networks.filter((one) => one.family === family);

function draw() {
  const { clean, noisy, answers, family, sigma, clip, seed } = shown;
  const figures = [figure("Clean", clean), figure("Noisy input", noisy, { score: psnr(noisy, clean) })];
  const [first] = networks(family), reference = psnr(answers[first.name].picture, clean);
  for (const { name, label, colour } of networks(family)) {
    const { picture, ms } = answers[name], score = psnr(picture, clean);
    figures.push(figure(label, picture, { colour, score, ms, gain: name === first.name ? null : score - reference }));
  }
  at("board").className = Math.max(clean.width, clean.height) > LARGE ? "board large" : "board";
  at("board").replaceChildren(...figures);
  const unknown = isPhotograph(clean, facts) ? " This looks like a photograph; these networks are not trained on photographs." : "";
  const trained = facts.families.find((one) => one.name === family).label;
  say(`Gaussian noise, sigma ${sigma.toFixed(2)}, ${clip ? "clipped" : "unclipped"}, seed ${seed}. ` +
    `${clean.width}x${clean.height} pixels. Networks trained on ${trained}.${unknown}`);
}

const decibels = (score) => (Number.isFinite(score) ? `${score.toFixed(2)} dB` : "∞ dB");

const difference = (gain) => {
  const text = `${Math.abs(gain).toFixed(2)} dB`;
  return Number(gain.toFixed(2)) === 0 || !Number.isFinite(gain) ? text : (gain < 0 ? "−" : "+") + text;
};

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function figure(label, picture, { colour, score, gain, ms } = {}) {
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
  if (gain !== undefined)
    caption.append(element("span", { className: "rest" }, gain === null ? "reference" : difference(gain)));
  if (ms !== undefined) caption.append(element("span", { className: "rest" }, `${ms.toFixed(1)} ms`));
  return element("figure", {}, element("button", { type: "button", className: "enlarge" }, canvas), caption);
}

/** Make an image the clean image; `button` belongs to the sample, if the image is one. */
function take(picture, button = null) {
  turn++;  // discards a file that is still being read
  clean = picture;
  for (const other of at("samples").children) other.setAttribute("aria-pressed", other === button);
  compare();
}

function offerSamples() {
  for (const { label, family, file } of facts.samples) {
    const image = element("img", { src: file, alt: label }), button = element("button", { type: "button" }, image);
    button.addEventListener("click", async () => {
      const mine = ++turn;
      await image.decode();
      if (mine !== turn) return;
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
    const [file] = target.files, mine = ++turn;
    if (!file) return;
    try {
      const picture = await read(file);
      if (mine === turn) take(picture);
    } catch (error) {
      if (mine === turn) say(`${file.name} cannot be used: ${error.message}.`);
    }
    target.value = "";  // lets the user choose the same file again
  });
}

/** Load the image of a file; check its size before decoding. */
async function read(file) {
  const image = new Image(), address = URL.createObjectURL(file);
  try {
    image.src = address;
    await new Promise((resolve, reject) => { image.onload = resolve; image.onerror = reject; }).catch(() => {
      throw new Error("this browser cannot read it as an image");
    });
    const pixels = image.naturalWidth * image.naturalHeight;
    if (pixels > facts.largest_pixels)
      throw new Error(`it has ${pixels.toLocaleString("en")} pixels, more than ${facts.largest_pixels.toLocaleString("en")}`);
    return fromImage(image, facts.largest_side);
  } finally {
    URL.revokeObjectURL(address);
  }
}

async function start() {
  const answer = await fetch("page.json");
  if (!answer.ok) throw new Error(`page.json: ${answer.status}`);
  facts = await answer.json();
  offerFamilies();
  offerSamples();
  offerPad();
  offerUpload();
  Object.assign(at("sigma"), { max: facts.highest, value: facts.usual.sigma });
  at("clip").checked = facts.usual.clip;
  at("seed").value = seed = facts.usual.seed;
  at("seed").addEventListener("input", () => { seed = at("seed").valueAsNumber; });  // controls.js keeps it valid
  for (const id of ["sigma", "clip", "seed"]) at(id).addEventListener("input", compare);
  at("controls").addEventListener("submit", (event) => event.preventDefault());  // Enter in the seed's field
  at("samples").firstChild.click();
}

start().catch((error) => say(`The page failed to start: ${error.message}. Reload it to try again.`));
