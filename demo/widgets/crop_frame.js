// Moves the frame by pointer and arrow keys. The value changes, and the image is denoised, once the pointer is lifted or the
// keys rest.
const REST = 600;  // milliseconds after the last key
const STEP = 0.05;  // of the image
const whole = element.querySelector(".whole"), image = element.querySelector("img");
const frame = element.querySelector(".frame"), line = element.querySelector("p");
const inside = (at, size) => Math.min(1 - size / 2, Math.max(size / 2, at));
let place = null, moved = 0, timer = 0;
const draw = () => {
  if (!place) return;
  const { x, y, wide, tall } = place;
  Object.assign(frame.style, { left: `${(x - wide / 2) * 100}%`, top: `${(y - tall / 2) * 100}%`,
    width: `${wide * 100}%`, height: `${tall * 100}%` });
};
const move = (x, y) => {
  place = { ...place, x: inside(x, place.wide), y: inside(y, place.tall) };
  line.textContent = `Center of the crop: ${Math.round(place.x * 100)} % from the left, ${Math.round(place.y * 100)} % from the top.`;
  moved++;
  draw();
};
const hand = () => {
  clearTimeout(timer);
  if (!moved) return;
  moved = 0;
  props.value = place;
  trigger("input");
};
const take = () => {
  const given = props.value;
  if (!given || !given.image) return;
  if (image.getAttribute("src") !== given.image) {
    image.src = given.image;
    line.textContent = "Drag the frame, or press where it belongs.";
  }
  place = given;
  draw();
};
const at = (event) => {
  const box = whole.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
let from = null;  // distance of the pointer from the center of the frame, while it is dragged
whole.addEventListener("pointerdown", (event) => {
  if (event.button || !place) return;
  whole.setPointerCapture(event.pointerId);
  frame.focus({ preventScroll: true });
  const [x, y] = at(event);
  from = event.target === frame ? [x - place.x, y - place.y] : [0, 0];
  if (event.target !== frame) move(x, y);
  event.preventDefault();
});
whole.addEventListener("pointermove", (event) => {
  if (!from) return;
  const [x, y] = at(event);
  move(x - from[0], y - from[1]);
});
for (const kind of ["pointerup", "pointercancel"])
  whole.addEventListener(kind, () => { from = null; hand(); });
frame.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (!steps || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(place.x + steps[0], place.y + steps[1]);
  clearTimeout(timer);
  timer = setTimeout(hand, REST);
});
watch("value", take);
take();
