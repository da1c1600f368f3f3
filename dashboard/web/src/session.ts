import { computed, ref, shallowRef } from "vue";
import * as api from "@/api/client";
import type { Right, User } from "@/api/people";
import { live } from "@/live/store";
import type { QueuedAct } from "@/phone/queue";
import { forgetAccount, keepsWork, keptAccount, noteLeft, offlineUser } from "@/phone/account";

const user = shallowRef<User | null>(null);
/** True after a session ended by itself, so that the sign-in page can say why it is there. */
const expired = ref(false);

/** Set while this browser has a session, so that a first visit need not ask the server for one it can't have. */
const MARK = "anhu.signed-in";
/** Lets go of what the phone keeps, once something has taken it up. */
let closePhone: () => void = () => undefined;

async function stillSignedIn(): Promise<boolean> {
  try {
    const who = await api.currentUser();
    // After a start without signal somebody else may turn out to be signed in: everything is theirs then.
    if (who && who.id !== user.value?.id) location.reload();
    if (who) return true;
  } catch {
    return true; // The server is away, which says nothing about the session: keep trying.
  }
  end(true);
  return false;
}

function begin(who: User): void {
  localStorage.setItem(MARK, "yes");
  user.value = who;
  expired.value = false;
  // Until they have chosen a password and a second factor of their own the server sends nothing.
  if (who.password_change_required || who.second_factor_required) return;
  openPhone(who);
  live.start(stillSignedIn);
}

function end(byItself: boolean): void {
  localStorage.removeItem(MARK);
  if (!user.value) return; // Several requests may find out at once.
  expired.value = byItself;
  user.value = null;
  live.stop();
  closePhone();
}

/** What this person keeps on this phone is opened wherever they are in the page, so that unsent work goes out. */
function openPhone(who: User): void {
  if (!keepsWork(who.id)) return;
  void import("@/phone/sync").then(({ phone }) => {
    if (user.value?.id !== who.id) return; // They have left meanwhile.
    closePhone = phone.close;
    void phone.open(who);
  });
}

/** Goes on without signal as whoever was signed in here lately and keeps work on this phone; whether there was somebody. */
function resumeOffline(): boolean {
  const who = localStorage.getItem(MARK) ? offlineUser(keptAccount(), Date.now()) : null;
  if (who) begin(who);
  return who !== null;
}

/** Takes up a session left by an earlier visit. Rejects when the server can't be reached. */
async function resume(): Promise<boolean> {
  if (!localStorage.getItem(MARK)) return false;
  const who = await api.currentUser();
  if (who) begin(who);
  else end(false);
  return who !== null;
}

/** After a sign-in elsewhere: takes up the session it has opened; false where there is none. */
async function arrive(): Promise<boolean> {
  const who = await api.currentUser();
  if (who) begin(who);
  return who !== null;
}

async function signIn(username: string, password: string, code?: string): Promise<void> {
  begin(await api.signIn(username, password, code));
}

/** What this person did on this phone and has not been sent. */
async function unsent(): Promise<QueuedAct[]> {
  const who = user.value;
  if (!who || !keepsWork(who.id)) return [];
  const { phone } = await import("@/phone/sync");
  await phone.open(who);
  return phone.unsent.value;
}

/** What the phone took along goes with the session. Unsent work stays for the next time, unless `discarding`. */
async function signOut(discarding = false): Promise<void> {
  const who = user.value;
  await api.signOut();
  if (who && keepsWork(who.id)) {
    const { phone } = await import("@/phone/sync");
    await phone.open(who);
    noteLeft(who.id, !discarding && phone.unsent.value.length > 0);
    await phone.leave(discarding);
    forgetAccount();
  }
  end(false);
}

api.whenSessionExpires(() => end(true));

/** Whether the signed-in person holds a right, over everything they can see. */
function may(right: Right): boolean {
  return user.value?.rights.includes(right) ?? false;
}

/** The one institution of a duty desk; null for whoever watches more than one. */
const ownInstitutionId = computed(() => user.value?.scope.institution_id ?? null);

/** Whether they are responsible for the whole service. */
const everywhere = computed(() => ownInstitutionId.value === null && user.value?.scope.region === "");

export const session = {
  user, may, ownInstitutionId, everywhere, expired, resume, resumeOffline, arrive, signIn, signOut, unsent,
};
