"""The fold and its replay: the same bytes in give the same lines out, whatever the bytes are."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import orjson
import pytest

from gateway.fold import Fold
from gateway.outcomes import Summary, line_of, lines_of
from gateway.wire.recording import RecordedEntry, encode_entry, parse_lines
from storage.ports import EntryKind, JournalEntry
from streaming.effects import CommandApplied, CommandRefused, SamplesAccepted
from tests.support.bad_messages import NOW_MS
from tests.support.bedside import IL2, T0_MS
from tests.support.recordings import Recording, raw_lines

MAP = "MDC_PRESS_BLD_ART_ABP_MEAN"
HR = "MDC_ECG_HEART_RATE"


def a_stay() -> Recording:
    """A short stay with a bit of everything."""
    recording = Recording()
    recording.obs(0, {MAP: 80})
    recording.admit(1)
    recording.status(2, "online")
    for at_s in range(3, 140):
        recording.obs(at_s, {MAP: 58, "MDC_ECG_HEART_RATE": 104})
    recording.message(140, "b01/mon1/obs", b"{")
    recording.obs(141, {MAP: {"value": 58, "unit": "parsec"}})
    recording.obs(142, {MAP: 58}, seq=3)
    recording.command(143, "acknowledge", alarm_id="alm-none")
    for at_s in range(144, 190):
        recording.obs(at_s, {MAP: 75})
    recording.command(191, "discharge", admission_id="adm-1")
    return recording


def journal(recording: Recording) -> list[JournalEntry]:
    """The recording as the live service would have journaled it."""
    return [
        JournalEntry(
            offset,
            entry.received_ms,
            EntryKind.MESSAGE if entry.topic is not None else EntryKind.COMMAND,
            entry.topic or entry.command or "",
            entry.payload if entry.payload is not None else entry.encoded_body,
        )
        for offset, entry in enumerate(recording.entries, start=1)
    ]


def fold_lines(fold: Fold, entries: list[JournalEntry]) -> list[bytes]:
    return [line for entry in entries for line in lines_of(fold.apply(entry))]


def test_a_replay_says_what_happened_and_closes_with_a_summary() -> None:
    recording = a_stay()
    lines = recording.lines()

    assert [line["type"] for line in lines] == [
        *["alarm"] * 2,  # MAP below 60 after a minute, below 65 after two
        "rejected",
        "metric_rejected",
        "refused",
        *["alarm"] * 3,  # the high one latches, the medium one ends, and the discharge ends the latched one
        "summary",
    ]
    assert recording.alarms() == [
        (63.0, "hypotension.map_below_60", "start", "on"),
        (123.0, "hypotension.map_below_65", "start", "on"),
        (174.0, "hypotension.map_below_65", "end", "off"),
        (174.0, "hypotension.map_below_60", "update", "latched"),
        (191.0, "hypotension.map_below_60", "end", "off"),
    ]
    summary = lines[-1]
    assert (summary["alarms"], summary["decisions"]) == (5, 0)
    assert (summary["received"], summary["evaluated"], summary["duplicate"], summary["rejected"]) == (188, 186, 1, 1)


def test_the_summary_hashes_the_lines_before_it_each_with_its_newline() -> None:
    lines = raw_lines(a_stay().entries)
    summary = orjson.loads(lines[-1])

    assert summary["sha256"] == sha256(b"".join(line + b"\n" for line in lines[:-1])).hexdigest()


def test_an_alarm_line_has_the_fields_of_the_contract_and_its_keys_sorted() -> None:
    lines = raw_lines(a_stay().entries)
    for line in lines:
        assert line == orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS)

    alarm = orjson.loads(lines[0])
    assert {"n", "at", "alarm_id", "phase", "from", "to", "actor"} <= set(alarm)
    assert {"admission_id", "rule_id", "family", "kind", "priority", "evidence"} <= set(alarm)
    assert (alarm["n"], alarm["from"], alarm["to"], alarm["phase"], alarm["actor"]) == (
        1,
        "off",
        "on",
        "start",
        "vigil",
    )
    assert (alarm["kind"], alarm["priority"], alarm["family"]) == ("physiological", "high", "hypotension")
    assert alarm["evidence"]["profile"]["sha256"] == IL2.sha256


def test_transitions_of_an_admission_are_numbered_without_gaps() -> None:
    assert [line["n"] for line in a_stay().lines() if line["type"] == "alarm"] == [1, 2, 3, 4, 5]


def test_two_replays_are_the_same_bytes() -> None:
    recording = a_stay()

    assert raw_lines(recording.entries) == raw_lines(recording.entries)


def test_live_and_replayed_are_the_same_bytes() -> None:
    recording = a_stay()
    live = fold_lines(Fold(IL2), journal(recording))

    assert live == raw_lines(recording.entries)[:-1]


def test_a_recording_written_and_read_again_replays_the_same() -> None:
    entries = a_stay().entries
    again = list(parse_lines(encode_entry(entry) for entry in entries))

    assert raw_lines(again) == raw_lines(entries)


@pytest.mark.parametrize("at", [0, 1, 2, 3, 60, 63, 64, 100, 124, 142, 180, 190])
def test_a_fold_restored_from_a_snapshot_goes_on_as_if_nothing_had_been(at: int) -> None:
    entries = journal(a_stay())
    whole = fold_lines(Fold(IL2), entries)
    fold = Fold(IL2)
    before = fold_lines(fold, entries[:at])

    restored = Fold.restore(fold.snapshot(), IL2)

    assert restored is not None
    assert restored.offset == fold.offset == (entries[at - 1].offset if at else 0)
    assert before + fold_lines(restored, entries[at:]) == whole


def test_a_snapshot_under_other_rules_is_not_used() -> None:
    fold = Fold(IL2)

    assert Fold.restore(fold.snapshot(), replace(IL2, sha256="0" * 64)) is None


@pytest.mark.parametrize("every_s", [0.25, 1, 7, 60])
def test_ticks_change_nothing(every_s: float) -> None:
    recording = a_stay()
    plain = raw_lines(recording.entries)
    ticks = [
        RecordedEntry(received_ms=T0_MS + round(place * every_s * 1000), command="tick", body={})
        for place in range(1, round(190 / every_s))
    ]
    merged = sorted([*recording.entries, *ticks], key=lambda entry: entry.received_ms)

    assert raw_lines(merged) == plain


def test_a_journaled_tick_lets_time_pass() -> None:
    fold = Fold(IL2)
    recording = Recording()
    recording.admit(0)
    recording.obs(1, {HR: 160})
    recording.obs(2, {HR: 160})
    fold_lines(fold, journal(recording))

    effects = fold.apply(JournalEntry(4, T0_MS + 20_000, EntryKind.TICK, "", b""))

    assert [orjson.loads(line)["rule_id"] for line in lines_of(effects)] == ["tachycardia.hr_above_150"]
    assert fold.offset == 4


def test_a_tick_of_a_recording_is_the_same_as_a_journaled_one() -> None:
    recording = Recording()
    recording.admit(0)
    recording.obs(1, {HR: 160})
    recording.obs(2, {HR: 160})
    recording.tick(20)

    assert recording.alarms() == [(16.0, "tachycardia.hr_above_150", "start", "on")]


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload", "reason"),
    [
        ("dance", b"{}", "unknown_command"),
        ("admit", b"", "empty_payload"),
        ("admit", b"[1]", "not_object"),
        ("admit", b"{\xff", "not_utf8"),
        ("admit", b'{"unit":"icu"}', "missing_field"),
        ("discharge", b'{"admission_id":"adm-9"}', "no_such_admission"),
        ("sign", b'{"admission_id":"adm-9","decision":"maybe"}', "unknown_value"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_with_its_body(name: str, payload: bytes, reason: str) -> None:
    (refusal,) = Fold(IL2).command(name, payload, NOW_MS)

    assert isinstance(refusal, CommandRefused)
    assert (refusal.command, refusal.reason) == (name, reason)
    expected = orjson.loads(payload) if payload.startswith(b'{"') or payload == b"{}" else {}
    assert refusal.body == expected


def test_a_command_that_is_carried_out_carries_its_body() -> None:
    recording = Recording()
    recording.admit(0)
    (entry,) = journal(recording)

    applied = Fold(IL2).apply(entry)[-1]

    assert isinstance(applied, CommandApplied)
    assert (applied.command, applied.subject_id, applied.actor) == ("admit", "adm-1", "nurse")
    assert applied.body == orjson.loads(entry.payload)


@pytest.mark.parametrize("topic", ["icu/v1/icu/b01/mon1/obs", "icu/v1/icu/b01/mon1/nonsense", "", "x" * 70_000])
@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"null", b'{"boot":"a","seq":1,"metrics":{"X":1e400}}'])
def test_bad_bytes_are_rejected_and_counted(topic: str, payload: bytes) -> None:
    fold = Fold(IL2)
    (rejection,) = fold.message(topic, payload, NOW_MS)

    line = line_of(rejection)
    assert line is not None
    assert orjson.loads(line)["type"] == "rejected"
    assert (fold.ward.received, fold.ward.rejected) == (1, 1)


def test_samples_and_admissions_have_no_line() -> None:
    fold = Fold(IL2)
    effects = [effect for entry in journal(a_stay())[:3] for effect in fold.apply(entry)]

    assert [effect for effect in effects if line_of(effect) is not None] == []
    assert any(isinstance(effect, SamplesAccepted) for effect in effects)


def test_a_summary_counts_alarms_and_decisions_and_nothing_that_only_mentions_them() -> None:
    summary = Summary()
    for line in (
        b'{"at":"x","type":"alarm"}',
        b'{"at":"x","type":"decision"}',
        orjson.dumps({"detail": '"type":"alarm"', "type": "rejected"}),
    ):
        summary.add(line)

    assert (summary.alarms, summary.decisions) == (1, 1)
