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
  // What opens a calendar or a clock says so on its picture, which is a word of the font too.
  for (const picture of document.querySelectorAll(".datetimeshortcuts a > [title]")) picture.parentElement.ariaLabel ??= picture.title;
};
window.addEventListener("load", () => { tidy(); new MutationObserver(tidy).observe(document.body, { childList: true, subtree: true }); });
// Where the device's clock is another one, that is said once, and not at each field.
window.addEventListener("load", () => {
  const said = document.querySelector("[data-other-clock]");
  if (said) said.hidden = Number(document.body.dataset.adminUtcOffset) === new Date().getTimezoneOffset() * -60 || !document.querySelector(".vDateField, .vTimeField");
});
// What is to be mended may stand in a closed tab: its link opens the tab, and so does the page for the first of them.
(() => {
  const show = (field) => {
    const hidden = [];
    for (let part = field.closest("[x-show]"); part; part = part.parentElement.closest("[x-show]")) hidden.unshift(part);
    for (const part of hidden) {
      const [, name, value] = /^(\w+) == '(.*)'$/.exec(part.getAttribute("x-show")) ?? [];
      if (!name || part.checkVisibility()) continue;
      const wanted = `${name} = '${value}'`;
      [...document.querySelectorAll("main a")].find((tab) => (tab.getAttribute("x-on:click") ?? tab.getAttribute("x-on:click.prevent")) === wanted)?.click();
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
// A menu is a popover: browsers open it by its button, close it by Escape and elsewhere, and give the focus back. Here it gets
// its place, beside the button on the side where there is more room, and the focus.
document.addEventListener("beforetoggle", (event) => {
  const menu = event.target;
  if (!menu.matches(".desk-menu") || event.newState !== "open") return;
  const box = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`).getBoundingClientRect();
  const isBelow = box.bottom < innerHeight * .6, isAtStart = box.left < innerWidth * .4;
  menu.style.inset = [
    isBelow ? `${box.bottom + 4}px` : "auto", isAtStart ? "auto" : `${document.documentElement.clientWidth - box.right}px`,
    isBelow ? "auto" : `${innerHeight - box.top + 4}px`, isAtStart ? `${Math.max(box.left, 8)}px` : "auto",
  ].join(" ");
}, true);
document.addEventListener("toggle", (event) => {
  if (event.target.matches(".desk-menu") && event.newState === "open") event.target.querySelector("a[href], button")?.focus();
}, true);
// A dialog keeps the focus until it is closed; its button says whether it is open.
const openDialog = (opener) => {
  const dialog = document.getElementById(opener.dataset.opens);
  dialog.showModal();
  opener.setAttribute("aria-expanded", "true");
  dialog.addEventListener("close", () => opener.setAttribute("aria-expanded", "false"), { once: true });
};
// Anything is found from anywhere by / or Ctrl-K, and gone through by arrow keys; a menu closes with Escape and elsewhere.
document.addEventListener("DOMContentLoaded", () => {
  const finder = document.getElementById("desk-finder");
  const typed = finder?.querySelector("input");
  const ways = () => finder ? [typed, ...finder.querySelectorAll("#desk-hits a")] : [];
  const open = (event) => { event.preventDefault(); if (!finder.open) finder.showModal(); typed.select(); };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    const isSlash = event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && !isTyping;
    if (finder && (isSlash || ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k"))) open(event);
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details[data-closes][open]")) { menu.open = false; menu.firstElementChild.focus(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && finder?.open) { event.preventDefault(); const all = ways(); all.at((all.indexOf(document.activeElement) + step) % all.length).focus(); }
  });
  document.addEventListener("click", (event) => {
    if (finder && event.target.closest("a[data-find]")) open(event);
    const opener = event.target.closest("[data-opens]");
    if (opener) openDialog(opener);
    const dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) dialog.close();
    for (const menu of document.querySelectorAll("details[data-closes][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  // Enter opens the first of what is found; before anything is, the page of the search.
  finder?.querySelector("form").addEventListener("submit", (event) => {
    const first = ways()[1];
    if (first) { event.preventDefault(); first.click(); }
  });
});
