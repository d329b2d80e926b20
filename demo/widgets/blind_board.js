// Sends each act on the board to the server: the start, a guess, the next round. The page keeps seed and guesses.
const PATIENCE = 3000;  // milliseconds until a lost answer no longer blocks the board
let waiting = null, follows = false;

function send(act, guess) {
  const { seed, guesses } = element.querySelector(".blind").dataset;
  if (waiting) return;
  waiting = setTimeout(() => { waiting = null; }, PATIENCE);
  follows = true;
  // A link brings its seed; after the result, a start draws another one.
  const made = JSON.parse(guesses), fresh = seed === "" || (act === "start" && element.querySelector(".played"));
  trigger("play", {
    seed: fresh ? null : Number(seed),
    guesses: guess ? [...made, guess] : made,
    shown: Boolean(guess),
  });
}

element.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act], [data-guess]");
  if (!button) return;
  if (button.dataset.guess) button.setAttribute("aria-pressed", "true");
  send(button.dataset.act, Number(button.dataset.guess ?? 0));
});

// Keys 1 to 3, unless the focus is elsewhere on the page.
document.addEventListener("keydown", function press(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", press);
  const focused = document.activeElement, here = focused === document.body || element.contains(focused);
  if (!here || event.ctrlKey || event.altKey || event.metaKey || event.repeat || !element.checkVisibility()) return;
  element.querySelector(`[data-guess="${CSS.escape(event.key)}"]`)?.click();
});

// The focus follows the game: to the button that goes on, else to the heading.
watch("value", () => {
  clearTimeout(waiting);
  waiting = null;
  if (!follows) return;
  follows = false;
  const next = element.querySelector("[data-act=next]") ?? element.querySelector("h2");
  next.focus({ preventScroll: true });
});
