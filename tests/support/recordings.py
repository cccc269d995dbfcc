"""Recordings for tests, built entry by entry, and what a replay says about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.replay import replay
from gateway.wire.recording import RecordedEntry
from streaming.instants import format_ms, parse_instant
from streaming.rules.kinds import AlarmProfile
from tests.support.bedside import IL2, T0_MS


@dataclass
class Recording:
    """Entries in order of receipt. Seconds count from `begin_ms`; a device numbers its messages itself."""

    begin_ms: int = T0_MS
    entries: list[RecordedEntry] = field(default_factory=list)
    _seq: dict[str, int] = field(default_factory=dict)

    def at(self, at_s: float) -> str:
        """A second of the recording as an instant."""
        return format_ms(self.begin_ms + round(at_s * 1000))

    def command(self, at_s: float, command: str, **body: Any) -> None:
        """A command and its body."""
        self.entries.append(
            RecordedEntry(
                received_ms=self.begin_ms + round(at_s * 1000), command=command, body={"actor": "nurse"} | body
            )
        )

    def admit(self, at_s: float, admission_id: str = "adm-1", bed: str = "b01", **fields: Any) -> None:
        """A patient takes a bed of unit `icu`."""
        body = {"patient_id": "p-1", "unit": "icu", "bed": bed, "dosing_weight_kg": 80, "baseline_weight_kg": 80}
        self.command(at_s, "admit", admission_id=admission_id, **(body | fields))

    def message(self, at_s: float, topic: str, payload: Mapping[str, Any] | bytes) -> None:
        """A message under `icu/v1/icu/`."""
        encoded = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        received_ms = self.begin_ms + round(at_s * 1000)
        self.entries.append(RecordedEntry(received_ms=received_ms, topic=f"icu/v1/icu/{topic}", payload=encoded))

    def obs(self, at_s: float, metrics: Mapping[str, Any], device: str = "b01/mon1", **fields: Any) -> None:
        """An observation of a device whose clock is right."""
        seq = self._seq.get(device, 0)
        if "seq" not in fields:
            self._seq[device] = seq + 1
        payload = {"boot": "boot", "seq": seq, "time": self.at(at_s), "metrics": metrics}
        self.message(at_s, f"{device}/obs", payload | fields)

    def status(self, at_s: float, state: str, kind: str = "monitor", device: str = "b01/mon1") -> None:
        """A device, or its will, says what it is."""
        self.message(at_s, f"{device}/status", {"state": state, "kind": kind})

    def tick(self, at_s: float) -> None:
        """Time has come this far."""
        self.command(at_s, "tick")

    def lines(self, profile: AlarmProfile = IL2) -> list[dict[str, Any]]:
        """What a replay says, parsed, the summary included."""
        return [orjson.loads(line) for line in replay(self.entries, profile)]

    def alarms(self) -> list[tuple[float, str, str, str]]:
        """Alarm lines of a replay: second, rule, phase, and the signal state it leads to."""
        return [
            (self.seconds(line["at"]), line["rule_id"], line["phase"], line["to"])
            for line in self.lines()
            if line["type"] == "alarm"
        ]

    def seconds(self, instant: str) -> float:
        """Second of the recording of an instant."""
        at_ms = parse_instant(instant)
        assert at_ms is not None
        return (at_ms - self.begin_ms) / 1000


def raw_lines(entries: Iterable[RecordedEntry], profile: AlarmProfile = IL2) -> list[bytes]:
    """What a replay says, byte for byte."""
    return list(replay(entries, profile))
