// Points by hand: Enter leads to the next field, the arrow keys from person to person, the button saves.
(() => {
  "use strict";
  const form = document.querySelector("[data-enter]");
  if (!form) return;
  const fields = [...form.querySelectorAll("input[data-field], input[inputmode=decimal]")];
  // So many fields has each person.
  const columns = Number(form.dataset.columns ?? 1);
  form.addEventListener("keydown", (event) => {
    const step = { Enter: 1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const at = fields.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = fields[at + step] ?? (step > 0 ? form.querySelector("button:not([hidden], [type=button])") : null);
    next?.focus();
    next?.select?.();
  });
  // The page may have come back with what is typed and not saved.
  let isChanged = form.hasAttribute("data-unsaved");
  form.addEventListener("input", () => { isChanged = true; });
  form.addEventListener("submit", () => { isChanged = false; });
  addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
})();
