/* Where the course stands: the decision on the next dose with its first reason, dose n of m, since when, until when. */

import { hoursText, instantMs } from "../format";
import type { BedFrame, DecisionWord, DosingFrame } from "../types";
import { beat, clock } from "../ward";

export const DECISIONS: Record<DecisionWord, { sign: string; word: string }> = {
  proceed: { sign: "▶", word: "PROCEED" },
  hold: { sign: "❚❚", word: "HOLD" },
  discontinue: { sign: "✕", word: "DISCONTINUE" },
  indeterminate: { sign: "?", word: "NOT KNOWN" },
};

export function DecisionChip({ decision }: { decision: DecisionWord }) {
  const shown = DECISIONS[decision] ?? DECISIONS.indeterminate;
  return <span class="chip" data-decision={decision}><span aria-hidden="true">{shown.sign}</span> {shown.word}</span>;
}

/** "Dose 6/14 due in 1:50 h · last 6:10 h ago", of gateway time; what matters most stands first. */
export function courseWords(dosing: DosingFrame): string {
  const { last, next, max_doses: most } = dosing;
  if (most === null) return dosing.doses_begun > 0 ? `${dosing.doses_begun} doses, no course ordered` : "no course ordered";
  const words: string[] = [];
  if (last?.status === "running") words.push(`Dose ${last.number}/${most} running ${hoursText(since(last.started_at))}`);
  else if (next) words.push(`Dose ${next.number}/${most} ${dueWords(next.due_at)}`);
  else words.push(`${dosing.doses_begun}/${most} doses, course over`);
  if (last && last.status !== "running") words.push(`last ${hoursText(since(last.started_at))} ago`);
  if (dosing.doses_held > 0) words.push(`${dosing.doses_held} held`);
  return words.join(" · ");
}

function dueWords(dueAt: string): string {
  const leftS = -since(dueAt);
  return leftS >= 0 ? `due in ${hoursText(leftS)}` : `overdue ${hoursText(-leftS)}`;
}

function since(at: string): number {
  return clock.ageS(instantMs(at));
}

export function CourseLine({ bed }: { bed: BedFrame }) {
  void beat.value;
  const dosing = bed.dosing;
  if (!dosing) return <div class="course" data-decision="none"><span class="course-says">{bed.admission ? "No course ordered" : ""}</span></div>;
  return (
    <div class="course" data-decision={dosing.decision}>
      <DecisionChip decision={dosing.decision} />
      <span class="course-says">
        <span class="course-dose">{courseWords(dosing)}</span>
        <span class="course-why">{dosing.summary}</span>
      </span>
    </div>
  );
}
