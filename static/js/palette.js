// The palette: it goes to pages, leads to what can be done, and searches while one types, all by keyboard.
// '/' or Ctrl-K (Cmd-K) opens it on every page; without JavaScript there is the search page, from which it takes its answers.
(() => {
  "use strict";
  const home = document.body.dataset.palette;
  if (!home) return;
  const ask = async (query, signal) => {
    const answer = await fetch(`${home}?${new URLSearchParams(query)}`, { signal });
    if (!answer.ok) throw Object.assign(new Error("refused"), { status: answer.status });
    return document.createRange().createContextualFragment(await answer.text());
  };
  let dialog, field, list, said, shown, waiting, asking;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const choose = (option) => {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  };
  const chosen = () => list.querySelector("[aria-selected=true]");

  const say = (words, manner) => {
    said.className = manner;
    said.textContent = words;
  };
  const fill = async () => {
    const typed = field.value.trim();
    asking?.abort();
    asking = new AbortController();
    try {
      const part = await ask({ palette: "1", q: typed }, asking.signal);
      const status = part.querySelector("[data-status]").dataset.status;
      list.replaceChildren(part);
      shown = typed;
      options().forEach((option, index) => { option.id = `palette-${index}`; });
      choose(options()[0]);
      say(status.replace(/\s+/g, " ").trim(), "visually-hidden");
    } catch (problem) {
      if (problem.name === "AbortError") return;
      // What was found for other words is no answer to these.
      list.replaceChildren();
      choose(null);
      shown = null;
      say(window.amlsAnswers.sentence(problem.status ?? 0), "note error");
    }
  };

  const onKey = (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all[(at - 1 + all.length) % all.length]);
    // A field of this type would only be emptied by it.
    else if (event.key === "Escape") dialog.close();
    // What is typed faster than it is answered is searched for on the search page.
    else if (event.key === "Enter" && shown === field.value.trim() && chosen()) chosen().click();
    else return;
    event.preventDefault();
  };

  const make = async () => {
    const part = await ask({ palette: "dialog" });
    dialog = part.querySelector("dialog");
    field = dialog.querySelector("input");
    list = dialog.querySelector("[role=listbox]");
    said = dialog.querySelector("[role=status]");
    document.body.append(dialog);
    field.addEventListener("keydown", onKey);
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(fill, 120);
    });
    // A click beside it closes it; one that leads to a place of this page does too.
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[role=option]")) dialog.close();
    });
  };

  const open = async () => {
    if (document.querySelector("dialog[open]")) return;
    if (!dialog) await make();
    if (!dialog.open) dialog.showModal();
    field.select();
    if (shown !== field.value.trim()) await fill();
  };
  const orPage = () => location.assign(home);

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
    const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isSlash && !isK) return;
    event.preventDefault();
    open().catch(orPage);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-opens-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open().catch(orPage);
  });
})();
