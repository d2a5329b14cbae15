// The lecture page: slides one at a time, and a recording that remembers. The page works without it.
(() => {
  "use strict";
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const markCurrent = (links, current) => links.forEach((link) => {
    if (link === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });

  // Slides: one at a time, by buttons, keys, the strip, and the address (#page=23).
  const deck = document.querySelector("[data-deck]");
  let showPage = () => {};
  if (deck) {
    const pages = all(deck, ".deck-pages figure"), links = all(deck, ".deck-strip a");
    const stage = deck.querySelector(".deck-pages"), strip = deck.querySelector(".deck-strip");
    const place = deck.querySelector("[data-place]");
    let at = 0;
    const asked = () => Number(/^#page=(\d+)$/.exec(location.hash)?.[1] ?? 0) - 1;
    const show = (index, write) => {
      at = Math.max(0, Math.min(pages.length - 1, index));
      pages.forEach((page, other) => { page.classList.toggle("is-shown", other === at); });
      markCurrent(links, links[at]);
      place.textContent = place.dataset.words.replace("%n", at + 1).replace("%m", pages.length);
      // With the next frame, which lays the page out anyway.
      requestAnimationFrame(() => {
        const box = links[at].getBoundingClientRect(), around = strip.getBoundingClientRect();
        strip.scrollLeft += box.left - around.left - (around.width - box.width) / 2;
      });
      if (!write) return;
      history.replaceState(history.state, "", `#page=${at + 1}`);
      const next = pages[at + 1]?.querySelector("img");
      if (next) new Image().src = next.src;
    };
    showPage = (number) => show(number - 1);
    deck.classList.add("is-live");
    deck.querySelector("[data-bar]").classList.add("is-ready");
    show(asked());
    if (asked() >= 0) deck.scrollIntoView({ block: "start" });
    addEventListener("hashchange", () => {
      if (asked() < 0) return;
      show(asked(), true);
      deck.scrollIntoView({ block: "nearest" });
    });
    const keys = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1, Home: -1e6, End: 1e6 };
    document.addEventListener("keydown", (event) => {
      const inDeck = stage.contains(event.target) || event.target.closest?.(".deck-bar");
      const step = keys[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (!inDeck && !(event.target === document.body && event.key.startsWith("Arrow"))) return;
      event.preventDefault();
      show(at + step, true);
    });
    let touched = null;
    stage.addEventListener("touchstart", (event) => { touched = event.changedTouches[0].clientX; }, { passive: true });
    stage.addEventListener("touchend", (event) => {
      const moved = event.changedTouches[0].clientX - touched;
      if (Math.abs(moved) > 50) show(at - Math.sign(moved), true);
    }, { passive: true });
    deck.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.turn) show(at + Number(button.dataset.turn), true);
      if ("full" in button.dataset) stage.requestFullscreen?.();
      if ("link" in button.dataset) {
        show(at, true);
        await navigator.clipboard?.writeText(location.href);
        window.amlsAnswers.tellAt(button);
      }
    });
  }

  // The recording: speed, chapters, where one was, and a transcript that follows.
  const watch = document.querySelector("[data-watch]");
  // Of who is signed in, from the form by which they sign out.
  const token = document.querySelector(".account [name=csrfmiddlewaretoken]")?.value;
  const video = watch?.querySelector("video");
  if (!video) return;
  const speed = watch.querySelector("[data-speed]");
  for (const control of all(watch, "[data-bar]")) control.classList.add("is-ready");
  const setSpeed = (value) => { video.defaultPlaybackRate = video.playbackRate = Number(value) || 1; };
  try {
    const kept = localStorage.getItem("speed");
    if (kept && all(speed, "option").some((option) => option.value === kept)) {
      speed.value = kept;
      setSpeed(kept);
    }
  } catch { /* without storage the speed is not kept */ }
  speed.addEventListener("change", () => {
    setSpeed(speed.value);
    try { localStorage.setItem("speed", speed.value); } catch { /* as above */ }
  });

  // Keys of players; whoever speaks to their machine turns them off.
  const keys = watch.querySelector("[data-keys]");
  try {
    keys.checked = localStorage.getItem("keys") !== "off";
    keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
  } catch { /* without storage they are on */ }
  const strokes = {
    " ": () => { if (video.paused) video.play().catch(() => {}); else video.pause(); },
    j: () => { video.currentTime = Math.max(0, video.currentTime - 10); },
    l: () => { video.currentTime = Math.min(video.duration || 0, video.currentTime + 10); },
  };
  document.addEventListener("keydown", (event) => {
    const stroke = strokes[event.key.toLowerCase()];
    if (!stroke || !keys.checked || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // In the video the browser's own keys hold; where nothing has the focus, these do.
    const isVideo = event.target === video && event.key !== " ";
    if (!isVideo && event.target !== document.body && !event.target.closest?.(".deck-pages")) return;
    event.preventDefault();
    stroke();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-seek]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    video.currentTime = Number(link.dataset.seek);
    history.replaceState(history.state, "", `?t=${link.dataset.seek}${location.hash.startsWith("#page") ? location.hash : "#recording"}`);
    video.play().catch(() => {});
    video.focus({ preventScroll: Boolean(link.closest(".transcript")) });
  });

  let played = 0, since = 0, counted = false, told = -1;
  const tell = () => {
    const seconds = Math.floor(video.currentTime), first = !counted && played >= 30;
    if (!first && (!token || seconds === told)) return;
    const body = new FormData();
    body.set("seconds", seconds);
    if (first) { body.set("first", "1"); counted = true; }
    told = seconds;
    fetch(watch.dataset.watch, { method: "POST", body, keepalive: true, headers: { "X-CSRFToken": token ?? "" } }).catch(() => {});
  };
  let last = 0;
  video.addEventListener("timeupdate", () => {
    const now = video.currentTime, step = now - last;
    if (!video.paused && step > 0 && step < 3) { played += step / video.playbackRate; since += step; }
    last = now;
    if (since > 15 || (!counted && played >= 30)) { since = 0; tell(); }
    follow(now);
  });
  video.addEventListener("pause", tell);
  addEventListener("pagehide", () => { if (played) tell(); });

  const chapters = all(watch, ".chapters [data-seek]");
  const follows = watch.querySelector("[data-follow]");
  let going = null;
  const said = watch.querySelector("[data-transcript]");
  let cues = [], shown = null;
  const follow = (now) => {
    const chapter = chapters.filter((link) => Number(link.dataset.seek) <= now + .3).pop();
    markCurrent(chapters, chapter);
    // In step: with a new chapter of what is played comes its slide; meanwhile one may turn them by hand.
    if (chapter !== going) {
      going = chapter;
      const page = /page=(\d+)/.exec(chapter?.parentElement.querySelector(".file")?.hash ?? "")?.[1];
      if (page && follows?.checked && (!video.paused || video.currentTime > 0)) showPage(Number(page));
    }
    const cue = cues.filter((line) => Number(line.dataset.at) <= now + .1).pop();
    if (cue === shown) return;
    shown?.classList.remove("is-now");
    shown = cue;
    if (!cue) return;
    cue.classList.add("is-now");
    const list = said.querySelector(".said");
    if (!said.matches(":focus-within, :hover")) list.scrollTop = cue.offsetTop - list.offsetTop - list.clientHeight / 3;
  };
  said?.addEventListener("toggle", async () => {
    if (!said.open || cues.length) return;
    const answer = await fetch(said.dataset.transcript, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) {
      window.amlsAnswers.fail(answer?.status ?? 0);
      return;
    }
    said.insertAdjacentHTML("beforeend", await answer.text());
    const list = said.querySelector(".said");
    if (!list) return;
    list.tabIndex = 0;
    cues = all(list, "[data-at]");
    follow(video.currentTime);
  });
})();
