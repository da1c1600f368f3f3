import { createApp } from "vue";
import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.vue";
import { i18n, restoreLanguage } from "./i18n";
import { router } from "./router";
import { session } from "./session";
import { display } from "./theme";

/** A server that is away at the start is asked again this often: the duty screen must come up by itself after a power cut. */
const RESUME_RETRY_MS = 3_000;

async function resumeSession(): Promise<void> {
  try {
    await session.resume();
  } catch {
    if (session.resumeOffline()) return;
    document.body.dataset.waiting = "true";
    await new Promise((resolve) => setTimeout(resolve, RESUME_RETRY_MS));
    await resumeSession();
  }
}

async function start(): Promise<void> {
  display.follow();
  await restoreLanguage();
  await resumeSession();
  delete document.body.dataset.waiting;
  createApp(App).use(i18n).use(router).mount("#app");
}

void start();
