// The hand-in page: what was chosen, a ticket for when the upload began, progress. The form works without.
(function prepare() {
  "use strict";
  const form = document.querySelector("form[data-handin]");
  if (!form) return;
  // A page that was opened in time says when the deadline has passed under it.
  const onTime = document.querySelector("[data-late-in]");
  const over = Date.now() + Number(onTime?.dataset.lateIn) * 1000;
  const look = () => {
    const left = over - Date.now();
    onTime.hidden = left <= 0;
    document.querySelector("[data-late]").hidden = left > 0;
    if (left > 0) setTimeout(look, Math.min(left, 60_000));
  };
  if (onTime) look();
  const field = form.querySelector("input[type=file]");
  const list = form.querySelector("[data-chosen]");
  const kinds = list.dataset.kinds.split(" ").flatMap((kind) => (kind === "tar.gz" ? [kind, "tgz"] : [kind]));

  const judge = (file) => {
    if (!kinds.some((kind) => file.name.toLowerCase().endsWith(`.${kind}`))) return list.dataset.wrongKind;
    if (file.size === 0) return list.dataset.empty;
    return file.size > Number(list.dataset.max) ? list.dataset.tooLarge : "";
  };
  // The picker is ours: what is chosen joins the list, and each file can be taken off it.
  form.querySelector("[data-pick]").hidden = false;
  form.querySelector("[data-drop]").classList.add("is-own");
  let chosen = [];
  const hold = (files) => {
    const data = new DataTransfer();
    for (const file of files) data.items.add(file);
    field.files = data.files;
    chosen = [...files];
    show();
  };
  const element = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });
  const lineOf = (file) => {
    const item = document.createElement("li"), wrong = judge(file);
    const said = `${wrong ? "✗" : "✓"} ${file.name} (${sayFileSize(file.size, { up: file.size > Number(list.dataset.max) })}): ${wrong || list.dataset.fine}`;
    const off = element("button", list.dataset.off, { type: "button", className: "link", ariaLabel: `${list.dataset.off}: ${file.name}` });
    off.addEventListener("click", () => { hold(chosen.filter((other) => other !== file)); field.focus(); });
    item.append(element("span", said, { className: wrong ? "wrong" : "fine" }), off);
    window.listArchive(file).then((names) => {
      if (!names) return;
      const inside = document.createElement("details"), all = document.createElement("ul");
      all.tabIndex = 0;
      all.append(...names.slice(0, 300).map((name) => element("li", name)));
      inside.append(element("summary", list.dataset.inside.replace("%n", names.length)), all);
      item.append(inside);
    });
    return item;
  };
  const show = () => list.replaceChildren(...[...field.files].map(lineOf));
  field.addEventListener("change", () => {
    const fresh = [...field.files], names = new Set(fresh.map((file) => file.name));
    // One that can't be handed in gives way to the next choice, as one of the same name does.
    hold([...chosen.filter((file) => !names.has(file.name) && !judge(file)), ...fresh]);
  });
  // Browsers bring chosen files back with the page.
  hold([...field.files]);

  // What the server kept of the last try goes along where it is ticked.
  const kept = () => [...form.querySelectorAll("input[name=kept]:checked")];
  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // Proves when the upload began; without it the server's own clock decides. Returns whether the server was asked and gave one.
  const takeTicket = async () => {
    const names = [...field.files].map((file) => file.name);
    const files = kept().filter((box) => !names.includes(box.dataset.name)).map((box) => [Number(box.dataset.size), box.dataset.sha256]);
    for (const file of field.files) files.push([file.size, hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))]);
    files.sort((file, other) => (file[1] < other[1] ? -1 : 1));
    // The same files, sent again after the upload broke off, began when they were first sent.
    const key = `handin:${form.dataset.handin}:${JSON.stringify(files)}`;
    const [since, before] = JSON.parse(sessionStorage.getItem(key) ?? "[0]");
    if (Date.now() - since < 29 * 60000) {
      form.elements.ticket.value = before;
      return false;
    }
    const answer = await fetch(form.dataset.handin, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body: JSON.stringify({ files }),
    });
    if (!answer.ok || answer.redirected) return false;
    form.elements.ticket.value = (await answer.json()).ticket;
    sessionStorage.setItem(key, JSON.stringify([Date.now(), form.elements.ticket.value]));
    return true;
  };

  // Files would be refused, and the page with them replaced, where nobody is signed in any more: it is asked before, unless a
  // ticket says it. Whoever signed in anew has another token against forged requests, which the page brings as it is by now.
  const hindrance = async () => {
    const page = await fetch(form.action, { headers: { Accept: "text/html" } });
    if (new URL(page.url).pathname !== new URL(form.action).pathname) return "signed-out";
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("form[data-handin]");
    if (!fresh) return "";
    if (fresh.dataset.of !== form.dataset.of) return "other-person";
    form.elements.csrfmiddlewaretoken.value = fresh.elements.csrfmiddlewaretoken.value;
    return "";
  };

  const send = () => {
    const bar = form.querySelector("progress");
    const pace = form.querySelector("[data-pace]"), began = performance.now();
    bar.hidden = false;
    window.amlsAnswers.send(form, {
      progress: (step) => {
        bar.max = step.total;
        bar.value = step.loaded;
        const seconds = Math.ceil(((performance.now() - began) / 1000) * (step.total / step.loaded - 1));
        pace.textContent = pace.dataset.words.replace("%p", Math.floor((step.loaded / step.total) * 100)).replace("%s", seconds);
      },
      leaves: (address) => {
        if (!address.startsWith("/receipts/")) return;
        for (const key of Object.keys(sessionStorage)) if (key.startsWith("handin:")) sessionStorage.removeItem(key);
      },
      // What is wrong stands in the form that came, which is prepared as the first one was.
      taken: prepare,
      broke: () => {
        bar.hidden = true;
        pace.textContent = "";
        delete form.dataset.sent;
        form.querySelector("button").disabled = false;
        // Only what a ticket proves is promised.
        form.querySelector(`[data-failed=${form.elements.ticket.value ? "timed" : "untimed"}]`).hidden = false;
      },
    });
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    // What is said of the last try is not said of this one.
    form.querySelector(".summary")?.remove();
    for (const failed of form.querySelectorAll("[data-failed]")) failed.hidden = true;
    // What the server would refuse is not sent at all.
    const stopped = form.querySelector("[data-stopped]");
    stopped.hidden = ![...field.files].some(judge);
    if (!stopped.hidden) {
      show();
      stopped.focus();
      return;
    }
    button.disabled = true;
    form.elements.ticket.value = "";
    const tries = (field.files.length || kept().length) && window.crypto?.subtle ? takeTicket : async () => false;
    let hinders = "";
    try {
      if (!(await tries().catch(() => false))) {
        hinders = await hindrance();
        if (!hinders && !form.elements.ticket.value) await tries();
      }
    } catch { /* without a connection sending says so; without a ticket the server's clock decides */ }
    if (hinders) {
      delete form.dataset.sent;
      button.disabled = false;
      form.querySelector(`[data-failed=${hinders}]`).hidden = false;
      return;
    }
    send();
  });
})();
