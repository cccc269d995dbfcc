"""The policy in the ward: storms, limits off by command, the house, and time that passes with or without ticks."""

from __future__ import annotations

import pytest

from alerts.alarm import AlarmTransition, Kind
from alerts.rulebook import Rulebook
from alerts.ward import Ward
from streaming.commands import Acknowledge, Admit, LimitsOff, Link, SelfCheck
from streaming.effects import CommandApplied, CommandRefused
from streaming.identity import BedId, DeviceId
from streaming.observation import Decoded, ObsMessage, StatusMessage
from tests.support.bedside import ABP_DIA, ABP_MAP, ABP_SYS, BED, HR, IL2, line, ms, to_admit
from tests.support.bedside import Bedside as UnruledBedside
from tests.support.verdicts import WARD

RULES = Rulebook(alarms=IL2, policy=WARD)
UNITS, BEDS, DEVICES = 4, 12, 12
BEDS_IN_ALL = [BedId(f"unit{u}", f"b{b:02d}") for u in range(UNITS) for b in range(BEDS)]
SICK = BEDS_IN_ALL[5]


def command(ward: Ward, at_s: float, given: object) -> list[object]:
    return ward.command(given, type(given).__name__.lower(), {}, ms(at_s))  # type: ignore[arg-type]


def admitted(bed: BedId) -> Admit:
    return to_admit(admission_id=f"adm-{bed.unit}-{bed.bed}", bed=bed)


class Storm:
    """48 beds with 12 devices each, of which one is a monitor."""

    def __init__(self) -> None:
        self.ward = Ward(RULES)
        self.effects: list[object] = []
        self._seq = 0
        for bed in BEDS_IN_ALL:
            self.effects += command(self.ward, 0, admitted(bed))

    def send(self, at_s: float, *, mean: float = 80) -> None:
        """Every device says something; one patient is at `mean`."""
        self._seq += 1
        for bed in BEDS_IN_ALL:
            for number in range(DEVICES):
                device = DeviceId(bed.unit, bed.bed, f"dev{number:02d}")
                values = line(mean if bed == SICK else 80) | {HR: 90.0} if number == 0 else {"site:thing": 1.0}
                self._take(at_s, device, StatusMessage("online", "monitor" if number == 0 else "pump"))
                self._take(at_s, device, ObsMessage("boot", self._seq, ms(at_s), values))

    def _take(self, at_s: float, device: DeviceId, message: ObsMessage | StatusMessage) -> None:
        topic = f"icu/v1/{device.unit}/{device.bed}/{device.device}/obs"
        self.effects += self.ward.message(Decoded(device, message), topic, ms(at_s))

    def link(self, at_s: float, *, is_up: bool) -> None:
        self.effects += command(self.ward, at_s, Link(is_up=is_up, actor="vigil"))

    def wait(self, until_s: float) -> None:
        self.effects += self.ward.advance(ms(until_s))

    def transitions(self, kind: Kind, phase: str) -> list[AlarmTransition]:
        found = [each for each in self.effects if isinstance(each, AlarmTransition)]
        return [each for each in found if each.alarm.kind is kind and each.phase == phase]


def test_a_broker_that_is_gone_is_one_alarm_for_each_unit_and_no_patients_alarm_is_lost() -> None:
    storm = Storm()
    for at_s in range(0, 80, 5):
        storm.send(at_s, mean=58 if at_s else 80)
    (sick,) = storm.transitions(Kind.PHYSIOLOGICAL, "start")

    storm.link(80, is_up=False)
    storm.wait(680)

    technical = storm.transitions(Kind.TECHNICAL, "start")
    assert [(each.alarm.rule_id, each.alarm.unit) for each in technical] == [
        ("system.broker_lost", f"unit{number}") for number in range(UNITS)
    ]
    (alarm,) = storm.ward.stays[f"adm-{SICK.unit}-{SICK.bed}"].book.active.values()
    assert (alarm.alarm_id, alarm.signal, alarm.condition) == (sick.alarm.alarm_id, "on", "indeterminate")

    storm.link(680, is_up=True)
    for at_s in range(685, 760, 5):
        storm.send(at_s, mean=58)
    storm.wait(770)

    assert len(storm.transitions(Kind.TECHNICAL, "start")) == UNITS
    assert len(storm.transitions(Kind.TECHNICAL, "end")) == UNITS, "they ended by themselves"
    assert storm.ward.house.active == []
    (alarm,) = storm.ward.stays[f"adm-{SICK.unit}-{SICK.bed}"].book.active.values()
    assert (alarm.alarm_id, alarm.condition) == (sick.alarm.alarm_id, "present")


def test_a_patient_who_falls_when_the_broker_is_back_is_announced_as_ever() -> None:
    storm = Storm()
    storm.send(0)
    storm.link(10, is_up=False)
    storm.wait(100)
    storm.link(100, is_up=True)
    for at_s in range(101, 200, 5):
        storm.send(at_s, mean=45)

    starts = storm.transitions(Kind.PHYSIOLOGICAL, "start")
    assert len(starts) == 1, "one falling pressure, one alarm"
    assert starts[0].alarm.bed == SICK
    assert storm.ward.stays[f"adm-{SICK.unit}-{SICK.bed}"].book.active["hypotension", ""].priority == "high"


def test_without_a_policy_the_same_storm_is_an_alarm_for_each_device() -> None:
    """Negative control: there is something to save."""
    storm = Storm()
    storm.ward = Ward(IL2)
    for bed in BEDS_IN_ALL:
        command(storm.ward, 0, admitted(bed))
    storm.send(0)
    storm.link(10, is_up=False)
    storm.wait(700)

    assert len(storm.transitions(Kind.TECHNICAL, "start")) > len(BEDS_IN_ALL) * DEVICES


# --- one bed ----------------------------------------------------------------------------------------------------------


class OneBed:
    """A ward under the policy with one patient."""

    def __init__(self) -> None:
        self.ward = Ward(RULES)
        self.effects = command(self.ward, 0, admitted(BED))
        self._seq = 0

    def say(self, at_s: float, mean: float, heart_rate: float = 90) -> None:
        self._seq += 1
        values = {ABP_SYS: mean + 45, ABP_DIA: mean - 20, ABP_MAP: mean, HR: heart_rate}
        message = ObsMessage("boot", self._seq, ms(at_s), values)
        self.effects += self.ward.message(Decoded(DeviceId("icu", "b01", "mon1"), message), "icu/v1/x", ms(at_s))

    def command(self, at_s: float, given: object) -> CommandApplied | CommandRefused:
        done = command(self.ward, at_s, given)
        self.effects += done
        (answer,) = (each for each in done if isinstance(each, CommandApplied | CommandRefused))
        return answer

    @property
    def transitions(self) -> list[AlarmTransition]:
        return [each for each in self.effects if isinstance(each, AlarmTransition)]


def limits_off(scope: str, name: str, seconds: int) -> LimitsOff:
    return LimitsOff(admission_id="adm-icu-b01", scope=scope, name=name, reason="ECG", seconds=seconds, actor="nurse")


@pytest.mark.parametrize(
    ("scope", "name", "seconds", "reason"),
    [
        ("rule_id", "hypotension.map_below_50", 60, "limits_protected"),
        ("family", "device_offline", 60, "limits_protected"),
        ("rule_id", "tachycardia.hr_above_130", 1801, "seconds_out_of_range"),
        ("rule_id", "tachycardia", 60, "no_such_rule"),
        ("family", "tachycardia.hr_above_130", 60, "no_such_rule"),
    ],
)
def test_what_may_not_be_switched_off_is_refused(scope: str, name: str, seconds: int, reason: str) -> None:
    answer = OneBed().command(1, limits_off(scope, name, seconds))

    assert isinstance(answer, CommandRefused)
    assert answer.reason == reason


def test_limits_off_end_by_themselves_at_their_instant() -> None:
    bed = OneBed()
    for at_s in range(70):
        bed.say(at_s, 80, heart_rate=135)
    assert [each.phase for each in bed.transitions] == ["start"]

    bed.command(70, limits_off("family", "tachycardia", 60))
    for at_s in range(71, 140):
        bed.say(at_s, 80, heart_rate=135)

    assert [(each.at_ms, each.phase) for each in bed.transitions[1:]] == [(ms(70), "end"), (ms(130), "start")]


def test_of_a_family_that_is_switched_off_what_is_lethal_stays_on() -> None:
    bed = OneBed()
    bed.command(0, limits_off("family", "hypotension", 600))
    for at_s in range(1, 70):
        bed.say(at_s, 45)

    assert {each.alarm.rule_id for each in bed.transitions} == {"hypotension.map_below_50"}


def play(tick_s: float | None, restart_s: float | None) -> list[str]:
    """A pressure that falls, is seen, and stays low; then an outage."""
    bed = OneBed()
    for at_s in range(0, 90, 3):
        bed.say(at_s, 58)
    (alarm,) = bed.ward.stays["adm-icu-b01"].book.active.values()
    bed.command(200, Acknowledge(alarm_id=alarm.alarm_id, note=None, actor="nurse"))
    bed.command(210, Link(is_up=False, actor="vigil"))
    reached_s: float = 210
    while reached_s < 2000:
        if restart_s is not None and reached_s >= restart_s:
            restored = Ward.restore(bed.ward.snapshot(), RULES)
            assert restored is not None
            bed.ward, restart_s = restored, None
        reached_s += tick_s or 89.5
        bed.effects += bed.ward.advance(ms(min(reached_s, 2000)))
    bed.command(2000, Link(is_up=True, actor="vigil"))
    return [str(each) for each in bed.transitions]


def test_timers_run_at_their_instants_whatever_ticks_and_wherever_it_is_restored() -> None:
    alone = play(None, None)

    assert len(alone) > 6, "it escalates, is reminded of, and the unit hears of the broker"
    assert play(1.0, None) == alone
    for restart_s in (210, 300, 505, 1000):
        assert play(None, restart_s) == alone


def test_the_service_that_is_not_well_is_an_alarm_without_a_patient() -> None:
    bed = OneBed()
    unwell = SelfCheck(part="disk_nearly_full", is_well=False, text="412 MB free", figures={"free_mb": 412}, actor="v")
    bed.command(10, unwell)
    (alarm,) = bed.ward.house.active
    assert (alarm.rule_id, alarm.admission_id, alarm.bed, alarm.unit) == ("system.disk_nearly_full", None, None, None)
    assert (alarm.evidence["text"], alarm.evidence["figures"]) == ("412 MB free", {"free_mb": 412})
    assert bed.ward.is_house_changed

    bed.command(20, Acknowledge(alarm_id=alarm.alarm_id, note=None, actor="nurse"))
    assert bed.ward.house.active[0].signal == "acknowledged"
    bed.command(30, SelfCheck(part="disk_nearly_full", is_well=True, text="well", figures={}, actor="v"))
    bed.effects += bed.ward.advance(ms(100))

    assert [(each.n, each.at_ms, each.phase) for each in bed.transitions] == [
        (1, ms(10), "start"),
        (2, ms(20), "acknowledge"),
        (3, ms(90), "end"),
    ]


# --- a line that is disconnected --------------------------------------------------------------------------------------

OPEN_LINE = {ABP_SYS: 2.0, ABP_DIA: 1.0, ABP_MAP: 1.0}


class Bedside(UnruledBedside):
    """One bed under rules and policy."""

    def __init__(self) -> None:
        super().__init__(admitted=False)
        self.ward = Ward(RULES)
        self.admit(0)

    def alarms(self) -> list[tuple[str, str, str]]:
        """What is announced: rule, condition, text."""
        active = self.ward.stays["adm-1"].book.active.values()
        return [(each.rule_id, each.condition.value, str(each.evidence["text"])) for each in active]


def test_a_line_that_is_disconnected_is_one_alarm_and_explains_its_missing_values() -> None:
    bedside = Bedside()
    bedside.every_second(range(1, 60), {HR: 80, **line(80)})
    bedside.every_second(range(60, 300), {HR: 80, **OPEN_LINE})

    ((rule_id, _, text),) = bedside.alarms()
    assert rule_id == "implausible"
    assert text.startswith("3 readings not believable: mon1 MDC_PRESS_BLD_ART_ABP_DIA, ")
    conditions = bedside.ward.stays["adm-1"].book.conditions
    assert [(member.subject, reason) for member, reason in conditions.explained] == [("map", "implausible")]

    bedside.every_second(range(300, 330), {HR: 80, **line(80)})
    assert bedside.alarms() == []


def test_a_line_that_is_disconnected_explains_no_other_signal_and_hides_no_patient() -> None:
    bedside = Bedside()
    bedside.every_second(range(1, 130), {HR: 80, **line(55)})
    bedside.every_second(range(130, 500), OPEN_LINE)

    told = {rule_id: condition for rule_id, condition, _ in bedside.alarms()}
    assert told == {
        "hypotension.map_below_60": "indeterminate",
        "implausible": "present",
        "signal_stale": "present",
    }
    assert [text for rule_id, _, text in bedside.alarms() if rule_id == "signal_stale"] == ["HR: no current value"]
