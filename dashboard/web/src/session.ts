import { computed, ref, shallowRef } from "vue";
import * as api from "@/api/client";
import type { Right, User } from "@/api/people";
import { live } from "@/live/store";

const user = shallowRef<User | null>(null);
/** True after a session ended by itself, so that the sign-in page can say why it is there. */
const expired = ref(false);

/** Set while this browser has a session, so that a first visit need not ask the server for one it can't have. */
const MARK = "anhu.signed-in";

async function stillSignedIn(): Promise<boolean> {
  try {
    if (await api.currentUser()) return true;
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
  if (!who.password_change_required && !who.second_factor_required) live.start(stillSignedIn);
}

function end(byItself: boolean): void {
  localStorage.removeItem(MARK);
  if (!user.value) return; // Several requests may find out at once.
  expired.value = byItself;
  user.value = null;
  live.stop();
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

async function signOut(): Promise<void> {
  await api.signOut();
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

export const session = { user, may, ownInstitutionId, everywhere, expired, resume, arrive, signIn, signOut };
