// The files of the Benchmark tab are loaded when the tab is opened, once for all of its elements.
window.benchmarkFile ??= (name) => new URL(`benchmark/${name}`, location.origin + location.pathname.replace(/[^/]*$/, "")).href;
window.benchmarkData ??= (() => {
  const added = (tag, given) => new Promise((resolve, reject) =>
    document.head.append(Object.assign(document.createElement(tag), given, { onload: resolve, onerror: reject })));
  const read = async () => {
    const answer = await fetch(benchmarkFile("scores.json"));
    if (!answer.ok) throw new Error(`scores.json: status ${answer.status}`);
    return answer.json();
  };
  const files = [added("script", { src: benchmarkFile("tab.js") }), added("link", { rel: "stylesheet", href: benchmarkFile("tab.css") })];
  return Promise.all([read(), ...files]).then(([data]) => data);
})();
const shown = element.querySelector("[data-scores]");
shown.addEventListener("preview", ({ detail }) => trigger("select", detail));
shown.addEventListener("open", ({ detail }) => trigger(detail.tab === "Photo" ? "apply" : "submit", detail));
// The value is the output of a point, or the settings of a link, which may come before the scores.
const take = (given) => (given.settings ? shown.restore(given.settings) : shown.previewed(given));
const filled = benchmarkData.then((data) => {
  shown.fill(data[shown.dataset.scores]);
  if (props.value) take(JSON.parse(props.value));
});
watch("value", () => { if (props.value) filled.then(() => take(JSON.parse(props.value))); });
filled.catch((error) => {
  console.error(error);
  shown.replaceWith(Object.assign(document.createElement("p"), { textContent: "The scores could not be loaded: reload the page." }));
});
