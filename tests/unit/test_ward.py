"""The ward: who lies where, what is refused, what every message came to, and faults that stay where they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from alerts import ward as ward_module
from alerts.orders import BEDS_MAX
from alerts.ward import DEVICES_MAX, Ward
from gateway.rulesets import load_rulebook
from streaming.bed import METRICS_MAX, Bed
from streaming.commands import Acknowledge, Admit, AudioPause, Chart, Clock, Course, Discharge, Sign, Tick, Transfer
from streaming.effects import AdmissionChanged, CommandApplied, CommandRefused, InputRejected, SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.observation import ObsMessage, StatusMessage, WaveMessage
from streaming.patient import Patient
from streaming.signals import COMPLAINTS_MAX
from tests.support.bedside import BED, HR, IL2, OTHER_BED, SPO2, Bedside, line, ms, to_admit
from tests.support.sources import REPOSITORY, python_sources

MAP_65, MAP_50 = "hypotension.map_below_65", "hypotension.map_below_50"
FAULT = "cannot_evaluate"


def admission_changes(bedside: Bedside) -> list[AdmissionChanged]:
    return [each for each in bedside.effects if isinstance(each, AdmissionChanged)]


def refused(answer: CommandApplied | CommandRefused) -> tuple[str, str | None]:
    assert isinstance(answer, CommandRefused)
    return answer.reason, answer.subject_id


def applied(answer: CommandApplied | CommandRefused) -> str:
    assert isinstance(answer, CommandApplied)
    return answer.subject_id


# --- admission --------------------------------------------------------------------------------------------------------


def test_an_admission_takes_the_bed_with_all_that_was_said() -> None:
    bedside = Bedside(admitted=False)
    command = Admit(
        admission_id=None,
        patient_id="p-9",
        bed=BED,
        name="Doe, J.",
        dosing_weight_kg=79,
        baseline_weight_kg=80.5,
        baseline={"sbp": 120.0},
        profile=None,
        limits={"map_alarm": 70.0},
        actor="dr",
    )
    answer = bedside.command(5, command)

    admission = bedside.ward.stays[applied(answer)].admission
    assert (answer.at_ms, answer.actor, answer.command) == (ms(5), "dr", "admit")
    (change,) = admission_changes(bedside)
    assert change.admission == admission
    assert (change.change, change.bed, change.at_ms, change.actor) == ("admit", BED, ms(5), "dr")
    assert (admission.patient_id, admission.name, admission.bed) == ("p-9", "Doe, J.", BED)
    assert (admission.dosing_weight_kg, admission.baseline_weight_kg) == (79, 80.5)
    assert (admission.limits, admission.baseline) == ({"map_alarm": 70.0}, {"sbp": 120.0})
    assert (admission.profile, admission.admitted_ms, admission.discharged_ms) == (IL2.id, ms(5), None)


def test_the_same_journal_gives_the_same_admission_id_and_another_instant_another() -> None:
    ids = []
    for at_s in (0, 0, 1):
        bedside = Bedside(admitted=False)
        ids.append(applied(bedside.command(at_s, to_admit(admission_id=None))))

    assert ids[0] == ids[1] != ids[2]


def test_a_bed_is_taken_once() -> None:
    bedside = Bedside()

    assert refused(bedside.admit(1, admission_id="adm-2")) == ("bed_taken", "adm-1")
    assert set(bedside.ward.stays) == {"adm-1"}


def test_an_admission_is_in_one_bed() -> None:
    bedside = Bedside()

    assert refused(bedside.admit(1, bed=OTHER_BED)) == ("already_admitted", "adm-1")
    assert bedside.ward.beds[OTHER_BED].patient is None


@pytest.mark.parametrize(
    ("limits", "ok"),
    [
        ({"map_alarm": 50.0}, True),
        ({"map_alarm": 90.0}, True),
        ({"map_alarm": 49.9}, False),
        ({"map_alarm": 90.1}, False),
        ({"spo2_low": 96.0, "hr_high": 181.0}, False),
        ({"creatinine": 99.0}, True),  # a limit that this profile does not know binds nothing in it
    ],
)
def test_a_patients_limits_are_bounded_by_the_profile(limits: dict[str, float], ok: bool) -> None:
    bedside = Bedside(admitted=False)
    answer = bedside.admit(0, limits=limits)

    assert isinstance(answer, CommandApplied) is ok
    if not ok:
        assert isinstance(answer, CommandRefused)
        assert answer.reason == "limit_out_of_range"
        assert "alarms-il2" in answer.detail
        assert bedside.ward.stays == {}


@pytest.mark.parametrize(("sbp_hold", "ok"), [(79.9, False), (80.0, True)])
def test_a_patients_limits_are_bounded_by_the_dosing_profile_too(sbp_hold: float, ok: bool) -> None:
    rules = load_rulebook()
    label = rules.dosing["label-2024"]
    bounds = replace(label.patient_limits["sbp_hold"], low=80.0)  # a site's; the alarm profile allows 70
    bedside = Bedside(admitted=False)
    bedside.ward = Ward(replace(rules, dosing={label.id: replace(label, patient_limits={"sbp_hold": bounds})}))

    answer = bedside.admit(0, limits={"sbp_hold": sbp_hold})

    assert isinstance(answer, CommandApplied) is ok
    if not ok:
        assert isinstance(answer, CommandRefused)
        assert (answer.reason, bedside.ward.stays) == ("limit_out_of_range", {})
        assert answer.detail == "limit sbp_hold = 79.9 mm[Hg] is outside 80 to 130, which profile label-2024 allows"


def test_beds_are_bounded() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70}, bed=OTHER_BED)
    for n in range(BEDS_MAX - len(bedside.ward.beds)):
        bedside.ward.bed(BedId("full", f"b{n}"))

    assert refused(bedside.admit(1, bed=BedId("icu", "b03"), admission_id="adm-3")) == ("too_many_beds", None)
    assert refused(bedside.transfer(1, BedId("icu", "b04"))) == ("too_many_beds", None)
    assert len(bedside.ward.beds) == BEDS_MAX
    assert isinstance(bedside.transfer(2, OTHER_BED), CommandApplied)


# --- discharge and transfer -------------------------------------------------------------------------------------------


def test_a_discharge_ends_every_alarm_and_frees_the_bed() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(45))
    assert {alarm.priority for alarm in bedside.active("")} == {"high", "medium"}

    bedside.discharge(130)

    assert bedside.active("") == []
    assert {change.phase for change in bedside.changes() if change.at_s == 130.0} == {"end"}
    assert admission_changes(bedside)[-1].admission.discharged_ms == ms(130)
    assert refused(bedside.discharge(131)) == ("no_such_admission", "adm-1")
    assert isinstance(bedside.admit(132, admission_id="adm-2"), CommandApplied)


def test_nothing_is_judged_after_a_discharge() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), line(60))
    bedside.discharge(100)
    before = len(bedside.transitions)
    bedside.every_second(range(100, 400), line(60))
    bedside.tick(4000)

    assert len(bedside.transitions) == before


def test_a_patients_alarms_go_with_them_and_the_equipments_end() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(62) | {SPO2: 200})
    assert {alarm.rule_id for alarm in bedside.active("")} == {MAP_65, "implausible"}
    alarm_id = bedside.alarm(MAP_65).alarm_id

    bedside.transfer(130)

    assert [change.phase for change in bedside.changes("implausible")] == ["start", "end"]
    alarm = bedside.alarm(MAP_65)
    assert (alarm.alarm_id, alarm.bed, alarm.signal) == (alarm_id, OTHER_BED, "on")
    change = admission_changes(bedside)[-1]
    assert (change.change, change.bed, change.admission.bed) == ("transfer", OTHER_BED, OTHER_BED)
    assert bedside.ward.beds[BED].patient is None
    assert bedside.ward.stays["adm-1"].admission.bed == OTHER_BED


def test_a_transfer_needs_a_free_bed_and_a_present_patient() -> None:
    bedside = Bedside()
    bedside.admit(0, bed=OTHER_BED, admission_id="adm-2")

    assert refused(bedside.transfer(1)) == ("bed_taken", "adm-2")
    assert refused(bedside.transfer(1, BED)) == ("bed_taken", "adm-1")
    bedside.discharge(2)
    assert refused(bedside.transfer(3, BedId("icu", "b03"))) == ("no_such_admission", "adm-1")


def test_the_bed_left_behind_takes_the_next_patient_and_knows_nothing_of_the_last() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), line(60))
    bedside.transfer(100)
    bedside.admit(101, admission_id="adm-2")
    bedside.every_second(range(101, 221), line(60))
    assert bedside.starts(MAP_65) == []

    bedside.obs(221, line(60))

    assert bedside.starts(MAP_65) == [221.0]
    assert bedside.alarm(MAP_65).admission_id == "adm-2"


# --- acknowledgement --------------------------------------------------------------------------------------------------


def test_an_alarm_is_acknowledged_by_somebody() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(62))
    alarm_id = bedside.alarm(MAP_65).alarm_id

    assert applied(bedside.acknowledge(140, alarm_id)) == alarm_id

    transition = bedside.transitions[-1]
    assert (transition.phase, transition.to, transition.actor) == ("acknowledge", "acknowledged", "nurse")
    assert transition.alarm.acknowledged is not None
    assert transition.alarm.acknowledged.note == "seen"


def test_acknowledging_again_is_applied_and_changes_nothing() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(62))
    alarm_id = bedside.alarm(MAP_65).alarm_id
    bedside.acknowledge(140, alarm_id)
    before = len(bedside.transitions)

    assert applied(bedside.acknowledge(141, alarm_id)) == alarm_id
    assert len(bedside.transitions) == before


def test_what_has_ended_cannot_be_acknowledged_any_more() -> None:
    bedside = Bedside()
    bedside.every_second(range(130), line(62))
    alarm_id = bedside.alarm(MAP_65).alarm_id
    bedside.every_second(range(130, 170), line(80))

    assert refused(bedside.acknowledge(171, alarm_id)) == ("already_ended", alarm_id)
    assert refused(bedside.acknowledge(171, "alm-none")) == ("no_such_alarm", "alm-none")


def test_a_latched_alarm_ends_with_its_acknowledgement() -> None:
    bedside = Bedside()
    bedside.every_second(range(20), line(48))
    bedside.every_second(range(20, 60), line(80))
    alarm = bedside.alarm(MAP_50)
    assert (alarm.signal, alarm.condition) == ("latched", "absent")

    bedside.acknowledge(60, alarm.alarm_id)

    assert bedside.active(MAP_50) == []


def test_how_many_ended_alarms_are_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ward_module, "ENDED_ALARMS_KEPT", 1)  # ten thousand alarms take minutes to begin and to end
    bedside = Bedside()
    ids = []
    for begin in (0, 200):
        bedside.every_second(range(begin, begin + 130), line(62))
        ids.append(bedside.alarm(MAP_65).alarm_id)
        bedside.every_second(range(begin + 130, begin + 170), line(80))

    assert refused(bedside.acknowledge(400, ids[0]))[0] == "no_such_alarm"
    assert refused(bedside.acknowledge(400, ids[1]))[0] == "already_ended"


# --- charting and orders ----------------------------------------------------------------------------------------------


def test_charted_values_are_dated_and_stored_under_the_chart() -> None:
    bedside = Bedside()
    answer = bedside.chart(100, {"loinc:2160-0": 1.4, HR: 88}, determined_s=40)

    assert applied(answer) == "adm-1"
    (samples,) = (each for each in bedside.latest if isinstance(each, SamplesAccepted))
    assert samples.metrics == [("loinc:2160-0", ms(40), 1.4, 0), (HR, ms(40), 88, 0)]
    assert samples.signals == [("creatinine", ms(40), 1.4, 0), ("hr", ms(40), 88, 0)]
    assert bedside.speaker("hr") == (HR, 88)


def test_charting_without_a_time_or_for_the_future_is_dated_now() -> None:
    bedside = Bedside()
    for determined_s in (None, 200.0):
        bedside.chart(100, {HR: 88}, determined_s=determined_s)
        assert bedside.stored[0][1] == ms(100)


def test_the_chart_is_no_device_of_the_ledger() -> None:
    bedside = Bedside()
    bedside.chart(0, {HR: 88})

    assert bedside.ward.devices == {}
    assert bedside.ward.received == 0


def order(admission_id: str) -> list[Any]:
    return [
        Course(
            admission_id=admission_id,
            drug="aldesleukin",
            dose_iu_per_kg=600_000,
            interval_h=8,
            max_doses=14,
            duration_min=15,
            first_dose_ms=ms(0),
            cycle=None,
            actor="dr",
        ),
        AudioPause(admission_id=admission_id, seconds=60, actor="nurse"),
        Chart(admission_id=admission_id, determined_ms=None, metrics={HR: 80}, actor="nurse"),
        Transfer(admission_id=admission_id, bed=OTHER_BED, actor="nurse"),
        Discharge(admission_id=admission_id, actor="nurse"),
    ]


@pytest.mark.parametrize("place", range(5))
def test_an_order_needs_a_present_admission(place: int) -> None:
    bedside = Bedside()

    assert refused(bedside.command(1, order("adm-9")[place])) == ("no_such_admission", "adm-9")
    assert applied(bedside.command(2, order("adm-1")[place])) == "adm-1"


def test_a_course_and_an_audio_pause_are_kept_with_the_stay() -> None:
    bedside = Bedside()
    course, pause = order("adm-1")[:2]
    bedside.command(1, course)
    bedside.command(2, pause)

    stay = bedside.ward.stays["adm-1"]
    assert stay.course == course
    assert stay.book.audio_paused == (ms(2), ms(62))


def test_a_signature_needs_a_present_admission() -> None:
    bedside = Bedside()
    sign = Sign(admission_id="adm-9", decision="proceed", reason=None, actor="dr")

    assert refused(bedside.command(1, sign))[0] == "no_such_admission"


def test_the_clock_of_a_demo_is_noted_for_every_bed() -> None:
    bedside = Bedside()
    bedside.command(1, Clock(speed=60.0, actor="vigil"))
    bedside.obs(2, {HR: 70}, bed=OTHER_BED)

    assert {bed.clock_speed for bed in bedside.ward.beds.values()} == {60.0}
    for at_s in range(3, 100):
        bedside.obs(at_s, {HR: 70}, device_s=at_s - 200)
    assert bedside.active("clock_skew") == [], "five real seconds are five minutes there"


def test_a_refusal_changes_nothing_and_says_what_was_asked() -> None:
    ward = Ward(IL2)
    body = {"alarm_id": "alm-1", "note": "x"}
    command = Acknowledge(alarm_id="alm-1", note="x", actor="nurse")

    (refusal,) = ward.command(command, "acknowledge", body, ms(0))

    assert refusal == CommandRefused(
        ms(0), "acknowledge", "no_such_alarm", "there is no active alarm alm-1", "nurse", "alm-1", body
    )


def test_a_tick_makes_time_pass_and_nothing_else() -> None:
    bedside = Bedside()
    bedside.every_second(range(2), {HR: 160})

    effects = bedside.ward.command(Tick(), "tick", {}, ms(16))

    assert [getattr(each, "phase", None) for each in effects] == ["start"]
    assert bedside.ward.now_ms == ms(16)


# --- what every message came to ---------------------------------------------------------------------------------------


def ledger(bedside: Bedside) -> tuple[int, int, int, int]:
    ward = bedside.ward
    return ward.received, ward.evaluated, ward.duplicate, ward.rejected


def test_every_message_is_accounted_for_in_all_and_by_device() -> None:
    bedside = Bedside(admitted=False)
    for seq in (0, 1, 1, 0, 2):
        bedside.obs(1, {HR: 70}, seq=seq)
    bedside.status(2, "online")
    bedside.message(2, DeviceId("icu", "b01", "mon1"), WaveMessage(100))
    bedside.garbage(3)
    bedside.garbage(3, device="mon2")
    bedside.garbage(3, device=None)

    assert ledger(bedside) == (10, 5, 2, 3)
    by_device = {
        device.id.device: (device.received, device.evaluated, device.duplicate, device.rejected)
        for device in bedside.ward.devices.values()
    }
    assert by_device == {"mon1": (8, 5, 2, 1), "mon2": (1, 0, 0, 1)}


def test_a_device_too_many_is_rejected_with_a_reason() -> None:
    bedside = Bedside()
    for n in range(DEVICES_MAX):
        bedside.message(0, DeviceId("icu", f"b{n % 100}", f"d{n}"), StatusMessage("online", "monitor"))
    bedside.obs(0, {HR: 70}, device="one-too-many")
    bedside.garbage(0, device="another")
    bedside.obs(1, {HR: 71}, bed=BedId("icu", "b1"), device="d1")

    assert [each.reason for each in bedside.rejections] == ["too_many_devices", "not_json"]
    assert len(bedside.ward.devices) == DEVICES_MAX
    assert ledger(bedside) == (DEVICES_MAX + 3, DEVICES_MAX + 1, 0, 2)


# --- faults of ours ---------------------------------------------------------------------------------------------------


class BrokenError(RuntimeError):
    """A fault of the engine."""


def break_bed(monkeypatch: pytest.MonkeyPatch, method: str, bed_id: BedId = BED) -> None:
    """Let a method of one bed fail."""
    real = getattr(Bed, method)

    def broken(self: Bed, *args: object, **kwargs: object) -> object:
        if self.id == bed_id:
            raise BrokenError("secret patient text")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Bed, method, broken)


def test_a_message_on_which_the_engine_fails_is_rejected_and_told_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    bedside.admit(0, bed=OTHER_BED, admission_id="adm-2")
    break_bed(monkeypatch, "observe")
    bedside.obs(1, {HR: 70})
    bedside.obs(1, {HR: 70}, bed=OTHER_BED)

    (rejection,) = bedside.rejections
    assert (rejection.reason, rejection.detail) == ("engine_fault", "the engine failed on this message: BrokenError")
    assert str(rejection.device) == "icu/b01/mon1"
    alarm = bedside.alarm(FAULT)
    assert (alarm.priority, alarm.kind, alarm.admission_id) == ("high", "technical", "adm-1")
    assert "secret" not in str(alarm.evidence)
    assert bedside.speaker("hr", OTHER_BED) == (HR, 70)
    assert ledger(bedside) == (2, 1, 0, 1)


def test_a_fault_that_is_over_is_told_for_five_minutes_more(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    with monkeypatch.context() as patch:
        break_bed(patch, "observe")
        bedside.obs(1, {HR: 70})
        bedside.obs(61, {HR: 70})
    bedside.every_second(range(62, 400), {HR: 70})

    assert [(change.at_s, change.phase) for change in bedside.changes(FAULT)] == [(1.0, "start"), (361.0, "end")]


def test_a_fault_as_time_passes_stays_on_its_bed_and_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    bedside.admit(0, bed=OTHER_BED, admission_id="adm-2")
    bedside.every_second(range(2), {HR: 160})
    for at_s in range(2):
        bedside.obs(at_s, {HR: 160}, bed=OTHER_BED)
    break_bed(monkeypatch, "time_passed")

    bedside.tick(60)

    assert bedside.ward.now_ms == ms(60)
    fast = bedside.active("tachycardia.hr_above_150")
    assert [(alarm.admission_id, alarm.bed) for alarm in fast] == [("adm-2", OTHER_BED)]
    assert bedside.alarm(FAULT).admission_id == "adm-1"
    assert bedside.starts(FAULT) == [15.0]


def test_a_fault_in_the_alarm_book_is_contained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    bedside.every_second(range(2), {**line(45), HR: 160})
    book = bedside.ward.stays["adm-1"].book
    real = book.conditions.take

    def take(found: Any) -> Any:
        if found.rule.id == "tachycardia.hr_above_150":
            raise BrokenError
        return real(found)

    monkeypatch.setattr(book.conditions, "take", take)
    bedside.every_second(range(2, 70), {**line(45), HR: 160})

    assert bedside.alarm(FAULT).priority == "high"
    assert bedside.starts("hypotension.map_below_60") == [60.0], "other rules go on"


def test_a_fault_on_charted_values_refuses_them_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    break_bed(monkeypatch, "chart")

    assert refused(bedside.chart(1, {HR: 70})) == ("engine_fault", "adm-1")
    assert bedside.alarm(FAULT).evidence["text"] == "the engine failed on what was charted: BrokenError"


def test_a_patient_on_whom_the_engine_fails_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(0, line(80))
    with monkeypatch.context() as patch:
        patch.setattr(Patient, "read", lambda *_: 1 / 0)
        assert applied(bedside.admit(1)) == "adm-1"
    assert bedside.alarm(FAULT).evidence["text"] == "the engine failed on an admission: ZeroDivisionError"

    bedside.every_second(range(2, 200), line(60))

    assert bedside.starts(MAP_65) == [122.0]


def test_a_transfer_on_which_the_engine_fails_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside()
    bedside.obs(0, line(80), bed=OTHER_BED)
    with monkeypatch.context() as patch:
        patch.setattr(Patient, "read", lambda *_: 1 / 0)
        assert applied(bedside.transfer(1)) == "adm-1"

    assert bedside.ward.stays["adm-1"].admission.bed == OTHER_BED
    assert bedside.alarm(FAULT).bed == OTHER_BED


def test_a_fault_on_an_empty_bed_alarms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    bedside = Bedside(admitted=False)
    break_bed(monkeypatch, "take_status")
    bedside.message(1, DeviceId("icu", "b01", "mon1"), StatusMessage("online", "monitor"))
    bedside.tick(100)

    assert [each.reason for each in bedside.rejections] == ["engine_fault"]
    assert bedside.transitions == []


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_of_one_set_of_rules() -> None:
    bedside = Bedside()
    bedside.obs(1, {HR: 70})
    snapshot = bedside.ward.snapshot()
    restored = Ward.restore(snapshot, IL2)

    assert restored is not None
    assert restored.stays["adm-1"].admission == bedside.ward.stays["adm-1"].admission
    other = replace(IL2, sha256="0" * 64)
    assert Ward.restore(snapshot, other) is None


def test_a_restored_ward_goes_on_where_it_was() -> None:
    bedside = Bedside()
    bedside.every_second(range(100), line(62))
    restored = Ward.restore(bedside.ward.snapshot(), IL2)
    assert restored is not None

    bedside.ward = restored
    bedside.every_second(range(100, 130), line(62))

    assert bedside.starts(MAP_65) == [120.0]


def test_what_looks_different_is_told_to_the_display_by_bed() -> None:
    bedside = Bedside()
    bedside.ward.changed.clear()
    bedside.obs(1, {HR: 70}, bed=OTHER_BED)
    assert bedside.ward.changed == {OTHER_BED}

    bedside.ward.changed.clear()
    bedside.message(2, DeviceId("icu", "b02", "mon1"), ObsMessage("boot", 0, ms(1), {}))
    bedside.tick(40)
    assert OTHER_BED in bedside.ward.changed


def test_every_reason_of_the_engine_is_in_the_protocol_document() -> None:
    document = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in python_sources("streaming", "alerts"))
    found = re.findall(
        r'(?:InputRejected\(|Rejected\(|_complain\()[^"\n]*(?:f?"[^"]*", )?"([a-z]+(?:_[a-z]+)+)"', sources
    )

    assert {"engine_fault", "too_many_devices", "too_many_metrics", "unknown_unit", "unknown_value"} <= set(found)
    assert [reason for reason in found if f"| `{reason}` |" not in document] == []
    for limit in (METRICS_MAX, COMPLAINTS_MAX, f"{DEVICES_MAX:,}".replace(",", " ")):
        assert f" {limit} " in document


def test_rejections_carry_no_effect_but_themselves() -> None:
    bedside = Bedside()

    assert [type(each) for each in bedside.garbage(1)] == [InputRejected]
