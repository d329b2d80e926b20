// The first view stays until Gradio has drawn the same result in its components.
(() => {
  const view = document.getElementById("opening"), outputs = [...view.querySelectorAll("[data-output]")];
  // A permalink has a tab and a result of its own. Gradio's own parameters start with two underscores.
  const link = [...new URLSearchParams(location.search).keys()].some((name) => !name.startsWith("__"));
  if (link) document.getElementById("opened").remove();
  else for (const output of outputs) {
    const block = window.gradio_config.components.find(({ props }) => props.elem_id === output.dataset.output);
    if (block) block.props.value = output.innerHTML;
  }
  const drawn = ({ dataset }) => document.querySelector(`gradio-app [id="${dataset.output}"]`)?.textContent.trim();
  const watch = new MutationObserver(() => {
    if (link ? !document.querySelector("gradio-app [role=tabpanel]") : !outputs.every(drawn)) return;
    watch.disconnect();
    view.remove();
    document.body.classList.remove("opening");
  });
  watch.observe(document.querySelector("gradio-app"), { childList: true, subtree: true });
})();
