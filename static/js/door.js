// The door of an exam: marks are kept on this device until the server has them, each with its
// own key; slips are read by the camera. Without this script the forms work by themselves.
(() => {
  "use strict";
  const door = document.getElementById("door");
  if (!door) return;
  const words = JSON.parse(door.dataset.words);
  // Each mark has a place of its own, so that two tabs of one door add to each other's and send all.
  const store = `amls-door-${door.dataset.exam}-`;
  const queue = () =>
    Object.keys(localStorage)
      .filter((name) => name.startsWith(store))
      .map((name) => JSON.parse(localStorage.getItem(name)))
      .filter((mark) => mark)
      .sort((mark, other) => mark.made_at.localeCompare(other.made_at));
  const rows = new Map([...door.querySelectorAll("[data-person]")].map((row) => [row.dataset.person, row]));
  const unsent = door.querySelector("[data-unsent]");
  const problem = door.querySelector("[data-problem]");
  const marked = door.querySelector("[data-marked]");
  const csrf = door.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  let isSending = false;
  // As many as one request takes without keeping a phone waiting.
  const PORTION = 100;
  const SHOWN = { present: "attended", absent: "absent", left: "left", undo: "undoing" };

  const newKey = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
  const say = (text) => { problem.textContent = text; problem.hidden = !text; };
  const tell = () => {
    const kept = queue().length;
    unsent.hidden = kept === 0;
    if (kept) unsent.textContent = words.unsent.replace("%s", kept);
  };
  // The server answers, but takes no marks from here: signed out, or the link has ended.
  const refuse = (status) => {
    if (status < 500 && queue().length) say(words.refused);
  };
  const isThere = (control) => control.checkVisibility();
  const show = (pk, state, seat) => {
    const row = rows.get(pk);
    if (!row) return;
    if (row.dataset.state !== state) {
      const pressed = row.contains(document.activeElement) ? document.activeElement : null;
      row.dataset.state = state;
      row.querySelector("[data-said]").textContent = words[state] ?? state;
      // A button that is gone for now leaves the focus to the one that stands in its place.
      if (pressed && !isThere(pressed)) [...row.querySelectorAll("[name=action]")].find(isThere)?.focus({ preventScroll: true });
    }
    row.querySelector("[data-seat]").textContent = seat ? `→ ${seat}` : "";
  };
  const follow = (answer) => {
    const open = new Set(queue().map((mark) => mark.registration));
    for (const [pk, [state, seat]] of Object.entries(answer.states)) if (!open.has(pk)) show(pk, state, seat);
    for (const [name, count] of Object.entries(answer.counts)) {
      const place = door.querySelector(`[data-count="${name}"]`);
      if (place && place.textContent !== String(count)) place.textContent = count;
    }
    const refused = Object.values(answer.refused);
    if (refused.length) say(refused.join(" "));
  };
  const send = async () => {
    if (isSending) return;
    isSending = true;
    const sent = queue().slice(0, PORTION);
    let isDone = false;
    try {
      const body = JSON.stringify({ sent_at: new Date().toISOString(), marks: sent });
      const request = sent.length
        ? { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": csrf }, body }
        : {};
      const answer = await fetch(door.dataset.marks, { ...request, signal: AbortSignal.timeout(8000) });
      if (answer.ok) {
        const standing = await answer.json();
        for (const mark of sent) localStorage.removeItem(store + mark.key);
        tell();
        follow(standing);
        isDone = true;
      } else refuse(answer.status);
    } catch {
      // No network: what is kept is sent with the next try.
    }
    isSending = false;
    if (isDone && queue().length) send();
  };

  door.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-mark]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    event.stopPropagation();
    const action = event.submitter.value;
    const pk = form.elements.registration.value;
    const seat = form.elements.seat.value.trim();
    const mark = { key: newKey(), registration: pk, action, seat, made_at: new Date().toISOString() };
    localStorage.setItem(store + mark.key, JSON.stringify(mark));
    say("");
    tell();
    show(pk, SHOWN[action], seat);
    const row = rows.get(pk);
    marked.textContent = `${row.querySelector(".who b").textContent}: ${row.querySelector("[data-said]").textContent}`;
    send();
    if (search.value) next(pk);
  });

  // Search as one types, by the server's own way to compare letters.
  const { finder } = window.amlsFolding(JSON.parse(door.dataset.letters));
  const search = door.querySelector("[data-search]"), nobody = door.querySelector("[data-nobody]");
  const sift = () => {
    const isFound = finder(search.value);
    for (const row of rows.values()) row.hidden = !isFound(row.dataset.words);
    const isNobody = rows.size > 0 && [...rows.values()].every((row) => row.hidden);
    nobody.textContent = isNobody ? nobody.dataset.words : "";
  };
  search.addEventListener("input", sift);
  // Who was found and marked is seen once more among all, and the field waits for the next one.
  const next = (pk) => {
    search.value = "";
    sift();
    rows.get(pk)?.scrollIntoView({ block: "center" });
    search.focus({ preventScroll: true });
  };
  // Enter marks whoever alone is found.
  search.form.addEventListener("submit", (event) => {
    const open = [...rows.values()].filter((row) => !row.hidden);
    if (!search.value || open.length !== 1) return;
    event.preventDefault();
    if (open[0].dataset.state === "registered") open[0].querySelector("[value=present]")?.click();
    else next(open[0].dataset.person);
  });

  // Slips: the browser's own detector where it has one, else the vendored decoder.
  const scan = door.querySelector("[data-scan]");
  const camera = door.querySelector("[data-camera]");
  const video = camera.querySelector("video");
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => { track.stop(); });
    stream = null;
    camera.hidden = true;
    scan.focus();
  };
  const goTo = (text) => {
    let code = text;
    try { code = new URL(text).searchParams.get("who") ?? text; } catch { /* a bare code */ }
    const row = [...rows.values()].find((other) => other.dataset.code === code);
    stop();
    if (!row) { say(words.unknown); return; }
    say("");
    search.value = "";
    sift();
    row.scrollIntoView({ block: "center" });
    row.querySelector("button")?.focus();
  };
  const ownDetector = async () => {
    if (!("BarcodeDetector" in window)) return null;
    const formats = await BarcodeDetector.getSupportedFormats();
    if (!formats.includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async () => (await detector.detect(video))[0]?.rawValue;
  };
  const vendored = async () => {
    if (!window.jsQR) {
      await new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = door.dataset.decoder;
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
      });
    }
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    return async () => {
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      if (!canvas.width) return undefined;
      context.drawImage(video, 0, 0);
      const image = context.getImageData(0, 0, canvas.width, canvas.height);
      return window.jsQR(image.data, image.width, image.height)?.data;
    };
  };
  const look = async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      camera.hidden = false;
      await video.play();
      const read = (await ownDetector()) ?? (await vendored());
      while (stream) {
        const text = await read();
        if (text && stream) { goTo(text); return; }
        await new Promise((done) => setTimeout(done, 150));
      }
    } catch {
      stop();
      say(words.nocamera);
    }
  };
  if (navigator.mediaDevices?.getUserMedia) {
    scan.hidden = false;
    scan.addEventListener("click", look);
    camera.querySelector("[data-stop]").addEventListener("click", stop);
  }

  addEventListener("online", send);
  setInterval(send, 5000);
  addEventListener("storage", tell);
  tell();
  for (const mark of queue()) show(mark.registration, SHOWN[mark.action], mark.seat);
  if (queue().length) send();
})();
