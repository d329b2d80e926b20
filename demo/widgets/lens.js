// Lens of the comparison: every image shows the same enlarged region, with the outline of the clean image over it. Hold
// the pointer or a finger on an image, or press the arrow keys on its button.
(() => {
  const IMAGE = ":is(img, canvas:not(.lens))", HOLD = 250;  // ms until a finger opens the lens
  let place = null, holding = null, held = false;

  const limit = (value, low, high) => Math.min(high, Math.max(low, value));
  const sizes = (image) => [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height];

  /** Return the side of the enlarged region in pixels of an image. */
  const region = (image) => Math.max(7, Math.round(Math.max(...sizes(image)) / 3.2));

  /** Show the region around a place, (x, y) in [0, 1] of each image. */
  function show(x, y) {
    place = [x, y];
    const images = [...document.querySelectorAll(`.board figure .enlarge ${IMAGE}`)];
    const edges = images[0].closest(".board").dataset.view === "spectra" ? null : outline(images[0]);
    for (const image of images) draw(image, edges);
  }

  function draw(image, edges) {
    const [wide, high] = sizes(image), side = Math.min(region(image), wide, high);
    if (!side) return;
    const left = limit(Math.round(place[0] * wide - side / 2), 0, wide - side);
    const top = limit(Math.round(place[1] * high - side / 2), 0, high - side);
    const canvas = image.parentElement.querySelector(".lens") ?? document.createElement("canvas");
    const scale = devicePixelRatio, size = image.clientWidth, pen = canvas.getContext("2d");
    Object.assign(canvas, { className: "lens", width: size * scale, height: image.clientHeight * scale });
    canvas.setAttribute("aria-hidden", true);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
    if (edges) ghost(pen, edges, { left, top, side });
    if (!canvas.isConnected) image.after(canvas);
  }

  /** Return the borders between the bright and the dark pixels of an image, as segments [x0, y0, x1, y1]. */
  function outline(image) {
    const [wide, high] = sizes(image), segments = [];
    if (!wide || wide * high > 65536) return segments;  // a photograph has no outline
    const pen = new OffscreenCanvas(wide, high).getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, wide, high), bright = (x, y) => data[4 * (y * wide + x)] > 127;
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        if (x + 1 < wide && bright(x, y) !== bright(x + 1, y)) segments.push([x + 1, y, x + 1, y + 1]);
        if (y + 1 < high && bright(x, y) !== bright(x, y + 1)) segments.push([x, y + 1, x + 1, y + 1]);
      }
    return segments;
  }

  function ghost(pen, segments, { left, top, side }) {
    const x = (value) => (value - left) * pen.canvas.width / side, y = (value) => (value - top) * pen.canvas.height / side;
    Object.assign(pen, { strokeStyle: "#ff9f1c", lineWidth: 2 * devicePixelRatio });
    pen.beginPath();
    for (const [x0, y0, x1, y1] of segments) {
      pen.moveTo(x(x0), y(y0));
      pen.lineTo(x(x1), y(y1));
    }
    pen.stroke();
  }

  function hide() {
    place = null;
    for (const canvas of document.querySelectorAll(".board .lens")) canvas.remove();
  }

  function follow({ target, clientX, clientY }) {
    const image = target.closest?.(".board .enlarge")?.querySelector(IMAGE);
    if (!image) return hide();
    const box = image.getBoundingClientRect();
    show((clientX - box.left) / box.width, (clientY - box.top) / box.height);
  }

  addEventListener("pointermove", (event) => {
    if (!event.target.closest?.(".board")) return place && !held && hide();
    if (event.pointerType === "mouse") follow(event);
    else if (!held) clearTimeout(holding);  // the finger scrolls
  });
  addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" || !event.target.closest?.(".board .enlarge")) return;
    holding = setTimeout(() => { held = true; follow(event); }, HOLD);
  });
  addEventListener("touchmove", (event) => {
    if (!held) return;
    event.preventDefault();  // the page must not scroll under the lens
    follow({ target: event.target, clientX: event.touches[0].clientX, clientY: event.touches[0].clientY });
  }, { passive: false });
  for (const end of ["pointerup", "pointercancel", "touchend"])
    addEventListener(end, () => {
      clearTimeout(holding);
      if (held) setTimeout(() => { held = false; hide(); }, 0);  // after the click that ends a hold
    });
  addEventListener("click", (event) => { if (held) event.stopImmediatePropagation(), event.preventDefault(); }, true);
  addEventListener("contextmenu", (event) => { if (held) event.preventDefault(); });

  addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const image = event.target.closest?.(".board .enlarge")?.querySelector(IMAGE);
    if (event.key === "Escape") return hide();
    if (!steps || !image) return;
    event.preventDefault();
    const [x, y] = place ?? [0.5, 0.5], [wide, high] = sizes(image);
    show(limit(x + steps[0] / wide, 0, 1), limit(y + steps[1] / high, 0, 1));
  });
  addEventListener("focusout", (event) => { if (event.target.closest?.(".board .enlarge")) hide(); });
})();
