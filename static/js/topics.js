// The topics: filters apply at once, several at a time. Without it the form does the same.
(() => {
  "use strict";
  const form = document.querySelector("form[data-topics]");
  if (!form) return;
  const { searchable, finder } = window.amlsFolding(JSON.parse(form.dataset.letters));
  const cards = [...document.querySelectorAll("#topics [data-track]")].map((card) => ({
    card, track: card.dataset.track, skills: card.dataset.skills.split("|"), isFree: "free" in card.dataset, words: searchable(card.textContent),
  }));
  const said = form.querySelector("[data-shown]"), all = form.querySelector("[data-all]");
  form.querySelector("[data-plain]").remove();

  const chosen = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  const apply = () => {
    const tracks = chosen("track"), skills = chosen("skill"), free = form.elements.free.checked, typed = form.elements.q.value.trim();
    const isFound = finder(typed);
    const tests = {
      track: (one) => !tracks.length || tracks.includes(one.track),
      skill: (one) => !skills.length || one.skills.some((skill) => skills.includes(skill)),
      free: (one) => !free || one.isFree,
      words: (one) => isFound(one.words),
    };
    const fits = (one, but) => Object.entries(tests).every(([name, test]) => name === but || test(one));
    let shown = 0;
    for (const one of cards) {
      one.card.hidden = !fits(one);
      shown += !one.card.hidden;
    }
    for (const track of document.querySelectorAll("#topics .track")) track.hidden = !track.querySelector("[data-track]:not([hidden])");
    for (const box of form.querySelectorAll("[name=track], [name=skill]")) {
      const count = cards.filter((one) => fits(one, box.name) && (box.name === "track" ? one.track === box.value : one.skills.includes(box.value))).length;
      box.parentElement.querySelector("[data-count]").textContent = count;
    }
    const isSet = Boolean(tracks.length || skills.length || free || typed);
    said.textContent = !isSet ? "" : shown === 1 ? said.dataset.one : said.dataset.words.replace("%n", shown);
    all.hidden = !isSet;
    document.querySelector("#topics [data-none]").hidden = shown > 0;
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  all.addEventListener("click", (event) => {
    event.preventDefault();
    for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = false;
    form.elements.q.value = "";
    apply();
    form.elements.q.focus();
  });
  // Browsers bring what was ticked back with the page.
  addEventListener("pageshow", apply);
})();
