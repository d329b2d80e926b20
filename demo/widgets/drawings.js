// The visitor's drawings, 28x28 gray pixels each in base64, with a button to remove each.
const list = element.querySelector("ul"), text = element.querySelector("p");
const draw = () => {
  const drawings = props.value ?? [];
  list.replaceChildren(...drawings.map((pixels, place) => {
    const item = document.createElement("li"), canvas = document.createElement("canvas"), button = document.createElement("button");
    Object.assign(canvas, { width: 28, height: 28 });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Drawing ${place + 1}`);
    const pen = canvas.getContext("2d"), bytes = atob(pixels), image = pen.createImageData(28, 28);
    for (let i = 0; i < bytes.length; i++) image.data.set([...Array(3).fill(bytes.charCodeAt(i)), 255], 4 * i);
    pen.putImageData(image, 0, 0);
    Object.assign(button, { type: "button", textContent: "×", ariaLabel: `Remove drawing ${place + 1}` });
    button.addEventListener("click", () => {
      props.value = drawings.filter((_, other) => other !== place);
      draw();
      trigger("input");
    });
    item.append(canvas, button);
    return item;
  }));
  if (drawings.length) list.dataset.linkLacks = "your drawings";
  else delete list.dataset.linkLacks;
  const count = drawings.length, words = count === 1 ? "1 drawing" : `${count} drawings`;
  text.textContent = count ? `${words}, each shifted, turned and scaled at random: about 2,000 images.` : "No drawing yet.";
};
watch("value", draw);
draw();
