import type { Messages } from "@/i18n";
import { duty } from "./en/duty";
import { alerts } from "./en/alerts";
import { quiet } from "./en/quiet";
import { account } from "./en/account";
import { accounts } from "./en/accounts";
import { system } from "./en/system";
import { audit } from "./en/audit";
import { claims } from "./en/claims";
import { deviceDates } from "./en/deviceDates";
import { devices } from "./en/devices";
import { firstSteps } from "./en/firstSteps";
import { draws } from "./en/draws";
import { creditLists } from "./en/creditLists";
import { drills } from "./en/drills";
import { handovers } from "./en/handovers";
import { hazards } from "./en/hazards";
import { inspections } from "./en/inspections";
import { institutionDocuments } from "./en/institutionDocuments";
import { institutionFiles } from "./en/institutionFiles";
import { panels } from "./en/panels";
import { people } from "./en/people";
import { phone } from "./en/phone";
import { plans } from "./en/plans";
import { protections } from "./en/protections";
import { publicity } from "./en/publicity";
import { ratings } from "./en/ratings";
import { reports } from "./en/reports";
import { rotations } from "./en/rotations";
import { rules } from "./en/rules";
import { systemHealth } from "./en/systemHealth";
import { wall } from "./en/wall";

export const en: Messages = {
  ...duty,
  ...alerts,
  ...quiet,
  ...account,
  ...accounts,
  ...system,
  ...audit,
  ...handovers,
  ...hazards,
  ...panels,
  ...inspections,
  ...draws,
  ...claims,
  ...deviceDates,
  ...devices,
  ...firstSteps,
  ...rules,
  ...systemHealth,
  ...institutionFiles,
  ...institutionDocuments,
  ...protections,
  ...ratings,
  ...reports,
  ...creditLists,
  ...publicity,
  ...wall,
  ...phone,
  app: {
    name: "Anhu",
    tagline: "Safety monitoring for care institutions",
    skip: "Skip to main content",
  },
  nav: {
    main: "Main", duty: "Duty", wall: "Wall", history: "History", devices: "Devices", hazards: "Hazards", inspections: "Inspections", phone: "My day", ratings: "Ratings", rotations: "On duty", suppressions: "Quiet", drills: "Drills", dutyChecks: "Duty checks",
    handovers: "Handover", audit: "Audit", people: "People", rules: "Rules", system: "System", more: "More", signOut: "Sign out",
  },
  common: {
    loading: "Loading…",
    retry: "Try again",
    more: "Show more",
    close: "Close",
    cancel: "Cancel",
    choose: "Please choose",
    actions: "Actions",
    unreachable: "The server can't be reached",
    failed: "Could not load: {detail}",
    notFound: "There is no such record",
  },
  state: { alarm: "Alarm", warning: "Warning", offline: "Offline", normal: "Normal" },
  institution: {
    search: "Find by name or code",
    searchLabel: "Find an institution",
    filter: "Filter by state",
    noMatch: "No institution matches",
    devices: "{n} device | {n} devices",
    offline: "{n} offline",
    zones: "Zones and devices",
    openAlerts: "Open alerts here",
    code: "Code",
    noDevices: "No devices in this zone",
    never: "Never reported",
    lastSeen: "Last report",
    interval: "Reports every",
    seconds: "{n} s",
    model: "Model",
    refreshed: "As of {time}",
    onlyAbnormal: "Abnormal devices only",
    allNormal: "All devices are normal",
    kind: {
      nursing_home: "Nursing home", rescue_station: "Rescue station", child_welfare: "Child welfare", other: "Other",
    },
  },
  zone: {
    floor: "floor {n}",
    basement: "basement {n}",
  },
  quantity: {
    smoke_obscuration: "Smoke obscuration", smoke_alarm: "Smoke alarm", temperature: "Temperature",
    heat_alarm: "Heat alarm", call_point: "Call point", humidity: "Humidity", co: "Carbon monoxide", gas: "Combustible gas", fall: "Fall",
    on_floor: "On the floor", sos: "Call", battery: "Battery", mains_power: "Mains",
    co_alarm: "Carbon monoxide alarm", gas_alarm: "Gas alarm", water_leak: "Water leak", occupancy: "Occupancy",
    vibration: "Vibration", tamper: "Tamper", battery_low: "Low battery", alive: "Sign of life",
    fire_alarm: "Fire alarm", fault: "Fault",
  },
  binary: { on: "Triggered", off: "Normal", gone: "Gone", yes: "Yes", no: "No" },
  chart: {
    range: "Time range",
    r15m: "15 min",
    r1h: "1 h",
    r24h: "24 h",
    r30d: "30 d",
    r1y: "1 y",
    live: "Live",
    empty: "No readings in this period",
    threshold: "Threshold {value}",
    band: "lowest to highest",
    latest: "Latest",
    label: "{quantity} over time, {n} points, latest {value}",
  },
  history: {
    heading: "Alert history",
    kind: "Kind",
    everyKind: "All kinds",
    scope: "Show",
    closed: "Closed",
    all: "All",
    open: "Open",
    empty: "No alerts match",
    end: "That is the earliest one",
    columns: { what: "Alert", where: "Where", when: "Raised", length: "Lasted", state: "State", by: "Acknowledged by" },
  },
  dutyCheck: {
    title: "Duty check",
    question: "Is somebody at the desk?",
    prompt: "Answer before the time is over, or it counts as absent",
    answer: "I am on duty",
    left: "Time left",
    heading: "Duty checks",
    lead: "At random or called by a supervisor; the duty desk must answer in time.",
    call: "Call now",
    institution: "Institution",
    within: "Time to answer",
    note: "Note (optional)",
    called: "Duty check sent to {name}",
    failed: "That did not work: {detail}",
    answered: "Answered after {span}",
    empty: "No duty checks yet",
    state: { open: "Waiting", answered: "Answered", missed: "Missed" },
    random: "At random",
    columns: { institution: "Institution", calledAt: "Called", by: "Called by", state: "Result", took: "Took", who: "Answered by" },
    summary: "Last {n}: {answered} answered, {missed} missed",
  },
  drill: drills,
  people,
  rotations,
  plans,
  problem: {
    "claim-refused": "This cannot be registered: look at each field",
    "rules-invalid": "The rules have errors: check them first",
    "place-refused": "This cannot be added: look at each field",
    "place-taken": "There is one with this code already",
    "broker-refused": "The broker's accounts cannot be changed from here: use the command below",
    "drill-refused": "Not now: another drill is under way, or there is a real alarm",
    "dates-refused": "The next test cannot be before the device was installed",
    "device-registered": "The device, or what it measures, is registered already",
    "stand-in-refused": "Not possible like this: somebody stands in then already, the time is over, or they could not acknowledge there",
    "rotation-refused": "Somebody no longer has this role here. Choose who takes turns again",
    "floor-plan-refused": "This cannot be used: send PNG, JPEG or WebP (up to 25 million pixels), or an SVG without pictures or scripts; marks must be on this floor",
    "plan-invalid": "The plan has errors: every step needs Chinese text, every phone a number",
    "too-large": "The file is too large",
    "document-refused": "This cannot be kept: PDF, OFD, docx, xlsx, pptx (without macros) and JPEG, PNG, WebP pictures can, under a title",
    "document-surplus": "This section has this very document already, or there is no more room",
    "not-permitted": "Your role does not permit this",
    "password-change-required": "Choose a password of your own first",
    "password-unfit": "That password is too easily guessed. Choose another, without your user name in it",
    "username-taken": "Somebody else has this user name",
    "suppression-too-long": "at most {limit} at a time",
    "suppression-refused": "Not possible now",
    "proof-missing": "The sensor data do not show yet that the hazard is gone",
    "wrong-person": "Somebody else has to do this",
    "step-refused": "Not possible now",
    "checklists-unsuitable": "These checklists are not for this kind of institution: {lists}",
    "rating-refused": "It cannot be rated now",
    "safety-record-refused": "This cannot be put on record: check kind, level and dates",
    "draw-impossible": "Too few institutions or inspectors for this draw",
    "report-refused": "There can be no such report: check the days and what it is about",
    "report-changed": "The facts have just changed: look again before signing",
    "signature-refused": "This cannot be signed now, or you have signed this version already",
    "photo-refused": "This photo cannot be kept",
    "wrong-credentials": "The password is wrong",
    "wrong-code": "The code is wrong, too old or used already; if you have just used it, wait for the next one",
    "second-factor-required": "Turn on two-step sign-in first",
    "second-factor-refused": "Not possible now. Look again",
    "account-key-unusable": "The server cannot check codes just now: use a recovery code, and tell the administrator",
    "identity-taken": "This subject is linked to somebody else, or they have a link already",
    "provider-missing": "No other sign-in is set up",
    "access-token-refused": "There is a token of this name already, or there are too many: revoke one first",
    "too-many-attempts": "Too many attempts. Please try again later",
    "words-unfit": "These words cannot stand on a public page",
    "stale-version": "Somebody was faster. Look again",
    "illegal-verb": "Not possible now",
    "database-unavailable": "The database does not answer. Please try again in a moment",
    busy: "Being done already. Please try again in a moment",
  },
  time: {
    now: "just now",
    seconds: "{n} s",
    minutes: "{n} min",
    minutesSeconds: "{m} min {s} s",
    hours: "{n} h",
    hoursMinutes: "{h} h {m} min",
    days: "{n} d",
    daysHours: "{d} d {h} h",
    ago: "{span} ago",
  },
  language: { other: "中文", switch: "切换到中文" },
};
