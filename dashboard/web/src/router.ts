import { createRouter, createWebHistory } from "vue-router";
import DutyPage from "@/pages/DutyPage.vue";
import { session } from "@/session";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/sign-in", name: "sign-in", component: () => import("@/pages/SignInPage.vue"), meta: { open: true } },
    { path: "/", name: "duty", component: DutyPage },
    { path: "/institutions/:id(\\d+)", name: "institution", component: () => import("@/pages/InstitutionPage.vue") },
    { path: "/alerts", name: "history", component: () => import("@/pages/HistoryPage.vue") },
    { path: "/alerts/:id", name: "alert", component: () => import("@/pages/AlertPage.vue") },
    { path: "/system", name: "system", component: () => import("@/pages/SystemPage.vue") },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach((to) => {
  if (to.meta.open) return session.user.value ? { name: "duty" } : true;
  if (session.user.value) return true;
  return { name: "sign-in", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
});
