// Before files are sent: to which lecture each would go by its name, to be corrected. Only names are asked about.
(() => {
  "use strict";
  let asked = 0;
  const ask = async () => {
    const field = document.getElementById("files"), shown = document.querySelector("[data-matches]");
    const course = document.getElementById("course"), all = document.getElementById("lecture");
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
  // Of the form that comes with the answer too.
  document.addEventListener("change", (event) => { if (event.target.matches("#files, #course, #lecture")) ask(); });
  addEventListener("pageshow", ask);
})();
