// What was asked for is read first.
document.querySelector("[data-focus]")?.focus();
// What is typed is kept on the way: a moment after the last key, and whatever way leads off the page. Every button of
// the page sends it along as well, so that this works without scripts.
(() => {
  const form = document.querySelector("form[data-keeps]");
  if (!form) return;
  const said = form.querySelector("[data-kept]");
  const discard = form.querySelector("[data-discard]");
  // Changes are counted: what is on its way is not kept yet, and goes along again when the page is left.
  let timer, flying, changes = 0, kept = 0, isFailing = false, isSent = false;
  const typed = () => { const data = new FormData(form); data.set("keep", "quietly"); return data; };
  const say = (words) => { said.hidden = !words; said.textContent = words; };
  const keep = async () => {
    // One after the other, or an earlier text could arrive after a later one.
    if (flying) { timer = setTimeout(keep, 300); return; }
    flying = new AbortController();
    const limit = setTimeout(() => flying.abort(new Error("no answer")), 20000);
    const sending = changes;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: typed(), signal: flying.signal, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      const words = await answer.text();
      say(words);
      discard.hidden = !words;
      kept = sending;
      isFailing = false;
    } catch (error) {
      if (error.name === "AbortError") return;
      isFailing = true;
      say(said.dataset.failed);
    } finally {
      clearTimeout(limit);
      flying = undefined;
    }
  };
  form.addEventListener("input", (event) => {
    if (!event.target.name) return;
    changes += 1;
    clearTimeout(timer);
    timer = setTimeout(keep, 700);
  });
  form.addEventListener("submit", () => { isSent = true; clearTimeout(timer); flying?.abort(); });
  addEventListener("pageshow", () => { isSent = false; });
  addEventListener("pagehide", () => { if (changes !== kept && !isSent) navigator.sendBeacon(form.getAttribute("action"), typed()); });
  addEventListener("beforeunload", (event) => { if (isFailing && !isSent) event.preventDefault(); });
})();
// Snippets: a click puts one into the comment in which the person wrote last, '//3' and a blank the third one where a
// word begins: a division or an address holds the same.
(() => {
  const list = document.querySelector("[data-snippets]");
  if (!list) return;
  const texts = [...list.querySelectorAll("[data-snippet]")].map((item) => item.textContent.trim());
  const isComment = (field) => field.matches?.("textarea[name^=comment_], textarea[name=feedback]");
  let last = document.querySelector("textarea[name^=comment_], textarea[name=feedback]");
  document.addEventListener("focusin", (event) => { if (isComment(event.target)) last = event.target; });
  const put = (field, start, end, text) => {
    field.focus();
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const button of list.querySelectorAll("button[data-put]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!last) return;
      const before = last.value.slice(0, last.selectionStart);
      put(last, last.selectionStart, last.selectionEnd, (before && !/\s$/.test(before) ? " " : "") + texts[Number(button.dataset.put)]);
    });
  }
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!isComment(field) || event.isComposing) return;
    const typed = /(?:^|\s)(\/\/(\d{1,3})\s)$/.exec(field.value.slice(0, field.selectionStart));
    const text = typed && texts[Number(typed[2]) - 1];
    if (text) put(field, field.selectionStart - typed[1].length, field.selectionStart, `${text} `);
  });
})();
