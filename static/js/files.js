// Files: how their sizes are said, and that one which is too large is not sent at all. The server says the same.
(() => {
  "use strict";
  const STEPS = [["GB", 1024 ** 3], ["MB", 1024 ** 2], ["kB", 1024]];
  // As the server says them: one byte too many is rounded up, so that it never looks as if it were none.
  const say = (bytes, { up = false } = {}) => {
    const [unit, step] = STEPS.find(([, most]) => bytes >= most) ?? STEPS.at(-1);
    if (bytes === 0) return `0 ${unit}`;
    const tenths = Math.max(1, Math[up ? "ceil" : "round"]((bytes * 10) / step));
    return `${(tenths / 10).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1, useGrouping: false })} ${unit}`;
  };
  window.sayFileSize = say;

  const judge = (field) => {
    const most = Number(field.dataset.max);
    const large = [...field.files].find((file) => file.size > most);
    const said = { name: large?.name, size: large && say(large.size, { up: true }), limit: say(most) };
    field.setCustomValidity(large ? field.dataset.tooLarge.replace(/%\((\w+)\)s/g, (_all, key) => said[key]) : "");
    if (large) field.reportValidity();
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("input[type=file][data-max]")) judge(event.target);
  });
  // Browsers bring chosen files back with the page.
  addEventListener("pageshow", () => document.querySelectorAll("input[type=file][data-max]").forEach(judge));
})();
