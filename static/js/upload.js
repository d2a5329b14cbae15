// Before files are sent: to which lecture each would go by its name, to be corrected. Only names are asked about.
(() => {
  "use strict";
  const field = document.getElementById("files"), shown = document.querySelector("[data-matches]");
  if (!field || !shown) return;
  const course = document.getElementById("course"), all = document.getElementById("lecture");
  let asked = 0;
  const ask = async () => {
    const mine = ++asked, names = [...field.files].map((file) => file.name);
    shown.replaceChildren();
    // One lecture for all of them needs no table.
    if (!names.length || all.value) return;
    const query = new URLSearchParams([["course", course.value], ...names.map((name) => ["names", name])]);
    try {
      const answer = await fetch(`?${query}`, { credentials: "same-origin" });
      if (!answer.ok || mine !== asked) return;
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      shown.replaceChildren(...part.body.children);
    } catch { /* the server matches them all the same */ }
  };
  for (const part of [field, course, all]) part.addEventListener("change", ask);
  addEventListener("pageshow", ask);
})();
