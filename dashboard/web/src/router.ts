import { createRouter, createWebHistory } from "vue-router";
import DutyPage from "@/pages/DutyPage.vue";
import type { Right } from "@/api/people";
import { session } from "@/session";

declare module "vue-router" {
  interface RouteMeta {
    /** Shown without a session. */
    open?: boolean;
    /** Open, and for those who are signed in as well. */
    public?: boolean;
    /** Whoever lacks it is led to the duty desk. */
    right?: Right;
    /** Only for those who reach further than one institution. */
    region?: boolean;
    /** Only for those responsible for the whole service. */
    everywhere?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/sign-in", name: "sign-in", component: () => import("@/pages/SignInPage.vue"), meta: { open: true } },
    { path: "/", name: "duty", component: DutyPage },
    { path: "/institutions/:id(\\d+)", name: "institution", component: () => import("@/pages/InstitutionPage.vue") },
    { path: "/wall", name: "wall", component: () => import("@/pages/WallPage.vue"), meta: { region: true } },
    { path: "/alerts", name: "history", component: () => import("@/pages/HistoryPage.vue") },
    { path: "/alerts/:id", name: "alert", component: () => import("@/pages/AlertPage.vue") },
    { path: "/suppressions", name: "suppressions", component: () => import("@/pages/SuppressionsPage.vue") },
    { path: "/duty", name: "duty-checks", component: () => import("@/pages/DutyChecksPage.vue") },
    { path: "/rotations", name: "rotations", component: () => import("@/pages/RotationsPage.vue") },
    { path: "/institutions/:id(\\d+)/plans", name: "plans", component: () => import("@/pages/PlansPage.vue") },
    { path: "/drills", name: "drills", component: () => import("@/pages/DrillsPage.vue") },
    { path: "/hazards", name: "hazards", component: () => import("@/pages/HazardsPage.vue") },
    { path: "/hazards/:id([0-9a-f-]{36})", name: "hazard", component: () => import("@/pages/HazardPage.vue") },
    { path: "/reports", name: "reports", component: () => import("@/pages/ReportsPage.vue") },
    { path: "/reports/versions/:id(\\d+)", name: "report-version", component: () => import("@/pages/ReportVersionPage.vue") },
    { path: "/inspections", name: "inspections", component: () => import("@/pages/InspectionsPage.vue") },
    { path: "/inspections/:id([0-9a-f-]{36})", name: "inspection", component: () => import("@/pages/InspectionPage.vue") },
    { path: "/campaigns", name: "campaigns", component: () => import("@/pages/CampaignsPage.vue") },
    { path: "/campaigns/:id([0-9a-f-]{36})", name: "campaign", component: () => import("@/pages/CampaignPage.vue") },
    { path: "/draws", name: "draws", component: () => import("@/pages/DrawsPage.vue"), meta: { right: "draw" } },
    { path: "/draws/:id([0-9a-f-]{36})", name: "draw", component: () => import("@/pages/DrawPage.vue"), meta: { right: "draw" } },
    { path: "/relations", name: "relations", component: () => import("@/pages/RelationsPage.vue"), meta: { right: "draw" } },
    { path: "/checklists", name: "checklists", component: () => import("@/pages/ChecklistsPage.vue") },
    { path: "/ratings", name: "ratings", component: () => import("@/pages/RatingsPage.vue") },
    { path: "/ratings/:id(\\d+)", name: "rating", component: () => import("@/pages/RatingPage.vue") },
    { path: "/credit-lists", name: "credit-lists", component: () => import("@/pages/CreditListsPage.vue") },
    { path: "/credit-lists/:id([0-9a-f-]{36})", name: "credit-entry", component: () => import("@/pages/CreditEntryPage.vue") },
    { path: "/credit-lists/:id([0-9a-f-]{36})/papers/:seq(\\d+)", name: "credit-paper", component: () => import("@/pages/CreditPaperPage.vue") },
    { path: "/visits-due", name: "visits-due", component: () => import("@/pages/VisitsDuePage.vue"), meta: { right: "manage_credit_list" } },
    { path: "/institution-files", name: "institution-files", component: () => import("@/pages/InstitutionFilesPage.vue") },
    { path: "/institution-files/:id(\\d+)", name: "institution-file", component: () => import("@/pages/InstitutionFilePage.vue") },
    { path: "/commitments", name: "commitments", component: () => import("@/pages/CommitmentsPage.vue") },
    { path: "/commitments/:id(\\d+)", name: "commitment", component: () => import("@/pages/CommitmentPage.vue") },
    { path: "/public/institutions/:id(\\d+)", name: "public-institution", component: () => import("@/pages/PublicInstitutionPage.vue"), meta: { open: true, public: true } },
    { path: "/public/counties/:region(\\d{6})", name: "public-county", component: () => import("@/pages/PublicCountyPage.vue"), meta: { open: true, public: true } },
    { path: "/fire-acceptance", name: "fire-acceptance", component: () => import("@/pages/FireAcceptancePage.vue") },
    { path: "/protections", name: "protections", component: () => import("@/pages/ProtectionsPage.vue") },
    { path: "/protections/:id(\\d+)", name: "protection", component: () => import("@/pages/ProtectionPage.vue") },
    { path: "/account", name: "account", component: () => import("@/pages/AccountPage.vue") },
    { path: "/people", name: "people", component: () => import("@/pages/PeoplePage.vue"), meta: { right: "manage_people" } },
    { path: "/devices", name: "devices", component: () => import("@/pages/DevicesPage.vue") },
    { path: "/rules", name: "rules", component: () => import("@/pages/RulesPage.vue") },
    { path: "/first-steps", name: "first-steps", component: () => import("@/pages/FirstStepsPage.vue"), meta: { right: "manage_system" } },
    { path: "/system", name: "system", component: () => import("@/pages/SystemPage.vue"), meta: { right: "view_system", everywhere: true } },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach((to) => {
  if (to.meta.public) return true;
  if (to.meta.open) return session.user.value ? { name: "duty" } : true;
  const { right, everywhere, region } = to.meta;
  const own = session.ownInstitutionId.value !== null;
  const refused = (right && !session.may(right)) || (everywhere && !session.everywhere.value) || (region && own);
  if (session.user.value) return refused ? { name: "duty" } : true;
  return { name: "sign-in", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
});
