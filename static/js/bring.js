// Pasted pages: what the clipboard holds as HTML goes along, as long as the text beside it stays as it was pasted.
(() => {
  "use strict";
  const field = document.querySelector("textarea[data-rich]");
  const rich = field && document.getElementById(field.dataset.rich);
  if (!rich) return;
  const said = document.querySelector("[data-rich-kept]");
  const most = 5 * 1024 ** 2;
  let pasted = "";
  const settle = () => {
    if (field.value !== pasted) rich.value = "";
    said.hidden = !rich.value;
  };
  field.addEventListener("paste", (event) => {
    const html = event.clipboardData?.getData("text/html") ?? "";
    const isWhole = field.selectionStart === 0 && field.selectionEnd === field.value.length;
    if (!isWhole || !/<(a|table|li|h[1-6])\b/i.test(html) || html.length > most) return;
    setTimeout(() => {
      rich.value = html;
      pasted = field.value;
      settle();
    });
  });
  field.addEventListener("input", () => setTimeout(settle, 10));
})();
