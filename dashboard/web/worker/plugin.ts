import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

/** What has to open without signal: what is loaded first, the phone's own pages, and the other language. */
const OFFLINE_MODULES = [/\/src\/main\.ts$/, /\/src\/phone\//, /\/src\/pages\/Phone\w*Page\.vue$/, /\/src\/pages\/PlacePage\.vue$/, /\/src\/pages\/SignInPage\.vue$/, /\/src\/components\/LeaveBox\.vue$/, /\/src\/locales\/en\.ts$/];
const FIXED = ["/index.html", "/icon.svg", "/manifest.webmanifest"];
const HERE = new URL(".", import.meta.url);

interface Chunk {
  type: "chunk" | "asset";
  fileName: string;
  moduleIds?: string[];
  imports?: string[];
  viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> };
}

/** The files of the chunks that hold one of `wanted`, with everything those import before they can run. */
export function offlineFiles(bundle: Record<string, Chunk>, wanted: readonly RegExp[]): string[] {
  const found = new Set<string>();
  const take = (name: string): void => {
    const chunk = bundle[name];
    if (!chunk || found.has(name)) return;
    found.add(name);
    for (const each of chunk.imports ?? []) take(each);
    for (const each of chunk.viteMetadata?.importedCss ?? []) found.add(each);
    for (const each of chunk.viteMetadata?.importedAssets ?? []) found.add(each);
  };
  for (const [name, chunk] of Object.entries(bundle)) {
    if (chunk.type === "chunk" && chunk.moduleIds?.some((id) => wanted.some((each) => each.test(id)))) take(name);
  }
  return [...found].sort().map((name) => `/${name}`);
}

/** Writes sw.js: the worker with the list of what it keeps, and a version that changes when any of it does. */
export function offlineWorker(): Plugin {
  return {
    name: "anhu-offline-worker",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const icons = readdirSync(new URL("../public/icons", HERE)).sort().map((name) => `/icons/${name}`);
      const files = [...FIXED, ...icons, ...offlineFiles(bundle as unknown as Record<string, Chunk>, OFFLINE_MODULES)];
      const hash = createHash("sha256").update(JSON.stringify(files));
      for (const each of ["../index.html", "../public/icon.svg", "../public/manifest.webmanifest", "sw.js"]) hash.update(readFileSync(fileURLToPath(new URL(each, HERE))));
      const source = readFileSync(fileURLToPath(new URL("sw.js", HERE)), "utf8");
      this.emitFile({
        type: "asset",
        fileName: "sw.js",
        source: source.replace("__FILES__", JSON.stringify(files)).replace("__VERSION__", hash.digest("hex").slice(0, 16)),
      });
    },
  };
}
