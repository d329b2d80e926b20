// The first view stays until Gradio has drawn the same result in its component.
(() => {
  const view = document.getElementById("opening"), result = document.getElementById("opened");
  const { output } = result.dataset;
  // A permalink has a tab and a result of its own. Gradio's own parameters start with two underscores.
  const link = [...new URLSearchParams(location.search).keys()].some((name) => !name.startsWith("__"));
  if (link) result.remove();
  const drawn = () => document.querySelector(`gradio-app [id="${output}"]`)?.textContent.trim();
  const watch = new MutationObserver(() => {
    if (link ? !document.querySelector("gradio-app [role=tabpanel]") : !drawn()) return;
    watch.disconnect();
    view.remove();
    document.body.classList.remove("opening");
  });
  watch.observe(document.querySelector("gradio-app"), { childList: true, subtree: true });
})();
