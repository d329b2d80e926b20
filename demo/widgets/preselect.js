// Opens the tab of a link before Gradio draws the page, and dims the tab until its settings are there.
(() => {
  const PATIENCE = 10000;  // milliseconds until a lost answer no longer blocks the tab
  const asked = new URLSearchParams(location.search).get("tab"), all = window.gradio_config?.components ?? [];
  if (all.some(({ type, props }) => type === "tabitem" && props.id === asked))
    all.find(({ props }) => props.elem_id === "tabs").props.selected = asked;
  // Gradio's own parameters start with two underscores.
  if (![...new URLSearchParams(location.search).keys()].some((name) => !name.startsWith("__"))) return;
  document.documentElement.classList.add("restoring");
  setTimeout(() => document.documentElement.classList.remove("restoring"), PATIENCE);
})();
