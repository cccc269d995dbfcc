"""The hand-written stays say what was worked out by hand, from a file on disk as well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.replay import replay
from gateway.wire.recording import RecordedEntry, read_recording, write_recording
from tests.golden.scenarios import HIGH_ALARM, Expected, Scenario, scenarios
from tests.support.bedside import IL2
from tests.support.recordings import Recording

SCENARIOS = list(scenarios())


def with_ids(entries: list[RecordedEntry]) -> list[RecordedEntry]:
    """The entries, each acknowledgement given the id of the latest high alarm before it."""
    found: list[RecordedEntry] = []
    for entry in entries:
        if entry.command == "acknowledge" and entry.body is not None and entry.body["alarm_id"] == HIGH_ALARM:
            said = [orjson.loads(line) for line in replay(found, IL2)]
            high = [line["alarm_id"] for line in said if line.get("priority") == "high"]
            found.append(replace(entry, body=entry.body | {"alarm_id": high[-1]}))
        else:
            found.append(entry)
    return found


def alarms(scenario: Scenario, path: Path) -> list[Expected]:
    """What a replay of the recording, written to `path` and read back, says of alarms."""
    write_recording(path, with_ids(scenario.recording.entries))
    return Recording(begin_ms=scenario.recording.begin_ms, entries=list(read_recording(path))).alarms()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_a_stay_says_what_was_worked_out_by_hand(scenario: Scenario, tmp_path: Path) -> None:
    assert alarms(scenario, tmp_path / "stay.ndjson") == scenario.expected


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_every_message_of_a_stay_is_evaluated_and_nothing_is_refused(scenario: Scenario) -> None:
    entries = with_ids(scenario.recording.entries)
    *lines, summary = (orjson.loads(line) for line in replay(entries, IL2))

    assert {line["type"] for line in lines} == {"alarm"}
    messages = sum(entry.topic is not None for entry in entries)
    assert (summary["received"], summary["evaluated"]) == (messages, messages)
    assert (summary["duplicate"], summary["rejected"], summary["alarms"]) == (0, 0, len(scenario.expected))


def test_a_changed_value_is_noticed() -> None:
    scenario = SCENARIOS[0]
    entries = [
        replace(entry, payload=entry.payload.replace(b'"MDC_ECG_HEART_RATE":135', b'"MDC_ECG_HEART_RATE":129'))
        if entry.payload is not None
        else entry
        for entry in scenario.recording.entries
    ]

    assert Recording(begin_ms=scenario.recording.begin_ms, entries=entries).alarms() != scenario.expected
