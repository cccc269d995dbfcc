/* The foot of every page: what this is not, the state of the feed, and the page's own switches. */

import { useRef } from "preact/hooks";

import { feedNumber } from "../liveness";
import { actor, actorName, changeActor, namesHidden, soundWanted, theme, toggleNames, toggleSound, toggleTheme } from "../preferences";
import { go, route } from "../routes";
import { isKnown } from "../session";
import { soundState } from "../speaker";
import { clock, version } from "../ward";
import { WhoActs } from "./sign_in";

function feedWords(): string {
  if (feedNumber.value === null) return "no frame yet";
  const words = [`feed n ${feedNumber.value}`];
  if (version.value) words.push(`version ${version.value}`);
  if (clock.speed !== 1) words.push(`clock at ${clock.speed}×`);
  return words.join(" · ");
}

const SOUND_WORDS = { on: "Sound on", off: "Sound OFF", blocked: "Sound OFF: touch" };

const PAGES: readonly (readonly [string, string])[] = [
  ["ward", "Beds"], ["alarms", "Alarms"], ["handover", "Handover"], ["burden", "Burden"],
];

export function FootLine() {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useRef<HTMLInputElement>(null);
  return (
    <footer class="footline">
      <nav class="controls pages" aria-label="Pages">
        {PAGES.map(([page, words]) => (
          <button
            key={page} type="button" id={`go-${page}`} aria-current={route.value.page === page ? "page" : undefined}
            onClick={() => go(page)}
          >
            {words}
          </button>
        ))}
        <button type="button" id="admit" onClick={() => go("admit")}>Admit</button>
      </nav>
      <p class="creed">Vigil advises; clinicians decide. Not a certified medical device.</p>
      <p class="feed-state" id="feed-state">{feedWords()}</p>
      <div class="controls">
        <button type="button" id="sound" data-state={soundState.value} aria-pressed={soundWanted.value} onClick={toggleSound}>
          {SOUND_WORDS[soundState.value]}
        </button>
        <button type="button" id="names" aria-pressed={namesHidden.value} onClick={toggleNames}>Hide names</button>
        <button type="button" id="theme" onClick={toggleTheme}>{theme() === "dark" ? "Light" : "Dark"}</button>
        {isKnown.value ? <WhoActs /> : (
          <button
            type="button"
            id="actor"
            onClick={() => {
              name.current!.value = actorName.value;
              dialog.current!.showModal();
            }}
          >
            {`Acting as ${actor()}`}
          </button>
        )}
      </div>
      <dialog
        class="ask" id="ask-actor" aria-labelledby="ask-actor-title" ref={dialog}
        onClose={() => dialog.current!.returnValue === "keep" && changeActor(name.current!.value.trim())}
      >
        <form method="dialog">
          <h2 id="ask-actor-title">Who is at this station?</h2>
          <p>The name goes into the audit with everything that is done here.</p>
          <label>Name <input id="actor-name" maxLength={64} autocomplete="off" ref={name} /></label>
          <div class="ask-buttons">
            <button type="submit" value="cancel">Cancel</button>
            <button type="submit" value="keep" class="primary">Use this name</button>
          </div>
        </form>
      </dialog>
    </footer>
  );
}
