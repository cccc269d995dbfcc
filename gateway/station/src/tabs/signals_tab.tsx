/* Every signal with value, source and age; the pumps; the devices. */

import { admissionInFull } from "../api";
import { ageWords, instantMs, pressureSourceWords, signalName, unitText, valueText } from "../format";
import { useLoaded } from "../loading";
import { readingOf } from "../readings";
import type { BedFrame, DeviceFrame, Infusion } from "../types";
import { beat, clock } from "../ward";

function SignalTable({ bed }: { bed: BedFrame }) {
  void beat.value;
  return (
    <table class="signals">
      <tbody>
        {Object.entries(bed.signals ?? {}).map(([key, signal]) => {
          const reading = readingOf(signal, key, clock);
          const isPressure = ["map", "sbp", "dbp"].includes(key);
          const from = [isPressure ? pressureSourceWords(signal.source) : "", signal.device].filter(Boolean).join(" · ");
          return (
            <tr key={key} data-state={reading.state}>
              <th scope="row">{signalName(key)}</th>
              <td class="signal-value">{`${reading.text} ${unitText(signal.unit)}`.trim()}</td>
              <td class="signal-age">{reading.words}</td>
              <td class="signal-from">{from}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function deviceWords(device: DeviceFrame): string {
  const seen = device.last_seen_at ? `last seen ${ageWords(clock.ageS(instantMs(device.last_seen_at)))} ago` : "never seen";
  const offset = Number.isFinite(device.clock_offset_s) ? ` · clock ${device.clock_offset_s!.toFixed(1)} s off` : "";
  return `${device.device} (${device.kind}) ${device.state} · ${seen}${offset}`;
}

export function pumpWords(pump: Infusion): string {
  const words = [pump.label ?? pump.drug ?? "no drug named"];
  words.push(pump.is_silent ? "not heard" : pump.is_infusing ? "infusing" : "not infusing");
  if (pump.is_infusing && pump.rate_ml_h !== null) words.push(`${valueText(pump.rate_ml_h, "")} mL/h`);
  if (pump.is_infusing && pump.dose_rate !== null && pump.dose_unit) words.push(`${valueText(pump.dose_rate, "")} ${unitText(pump.dose_unit)}`);
  if (pump.concentration !== null) words.push(`${valueText(pump.concentration, "")} ${unitText(pump.concentration_unit ?? "")}`);
  if (pump.delivered_ml !== null) words.push(`${valueText(pump.delivered_ml, "")} mL in`);
  return words.join(" · ");
}

export function Pumps({ admissionId }: { admissionId: string }) {
  const { answer, problem } = useLoaded(admissionId, () => admissionInFull(admissionId), 5000);
  const pumps = answer?.infusions ?? [];
  if (problem && !answer) return <p class="problem">{problem}</p>;
  if (pumps.length === 0) return <p>{answer ? "No pump has reported." : "loading"}</p>;
  return (
    <ul class="pump-list">
      {pumps.map((pump) => (
        <li key={pump.pump} data-infusing={pump.is_infusing && !pump.is_silent ? "yes" : "no"}><strong>{pump.pump}</strong> {pumpWords(pump)}</li>
      ))}
    </ul>
  );
}

export function SignalsTab({ bed, infusions }: { bed: BedFrame; infusions: string | null }) {
  void beat.value;
  return (
    <>
      {infusions && <><h2>Infusions</h2><Pumps admissionId={infusions} /></>}
      <h2>Devices</h2>
      <ul class="device-list">{(bed.devices ?? []).map((device) => <li key={device.device}>{deviceWords(device)}</li>)}</ul>
      <h2>Signals</h2>
      <SignalTable bed={bed} />
    </>
  );
}
