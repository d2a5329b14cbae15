// Lists that apply by themselves do so once their reader has settled: with the keyboard each step through a closed list is a
// change, and what is meant is chosen with Enter, or by going on.
(() => {
  "use strict";
  let byKey = false;
  const apply = (list) => {
    delete list.dataset.waits;
    list.dispatchEvent(new Event("settled", { bubbles: true }));
  };
  document.addEventListener("pointerdown", () => { byKey = false; }, true);
  // A list that stands open takes the key first, and has changed when it is let go.
  for (const type of ["keydown", "keyup"]) {
    document.addEventListener(type, (event) => {
      byKey = true;
      if (event.key !== "Enter" || !event.target.dataset.waits) return;
      event.preventDefault();
      apply(event.target);
    });
  }
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("select[data-settles]")) return;
    if (byKey) target.dataset.waits = "1";
    else apply(target);
  });
  document.addEventListener("focusout", ({ target }) => { if (target.dataset.waits) apply(target); });
})();
