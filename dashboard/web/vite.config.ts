import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { compressed } from "./plugins/compressed.ts";
import { typeInRem } from "./plugins/typeInRem.ts";
import { offlineWorker } from "./worker/plugin.ts";

const server = "http://127.0.0.1:8460";

export default defineConfig({
  plugins: [vue(), offlineWorker(), compressed()],
  css: { postcss: { plugins: [typeInRem()] } },
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_FULL_INSTALL__: true,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    // Messages are interpreted, not turned into functions: the server's content policy forbids eval.
    __INTLIFY_JIT_COMPILATION__: true,
  },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    // Small assets stay files: the content policy allows data: for images only.
    assetsInlineLimit: 0,
    // ECharts is one lazily loaded chunk of about this size (kB, before compression).
    chunkSizeWarningLimit: 600,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: server },
      "/live": { target: server.replace("http", "ws"), ws: true },
    },
  },
});
