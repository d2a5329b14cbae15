// The service worker. What was opened is there without a connection, and says from when it is.
// Never is a page of one person given to another: every page says by a code whose it is (X-Account), and all that is kept
// goes when that changes, and with every step in or out of an account. Never is anything sent from a page that is kept.
// `self.AMLS` stands before this (amls/portal/pwa/views.py); answers say whether they are to be kept (X-Offline).
"use strict";
const { AMLS } = self;
const STATIC = "amls-static";
const PAGES = "amls-pages";
const STATE = "amls-state";
const MOST_STATIC = 150;
const MOST_PAGES = 120;
const MOST_BYTES = 20 * 1024 ** 2;
const LONGEST = 7 * 24 * 3600 * 1000;
const HASHED = /\.[0-9a-f]{12}\.\w+$/;

// Grows whenever everything is forgotten: what was asked for before that is not kept any more.
let generation = 0;

const read = async () => (await (await caches.open(STATE)).match("/state"))?.json() ?? {};
const write = async (state) => (await caches.open(STATE)).put("/state", new Response(JSON.stringify(state)));
const forget = async () => {
  generation += 1;
  await caches.delete(PAGES);
};
const trim = async (cache, most) => {
  const keys = await cache.keys();
  for (const key of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(key);
};
const addressOf = (request) => request.url.split("#")[0];
const isPage = (response) => (response.headers.get("Content-Type") ?? "").startsWith("text/html");

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const shell = await caches.open(STATIC);
    await shell.addAll(AMLS.shell);
    for (const address of Object.values(AMLS.offline)) {
      // As a visitor sees it: nobody's name is in it.
      await shell.put(address, await fetch(address, { credentials: "omit", cache: "reload" }));
    }
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method !== "GET") {
    if (pathname.startsWith(AMLS.leaving)) event.waitUntil(forget());
    // Whoever signs out is not told here any more: the next may sit at this device.
    if (pathname === AMLS.logout) event.waitUntil(untell());
  } else if (pathname.startsWith(AMLS.static)) event.respondWith(staticFile(request));
  else if ((request.mode === "navigate" || request.destination === "image") && !request.headers.has("range")) {
    event.respondWith(answer(event));
  }
});

// A file with its own hash in its name never changes; others are only for when there is no connection.
const staticFile = async (request) => {
  const cache = await caches.open(STATIC);
  const kept = await cache.match(request);
  if (kept && HASHED.test(request.url)) return kept;
  try {
    const response = await fetch(request);
    if (response.ok) {
      await cache.put(request, response.clone());
      await trim(cache, MOST_STATIC);
    }
    return response;
  } catch (problem) {
    if (kept) return kept;
    throw problem;
  }
};

const answer = async (event) => {
  const begun = generation;
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(keep(event.request, response.clone(), begun));
    return response;
  } catch (problem) {
    const kept = await keptPage(event.request);
    if (kept) return kept;
    if (event.request.mode !== "navigate") throw problem;
    return offlinePage();
  }
};

const keep = async (request, response, begunAt) => {
  let begun = begunAt;
  if (isPage(response)) {
    const account = response.headers.get("X-Account");
    if (account === null || begun !== generation) return;
    if (account !== (await read()).account) {
      await forget();
      begun = generation;
      await write({ account });
    }
  }
  if (response.headers.get("X-Offline") !== "keep" || response.status !== 200) return;
  const body = await response.blob();
  if (body.size > MOST_BYTES) return;
  const headers = new Headers(response.headers);
  for (const name of ["Content-Encoding", "Content-Length", "Set-Cookie"]) headers.delete(name);
  headers.set("X-Kept-At", String(Date.now()));
  if (isPage(response)) {
    headers.set("X-Title", encodeURIComponent((await body.text()).match(/<title>([^<]*)/)?.[1].trim() ?? ""));
  }
  const cache = await caches.open(PAGES);
  if (begun !== generation) return;
  await cache.delete(addressOf(request));
  await cache.put(addressOf(request), new Response(body, { headers }));
  if (begun !== generation) await caches.delete(PAGES);
  else await trim(cache, MOST_PAGES);
};

const untell = async () => (await self.registration.pushManager?.getSubscription())?.unsubscribe();

// What the server sealed for this device. While the pages here are another account's, or nobody's, it is not shown.
self.addEventListener("push", (event) => event.waitUntil((async () => {
  const said = event.data?.json();
  if (!said) return;
  const { account } = await read();
  if (account && account !== said.account) {
    await untell();
    return;
  }
  await self.registration.showNotification(said.title, {
    body: said.text, tag: said.tag, icon: AMLS.icon, data: { path: said.path },
  });
})()));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data?.path ?? "/", location.origin);
  if (address.origin !== location.origin) return;
  event.waitUntil((async () => {
    const windows = await self.clients.matchAll({ type: "window" });
    const open = windows.find((client) => client.url === address.href);
    await (open ? open.focus() : self.clients.openWindow(address.href));
  })());
});

const isFresh = (kept) => Date.now() - Number(kept.headers.get("X-Kept-At")) < LONGEST;

const keptPage = async (request) => {
  const kept = await (await caches.open(PAGES)).match(addressOf(request));
  if (!kept || !isFresh(kept) || !isPage(kept)) return kept && isFresh(kept) ? kept : undefined;
  const html = await kept.text();
  const language = html.match(/<html[^>]*\blang="(\w\w)/)?.[1] ?? "en";
  const words = AMLS.words[language] ?? AMLS.words.en;
  const time = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    weekday: "short", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit",
  }).format(Number(kept.headers.get("X-Kept-At")));
  const said = `<p class="as-of" role="status">${words.as_of.replace("{time}", time)} <a href="">${words.again}</a></p>`;
  const still = html
    .replace(/<html\b/i, "<html data-as-of")
    .replace(/<form\b(?=[^>]*\bmethod="post")/gi, "<form inert")
    .replace(/\shx-(post|put|patch|delete)=/gi, " data-hx-off-$1=")
    .replace("</header>", `</header>${said}`);
  return new Response(still, { headers: kept.headers });
};

const offlinePage = async () => {
  const language = navigator.language.slice(0, 2);
  const page = await (await caches.open(STATIC)).match(AMLS.offline[language] ?? AMLS.offline.en);
  const items = [];
  const cache = await caches.open(PAGES);
  for (const key of await cache.keys()) {
    const kept = await cache.match(key);
    const title = decodeURIComponent(kept?.headers.get("X-Title") ?? "");
    if (title && isFresh(kept)) items.unshift(`<li><a href="${new URL(key.url).pathname}">${title}</a></li>`);
  }
  const html = (await page.text()).replace("<!--kept-->", items.join(""));
  return new Response(html, { headers: page.headers });
};
