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
  };
  // `status`: that of the answer; 0 where none came.
  const fail = (status) => say(sentence(status));

  // Where the focus was in what is replaced, it goes to the same in what takes its place, or as near to it as can be.
  const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const signOf = (control) => [control.tagName, control.name, control.type, control.getAttribute("href"), control.innerText].join("\n");
  const canFocus = (control) => !control.disabled && control.checkVisibility({ visibilityProperty: true });
  const within = (place, selector) => (place?.isConnected ? [place, ...place.querySelectorAll(selector)].filter((part) => part.matches(selector)) : []);
  let was = null;
  const noteFocus = (part) => {
    const at = document.activeElement, ids = [];
    was = null;
    if (!part.contains(at)) return;
    for (let around = at; around !== part.parentElement; around = around.parentElement) if (around.id) ids.push(around.id);
    was = { sign: signOf(at), ids, part };
  };
  // What is wrong or new asks for it; else it is only brought back to who lost it.
  const keepFocus = (fresh) => {
    const asking = ["[data-focus]", "[autofocus]"].flatMap((selector) => fresh.flatMap((part) => within(part, selector)))[0];
    const lost = document.activeElement === document.body ? was : null;
    was = null;
    if (asking || !lost) {
      asking?.focus();
      return;
    }
    for (const place of [...lost.ids.map((id) => document.getElementById(id)), lost.part, ...fresh, document.querySelector("main")]) {
      const controls = within(place, CONTROLS).filter(canFocus);
      const next = controls.find((control) => signOf(control) === lost.sign) ?? controls[0];
      if (next) {
        next.focus();
        return;
      }
    }
  };

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

  window.amlsAnswers = { send, fail, sentence };
})();
