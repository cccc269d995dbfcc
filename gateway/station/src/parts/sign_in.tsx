/* Signing in: the page that stands in place of the ward while nobody is signed in, and the dialog that asks who is there
 * before an act. Both are the same form. Fields and buttons are large enough for gloves.
 *
 * A dialog lies over the beds: one that somebody has left goes by itself after LEFT_MS.
 */

import { useEffect, useRef, useState } from "preact/hooks";

import "../sign_in.css";
import { instantMs, minuteText } from "../format";
import { wordsOf } from "../http";
import { asked, askToSignIn, isKnown, session, signIn, signOut, whyNot, type Act } from "../session";
import { tell } from "../telling";
import { beat, clock } from "../ward";

const LEFT_MS = 60_000;

/** Calls `close` when a dialog has been open for LEFT_MS, and nobody has typed for as long. Returns what to call when somebody types. */
function useLeft(isOpen: boolean, close: () => void): () => void {
  const [touches, setTouches] = useState(0);
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setTimeout(() => latest.current(), LEFT_MS);
    return () => clearTimeout(timer);
  }, [isOpen, touches]);
  return () => setTouches((count) => count + 1);
}

function SignInForm({ name, onDone, onCancel }: { name: string; onDone: () => void; onCancel?: () => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);

  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>(name ? "[name=password]" : "[name=name]")?.focus();
  }, []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const typed = new FormData(form.current!);
    setSending(true);
    setProblem("");
    try {
      await signIn(String(typed.get("name") ?? "").trim(), String(typed.get("password") ?? ""));
      onDone();
    } catch (error) {
      setProblem(wordsOf(error));
      const password = form.current?.querySelector<HTMLInputElement>("[name=password]");
      if (password) password.value = "";
      password?.focus();
    } finally {
      setSending(false);
    }
  }

  return (
    <form class="sign-in-form" ref={form} onSubmit={submit}>
      <label class="field"><span>Name</span>
        <input name="name" defaultValue={name} autofocus={!name} required maxLength={64} autocomplete="username" autocapitalize="off" spellcheck={false} />
      </label>
      <label class="field"><span>Password</span>
        <input name="password" type="password" autofocus={name !== ""} required maxLength={256} autocomplete="current-password" />
      </label>
      <p class="problem" role="alert">{problem}</p>
      <div class="sign-in-buttons">
        {onCancel && <button type="button" onClick={onCancel}>Cancel</button>}
        <button type="submit" class="primary" disabled={isSending}>{isSending ? "Signing in…" : "Sign in"}</button>
      </div>
    </form>
  );
}

/** In place of the ward: it shows no patient, and has none. */
export function SignInPage() {
  const isElsewhere = session.value?.access === "proxy";
  return (
    <main class="sign-in-page" id="sign-in" aria-labelledby="sign-in-title">
      <div class="sign-in-card">
        <h1 id="sign-in-title">Vigil</h1>
        {isElsewhere
          ? <p>Sign in where your hospital signs you in, then load this page again.</p>
          : <SignInForm name="" onDone={() => undefined} />}
        <p class="under-text">Vigil advises; clinicians decide. Not a certified medical device.</p>
      </div>
    </main>
  );
}

/** Over the page: who is there? */
export function SignInDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const ask = asked.value;
  const stay = useLeft(ask !== null, () => asked.peek()?.answer(false));
  useEffect(() => {
    const shown = dialog.current!;
    if (ask && !shown.open) shown.showModal();
    if (!ask && shown.open) shown.close();
  }, [ask]);
  return (
    <dialog class="ask sign-in-dialog" id="sign-in-again" aria-labelledby="sign-in-again-title" ref={dialog} onInput={stay} onClose={() => asked.peek()?.answer(false)}>
      {ask && (
        <>
          <h2 id="sign-in-again-title">Who is there?</h2>
          <p>{ask.words}</p>
          <SignInForm name={session.peek()?.is_display ? "" : (session.peek()?.name ?? "")} onDone={() => ask.answer(true)} onCancel={() => ask.answer(false)} />
        </>
      )}
    </dialog>
  );
}

/** So long before a session ends the page says when: what shows patients must not go dark unannounced. */
const ANNOUNCED_MS = 30 * 60_000;

function endWords(): string {
  const endMs = instantMs(session.value!.watches_until ?? null);
  return endMs - (clock.now() ?? Date.now()) < ANNOUNCED_MS ? `, signed out at ${minuteText(endMs)}` : "";
}

function whoWords(): string {
  void beat.value;
  const { name, role, is_display: isDisplay, acts_until: until, access } = session.value!;
  if (isDisplay) return `Display ${name}`;
  return access === "accounts" && !until ? `${name} (${role}), not acting${endWords()}` : `Acting as ${name} (${role})${endWords()}`;
}

/** In the foot line: who acts here; touched, somebody else may, and one signs out. */
export function WhoActs() {
  const dialog = useRef<HTMLDialogElement>(null);
  const canSignIn = session.value?.access === "accounts";
  const isDisplay = session.value?.is_display ?? false;
  const [isMeant, setMeant] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const close = (): void => dialog.current!.close();
  const open = (): void => {
    dialog.current!.showModal();
    setOpen(true);
  };
  useLeft(isOpen, close);

  async function leave(): Promise<void> {
    if (isDisplay && !isMeant) {
      setMeant(true);
      return;
    }
    try {
      await signOut();
    } catch (error) {
      tell(`Not signed out: ${wordsOf(error)}`);
    }
  }

  return (
    <>
      <button type="button" id="actor" disabled={!canSignIn} onClick={open}>{whoWords()}</button>
      <dialog class="ask" id="ask-who" aria-labelledby="ask-who-title" ref={dialog}
        onClose={() => {
          setMeant(false);
          setOpen(false);
        }}
      >
        <h2 id="ask-who-title">{whoWords()}</h2>
        <p>{isDisplay ? "Whoever signs in acts here for a while; then it is a display again." : "What is done here is written down under this name."}</p>
        {isMeant && <p class="problem" role="alert">This display will show no bed until somebody signs in. Touch Sign out again.</p>}
        <div class="sign-in-buttons">
          <button type="button" onClick={close}>Close</button>
          <button type="button" id="sign-out" onClick={() => void leave()}>Sign out</button>
          <button
            type="button" id="take-over" class="primary"
            onClick={() => {
              close();
              void askToSignIn("Whoever signs in acts here from now on.");
            }}
          >
            Sign in
          </button>
        </div>
      </dialog>
    </>
  );
}

/** Said beside what whoever is signed in may not do. */
export function Barred({ act }: { act: Act }) {
  const why = whyNot(act);
  return why && isKnown.value ? <p class="barred">{why}</p> : null;
}
