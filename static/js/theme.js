// Light, dark, or as the device has it: put on before anything is painted, and kept on this device alone, so that pages
// which are the same for everyone hold nothing of it.
(() => {
  "use strict";
  const root = document.documentElement;
  const wear = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  wear(kept());
  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.querySelector("[data-theme-choice]");
    if (!choice) return;
    choice.hidden = false;
    const select = choice.querySelector("select");
    select.value = root.dataset.theme ?? "auto";
    select.addEventListener("change", () => {
      wear(select.value);
      try {
        localStorage.setItem("theme", select.value);
      } catch {
        // A browser that keeps nothing forgets this too.
      }
    });
  });
  // Another tab chose.
  addEventListener("storage", (event) => {
    if (event.key === "theme") wear(event.newValue);
  });
})();
