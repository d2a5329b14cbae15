// Wishes are put in order by dragging as well: with a mouse or a finger, at the grip. The buttons do the same.
(() => {
  "use strict";
  let held = null;
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    held = grip.closest("li");
    held.classList.add("is-held");
    grip.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!held) return;
    for (const other of held.parentElement.children) {
      const box = other.getBoundingClientRect();
      const isAbove = event.clientY < box.top + box.height / 2;
      if (other === held || event.clientY < box.top || event.clientY > box.bottom) continue;
      if (isAbove && other.compareDocumentPosition(held) & Node.DOCUMENT_POSITION_FOLLOWING) other.before(held);
      if (!isAbove && other.compareDocumentPosition(held) & Node.DOCUMENT_POSITION_PRECEDING) other.after(held);
    }
  });
  const drop = () => {
    if (!held) return;
    held.classList.remove("is-held");
    const form = held.closest("form");
    held = null;
    // As by a press: htmx would send the button that has the focus along.
    form.querySelector("[data-keep]").click();
  };
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
})();
