/* Two hours of MAP in a line, with the mark of 65: where the patient comes from, at a glance. */

import { sparkOf, type Spark } from "../sparks";

const WIDTH = 120;
const HEIGHT = 34;
const LOW = 45;
const HIGH = 105;
const MARK = 65;
/** A pause longer than this many usual distances is a hole, and is not drawn over. */
const HOLE = 3;

function y(value: number): number {
  const within = Math.min(HIGH, Math.max(LOW, value));
  return HEIGHT * (1 - (within - LOW) / (HIGH - LOW));
}

function pathOf({ fromMs, toMs, points }: Spark): string {
  const usual = (toMs - fromMs) / 72;
  let path = "";
  points.forEach((point, index) => {
    const before = points[index - 1];
    const isNewRun = before === undefined || point.t - before.t > usual * HOLE;
    const x = ((point.t - fromMs) / (toMs - fromMs)) * WIDTH;
    path += `${isNewRun ? "M" : "L"}${x.toFixed(1)} ${y(point.mean).toFixed(1)}`;
  });
  return path;
}

export function SparkLine({ admissionId }: { admissionId: string }) {
  const spark = sparkOf(admissionId).value;
  return (
    <figure class="spark-box">
      <figcaption class="label">MAP 2 h</figcaption>
      <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <line class="spark-mark" x1="0" x2={WIDTH} y1={y(MARK)} y2={y(MARK)} />
        {spark && <path class="spark-path" d={pathOf(spark)} />}
      </svg>
    </figure>
  );
}
