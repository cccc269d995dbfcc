"""A staged run: the same bytes for the same seed, a truth beside it, and devices that speak the wire's language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.wire.codec import decode
from gateway.wire.commands import parse_command
from gateway.wire.recording import read_recording
from simulators.course_bed import CourseBed
from simulators.offline import lines, record, start_ms
from simulators.oracle.expectations import Verdict
from simulators.scenario import Scenario, load_scenario, parse_scenario, scenario_names
from simulators.stage import OutageStyle, Stage
from simulators.truth import RunTruth, TruthError, read_truth, truth_lines, write_truth
from streaming.instants import parse_instant
from streaming.observation import Decoded, EventMessage, ObsMessage, Rejected

_ONE_BED = """
title = "t"
description = "d"
[[bed]]
start_h = {start_h}
traits = {{ dip = 2.0, map0 = 102, fever = 0.8, gain_pct = 6 }}
"""


def _scenario(more: str = "", start_h: float = 15.8) -> Scenario:
    return parse_scenario("x", _ONE_BED.format(start_h=start_h) + more)


def _lines(scenario: Scenario, seconds: float, seed: int = 1) -> list[bytes]:
    return list(lines(scenario, beds=scenario.beds, unit="icu", seed=seed, duration_s=seconds))


def _rows(scenario: Scenario, seconds: float) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in _lines(scenario, seconds)]


def _truth(scenario: Scenario, seconds: float) -> tuple[Stage, RunTruth]:
    stage = Stage(scenario, beds=scenario.beds, unit="icu", seed=1, start_ms=start_ms())
    for _ in stage.acts(seconds):
        pass
    return stage, stage.truth()


def _obs(rows: list[dict[str, Any]], device: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.get("topic", "").endswith(f"/{device}/obs") and "payload" in row:
            yield row["payload"]


def test_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    scenario = load_scenario("clock-chaos")

    assert _lines(scenario, 120) == _lines(scenario, 120)
    assert _lines(scenario, 120) != _lines(scenario, 120, seed=2)


def test_recording_and_truth_are_the_same_files_for_the_same_run_compressed_too(tmp_path: Path) -> None:
    scenario = _scenario()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        record(
            scenario, beds=1, unit="icu", seed=3, duration_s=300, out=tmp_path / name / "run.ndjson.gz",
            truth=tmp_path / name / "truth.ndjson",
        )  # fmt: skip

    for file in ("run.ndjson.gz", "truth.ndjson"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_truth_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    _, truth = _truth(load_scenario("vt-run"), 1800)
    write_truth(truth, tmp_path / "truth.ndjson")

    assert read_truth(tmp_path / "truth.ndjson") == truth
    assert len(list(truth_lines(truth))) > 10


def test_truth_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.ndjson").write_text('{"type":"bed"}\n')

    with pytest.raises(TruthError):
        read_truth(tmp_path / "truth.ndjson")


@pytest.mark.parametrize("name", scenario_names())
def test_every_message_and_command_of_a_scenario_is_understood_but_for_those_damaged_on_purpose(
    tmp_path: Path, name: str
) -> None:
    scenario = load_scenario(name)
    beds = min(3, scenario.beds)
    record(scenario, beds=beds, unit="icu", seed=1, duration_s=180, out=tmp_path / "r.ndjson", truth=None)
    kinds: Counter[str] = Counter()
    last_ms = 0
    for entry in read_recording(tmp_path / "r.ndjson"):
        assert entry.received_ms >= last_ms
        last_ms = entry.received_ms
        if entry.topic is not None:
            assert isinstance(decode(entry.topic, entry.payload or b"", entry.received_ms), Decoded), entry
            kinds["message"] += 1
        else:
            assert not isinstance(parse_command(entry.command or "", entry.body or {}, entry.received_ms), Rejected)
            kinds[entry.command or ""] += 1

    assert kinds["message"] > 30
    assert kinds["admit"] == beds
    if scenario.is_course:
        assert kinds["course"] == beds
        assert kinds["chart"] >= beds


def test_truncated_payloads_are_rejected_by_the_decoder() -> None:
    """The negative control of the test above."""
    more = '[[bed.fault]]\nkind = "truncate"\nat_s = 10\nfor_s = 60\nvalue = 0.5\n'
    rows = _rows(_scenario(more), 90)
    damaged = [row for row in rows if "payload_b64" in row]

    assert 15 < len(damaged) < 50
    assert {row["topic"].split("/")[4] for row in damaged} == {"mon1"}


def test_numbers_of_a_device_have_no_gap_or_repeat_without_faults() -> None:
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in _rows(_scenario(), 1200):
        if (topic := row.get("topic", "")).endswith(("/obs", "/event")):
            numbers[topic.split("/")[4], row["payload"]["boot"]].append(row["payload"]["seq"])

    assert {device for device, _ in numbers} >= {"mon1", "pump1", "pump3", "scale1"}
    assert all(seqs == list(range(len(seqs))) for seqs in numbers.values())


def test_disconnected_device_leaves_a_last_will_and_tells_all_it_kept_afterwards() -> None:
    more = '[[bed.fault]]\nkind = "disconnect"\nat_s = 60\nfor_s = 120\n'
    rows = _rows(_scenario(more), 300)
    began = start_ms()
    heard = [
        (((parse_instant(row["received_at"]) or 0) - began) / 1000.0, row["topic"].rsplit("/", 1)[1], row["payload"])
        for row in rows
        if "/mon1/" in row.get("topic", "")
    ]
    while_away = [(what, body) for at_s, what, body in heard if 61 < at_s < 180]
    seqs = [body["seq"] for _, what, body in heard if what == "obs"]
    online = [at_s for at_s, what, body in heard if what == "status" and body["state"] == "online"]

    assert [(what, body["state"]) for what, body in while_away] == [("status", "offline")]
    assert seqs == list(range(len(seqs)))
    assert 180 <= online[-1] < 184
    assert sum(180 < at_s < 188 for at_s, what, _ in heard if what == "obs") > 100


@pytest.mark.parametrize(
    ("fault", "repeats", "late"), [("duplicates", True, False), ("reorder", False, True), ("loss", False, False)]
)
def test_wire_faults_do_what_they_are_called(fault: str, repeats: bool, late: bool) -> None:
    more = f'[[bed.fault]]\nkind = "{fault}"\nat_s = 20\nfor_s = 60\nvalue = 0.3\n'
    seqs = [body["seq"] for body in _obs(_rows(_scenario(more), 150), "mon1")]

    assert (len(seqs) != len(set(seqs))) == repeats
    assert (seqs != sorted(seqs)) == late
    assert (set(seqs) != set(range(max(seqs) + 1))) == (fault == "loss")


@pytest.mark.parametrize(
    ("fault", "error_s"),
    [
        ('clock_step"\nvalue = 3600.0', 3600.0),
        ('clock_rollover"', -4294967.296),
        ('clock_drift"\nvalue = 50000.0', 11.0),
    ],
)
def test_clock_faults_show_in_the_device_time_from_their_instant_on(fault: str, error_s: float) -> None:
    at_s = 0 if "drift" in fault else 120
    rows = _rows(_scenario(f'[[bed.fault]]\nat_s = {at_s}\nkind = "{fault}\n'), 220)
    errors = [
        ((parse_instant(row["payload"]["time"]) or 0) - (parse_instant(row["received_at"]) or 0)) / 1000.0
        for row in rows
        if row.get("topic", "").endswith("/mon1/obs")
    ]

    assert abs(errors[0]) < 3.5
    assert errors[-1] == pytest.approx(error_s, abs=4.0)


def test_dose_is_given_as_ordered_within_fifteen_minutes_and_the_body_has_it() -> None:
    stage, truth = _truth(_scenario(), 2400)
    (bed,) = stage.course_beds
    rows = _rows(_scenario(), 2400)
    totals = [body["metrics"]["MDC_VOL_FLUID_DELIV_TOTAL"] for body in _obs(rows, "pump1")]
    events = [row["payload"]["event"] for row in rows if row.get("topic", "").endswith("/pump1/event")]

    assert [(dose.number, dose.action) for dose in truth.doses] == [(3, "give")]
    assert truth.doses[0].started_ms == bed.at_ms(16.0)
    assert len(bed.bedside.state.doses) == 3
    assert max(float(t["value"] if isinstance(t, dict) else t) for t in totals) == pytest.approx(
        bed.bedside.channels["il2"].to_be_infused_ml, abs=0.01
    )
    assert events == ["MDC_EVT_PUMP_DELIV_START", "MDC_EVT_VOL_INFUS_NEAR_COMP", "MDC_EVT_PUMP_DELIV_COMP"]
    assert [decision.allowed for decision in truth.decisions] == [("proceed",)]


def test_pounds_for_kilograms_program_twice_the_weight_and_give_twice_the_dose() -> None:
    more = '[[bed.fault]]\nkind = "pounds_for_kilograms"\nat_s = 60\n'
    stage, truth = _truth(_scenario(more), 1800)
    channel = stage.course_beds[0].bedside.channels["il2"]

    assert channel.shown_weight_kg / channel.weight_kg == pytest.approx(2.2, abs=0.01)
    assert stage.course_beds[0].bedside.state.doses[-1][2] == pytest.approx(2.2, abs=0.01)
    assert any(e.verdict is Verdict.MUST and e.families == ("dose",) for e in truth.expected)


def test_wrong_concentration_lets_a_part_of_the_dose_run_in_while_the_display_says_all_of_it() -> None:
    more = '[[bed.fault]]\nkind = "wrong_concentration"\nat_s = 60\nvalue = 10\n'
    stage, truth = _truth(_scenario(more), 1800)
    channel = stage.course_beds[0].bedside.channels["il2"]
    dose_mg = 600_000 * channel.weight_kg / 1e6 / (18.0 / 1.1)

    assert channel.shown_mg_per_ml == pytest.approx(10 * channel.mg_per_ml)
    assert stage.course_beds[0].bedside.state.doses[-1][2] == pytest.approx(0.1)
    assert channel.to_be_infused_ml * channel.shown_mg_per_ml == pytest.approx(dose_mg, rel=0.01)
    assert any(e.verdict is Verdict.MUST and e.families == ("dose",) for e in truth.expected)


def test_scale_in_pounds_is_a_mistake_until_it_is_put_right_and_its_gain_must_not_be_announced() -> None:
    more = '[[bed.fault]]\nkind = "scale_in_pounds"\ndevice = "scale1"\nat_s = 100\nfor_s = 400\n'
    _, truth = _truth(_scenario(more), 1200)
    (mistake,) = [span for span in truth.spans if span.what == "weight.mistake"]
    weights = [body["metrics"]["MDC_MASS_BODY_ACTUAL"] for body in _obs(_rows(_scenario(more), 1200), "scale1")]

    assert mistake.lasted_s == pytest.approx(400, abs=20)
    assert [round(w / weights[0], 1) for w in weights] == [1.0, 2.2, 1.0]
    assert {e.verdict for e in truth.expected if "weight_gain" in e.families} >= {Verdict.MUST_NOT}
    assert [e.families for e in truth.expected if e.verdict is Verdict.MUST] == [("dose",)]


def test_weight_admitted_in_pounds_makes_every_dose_twice_too_large_and_as_ordered() -> None:
    more = '[[bed.fault]]\nkind = "admitted_in_pounds"\nat_s = 0\n'
    stage, truth = _truth(_scenario(more), 1800)
    (bed,) = stage.course_beds
    admit = next(asked for asked in bed.opening() if asked.command == "admit")

    assert admit.body["dosing_weight_kg"] == pytest.approx(bed.bedside.channels["il2"].shown_weight_kg, abs=0.2)
    assert bed.bedside.state.doses[-1][2] == pytest.approx(2.2, abs=0.01)
    assert any(span.what == "weight.mistake" for span in truth.spans)


def test_pressor_that_is_occluded_lets_the_pressure_fall_and_must_be_announced() -> None:
    scenario = load_scenario("pressor-dependent")
    stage, truth = _truth(scenario, 1500)
    must = [e for e in truth.expected if e.verdict is Verdict.MUST and "pressor" in e.families]

    assert must
    assert stage.course_beds[0].bedside.channels["phenylephrine"].given_rate > 0.0


def test_pump_without_a_permit_does_not_start_and_says_why() -> None:
    stage = Stage(_scenario(), beds=1, unit="icu", seed=1, start_ms=start_ms())
    bed: CourseBed = stage.course_beds[0]
    bed.permit_says = lambda slot: f"decision hold, asked for dose {slot}"
    texts = []
    for act in stage.acts(1500):
        if act.message is not None and act.message.topic.endswith("/pump1/event"):
            found = decode(act.message.topic, act.message.payload, act.at_ms)
            assert isinstance(found, Decoded)
            assert isinstance(found.message, EventMessage)
            texts.append(orjson.loads(act.message.payload).get("text"))

    assert texts == ["no permit: decision hold, asked for dose 3"]
    assert not bed.bedside.channels["il2"].is_infusing
    assert len(bed.bedside.state.doses) == 2


def test_pump_starts_as_soon_as_there_is_a_permit() -> None:
    stage = Stage(_scenario(), beds=1, unit="icu", seed=1, start_ms=start_ms())
    bed = stage.course_beds[0]
    bed.permit_says = lambda _: "" if stage.now_ms > start_ms() + 1_000_000 else "expired"
    for _ in stage.acts(1100):
        pass

    assert bed.bedside.channels["il2"].is_infusing


def test_oracle_expects_hypotension_where_it_truly_lasts_and_none_where_it_does_not() -> None:
    low = '[[bed.happening]]\nkind = "vasodilatation"\nat_s = 120\nfor_s = 1500\ndepth = 45\n'
    _, ill = _truth(_scenario(low), 1800)
    _, well = _truth(_scenario(), 1800)

    assert any(e.verdict is Verdict.MUST and e.families == ("hypotension",) for e in ill.expected)
    assert not [e for e in well.expected if e.verdict is Verdict.MUST]


def test_oracle_forbids_hypotension_while_a_line_is_flushed_and_the_patient_is_well() -> None:
    flush = '[[bed.artefact]]\nkind = "flush"\nat_s = 100\nfor_s = 20\n'
    _, truth = _truth(_scenario(flush, start_h=-12.0), 600)

    (forbidden,) = [e for e in truth.expected if e.verdict is Verdict.MUST_NOT]
    assert forbidden.families == ("hypotension",)
    assert 90 < (forbidden.from_ms - truth.start_ms) / 1000 < 115


def test_stage_moved_by_the_clock_says_the_same_at_other_times() -> None:
    def said(shift_ms: int) -> list[tuple[int, str]]:
        stage = Stage(_scenario(), beds=1, unit="icu", seed=1, start_ms=start_ms())
        found = []
        for act in stage.acts(300):
            if act.is_pause:
                stage.shift(shift_ms)
            if act.message is not None:
                found.append((act.at_ms - shift_ms, act.message.topic))
        return found

    assert said(0) == said(90_000)


def test_faults_of_the_wire_and_last_wills_move_along_with_the_clock() -> None:
    more = (
        '[[bed.fault]]\nkind = "disconnect"\nat_s = 60\nfor_s = 120\n'
        '[[bed.fault]]\nkind = "loss"\nat_s = 220\nfor_s = 20\n'
    )

    def heard(shift_ms: int) -> tuple[list[int], list[tuple[str, float, float]]]:
        stage = Stage(_scenario(more), beds=1, unit="icu", seed=1, start_ms=start_ms())
        statuses = []
        for act in stage.acts(300):
            if act.is_pause:
                stage.shift(shift_ms)
            if act.message is not None and act.message.topic.endswith("mon1/status"):
                statuses.append(round((act.at_ms - stage.start_ms) / 1000))
        truth = stage.truth()
        spans = [
            (span.what, (span.from_ms - truth.start_ms) / 1000, (span.to_ms - truth.start_ms) / 1000)
            for span in truth.spans
            if span.what in {"down.mon1", "loss.mon1"}
        ]
        return statuses, spans

    statuses, spans = heard(0)

    assert len(statuses) == 3  # online, the last will, online again
    assert [what for what, _, _ in spans] == ["down.mon1", "loss.mon1"]
    assert heard(90_000) == (statuses, spans)


def test_ward_moves_along_with_the_clock_too() -> None:
    def said(shift_ms: int) -> list[tuple[int, str]]:
        scenario = load_scenario("calm")
        stage = Stage(scenario, beds=2, unit="icu", seed=1, start_ms=start_ms())
        found = []
        for act in stage.acts(120):
            if act.is_pause:
                stage.shift(shift_ms)
            if act.message is not None and "/mon1/" in act.message.topic:
                found.append((act.at_ms - shift_ms, act.message.topic))
        return found

    assert len(said(0)) > 200
    assert said(0) == said(90_000)


@pytest.mark.parametrize(("style", "passes"), [(OutageStyle.SILENT, False), (OutageStyle.REAL, True)])
def test_message_is_kept_back_in_an_outage_unless_the_broker_is_really_gone(style: OutageStyle, passes: bool) -> None:
    scenario = _scenario("[[broker_outage]]\nat_s = 60\nfor_s = 60\n")
    stage = Stage(scenario, beds=1, unit="icu", seed=1, start_ms=start_ms(), outage=style)
    during = [
        act for act in stage.acts(180) if act.message is not None and 61_000 < act.at_ms - stage.start_ms < 119_000
    ]
    truth = stage.truth()

    assert bool(during) == passes
    assert {span.what for span in truth.spans} >= {f"outage.{style}", "down.mon1"}
    assert any(e.verdict is Verdict.MUST and e.families == ("system",) for e in truth.expected) == passes


def test_course_without_any_event_has_observations_of_every_device() -> None:
    seen: Counter[str] = Counter()
    for row in _rows(_scenario(), 4000):
        if "topic" in row:
            found = decode(row["topic"], orjson.dumps(row["payload"]), parse_instant(row["received_at"]) or 0)
            assert isinstance(found, Decoded)
            seen[row["topic"].split("/")[4]] += isinstance(found.message, ObsMessage)

    assert seen["mon1"] == pytest.approx(4000, abs=5)
    assert seen["uro1"] == 1
    assert seen["scale1"] == 1
    assert seen["pump3"] > 100
