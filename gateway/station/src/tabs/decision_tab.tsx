/* The decision on the next dose: every criterion with value, limit, time, source, what would clear it and its reference;
 * and the signature of a clinician under it.
 *
 * Rules
 *   - What is met stands first, then what is not known, then what recovers, then what is clear.
 *   - A signature against the computed decision needs a reason, and is asked for twice.
 */

import { useState } from "preact/hooks";

import { doseDecision, signDecision, wordsOf } from "../api";
import { readable } from "../evidence_words";
import { dayTimeText, instantMs, minuteText, signalName, unitText, valueText } from "../format";
import { useLoaded } from "../loading";
import { isCode, metricName } from "../metrics";
import { DECISIONS, DecisionChip } from "../parts/course_line";
import { Barred } from "../parts/sign_in";
import { whyNot } from "../session";
import { tell } from "../telling";
import type { BedFrame, Criterion, DecisionWord, DoseDecision } from "../types";
import { isLive } from "../ward";

const STATE_ORDER = ["met", "unknown", "recovering", "clear"];
const STATE_SIGNS: Record<string, string> = { met: "■", unknown: "?", recovering: "◐", clear: "○" };
const SIGNABLE: readonly DecisionWord[] = ["proceed", "hold", "discontinue"];

/** Most urgent first; within a state as the profile has them. */
export function orderedCriteria(criteria: readonly Criterion[]): Criterion[] {
  // A state that this page does not know stands first.
  const rank = (each: Criterion): number => STATE_ORDER.indexOf(each.state);
  return [...criteria].sort((a, b) => rank(a) - rank(b));
}

function shownValue(value: number | string | null, signal: string | null, unit: string): string {
  return value === null ? "–" : `${valueText(value, signal ?? "")} ${unitText(unit)}`.trim();
}

/** Of what it is, and where that came from. */
function sourceWords({ source_signal: signal, source }: Criterion): string {
  const name = signal ? signalName(signal) : "";
  const from = source && isCode(source) ? (metricName(source) ?? source) : "";
  return from.toLowerCase().startsWith(name.toLowerCase()) ? from : [name, from].filter(Boolean).join(", ");
}

function Row({ criterion }: { criterion: Criterion }) {
  const { state, value, unit, limit, at, since } = criterion;
  const name = criterion.title ?? criterion.id;
  return (
    <tr data-state={state}>
      <th scope="row"><span class="criterion-sign" aria-hidden="true">{STATE_SIGNS[state] ?? "?"}</span> {name}
        <span class="criterion-class">{criterion.class}</span></th>
      <td>{state === "recovering" && criterion.resumable ? "recovered, to be signed" : state}{since && <span class="under-text">since {minuteText(instantMs(since))}</span>}</td>
      <td class="criterion-value">{shownValue(value, criterion.source_signal, unit)}</td>
      <td>{shownValue(limit, criterion.source_signal, unit)}</td>
      <td>{at ? dayTimeText(at).slice(5) : "–"}<span class="under-text" title={criterion.source ?? undefined}>{sourceWords(criterion)}</span></td>
      <td class="criterion-words">
        {state === "clear" ? null : <span>{readable(criterion.resume ?? "")}</span>}
        <span class="under-text">{criterion.reference ?? ""}{criterion.verified === false ? " (not verified)" : ""}</span>
      </td>
    </tr>
  );
}

export function DecisionTab({ bed }: { bed: BedFrame }) {
  const admissionId = bed.admission!.admission_id;
  const brief = bed.dosing;
  const { answer, problem, again } = useLoaded(
    `${admissionId} ${brief?.decision} ${brief?.summary}`, () => doseDecision(admissionId), 10_000);
  if (!answer) return <p>{problem || "loading"}</p>;
  const open = answer.criteria.filter((each) => each.state !== "clear").length;
  return (
    <>
      <section class="decision" data-decision={answer.decision}>
        <p class="decision-head"><DecisionChip decision={answer.decision} /><strong>{answer.summary}</strong></p>
        <p class="under-text">
          {answer.computed !== answer.decision && `computed: ${DECISIONS[answer.computed].word} · `}
          {answer.next_dose ? `dose ${answer.next_dose.number} due ${dayTimeText(answer.next_dose.due_at)} · gate ${answer.next_dose.gate} · ` : "no dose due · "}
          {`profile ${answer.profile.id} v${answer.profile.version} · evaluated ${minuteText(instantMs(answer.evaluated_at))}`}
        </p>
        {answer.signature && (
          <p class="under-text signature">
            {`Signed ${answer.signature.decision} by ${answer.signature.by}, ${dayTimeText(answer.signature.at)}` +
              `${answer.signature.override ? ", against the computed decision" : ""}${answer.signature.reason ? `: ${answer.signature.reason}` : ""}` +
              `${answer.signature.stands ? "" : " (no longer in force)"}`}
          </p>
        )}
        {problem && <p class="problem">{problem}</p>}
      </section>
      <SignForm admissionId={admissionId} decision={answer} onSigned={again} />
      <h2>{`Criteria: ${open} of ${answer.criteria.length} not clear`}</h2>
      <div class="table-wrap" tabIndex={0} role="region" aria-label="Criteria">
        <table class="criteria">
          <thead><tr><th>Criterion</th><th>State</th><th>Value</th><th>Limit</th><th>Determined</th><th>What would clear it</th></tr></thead>
          <tbody>{orderedCriteria(answer.criteria).map((each) => <Row key={each.id} criterion={each} />)}</tbody>
        </table>
      </div>
    </>
  );
}

function SignForm({ admissionId, decision, onSigned }: { admissionId: string; decision: DoseDecision; onSigned: () => void }) {
  const [reason, setReason] = useState("");
  const [asked, setAsked] = useState<DecisionWord | null>(null);
  const [problem, setProblem] = useState("");
  async function sign(word: DecisionWord): Promise<void> {
    const isOverride = word !== decision.computed;
    if (isOverride && reason.trim() === "") {
      setProblem(`The criteria say ${DECISIONS[decision.computed].word}: signing ${DECISIONS[word].word} needs a reason.`);
      return;
    }
    if (isOverride && asked !== word) {
      setAsked(word);
      setProblem(`This goes against the computed ${DECISIONS[decision.computed].word}. Touch ${DECISIONS[word].word} again to sign.`);
      return;
    }
    try {
      await signDecision(admissionId, word, reason.trim());
      tell(`Signed: ${DECISIONS[word].word}`);
      setReason("");
      setProblem("");
      onSigned();
    } catch (error) {
      setProblem(`Not signed: ${wordsOf(error)}`);
    } finally {
      setAsked(null);
    }
  }
  return (
    <form class="sign-form" aria-label="Sign the decision" onSubmit={(submit) => submit.preventDefault()}>
      <label class="field"><span>Reason (needed against the computed decision)</span>
        <input name="reason" value={reason} maxLength={500} autocomplete="off" onInput={(input) => {
          setReason(input.currentTarget.value);
          setAsked(null);
        }} />
      </label>
      <div class="sign-buttons">
        {SIGNABLE.map((word) => (
          <button key={word} type="button" class={word === decision.computed ? "primary" : ""} disabled={!isLive.value || whyNot("sign_decision") !== ""} onClick={() => void sign(word)}>
            {`Sign ${DECISIONS[word].word}`}
          </button>
        ))}
      </div>
      <Barred act="sign_decision" />
      <p class="problem" role="alert">{problem}</p>
    </form>
  );
}
