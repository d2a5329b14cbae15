// Walking through the list of projects: j goes on, k goes back. The keys can be turned off (WCAG 2.1.4).
(() => {
  const label = document.querySelector("[data-keys]");
  const focus = document.querySelector("[data-focus]");
  if (focus) focus.focus();
  if (!label) return;
  const box = label.querySelector("input");
  label.hidden = false;
  try { box.checked = localStorage.getItem("desk-keys") !== "off"; } catch { box.checked = true; }
  box.addEventListener("change", () => {
    try { localStorage.setItem("desk-keys", box.checked ? "on" : "off"); } catch { /* private windows keep nothing */ }
  });
  document.addEventListener("keydown", (event) => {
    const rel = { j: "next", k: "prev" }[event.key];
    const isTyping = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (!rel || !box.checked || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const link = document.querySelector(`a[rel="${rel}"]`);
    if (link) { event.preventDefault(); link.click(); }
  });
})();
