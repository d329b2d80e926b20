// Keeps number fields and checkboxes of the page valid. Invalid values of API calls get an error message instead.
(() => {
  const NUMBERS = "input[type=number]", kept = new WeakMap();  // field -> its last valid text
  const matches = (element, selector) => element instanceof Element && element.matches(selector);
  const limit = (text, otherwise) => (text === "" ? otherwise : Number(text));

  /** Return the valid number for a field; null while the field is empty or may become valid with the next key. */
  function valid(field, finished) {
    if (field.value === "") return null;
    const least = limit(field.min, -Infinity), most = limit(field.max, Infinity);
    const number = field.step === "1" ? Math.round(field.valueAsNumber) : field.valueAsNumber;
    if (number > most) return most;
    if (number >= least) return number;
    return finished || number < 0 ? least : null;
  }

  function hold(field, number) {
    if (number !== field.valueAsNumber) field.value = number;
    kept.set(field, field.value);
  }

  addEventListener("focus", ({ target }) => { if (matches(target, NUMBERS)) kept.set(target, target.value); }, true);

  // Gradio's listeners run later: they get the clamped number, and no event of a field without a number.
  addEventListener("input", (event) => {
    if (!matches(event.target, NUMBERS)) return;
    const number = valid(event.target, false);
    if (number === null) event.stopImmediatePropagation();
    else hold(event.target, number);
  }, true);

  for (const kind of ["change", "blur"])
    addEventListener(kind, ({ target: field }) => {
      if (!matches(field, NUMBERS) || field.value === kept.get(field)) return;
      const number = valid(field, true);
      if (number === null) field.value = kept.get(field) ?? field.min;
      else {
        hold(field, number);
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }, true);

  // The last checked box of a group stays checked.
  addEventListener("click", (event) => {
    const box = event.target;
    if (!matches(box, ".keep-one input[type=checkbox]") || box.checked) return;
    if (box.closest(".keep-one").querySelector("input:checked")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();
