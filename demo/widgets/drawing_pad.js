// After each stroke, the value becomes the pad's gray pixels, one byte each, in base64.
const canvas = element.querySelector("canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
const PEN = 22;  // pixels wide: about two pixels of MNIST
let drawing = false;
const wipe = () => pen.fillRect(0, 0, canvas.width, canvas.height);
const hand = () => {
  const rgba = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let bytes = "";
  for (let i = 0; i < rgba.length; i += 4) bytes += String.fromCharCode(rgba[i]);
  props.value = btoa(bytes);
  trigger("input");
};
const stroke = (event) => {
  const box = canvas.getBoundingClientRect();
  pen.lineTo((event.clientX - box.left) * canvas.width / box.width,
    (event.clientY - box.top) * canvas.height / box.height);
  pen.stroke();
};
const lift = () => { if (drawing) { drawing = false; hand(); } };
Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff", fillStyle: "#000" });
wipe();
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  drawing = true;
  pen.beginPath();
  stroke(event);
  stroke(event);
});
canvas.addEventListener("pointermove", (event) => { if (drawing) stroke(event); });
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
element.querySelector("button").addEventListener("click", () => { wipe(); hand(); });
watch("value", () => { if (!props.value) wipe(); });
