/* All beds at once: the page on the wall. */

import { useLayoutEffect, useRef } from "preact/hooks";

import { arrange } from "../layout";
import { flashTogether, Sector } from "../parts/sector";
import { go, leftBed } from "../routes";
import { bedSignal, isPlaced, order } from "../ward";

function EmptyWard() {
  return (
    <section class="empty" id="empty">
      <h1>No beds yet</h1>
      <p>A bed appears here by itself as soon as one of its devices reports, or when a patient is admitted to it.</p>
      <ol>
        <li>Point the bed's devices at the broker, on topics <code>icu/v1/&lt;unit&gt;/&lt;bed&gt;/&lt;device&gt;/…</code></li>
        <li>Admit the patient: alarms are evaluated only for an admitted patient, against that patient's weights and baseline.</li>
      </ol>
      <button type="button" class="primary" id="admit-first" onClick={() => go("admit")}>Admit a patient</button>
      <p class="hint">To try the display without devices, run <code>vigil demo</code>.</p>
    </section>
  );
}

/** Whoever comes back from a bed's page finds the bed under the keyboard. */
function focusLeft(ward: HTMLElement | null): void {
  const key = leftBed.value;
  const sector = [...(ward?.querySelectorAll<HTMLElement>(".sector") ?? [])].find((node) => node.dataset.key === key);
  sector?.querySelector<HTMLElement>(".bed")?.focus({ preventScroll: true });
}

export function WardPage() {
  const ward = useRef<HTMLElement>(null);
  const keys = order.value;
  useLayoutEffect(() => {
    const node = ward.current;
    if (!node) return undefined;
    flashTogether(node);
    const watching = new ResizeObserver(() => arrange(node, order.peek().length));
    watching.observe(node);
    return () => watching.disconnect();
  }, [keys.length === 0]);
  useLayoutEffect(() => {
    if (ward.current) arrange(ward.current, keys.length);
  }, [keys]);
  useLayoutEffect(() => focusLeft(ward.current), []);
  if (keys.length === 0) return isPlaced.value ? <EmptyWard /> : <main class="ward" id="ward" aria-label="Beds" />;
  return (
    <main class="ward" id="ward" aria-label="Beds" ref={ward}>
      {keys.map((key) => {
        const bed = bedSignal(key);
        return bed && <Sector key={key} bed={bed} />;
      })}
    </main>
  );
}
