// AMLS: small helps. Every page works without them.
(() => {
  "use strict";
  const on = (type, selector, act) =>
    document.addEventListener(type, (event) => {
      const target = event.target.closest?.(selector);
      if (target) act(target, event);
    });

  // What was opened is there without a connection too.
  addEventListener("load", () => {
    // The desk uses this script too, and has none.
    const { worker } = document.body.dataset;
    if (worker) navigator.serviceWorker?.register(worker).catch(() => {
      // A browser that keeps nothing, such as in a private window, goes on without.
    });
  });

  // Copy an address.
  on("click", "[data-copy]", async (button) => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      document.execCommand("copy");
      button.focus();
    }
    window.amlsAnswers.tellAt(button);
  });

  // Dialogs: links lead to a page of their own, and open here where there is one.
  on("click", "[data-dialog]", (link, event) => {
    const dialog = document.getElementById(link.dataset.dialog);
    if (!dialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.showModal();
    dialog.addEventListener("close", () => link.focus(), { once: true });
  });
  on("click", "[data-close]", (button) => button.closest("dialog").close());

  // Menus close with Escape, by a click elsewhere, and when the focus goes on; not with a dialog that was opened from one and stands before it.
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details:is(.account, .pick)[open]");
    if (event.key === "Escape" && menu && !document.querySelector("dialog:modal")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    const menu = target.closest("details:is(.account, .pick)[open]");
    if (menu && relatedTarget && !menu.contains(relatedTarget) && !relatedTarget.closest("dialog")) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("dialog")) return;
    for (const menu of document.querySelectorAll("details:is(.account, .pick)[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent && !event.defaultPrevented) event.preventDefault();
    else if (form.method === "post" && !form.hasAttribute("hx-post")) {
      form.dataset.sent = "1";
      setTimeout(() => { delete form.dataset.sent; }, 4000);
    }
  });

  // What came of an edit is said beside what was edited: there the person is taken.
  const said = document.querySelector("[data-said]");
  if (said) {
    // After the browser put the page where it was scrolled to, or to the row that the address names.
    addEventListener("load", () => setTimeout(() => {
      said.focus({ preventScroll: true });
      said.scrollIntoView({ block: "center", behavior: "instant" });
    }, 100));
  }

  // The recording starts where the link says: ?t=90
  const start = new URLSearchParams(location.search).get("t");
  const video = document.querySelector("video");
  if (start && video) video.currentTime = Number(start) || 0;

  // Drop zones: what is dropped goes into the file field; progress is shown while it is sent.
  const names = (zone) => {
    const list = zone.querySelector("[data-names]");
    if (list) list.textContent = [...zone.querySelector("input[type=file]").files].map((file) => file.name).join(" · ");
  };
  on("change", "[data-drop]", names);
  on("dragover", "[data-drop]", (zone, event) => { event.preventDefault(); zone.classList.add("over"); });
  on("dragleave", "[data-drop]", (zone) => zone.classList.remove("over"));
  on("drop", "[data-drop]", (zone, event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const field = zone.querySelector("input[type=file]");
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  on("submit", "form[data-progress]", (form, event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    const bar = form.querySelector("progress"), failed = form.querySelector("[data-failed]");
    failed.hidden = true;
    window.amlsAnswers.send(form, {
      progress: (step) => { bar.hidden = false; bar.max = step.total; bar.value = step.loaded; },
      broke: () => {
        delete form.dataset.sent;
        failed.hidden = false;
      },
    });
  });
})();
