// Assessing by keyboard alone. Single keys can be turned off (WCAG 2.1.4); Ctrl+Enter and Esc stay.
(() => {
  const form = document.querySelector("form.assess");
  if (!form) return;
  const box = form.querySelector("[data-keys] input");
  const help = document.querySelector("[data-key-help]");
  const frame = form.querySelector("[data-reading]");
  for (const part of form.querySelectorAll("[data-keys], [data-keys-help]")) part.hidden = false;
  try { box.checked = localStorage.getItem("desk-keys") !== "off"; } catch { box.checked = true; }
  box.addEventListener("change", () => {
    try { localStorage.setItem("desk-keys", box.checked ? "on" : "off"); } catch { /* private windows keep nothing */ }
  });
  const showHelp = () => { if (!help.open) help.showModal(); };
  form.querySelector("[data-keys-help]").addEventListener("click", showHelp);
  help.querySelector("[data-close]").addEventListener("click", () => help.close());

  const press = (selector) => { const button = form.querySelector(selector); button?.click(); return !!button; };
  const changed = (field) => {
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const decide = (value) => {
    const choice = form.querySelector(`input[name=outcome][value="${value}"]`);
    if (!choice) return false;
    choice.checked = true;
    changed(choice);
    choice.focus({ preventScroll: true });
    return true;
  };
  // Points of the course's project are chosen from a list, those of tasks are typed.
  const list = form.querySelector("select[name=extra_points]");
  const give = (points) => {
    const choice = list && [...list.options].find((option) => Number(option.value) === points);
    if (!choice) return false;
    list.value = choice.value;
    changed(list);
    return true;
  };
  const tasks = [...form.querySelectorAll("input[name^=task_]")].filter((field) => /^task_[^_]+$/.test(field.name));
  const enter = (field) => { field?.focus(); field?.select(); return !!field; };
  const digit = (number) => (tasks.length ? enter(tasks[number - 1]) : give(number));

  // The documents in the frame are of this site, without scripts of their own: their keys are ours as well.
  const inside = () => { try { return frame?.contentDocument; } catch { return null; } };
  const links = [...form.querySelectorAll("[data-file], [data-compare]")];
  const open = (link) => { link?.click(); return !!link; };
  const turn = (step) => {
    const within = inside()?.querySelector(step > 0 ? "a[rel=next]" : "a[rel=prev]");
    if (within) { within.click(); return true; }
    const place = links.findIndex((link) => link.getAttribute("aria-current"));
    return open(links[place + step]);
  };
  const scroll = (way) => {
    const page = inside()?.defaultView;
    if (!page) return false;
    page.scrollBy({ top: way * page.innerHeight * 0.85 });
    return true;
  };
  for (const link of links) link.addEventListener("click", () => {
    for (const other of links) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  });
  const attend = () => {
    const page = inside();
    if (!page) return;
    page.documentElement.classList.add(document.documentElement.classList.contains("dark") ? "is-dark" : "is-light");
    page.addEventListener("keydown", onKey);
  };

  const keys = {
    j: () => press("button[name=go][value=next]"),
    k: () => press("button[name=go][value=previous]"),
    b: () => press("button[name=go][value=back]"),
    l: () => press("button[name=go][value=list]"),
    p: () => decide("passed"),
    f: () => decide("failed"),
    u: () => decide(""),
    "+": () => give(Number(list?.value) + 0.5),
    "-": () => give(Number(list?.value) - 0.5),
    c: () => { const field = form.querySelector("textarea[name=feedback]"); field?.focus(); return !!field; },
    "[": () => turn(-1),
    "]": () => turn(1),
    d: () => open(form.querySelector("[data-compare]")),
    "?": () => { showHelp(); return true; },
  };
  const isTyping = (field) => !!field.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  function onKey(event) {
    if (event.isComposing || event.defaultPrevented || help.open) return;
    const field = event.target;
    let isDone = false;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey) isDone = press("button[name=save_next]");
    else if (event.key === "Escape" && isTyping(field)) { field.blur(); isDone = true; }
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "Enter" && tasks.includes(field)) isDone = enter(tasks[tasks.indexOf(field) + 1]) || keys.c();
    else if (!box.checked || isTyping(field)) return;
    else if (event.key === " ") isDone = !field.closest?.("button, a, summary, input") && scroll(event.shiftKey ? -1 : 1);
    else if (/^\d$/.test(event.key)) isDone = digit(Number(event.key));
    else isDone = !!keys[event.key]?.();
    if (isDone) event.preventDefault();
  }
  document.addEventListener("keydown", onKey);
  frame?.addEventListener("load", attend);
  if (inside()?.readyState === "complete") attend();

  // What is to be read of the next project is fetched meanwhile: files may be kept for minutes, so that the frame
  // beside the next decision is there at once. Whoever saves data fetches nothing ahead.
  const fetchAhead = async () => {
    try {
      const answer = await fetch(form.dataset.next, { credentials: "same-origin" });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const address = answer.ok && next.querySelector("[data-reading]")?.getAttribute("src");
      if (address) await fetch(address, { credentials: "same-origin" });
    } catch { /* it is fetched when it is asked for */ }
  };
  if (form.dataset.next && !navigator.connection?.saveData) {
    const wait = window.requestIdleCallback ?? ((call) => setTimeout(call, 500));
    addEventListener("load", () => wait(fetchAhead));
  }
})();
