// Notices on this device: asked for by a button, never by the page itself (Push API, W3C).
(() => {
  "use strict";
  const form = document.querySelector("[data-push]");
  if (!form || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const said = form.querySelector("[data-push-said]");
  document.querySelector("[data-push-none]").hidden = true;
  form.hidden = false;

  const bytesOf = (text) => {
    const padded = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(padded), (sign) => sign.charCodeAt(0));
  };
  const isOurs = (subscription, key) => {
    const theirs = new Uint8Array(subscription.options.applicationServerKey ?? []);
    return theirs.length === key.length && theirs.every((byte, place) => byte === key[place]);
  };

  const showWhichIsHere = async () => {
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await pushManager.getSubscription();
    if (!subscription) return;
    for (const row of document.querySelectorAll("[data-push-device]")) {
      if (row.dataset.pushDevice !== subscription.endpoint) continue;
      row.querySelector("[data-push-here]").hidden = false;
      form.hidden = true;
      row.querySelector("form").addEventListener("submit", () => subscription.unsubscribe());
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    if ((await Notification.requestPermission()) !== "granted") {
      said.textContent = form.dataset.denied;
      return;
    }
    try {
      const key = bytesOf(form.dataset.push);
      const { pushManager } = await navigator.serviceWorker.ready;
      const standing = await pushManager.getSubscription();
      // One of another key, or of another account on this device, is not this person's.
      if (standing) await standing.unsubscribe();
      const fresh = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      if (!isOurs(fresh, key)) throw new Error("another key");
      const { endpoint, keys } = fresh.toJSON();
      const body = new FormData(form);
      for (const [name, value] of Object.entries({ endpoint, ...keys })) body.set(name, value);
      const answer = await fetch(form.action, { method: "POST", body });
      if (!answer.ok) {
        await fresh.unsubscribe();
        said.textContent = answer.status === 409 ? (await answer.json()).problem : form.dataset.failed;
        return;
      }
      location.reload();
    } catch {
      said.textContent = form.dataset.failed;
    }
  });
  showWhichIsHere();
})();
