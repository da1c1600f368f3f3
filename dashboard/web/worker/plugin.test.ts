import { expect, it } from "vitest";
import { offlineFiles } from "./plugin";

const chunk = (fileName: string, moduleIds: string[], imports: string[] = [], css: string[] = []) => ({
  type: "chunk" as const, fileName, moduleIds, imports, viteMetadata: { importedCss: new Set(css), importedAssets: new Set<string>() },
});

it("keeps what is wanted with everything it imports, and nothing that only others load", () => {
  const bundle = {
    "assets/main.js": chunk("assets/main.js", ["/x/src/main.ts"], ["assets/vue.js"], ["assets/main.css"]),
    "assets/vue.js": chunk("assets/vue.js", ["/x/node_modules/vue.js"]),
    "assets/phone.js": chunk("assets/phone.js", ["/x/src/pages/PhoneDayPage.vue"], ["assets/box.js", "assets/vue.js"]),
    "assets/box.js": chunk("assets/box.js", ["/x/src/components/ModalBox.vue"], ["assets/phone.js"], ["assets/box.css"]),
    "assets/echarts.js": chunk("assets/echarts.js", ["/x/node_modules/echarts.js"], ["assets/vue.js"]),
    "assets/logo.png": { type: "asset" as const, fileName: "assets/logo.png" },
  };
  expect(offlineFiles(bundle, [/\/src\/main\.ts$/, /\/src\/pages\/Phone\w*Page\.vue$/])).toEqual([
    "/assets/box.css", "/assets/box.js", "/assets/main.css", "/assets/main.js", "/assets/phone.js", "/assets/vue.js",
  ]);
});
