// Draws the state of two trainings, `props.value`: the images, both curves, their difference, the sentences.
const SVG = "http://www.w3.org/2000/svg", LINES = ["first", "second"], EDGE = { left: 46, right: 14, top: 12, bottom: 30 };
const find = (selector) => element.querySelector(selector);
const dB = (value) => (value === null ? "" : `${value.toFixed(2)} dB`);

/** Draw 28x28 gray pixels, one byte each in base64. */
const paint = (figure, pixels) => {
  figure.classList.toggle("untrained", !pixels);
  if (!pixels) return;
  const pen = figure.querySelector("canvas").getContext("2d"), bytes = atob(pixels), image = pen.createImageData(28, 28);
  for (let i = 0; i < bytes.length; i++) image.data.set([...Array(3).fill(bytes.charCodeAt(i)), 255], 4 * i);
  pen.putImageData(image, 0, 0);
};

const add = (svg, name, attributes, text = "") => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  svg.append(made);
};

/** Return round values between two bounds, at most `most`. */
const ticks = (low, high, most) => {
  const step = [1, 2, 5, 10].map((digit) => digit * 10 ** Math.floor(Math.log10((high - low) / most)))
    .find((size) => (high - low) / size <= most);
  return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, i) => (Math.ceil(low / step) + i) * step);
};

/** Return functions from values to coordinates, after the axes are drawn. */
const axes = (svg, [left, right], [low, high], { most, format, along }) => {
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const { bottom } = EDGE;
  const x = (value) => EDGE.left + (value - left) / (right - left) * (width - EDGE.left - EDGE.right);
  const y = (value) => height - bottom - (value - low) / (high - low) * (height - bottom - EDGE.top);
  for (const value of ticks(low, high, most)) {
    add(svg, "line", { class: "grid", x1: x(left), x2: x(right), y1: y(value), y2: y(value) });
    add(svg, "text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value));
  }
  for (const value of ticks(left, right, along))
    add(svg, "text", { x: x(value), y: height - 6, "text-anchor": "middle" }, value ? value.toLocaleString("en-US") : "0");
  return { x, y };
};

const curves = (state) => {
  const svg = find(".curves svg"), points = state.points, right = points.at(-1)?.[0] || 20000;
  svg.replaceChildren();
  const values = points.flatMap(([, , ...pair]) => pair).sort((a, b) => a - b);
  const high = values.length ? Math.max(values.at(-1) + 0.3, state.noisy_psnr + 2) : 24;
  const low = Math.min(values.length ? values[0] : state.noisy_psnr, state.noisy_psnr) - 0.5;
  const { x, y } = axes(svg, [0, right], [low, high], { most: 6, format: (value) => value.toFixed(0), along: 5 });
  add(svg, "line", { class: "noise", x1: x(0), x2: x(right), y1: y(state.noisy_psnr), y2: y(state.noisy_psnr) });
  add(svg, "text", { x: x(right), y: y(state.noisy_psnr) - 5, "text-anchor": "end" }, "noisy input");
  LINES.forEach((name, i) => {
    if (!points.length) return;
    add(svg, "polyline", { class: name, points: points.map((point) => `${x(point[0])},${y(point[2 + i])}`).join(" ") });
    add(svg, "circle", { class: name, cx: x(right), cy: y(points.at(-1)[2 + i]), r: 4 });
  });
  const names = state.decoders.map(({ label }, i) => (points.length ? `${label} ${dB(points.at(-1)[2 + i])}` : label));
  svg.setAttribute("aria-label", `Two curves: ${names.join(", ")}`);
};

const differences = (state) => {
  const svg = find(".difference svg"), gaps = state.points.map(([seen, , first, second]) => [seen, first - second]);
  svg.replaceChildren();
  // The first points are far apart: the scale is that of the later half.
  const late = gaps.slice(Math.floor(gaps.length / 2)), most = Math.max(0.1, ...late.map(([, gap]) => Math.abs(gap))) * 1.25;
  const right = gaps.at(-1)?.[0] || 20000;
  const { x, y } = axes(svg, [0, right], [-most, most], { most: 6, format: (value) => value.toFixed(most < 0.5 ? 2 : 1).replace("-", "−"), along: 3 });
  add(svg, "line", { class: "zero", x1: x(0), x2: x(right), y1: y(0), y2: y(0) });
  gaps.forEach(([seen, gap], i) => {
    const from = x(i ? gaps[i - 1][0] : 0), height = Math.abs(y(Math.min(most, Math.abs(gap))) - y(0));
    add(svg, "rect", { class: gap > 0 ? "first" : "second", x: from, width: Math.max(1, x(seen) - from - 1), height,
      y: gap > 0 ? y(0) - height : y(0) });
  });
  svg.setAttribute("aria-label", gaps.length ? `Difference: ${gaps.at(-1)[1].toFixed(2)} dB` : "No difference yet");
};

const draw = () => {
  const state = props.value;
  if (!state?.decoders) return;
  state.decoders.forEach(({ color, label }, i) => {
    const dark = element.closest(".dark") !== null;
    element.style.setProperty(`--${LINES[i]}`, dark ? `color-mix(in srgb, ${color} 55%, white)` : color);
    find(`.${LINES[i]} .name`).textContent = label;
  });
  for (const [name, image] of Object.entries(state.images)) {
    const figure = find(`.images .${name}`);
    paint(figure, image?.pixels);
    figure.querySelector(".score").textContent = image ? dB(image.psnr) : "";
    const words = ["name", "score"].map((part) => figure.querySelector(`.${part}`).textContent).filter(Boolean).join(", ");
    figure.querySelector("canvas").setAttribute("aria-label", words);
  }
  find(".line .text").textContent = state.line;
  Object.assign(find(".line progress"), { hidden: state.phase !== "training", value: state.share });
  find(".lead").textContent = state.lead;
  find(".difference figcaption").textContent =
    `Difference (dB): above 0 ${state.decoders[0].label} leads, below 0 ${state.decoders[1].label}`;
  if (find(".said").textContent !== state.said) find(".said").textContent = state.said;
  find(".longer").hidden = !state.commands.length;
  find(".longer pre").textContent = state.commands.join("\n");
  curves(state);
  differences(state);
};
watch("value", draw);
draw();
