// What comes of what is sent while a page stands, by htmx or by a script of ours: where it leads, what takes a part's place,
// where the focus is then, and what is said where nothing came.
(() => {
  "use strict";
  // What did not work is said until something does. Pages of the desk have no such place, and say it in their own.
  const trouble = document.getElementById("trouble");
  const kindOf = (status) => (status === 0 ? "offline" : [401, 403, 404, 410].includes(status) ? "gone" : "server");
  const sentence = (status) => trouble?.dataset[kindOf(status)] ?? "";
  const say = (words) => {
    if (!trouble) return;
    const place = trouble.querySelector("[data-words]");
    if (place.textContent !== words) place.textContent = words;
    trouble.firstElementChild.hidden = !words;
    // It stands above the lower edge: what was pressed is to be seen beside it.
    if (words && document.activeElement !== document.body) document.activeElement.scrollIntoView({ block: "nearest" });
  };
  // `status`: that of the answer; 0 where none came.
  const fail = (status) => say(sentence(status));

  // Where the focus was in what is replaced, it goes to the same in what takes its place, or as near to it as can be.
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const within = (place, selector) => (place?.isConnected ? [place, ...place.querySelectorAll(selector)].filter((part) => part.matches(selector)) : []);
  const canFocus = (control) => !control.disabled && control.checkVisibility({ visibilityProperty: true });
  const signOf = (control) =>
    [control.tagName, control.id, control.name, control.type, control.getAttribute("href"), control.textContent.trim()].join("\n");
  // What there is several times, such as the button of each row, is no sign of anything.
  const bySign = (controls) => {
    const known = new Map();
    for (const control of controls) known.set(signOf(control), known.has(signOf(control)) ? null : control);
    return known;
  };
  let was = null;
  const noteFocus = (part) => {
    const at = document.activeElement;
    was = null;
    if (!part.contains(at)) return;
    const controls = within(part, CONTROLS), ids = [];
    for (let around = at; around !== part; around = around.parentElement) if (around.id) ids.push(around.id);
    const place = controls.indexOf(at), known = bySign(controls);
    // Its own, those of what comes after it, and of what stands before it, the nearest first; what does the same before all others.
    const near = [...controls.slice(place), ...controls.slice(0, Math.max(place, 0)).reverse()];
    const isLike = (control) => control.tagName === at.tagName && control.name === at.name;
    const signs = [...near.filter(isLike), ...near].map(signOf).filter((sign) => known.get(sign));
    was = { part, ids, sign: signOf(at), signs, isSeen: at.matches(":focus-visible") };
  };
  const nearest = (lost, fresh) => {
    const places = [lost.part, lost.part.id && document.getElementById(lost.part.id), ...fresh];
    const controls = [...new Set(places.flatMap((place) => within(place || null, CONTROLS)))].filter(canFocus);
    const known = bySign(controls);
    const around = lost.ids.flatMap((id) => within(document.getElementById(id), CONTROLS)).filter(canFocus);
    if (lost.signs[0] === lost.sign && known.get(lost.sign)) return known.get(lost.sign);
    if (around.length) return around[0];
    return lost.signs.map((sign) => known.get(sign)).find(Boolean) ?? controls[0] ?? within(document.querySelector("main"), CONTROLS).find(canFocus);
  };
  // What is wrong or new asks for it; else it is only brought back to who lost it. Who points at things sees nothing move.
  const keepFocus = (fresh) => {
    const asking = ["[data-focus]", "[autofocus]"].flatMap((selector) => fresh.flatMap((part) => within(part, selector)))[0];
    const lost = document.activeElement === document.body ? was : null;
    was = null;
    if (asking) asking.focus();
    else if (lost) nearest(lost, fresh)?.focus({ preventScroll: !lost.isSeen });
  };
  // A page that was loaded is read from what is wrong or new on; this comes before a field that has `autofocus`.
  document.querySelector("[data-focus]")?.focus();

  // Folds that stay open while what is in them is worked on.
  let open = [];
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    noteFocus(detail.target);
    open = [...detail.target.querySelectorAll("details[data-stays][open]")].map((fold) => fold.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  });
  // It is told of each part that was swapped in, one after the other.
  let settled = [];
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (settled.push(target) > 1) return;
    queueMicrotask(() => {
      keepFocus(settled);
      settled = [];
    });
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.successful) say(""); });
  for (const type of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(type, ({ target, detail }) => {
      fail(type === "htmx:responseError" ? detail.xhr.status : 0);
      // What was found for other words is no answer to these.
      const { empties } = target.dataset;
      if (empties) for (const part of document.querySelectorAll(empties)) part.replaceChildren();
    });
  }

  // The main part of a page that was answered takes the place of this one's; returns whether it has one.
  const takeIn = (page) => {
    const part = ["#main", "main"].find((name) => page.querySelector(name) && document.querySelector(name));
    if (!part) return false;
    const old = document.querySelector(part), fresh = document.adoptNode(page.querySelector(part));
    document.title = page.title;
    noteFocus(old);
    old.replaceWith(fresh);
    window.htmx?.process(fresh);
    scrollTo(0, 0);
    keepFocus([fresh]);
    return true;
  };

  // Send a form with its files: `progress` is told of each step, `leaves` of the address that it leads to, `taken` when the
  // answer stands here, and `broke` that no answer came.
  const send = (form, { progress, leaves, taken, broke }) => {
    const request = new XMLHttpRequest(), asked = form.action.split("#")[0];
    request.upload.addEventListener("progress", (step) => { if (step.lengthComputable) progress(step); });
    request.addEventListener("load", () => {
      const led = request.getResponseHeader("HX-Redirect"), isHere = request.getResponseHeader("HX-Refresh") !== null;
      if (led || isHere) leaves?.(led ?? location.pathname);
      if (isHere) location.reload();
      else if (led) location.assign(led);
      // Where somebody has to sign in first.
      else if (request.responseURL !== asked) location.assign(request.responseURL);
      else if (request.status < 500 && takeIn(new DOMParser().parseFromString(request.responseText, "text/html"))) taken?.();
      else broke();
    });
    request.addEventListener("error", broke);
    request.addEventListener("abort", broke);
    request.open("POST", asked);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("HX-Current-URL", location.href);
    request.send(new FormData(form));
  };

  // A button says for a moment what it did, to those too who hear the page, also where a dialog is all that they hear.
  const tellAt = (button) => {
    button.dataset.label ??= button.textContent;
    const said = document.createElement("span");
    said.className = "visually-hidden";
    said.role = "status";
    button.after(said);
    button.textContent = button.dataset.done;
    setTimeout(() => { said.textContent = button.dataset.done; }, 100);
    setTimeout(() => {
      button.textContent = button.dataset.label;
      said.remove();
    }, 2500);
  };

  window.amlsAnswers = { send, fail, sentence, tellAt };
})();
