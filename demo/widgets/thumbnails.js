element.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-index]");
  if (button) trigger("select", { index: Number(button.dataset.index), value: button.title });
});
