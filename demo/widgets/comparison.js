// A separate dialog stays open while the comparison is redrawn; integer zoom steps keep pixels square.
function enlarge(button) {
  const shown = button.closest("figure").querySelector("before-after, img"), picture = shown.cloneNode(true);
  const dialog = document.createElement("dialog"), caption = document.createElement("p");
  const first = shown.matches("img") ? shown : shown.querySelector("img");
  const fits = Math.min(innerWidth * 0.94 / first.naturalWidth, (innerHeight * 0.94 - 60) / first.naturalHeight);
  dialog.className = "enlarged";
  for (const image of picture.matches("img") ? [picture] : picture.querySelectorAll("img"))
    image.style.width = first.naturalWidth * (fits < 1 ? fits : Math.floor(fits)) + "px";
  caption.textContent = first.alt;
  dialog.append(picture, caption);
  dialog.ariaLabel = "Enlarged";
  dialog.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}
