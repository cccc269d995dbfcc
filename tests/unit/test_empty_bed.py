"""A bed that nobody lies in, and the watch over equipment that has no rules: devices are heard, nothing is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from streaming.bed import Bed
from streaming.device import Device
from streaming.durations import NEVER_DUE_MS
from streaming.equipment import EquipmentWatch
from streaming.identity import CHART_DEVICE, DeviceId
from streaming.observation import EventMessage, ObsMessage, Validity
from streaming.outcome import OutcomeChanged
from streaming.signals import Channel
from streaming.step import Step
from tests.support.bedside import BED, HR, IL2, Bedside, line, ms

DOOR_OPEN = "MDC_EVT_DOOR_POSN_ERR"
LABEL = "MDC_DRUG_NAME_LABEL"
MONITOR = DeviceId(BED.unit, BED.bed, "mon1")


def test_an_event_at_an_empty_bed_is_counted_once_and_raises_nothing() -> None:
    bedside = Bedside(admitted=False)
    bedside.event(0, DOOR_OPEN, seq=0)
    bedside.event(1, DOOR_OPEN, seq=0)
    bedside.tick(60)

    assert (bedside.ward.evaluated, bedside.ward.duplicate) == (1, 1)
    assert bedside.transitions == []


def test_numbers_missing_at_an_empty_bed_are_not_owed_to_whoever_comes() -> None:
    bedside = Bedside(admitted=False)
    for seq in (0, 5, 3):
        bedside.event(seq, DOOR_OPEN, seq=seq)
    bedside.admit(10)
    bedside.tick(60)

    assert bedside.ward.beds[BED].devices["mon1"].sequence.missing == 3
    assert bedside.changes("sequence_gap") == []


def test_a_clock_that_is_wrong_at_an_empty_bed_is_told_to_whoever_comes() -> None:
    bedside = Bedside(admitted=False)
    for at_s in range(40):
        bedside.obs(at_s, {HR: 80}, device_s=at_s - (0 if at_s < 5 else 90))
    assert bedside.ward.beds[BED].devices["mon1"].has_skew
    assert bedside.changes("clock_skew") == []

    bedside.admit(40)
    for at_s in range(41, 120):
        bedside.obs(at_s, {HR: 80}, device_s=at_s - 90)

    assert [change.phase for change in bedside.changes("clock_skew")] == ["start"]


def test_values_charted_at_an_empty_bed_are_kept_and_judged_by_nobody() -> None:
    bed, step = Bed(BED, IL2), Step(ms(0))
    bed.chart(step, {HR: 20.0}, None)

    assert [(name, value) for name, _, value, _ in step.metrics] == [(HR, 20.0)]
    assert step.found == []
    assert bed.devices[CHART_DEVICE].kind == "chart"


def test_nobody_leaves_an_empty_bed_and_what_it_heard_is_forgotten() -> None:
    bed = Bed(BED, IL2)
    monitor = bed.device(MONITOR)
    bed.observe(Step(ms(0)), monitor, ObsMessage("boot", 0, ms(0), {HR: 80.0}))
    assert bed.slots["hr"].source is not None

    assert bed.release_patient(ms(1)) is None

    assert bed.slots["hr"].source is None
    assert bed.slots["hr"].best(ms(1)) is None


def test_time_changes_nothing_at_an_empty_bed() -> None:
    bed, step = Bed(BED, IL2), Step(ms(3600))
    bed.observe(Step(ms(0)), bed.device(MONITOR), ObsMessage("boot", 0, ms(0), {HR: 20.0}))
    bed.time_passed(step)
    bed.schedule(ms(3600))

    assert (step.found, step.effects, bed.due_ms) == ([], [], NEVER_DUE_MS)


def test_an_event_is_taken_without_a_patient_as_with_one() -> None:
    bed = Bed(BED, IL2)
    monitor = bed.device(MONITOR)

    assert bed.take_event(Step(ms(0)), monitor, EventMessage("boot", 0, ms(0), DOOR_OPEN, "tpoint"))
    assert not bed.take_event(Step(ms(1)), monitor, EventMessage("boot", 0, ms(0), DOOR_OPEN, "tpoint"))
    assert monitor.last_received_ms == ms(0)


# --- nothing to ask ---------------------------------------------------------------------------------------------------


def _device() -> Device:
    """Its clock is 90 s slow, four of its messages are missing, and it says that it goes."""
    device = Device(MONITOR)
    device.clock.correct(ms(0), ms(90))
    for seq in (0, 5):
        device.sequence.tracker("boot").accept(seq)
    device.take_status("monitor", None, "offline", ms(90))
    return device


def _unbelievable() -> Channel:
    channel = Channel(MONITOR, HR, "monitor")
    channel.refuse(ms(0), Validity.INVALID, None)
    return channel


def _gone(watch: EquipmentWatch) -> list[OutcomeChanged]:
    device = Device(MONITOR)
    device.last_received_ms = ms(89)
    watch.expect(device, ms(89))
    device.take_presence("offline", ms(90))
    return watch.device_state(device, ms(90))


@pytest.mark.parametrize(
    "ask",
    [
        lambda watch: watch.clock(_device(), ms(90), 1.0),
        lambda watch: watch.believable(_unbelievable(), ms(90)),
        lambda watch: watch.sources((80.0, 50.0, ms(0)), ms(90)),
        lambda watch: watch.numbering(_device(), ms(90)),
        lambda watch: watch.fault("cannot evaluate", ms(90)),
        lambda watch: watch.broker(ms(90), lost=True),
        _gone,
    ],
    ids=["clock", "believable", "sources", "numbering", "fault", "broker", "device"],
)
def test_what_a_rule_finds_wrong_with_the_equipment_nobody_finds_without_it(
    ask: Callable[[EquipmentWatch], list[OutcomeChanged]],
) -> None:
    without, with_rules = EquipmentWatch(replace(IL2, equipment_rules=())), EquipmentWatch(IL2)

    assert ask(without) == []
    assert without.due_ms({}, ms(90)) is None
    assert ask(with_rules) or with_rules.due_ms({}, ms(90)) is not None


# --- what is late, and what does not speak ----------------------------------------------------------------------------


def test_a_label_that_comes_late_changes_nothing() -> None:
    bedside = Bedside()
    bedside.obs(10, {LABEL: "Proleukin"}, device="pump1")
    bedside.obs(11, {LABEL: "Neo-Synephrine"}, device="pump1", device_s=2)

    channel = bedside.ward.beds[BED].devices["pump1"].channels[LABEL]
    assert (channel.value, channel.latest_ms) == ("Proleukin", ms(10))


def test_pressures_of_which_only_the_mean_is_reported_agree_again() -> None:
    bedside = Bedside()
    mean, cuff_mean = "MDC_PRESS_BLD_ART_ABP_MEAN", "MDC_PRESS_CUFF_MEAN"
    for at_s, of_line, of_cuff in ((0, 90.0, 60.0), (60, 82.0, 80.0)):
        bedside.obs(at_s, {mean: of_line})
        bedside.obs(at_s + 1, {cuff_mean: of_cuff})
        if at_s == 0:
            assert bedside.speaker("map") == (cuff_mean, 60.0), "the lower speaks while they contradict each other"

    assert bedside.speaker("map") == (mean, 82.0)
    assert "sbp" not in bedside.ward.beds[BED].slots


def test_a_charted_value_that_does_not_speak_leaves_with_its_patient() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 80} | line(80))
    bedside.chart(1, {HR: 70})
    slot = bedside.ward.beds[BED].slots["hr"]
    assert [channel.device.device for channel in slot.candidates] == ["mon1", CHART_DEVICE]
    assert slot.source is slot.candidates[0]

    bedside.transfer(2)

    assert [channel.device.device for channel in slot.candidates] == ["mon1"]
