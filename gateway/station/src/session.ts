/* Who is signed in at this browser, and what they may do: GET, POST, DELETE /session.
 *
 * Rules
 *   - Where the gateway says that access is open, nothing of this shows.
 *   - When a session ends or begins, the page is loaded anew: nothing of the patients shown before is left in it.
 *   - An act that is answered with "sign in again" waits for whoever is there to sign in, and is then sent once more. It
 *     need not be who signed in before.
 *   - What may not be done is decided by the gateway. The page only says it beforehand.
 */

import { computed, effect, signal } from "@preact/signals";

import { posting, Refused, request, turnedAway } from "./http";
import { connection } from "./liveness";

const SIGN_IN_WITHIN_MS = 15_000;
/** So that a display notices when whoever acted there no longer does. */
const LOOK_MS = 20_000;

export interface Session {
  access: "open" | "accounts" | "proxy";
  name?: string | null;
  role?: string | null;
  may?: readonly string[];
  /** Null when an act would ask to sign in. */
  acts_until?: string | null;
  /** Null where looking has no end. */
  watches_until?: string | null;
  is_display?: boolean;
}

const WORDS = {
  acknowledge: "acknowledge alarms",
  chart: "chart values",
  pause_audio: "pause the sound of alarms",
  admit: "admit patients",
  transfer: "transfer patients",
  discharge: "discharge patients",
  switch_limits_off: "switch alarm limits off",
  order_course: "order courses",
  sign_decision: "sign decisions on doses",
} as const;
export type Act = keyof typeof WORDS;

/** Null while nobody has said. */
export const session = signal<Session | null>(null);

function isOut(one: Session): boolean {
  return one.access !== "open" && !one.name;
}

export const isSignedOut = computed(() => session.value !== null && isOut(session.value));
export const isKnown = computed(() => session.value !== null && session.value.access !== "open");

/** Why whoever is signed in may not do something; empty when they may, or may after signing in. */
export function whyNot(act: Act): string {
  const now = session.value;
  if (now === null || now.access === "open" || isOut(now) || now.is_display || now.may?.includes(act)) return "";
  return `The role ${now.role} may not ${WORDS[act]}.`;
}

function learn(next: Session): void {
  const before = session.peek();
  if (before !== null && (before.access !== next.access || isOut(before) !== isOut(next))) location.reload();
  else session.value = next;
}

/** Asks the gateway. One that knows no sessions, or does not answer, changes nothing. */
export async function askWhoActs(): Promise<void> {
  try {
    learn(await request<Session>("/session"));
  } catch (error) {
    if (error instanceof Refused && error.status === 401) learn({ access: "proxy", name: null });
    else if (error instanceof Refused && error.status === 404) learn({ access: "open" });
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  learn(await request<Session>("/session", posting({ name, password }), SIGN_IN_WITHIN_MS));
}

/** At a display that nobody acts at: it shows nothing any more. At one that somebody acts at: it is the display's again. */
export async function signOut(): Promise<void> {
  await request(session.peek()?.is_display ? "/session?display=true" : "/session", { method: "DELETE" });
  location.reload();
}

// --- signing in again, for one act -----------------------------------------------------------------------------------

interface Asked {
  words: string;
  answer: (isSignedIn: boolean) => void;
}

/** What the dialog asks for; null while it is closed. */
export const asked = signal<Asked | null>(null);
let answered: Promise<boolean> | null = null;

/** Asks whoever is there to sign in. Several acts at once ask once. */
export function askToSignIn(words: string): Promise<boolean> {
  answered ??= new Promise<boolean>((resolve) => {
    asked.value = {
      words,
      answer: (isSignedIn) => {
        asked.value = null;
        answered = null;
        resolve(isSignedIn);
      },
    };
  });
  return answered;
}

/** Sends an act; where the gateway asks who is there, once more after they have signed in. */
export async function acting<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Refused) || error.reason !== "sign_in_again") throw error;
    if (!(await askToSignIn("To do this, sign in. It is written down under your name."))) throw error;
    return send();
  }
}

/** Keeps up with the gateway: at the start, when the feed is lost, when a request is turned away, and now and then. */
export function watchSession(): void {
  void askWhoActs();
  effect(() => {
    if (connection.value === "waiting") void askWhoActs();
  });
  effect(() => {
    if (turnedAway.value > 0) void askWhoActs();
  });
  setInterval(() => {
    if (isKnown.peek()) void askWhoActs();
  }, LOOK_MS);
}
