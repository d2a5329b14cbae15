"use strict";
// SimpleBar makes a landmark of every list that scrolls, all of one name: groups are enough. Icons are words in a
// font, which nobody should hear where there is another name.
const tidy = () => {
  for (const part of document.querySelectorAll(".simplebar-content-wrapper[role=region]")) part.setAttribute("role", "group");
  for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
    const control = icon.closest("a, button");
    const named = !control || control.ariaLabel || control.title || control.textContent.trim() !== icon.textContent.trim();
    if (named) icon.setAttribute("aria-hidden", "true");
  }
};
window.addEventListener("load", () => { tidy(); new MutationObserver(tidy).observe(document.body, { childList: true, subtree: true }); });
// What is to be mended may stand in a closed tab: its link opens the tab, and so does the page for the first of them.
(() => {
  const show = (field) => {
    const hidden = [];
    for (let part = field.closest("[x-show]"); part; part = part.parentElement.closest("[x-show]")) hidden.unshift(part);
    for (const part of hidden) {
      const [, name, value] = /^(\w+) == '(.*)'$/.exec(part.getAttribute("x-show")) ?? [];
      if (!name || part.checkVisibility()) continue;
      const wanted = `${name} = '${value}'`;
      [...document.querySelectorAll("main a")].find((tab) => tab.getAttribute("x-on:click") === wanted)?.click();
    }
    // The tab opens with the next frame.
    setTimeout(() => field.focus(), 50);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-shows]");
    const field = link && document.getElementById(link.hash.slice(1));
    if (field) { event.preventDefault(); show(field); }
  });
  window.addEventListener("load", () => {
    const problems = document.querySelector("[data-problems]");
    if (!problems) return;
    const first = problems.querySelector("a[data-shows]");
    const field = first && document.getElementById(first.hash.slice(1));
    // What is wrong is read first; the tab of the first field is open behind it.
    if (field) show(field);
    setTimeout(() => { problems.focus(); problems.scrollIntoView({ block: "center" }); }, 100);
  });
})();
