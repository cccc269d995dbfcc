"""The people and pumps at the simulated bedside: what they do about what they see, and what the clinical text says."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from simulators.body.state import Happening, HappeningKind
from simulators.care.assessment import Findings, assess
from simulators.care.bedside import Bedside
from simulators.care.infusion import Infusion, Stop
from simulators.care.nurse import DoseAction, Protocol
from simulators.care.pharmacy import channels, dose_volume_ml
from simulators.devices import Place
from simulators.permits import Permit, Permits, parse_permit
from simulators.smart_pump import SmartPump
from streaming.instants import format_ms

WELL = Findings(
    sbp=118.0, map=84.0, hr=92.0, temp=37.0, spo2=97.0, rhythm="sinus", mental="normal", stool_blood=False, vt_beats=0,
    creatinine=1.4, creatinine_before=1.2, bicarbonate=23.0, platelets=140.0, bilirubin=1.2, urine_8h_ml=420.0,
    urine_low_h=0.0, oxygen_l_min=0.0, phenylephrine=0.0, phenylephrine_max=0.0, norepinephrine=0.0, dopamine=0.0,
    pressor_rising=False, weight_gain_pct=4.0, was_low=False,
)  # fmt: skip


def test_nothing_speaks_against_a_dose_for_a_patient_who_is_well() -> None:
    found = assess(WELL)

    assert (found.holds, found.stops, found.relative, found.absolute) == ((), (), (), ())
    assert found.is_clear_by_label


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"sbp": 89.9}, "cardiovascular.sbp"),
        ({"was_low": True, "pressor_rising": True}, "cardiovascular.sbp"),
        ({"spo2": 89.0}, "respiratory.spo2"),
        ({"rhythm": "af"}, "cardiovascular.rhythm"),
        ({"mental": "confusion"}, "neurologic.mental_status"),
        ({"stool_blood": True}, "gi.stool_blood"),
        ({"creatinine": 4.6}, "renal.creatinine"),
        ({"creatinine": 4.0, "bicarbonate": 18.0}, "renal.creatinine"),
        ({"urine_low_h": 16.0}, "renal.oliguria"),
    ],
)
def test_each_row_of_the_label_holds_the_dose(change: dict[str, float], row: str) -> None:
    assert assess(replace(WELL, **change)).holds == (row,)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"sbp": 90.0}, {"spo2": 90.0}, {"mental": "vivid_dreams"}, {"creatinine": 4.5}, {"urine_low_h": 15.0}],
)
def test_values_at_the_limit_of_the_label_hold_nothing(change: dict[str, float]) -> None:
    assert assess(replace(WELL, **change)).holds == ()  # type: ignore[arg-type]


def test_five_beats_of_ventricular_tachycardia_end_the_course_and_four_do_not() -> None:
    assert assess(replace(WELL, vt_beats=5)).stops == ("cardiovascular.vt",)
    assert assess(replace(WELL, vt_beats=4)).stops == ()


def test_channel_gives_what_was_programmed_and_stops_when_it_is_in() -> None:
    channel = Infusion(label="Proleukin", mg_per_ml=0.05, shown_mg_per_ml=0.05)
    channel.program(rate_ml_h=200.0, to_be_infused_ml=50.0, shown_weight_kg=80.0, shown_mg_per_ml=0.05)
    before = channel.run(60.0)
    channel.is_started = True
    delivered = sum(channel.run(10.0) for _ in range(120))

    assert before == 0.0
    assert delivered == pytest.approx(50.0)
    assert (channel.is_complete, channel.is_infusing) == (True, False)


def test_volumetric_pump_keeps_the_vein_open_when_the_volume_is_in_and_a_syringe_does_not() -> None:
    channel = Infusion(label="x", keeps_open_ml_h=3.0)
    channel.program(rate_ml_h=600.0, to_be_infused_ml=10.0, shown_weight_kg=80.0, shown_mg_per_ml=0.0)
    channel.is_started = True
    for _ in range(12):
        channel.run(10.0)

    assert (channel.is_complete, channel.flow_ml_h) == (True, 3.0)


def test_stopped_channel_delivers_nothing_until_it_is_freed() -> None:
    channel = channels(80.0)["phenylephrine"]
    channel.titrate(0.5)
    given = channel.given_rate
    channel.stop = Stop.OCCLUSION

    assert given == pytest.approx(0.5, abs=0.02)
    assert (channel.given_rate, channel.run(60.0)) == (0.0, 0.0)
    channel.stop = None
    assert channel.given_rate == given


def test_wrong_weight_on_the_pump_gives_another_dose_than_it_shows() -> None:
    channel = channels(80.0)["norepinephrine"]
    channel.shown_weight_kg = 176.4
    channel.titrate(0.1)

    assert channel.shown_rate == pytest.approx(0.1, abs=0.01)
    assert channel.given_rate == pytest.approx(0.22, abs=0.02)


def test_pump_reports_its_stop_and_its_end_as_events_once() -> None:
    channel = channels(80.0)["il2"]
    pump = SmartPump(Place(unit="u", bed="b", device="p"), channel, seed="1", start_ms=0)
    events = []

    def step() -> None:
        for message in pump.step():
            if message.topic.endswith("/event"):
                body = orjson.loads(message.payload)
                events.append((body["event"], body["phase"]))

    channel.program(
        rate_ml_h=209.0, to_be_infused_ml=dose_volume_ml(80.0), shown_weight_kg=80.0, shown_mg_per_ml=channel.mg_per_ml
    )
    channel.is_started = True
    step()
    channel.stop = Stop.AIR
    step()
    step()
    channel.stop = None
    step()

    assert events == [
        ("MDC_EVT_PUMP_DELIV_START", "tpoint"),
        ("MDC_EVT_FLUID_LINE_AIR", "start"),
        ("MDC_EVT_FLUID_LINE_AIR", "end"),
        ("MDC_EVT_PUMP_DELIV_START", "tpoint"),
    ]


def _run(bedside: Bedside, hours: float, step_s: float = 60.0) -> None:
    for _ in range(round(hours * 3600.0 / step_s)):
        bedside.step(step_s)


def test_nurse_gives_fluid_first_and_a_pressor_when_it_is_not_enough_and_weans_it_later() -> None:
    low = Happening(kind=HappeningKind.VASODILATATION, start_h=-11.5, end_h=-9.0, depth=40.0, ramp_h=0.1)
    bedside = Bedside("n", begins_h=-12.0, happenings=(low,), has_course=False)
    _run(bedside, 0.8)
    fluid_only = bedside.channels["fluid"].rate_ml_h, bedside.state.crystalloid_ml
    _run(bedside, 1.5)
    supported = bedside.channels["phenylephrine"].given_rate
    _run(bedside, 4.0)

    assert fluid_only[1] > 100.0
    assert supported > 0.25
    assert bedside.nurse.used_pressors
    assert bedside.channels["phenylephrine"].given_rate == 0.0


def test_nurse_gives_oxygen_to_who_needs_it_and_takes_it_away_afterwards() -> None:
    low = Happening(kind=HappeningKind.DESATURATION, start_h=-11.5, end_h=-9.0, depth=8.0, ramp_h=0.1)
    bedside = Bedside("n", begins_h=-12.0, happenings=(low,), has_course=False)
    _run(bedside, 2.0)
    helped = bedside.nurse.oxygen_l_min
    _run(bedside, 8.0)

    assert helped >= 2.0
    assert bedside.nurse.oxygen_l_min < helped


def test_dose_is_given_when_clear_and_held_in_atrial_fibrillation() -> None:
    af = Happening(kind=HappeningKind.AF, start_h=7.0, end_h=12.0)
    bedside = Bedside("n", begins_h=-1.0, happenings=(af,), hazards=False, fixed={"map0": 105.0, "dip": 1.5})
    done: list[tuple[int, DoseAction, tuple[str, ...]]] = []
    bedside.on_resolved = lambda r: done.append((r.slot, r.action, r.reasons))
    _run(bedside, 18.0)

    assert done == [
        (1, DoseAction.GIVE, ()),
        (2, DoseAction.HOLD, ("cardiovascular.rhythm",)),
        (3, DoseAction.GIVE, ()),
    ]
    assert [slot for slot, _ in bedside.notes.doses] == [1, 3]


def test_whole_course_of_one_who_tolerates_it_is_fourteen_doses_in_104_hours() -> None:
    easy = {"map0": 106.0, "dip": 1.2, "vasoplegia": 0.04, "gain_pct": 4.0, "renal": 0.5, "lung": 0.02}
    bedside = Bedside("easy", begins_h=-2.0, hazards=False, fixed=easy)
    _run(bedside, 108.0, 120.0)

    assert [slot for slot, _ in bedside.notes.doses] == list(range(1, 15))
    assert bedside.notes.doses[-1][1] == pytest.approx(104.0, abs=0.05)


def test_consensus_protocol_ends_the_course_of_one_who_does_not() -> None:
    hard = {"renal": 4.0, "gain_pct": 25.0, "dip": 5.0}
    bedside = Bedside("hard", begins_h=-2.0, hazards=False, fixed=hard, protocol=Protocol.CONSENSUS)
    _run(bedside, 108.0, 120.0)

    assert bedside.nurse.ended
    assert len(bedside.notes.doses) < 12


NOW_MS = 1_767_592_800_000


def _permit(**changes: object) -> bytes:
    body = {"decision": "proceed", "dose_number": 3, "valid_until": format_ms(NOW_MS + 10_000), "criteria": []}
    return orjson.dumps(body | changes)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (_permit(), ""),
        (_permit(decision="hold", criteria=["cardiovascular.sbp"]), "decision hold (cardiovascular.sbp)"),
        (_permit(decision="indeterminate"), "decision indeterminate"),
        (_permit(valid_until=format_ms(NOW_MS)), "expired"),
        (_permit(dose_number=4), "it is for dose 4, not 3"),
        (_permit(valid_until=None), "none was given"),
        (b"", "none was given"),
        (b"[]", "none was given"),
        (b"{", "none was given"),
    ],
)
def test_permit_lets_a_dose_start_when_it_says_proceed_is_valid_and_is_for_it(payload: bytes, why: str) -> None:
    permits = Permits(lambda: NOW_MS)
    permits.hear("b01", payload)

    assert permits.why_not("b01", 3) == why
    assert permits.why_not("b02", 3) == "none was given"


def test_permit_is_read_with_its_parts() -> None:
    assert parse_permit(_permit(criteria=["a"])) == Permit(
        decision="proceed", dose_number=3, valid_until_ms=NOW_MS + 10_000, criteria=("a",)
    )
