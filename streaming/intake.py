"""The long way of one value from a message to its channel: units, plausible range, texts, `null`, lateness, triples.

`streaming.bed` writes out the short way, a plain current number from the source of a signal; everything else comes
through here. Both follow the same rules: a value is stored whatever becomes of it; a value that cannot be is stored as
invalid and feeds no rule; one that is older than what its channel already has is stored and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streaming.artefact import PART_NOT_BELIEVED, arterial_artefact, cuff_artefact, is_credible_though_low
from streaming.effects import InputRejected
from streaming.observation import MetricReading, MetricValue, Validity
from streaming.signals import Channel, PressureGroup
from streaming.step import Step

if TYPE_CHECKING:
    from streaming.bed import Bed
    from streaming.device import Device

PressureValue = tuple[Channel, float, Validity, int]
"""(channel, value, validity as sent, determination time): kept until the whole message is read."""


def take_value(
    bed: Bed, step: Step, device: Device, channel: Channel, sent: MetricValue, at_ms: int
) -> PressureValue | None:
    """Take one value; returned when it is one of a pressure triple, which is judged as a whole."""
    value, validity = sent, Validity.VALID
    if isinstance(sent, MetricReading):
        if _is_repeat(channel, sent):
            return None
        value, validity = sent.value, sent.validity
        if sent.determined_ms is not None:
            at_ms = min(sent.determined_ms + (device.clock.offset_ms or 0), step.now_ms)
    if value is None or isinstance(value, MetricReading):
        refuse(bed, step, channel, at_ms, Validity.NOT_AVAILABLE)
        return None
    if isinstance(value, str):
        _take_text(bed, step, channel, value, at_ms, validity)
        return None
    if channel.is_text:
        _complain(step, channel, "type", "wrong_type", f"{channel.name}: a number where a text is expected")
        return None
    return _take_number(bed, step, channel, value, at_ms, validity, sent)


def take_pressures(bed: Bed, step: Step, pressures: list[PressureValue]) -> list[PressureGroup]:
    """Judge each pressure triple as one: when one is bad, none is believed, unless it is no worse than low
    (`streaming.artefact`). Returns the groups whose mean may be compared with another's."""
    first = pressures[0][0].group
    if all([entry[0].group is first for entry in pressures]):  # noqa: C419 - a list is quicker than a generator here
        group = _take_triple(bed, step, first, pressures)
        return [group] if group is not None else []
    believed = []
    while pressures:
        first = pressures[0][0].group
        entries = [entry for entry in pressures if entry[0].group is first]
        pressures = [entry for entry in pressures if entry[0].group is not first]
        if (group := _take_triple(bed, step, first, entries)) is not None:
            believed.append(group)
    return believed


def refuse(bed: Bed, step: Step, channel: Channel, at_ms: int, validity: Validity, artefact: str | None = None) -> None:
    """A report that says nothing: the channel keeps its last value, which ages, and the equipment watch is told."""
    if at_ms < channel.latest_ms:
        return
    was_invalid = channel.invalid_since_ms is not None
    channel.refuse(at_ms, validity, artefact)
    if was_invalid != (channel.invalid_since_ms is not None):
        bed.believability_changed(step, channel)


def accept(bed: Bed, step: Step, channel: Channel, value: float | str, at_ms: int, validity: Validity) -> None:
    """A usable value reaches its channel, and through it perhaps a signal."""
    was_invalid = channel.invalid_since_ms is not None
    channel.accept(value, at_ms, validity)
    if was_invalid:
        bed.believability_changed(step, channel)
    if channel.slot is not None:
        bed.speak(step, channel.slot, channel)


def _is_repeat(channel: Channel, reading: MetricReading) -> bool:
    """Whether the device sent again the reading it sent last: known by the device's own determination time."""
    if reading.determined_ms is None:
        return False
    if reading == channel.sent:
        return True
    channel.sent = reading
    return False


def _take_number(
    bed: Bed, step: Step, channel: Channel, value: float, at_ms: int, validity: Validity, sent: MetricValue
) -> PressureValue | None:
    if isinstance(sent, MetricReading) and sent.unit is not None:
        converted = _convert(step, channel, value, sent.unit)
        if converted is None:
            return None
        value = converted
    elif channel.spec is not None and channel.unit != channel.spec.unit:
        channel.take_unit(channel.spec.unit)
    low, high = channel.plausible_range
    if not low <= value <= high:
        validity = Validity.INVALID
    if channel.group is not None and at_ms >= channel.latest_ms:
        return (channel, value, validity, at_ms)
    step.metrics.append((channel.name, at_ms, value, validity))
    if validity > Validity.QUESTIONABLE:
        refuse(bed, step, channel, at_ms, validity)
    elif at_ms >= channel.latest_ms:
        accept(bed, step, channel, value, at_ms, validity)
    elif channel.slot is not None and channel.slot.keeps_all:
        bed.keep(channel.slot, channel, at_ms, value, validity)
    return None


def _take_text(bed: Bed, step: Step, channel: Channel, text: str, at_ms: int, validity: Validity) -> None:
    spec = channel.spec
    if spec is not None and not channel.is_text:
        _complain(step, channel, "type", "wrong_type", f"{channel.name}: a text where a number is expected")
    elif spec is not None and spec.values is not None and text not in spec.values:
        allowed = ", ".join(sorted(spec.values))
        _complain(step, channel, f"value {text}", "unknown_value", f"{channel.name}: allowed are {allowed}")
    elif validity > Validity.QUESTIONABLE:
        refuse(bed, step, channel, at_ms, validity)
    elif at_ms >= channel.latest_ms:
        accept(bed, step, channel, text, at_ms, validity)
    elif channel.slot is not None:
        bed.keep(channel.slot, channel, at_ms, text, validity)


def _take_triple(
    bed: Bed, step: Step, group: PressureGroup | None, entries: list[PressureValue]
) -> PressureGroup | None:
    assert group is not None
    artefact = _artefact_of(group, entries)
    metrics = step.metrics
    if artefact is None:
        for channel, value, validity, at_ms in entries:
            metrics.append((channel.name, at_ms, value, validity))
            accept(bed, step, channel, value, at_ms, validity)
        return group
    if artefact == PART_NOT_BELIEVED and _is_credible_though_low(group, entries):
        return _take_low_triple(bed, step, group, entries)
    for channel, value, validity, at_ms in entries:
        tag = max(validity, Validity.QUESTIONABLE)
        metrics.append((channel.name, at_ms, value, tag))
        refuse(bed, step, channel, at_ms, tag, artefact if tag is Validity.QUESTIONABLE else None)
    return None


def _artefact_of(group: PressureGroup, entries: list[PressureValue]) -> str | None:
    sys = dia = mean = None
    for channel, value, validity, _ in entries:
        if validity > Validity.QUESTIONABLE:
            return PART_NOT_BELIEVED
        if channel is group.sys:
            sys = value
        elif channel is group.dia:
            dia = value
        else:
            mean = value
    if sys is None or dia is None or mean is None:
        return None
    return arterial_artefact(sys, dia, mean) if group.arterial else cuff_artefact(sys, dia, mean)


def _take_low_triple(bed: Bed, step: Step, group: PressureGroup, entries: list[PressureValue]) -> PressureGroup | None:
    """What lies below its range is invalid, the rest is doubtful: it may raise an alarm and never clears one."""
    is_mean_believed = False
    for channel, value, validity, at_ms in entries:
        tag = max(validity, Validity.QUESTIONABLE)
        step.metrics.append((channel.name, at_ms, value, tag))
        if tag is Validity.QUESTIONABLE:
            accept(bed, step, channel, value, at_ms, tag)
            is_mean_believed |= channel is group.mean
        else:
            refuse(bed, step, channel, at_ms, tag)
    return group if is_mean_believed else None


def _is_credible_though_low(group: PressureGroup, entries: list[PressureValue]) -> bool:
    """Whether all that speaks against a complete triple is that some of it lies below the plausible range."""
    for channel, value, validity, _ in entries:
        low, high = channel.plausible_range
        is_marked = validity > Validity.QUESTIONABLE and value >= low  # by the device: the value itself would do
        if is_marked or value > high:
            return False
    values = {channel: value for channel, value, _, _ in entries}
    if group.sys not in values or group.dia not in values or group.mean not in values:
        return False
    return is_credible_though_low(values[group.sys], values[group.dia], values[group.mean], arterial=group.arterial)


def _convert(step: Step, channel: Channel, value: float, unit: str) -> float | None:
    conversion = channel.conversion_from(unit)
    if conversion is None:
        expected = channel.spec.unit if channel.spec is not None else ""
        detail = f"{channel.name}: unit {unit[:40]!r} is unknown or does not fit; expected {expected or 'none'}"
        _complain(step, channel, f"unit {unit}", "unknown_unit", detail)
        return None
    if conversion.unit != channel.unit:
        channel.take_unit(conversion.unit)
    return conversion.apply(value)


def _complain(step: Step, channel: Channel, key: str, reason: str, detail: str) -> None:
    """Reject one metric, once for each cause."""
    if not channel.must_say(key):
        return
    device = channel.device
    topic = f"icu/v1/{device.unit}/{device.bed}/{device.device}/obs"
    step.effects.append(InputRejected(step.now_ms, topic, reason, detail, device, channel.name))
