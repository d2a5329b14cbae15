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
