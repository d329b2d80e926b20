// The address bar holds the open tab and its settings, and <copy-link> copies it. Python passes the values of components
// (`take`); other settings stand in attributes data-link of the tab's HTML, as JSON. `permalink.py` reads the query.
const permalink = (() => {
  const PAUSE = 300;  // milliseconds between two writes: browsers limit them
  const SPACES = "https://huggingface.co";  // shows the page in a frame, and takes its query from a message
  const taken = {};  // tab -> name -> text
  let names = {}, open = null, touched = false, timer = null;

  const text = (value) => (Array.isArray(value) ? value.join(".") : typeof value === "boolean" ? String(Number(value)) : String(value));
  const texts = (pairs) => Object.fromEntries(
    pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [name, text(value)]));
  /** Return the settings that stand in the HTML of the open tab. */
  const written = () => [...document.querySelectorAll("[data-link]")].filter((one) => one.checkVisibility())
    .flatMap((one) => Object.entries(JSON.parse(one.dataset.link)));
  /** Return the parameters of the present query that are no settings of this page, such as Gradio's theme. */
  function foreign() {
    const known = new Set(["tab", ...Object.values(names).flat()]);
    return [...new URLSearchParams(location.search)].filter(([name]) => !known.has(name));
  }

  function query(extra = {}) {
    const valid = new Set(names[open]), own = { ...taken[open], ...texts(written()), ...texts(Object.entries(extra)) };
    return new URLSearchParams([["tab", open], ...Object.entries(own).filter(([name]) => valid.has(name)), ...foreign()]).toString();
  }

  function replace(found) {
    clearTimeout(timer);
    timer = null;
    const address = location.pathname + (found && `?${found}`) + location.hash;
    if (address === location.pathname + location.search + location.hash) return;
    history.replaceState(history.state, "", address);
    if (parent !== window) parent.postMessage({ queryString: found, hash: "" }, SPACES);
  }
  const write = () => replace(query());

  /** Write soon, once the visitor has touched the page: until then, the address as it came holds the state. */
  function soon() { if (touched && open && timer === null) timer = setTimeout(write, PAUSE); }

  for (const kind of ["pointerdown", "keydown"])
    addEventListener(kind, () => { touched = true; }, { capture: true, passive: true });
  new MutationObserver((changes) => {
    const link = "[data-link]", within = (node) => node.nodeType === 1 && (node.matches(link) || node.querySelector(link));
    if (changes.some(({ type, addedNodes }) => type === "attributes" || [...addedNodes].some(within))) soon();
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-link"] });

  return {
    /** Begin with the names of each tab's settings; return the query if it is a link, else "". */
    start(known, first) {
      names = known;
      const given = new URLSearchParams(location.search), asked = given.get("tab");
      open ??= asked in names ? asked : first;
      const link = [...given.keys()].some((name) => !foreign().some(([other]) => other === name));
      if (!link) this.settled();
      return link ? location.search : "";
    },
    /** Take the values of a tab's components; `opened` if the tab was opened now. */
    take(tab, of, values, opened = false) {
      taken[tab] = texts(of.map((name, i) => [name, values[i]]));
      if (opened) open = tab;
      if (tab === open) soon();
    },
    /** End the restoring of a link. */
    settled() { document.documentElement.classList.remove("restoring"); },
    /** Drop a link that cannot be followed. */
    forget() { replace(new URLSearchParams(foreign()).toString()); },
    /** Return the address of the present state, with further settings. */
    address: (extra) => `${location.origin}${location.pathname}?${query(extra)}`,
    /** Return the name of the image that the link lacks, or "". */
    lacks: () => [...document.querySelectorAll("[data-link-lacks]")].find((one) => one.checkVisibility())?.dataset.linkLacks ?? "",
    write,
  };
})();

// A button that copies the address; data-extra has further settings for the link, as JSON.
customElements.define("copy-link", class CopyLink extends HTMLElement {
  static PAUSE = 6000;  // milliseconds that the confirmation stays

  connectedCallback() {
    if (this.shadowRoot) return;
    this.attachShadow({ mode: "open" }).innerHTML = document.getElementById("copy-link").textContent;
    this.find("span").textContent = this.dataset.label ?? "Copy link";
    this.find("button").addEventListener("click", () => this.copy());
    this.find("input").addEventListener("keydown", ({ key }) => { if (key === "Escape") this.say(""); });
  }
  find(selector) { return this.shadowRoot.querySelector(selector); }

  async copy() {
    const address = permalink.address(JSON.parse(this.dataset.extra ?? "{}")), lacks = permalink.lacks();
    if (!this.dataset.extra) permalink.write();
    const without = lacks && `, without ${lacks}`;
    try {
      await navigator.clipboard.writeText(address);
      this.say(`Link copied${without}.`);
    } catch {  // no permission, or a page without encryption
      this.say(`Copy this link${without}:`, address);
    }
  }

  /** Confirm; show an address that could not be copied, selected. */
  say(words, address = "") {
    clearTimeout(this.timer);
    const field = this.find("input");
    for (const line of this.shadowRoot.querySelectorAll("p")) line.textContent = words;
    this.find("div").hidden = !words;
    field.hidden = !address;
    field.value = address;
    if (address) field.select();
    else if (words) this.timer = setTimeout(() => this.say(""), CopyLink.PAUSE);
  }
});
