/*
 * Keeps the page itself on the phone, so that it opens without signal. vite.config.ts puts in which files and the version.
 * What the server answers is never kept here and never served from here: /api and /live are not even looked at, so
 * without a connection the page knows that it has none.
 */
const FILES = __FILES__;
const CACHE = "anhu-page-__VERSION__";
const PREFIX = "anhu-page-";
const SHELL = "/index.html";
/** A network that neither answers nor fails: the page that is kept is better than waiting. */
const NAVIGATION_WAIT_MS = 4000;

async function fill() {
  const cache = await caches.open(CACHE);
  for (const file of FILES) {
    // Names of assets hold a hash of the content: what an older version has is the same.
    const known = file.startsWith("/assets/") ? await caches.match(file) : undefined;
    if (known) await cache.put(file, known);
    else await cache.add(new Request(file, { cache: "no-cache" }));
  }
  await self.skipWaiting();
}

/** An open page may still ask for a part of the version it came with, so the last one before this stays. */
async function tidy() {
  const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function shell() {
  return (await caches.open(CACHE)).match(SHELL);
}

async function navigate(request) {
  const kept = await shell();
  if (!kept) return fetch(request);
  const network = fetch(request).then((answer) => (answer.status >= 500 ? kept : answer), () => kept);
  const late = new Promise((resolve) => setTimeout(() => resolve(kept.clone()), NAVIGATION_WAIT_MS));
  return Promise.race([network, late]);
}

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (!url.pathname.startsWith("/api/")) event.respondWith(navigate(request));
  } else if (url.pathname.startsWith("/assets/") || FILES.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((known) => known ?? fetch(request)));
  }
});
