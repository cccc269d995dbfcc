"""One infusion pump at a bed: which drug, how fast, how much so far, and whether it is running.

Invariants: a value belongs to the drug that was named when it was reported; when the label changes, everything said
before belongs to the other drug and is forgotten, but for the volume, which is of the pump. The volume delivered falls
back to 0 at reprogramming; what was delivered between two reports is told from their difference all the same. What a
pump last said of its rate is believed for `fresh_ms`; that it is not infusing is believed until it says otherwise.

It knows pumps only: what a drug does to the patient, an order or a limit is for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.observation import Validity
from streaming.therapy.drugs import Drug, drug_named
from streaming.therapy.stretches import MICRO, Stretches

if TYPE_CHECKING:
    from streaming.signals import Channel

FRESH_MS = 2 * MINUTE_MS
"""A pump is polled each 10 to 60 s (clinical.md 7). [D]"""
CHARTED_FRESH_MS = 12 * HOUR_MS
"""A rate that a person writes down holds until the next one is written, within a shift and a half. [D]"""
GONE_MS = 24 * HOUR_MS
"""A pump that has been silent for so long is no longer at the bed. [D]"""
NOISE_ML = 0.2
"""A total that falls by no more than this was rounded, not reprogrammed. [D]"""

LABEL = "MDC_DRUG_NAME_LABEL"
STATUS = "MDC_PUMP_INFUSING_STATUS"
RATE = "MDC_FLOW_FLUID_PUMP_CURRENT"
DOSE_RATE = "MDC_RATE_DOSE"
CONCENTRATION = "MDC_CONC_DRUG"
VOLUME = "MDC_VOL_FLUID_DELIV_TOTAL"
TO_BE_INFUSED = "MDC_VOL_FLUID_TBI"
REMAINING = "MDC_VOL_FLUID_TBI_REMAIN"
WEIGHT = "MDC_ATTR_PT_WEIGHT"
PUMP_METRICS: tuple[str, ...] = (
    LABEL,
    STATUS,
    RATE,
    DOSE_RATE,
    CONCENTRATION,
    VOLUME,
    TO_BE_INFUSED,
    REMAINING,
    WEIGHT,
)
"""What a pump says of an infusion; a device that says any of it is treated as a pump."""
_OF_THE_PUMP = (LABEL, VOLUME)
"""What outlives a change of drug."""
_RUNS = frozenset({VOLUME, REMAINING})
_INFUSING = "pump-status-infusing"


class Held(NamedTuple):
    """What a pump last said."""

    value: float | str
    unit: str
    at_ms: int
    validity: Validity


class Report(NamedTuple):
    """What one message of a pump brought."""

    at_ms: int
    delivered_ml: float
    """Since the report before, by the totals; of a pump that tells none, by its last rate. 0 in the first report."""
    is_first: bool
    is_relabelled: bool
    """Whether the label names another drug than before."""
    is_reprogrammed: bool
    """Whether another volume is to be infused, or the concentration differs, or the volume counts from 0 again."""
    began_anew: bool
    """Whether the volume delivered counts from 0 again."""
    since_ms: int
    """When the report before was; negative in the first."""
    was_infusing: bool
    """As of the report before."""
    is_another_program: bool
    """Whether it says something else of the infusion than before, but for what changes by itself while it runs."""


class Pump:
    """One pump; of what a person charts, one for each drug charted."""

    __slots__ = ("_at_ms", "_charted", "_drug", "_said", "holes", "infusing_since_ms", "name", "volumes")

    def __init__(self, name: str) -> None:
        self.name = name
        """The device's name."""
        self.volumes = Stretches(merge_ms=MINUTE_MS)
        """mL delivered."""
        self.holes = Stretches(merge_ms=MINUTE_MS)
        """Times for which nobody knows what was delivered; the amounts are 0."""
        self.infusing_since_ms: int | None = None
        """When the report came since which it infuses without a stop; None while it does not."""
        self._said: dict[str, Held] = {}
        self._drug: Drug | None = None
        self._at_ms = -1
        self._charted = False

    # --- what it says -------------------------------------------------------------------------------------------------

    @property
    def at_ms(self) -> int:
        """When it last said something."""
        return self._at_ms

    @property
    def is_charted(self) -> bool:
        """Whether a person writes down what it does."""
        return self._charted

    @property
    def fresh_ms(self) -> int:
        """How long a rate is believed."""
        return CHARTED_FRESH_MS if self._charted else FRESH_MS

    @property
    def drug(self) -> Drug | None:
        """The drug that its label names; None when there is no label or nobody knows the name."""
        return self._drug

    @property
    def label(self) -> str | None:
        """The drug, as the pump writes it."""
        said = self._said.get(LABEL)
        return str(said.value) if said is not None else None

    def said(self, metric: str) -> Held | None:
        """What it last said, of the present drug."""
        return self._said.get(metric)

    def number(self, metric: str) -> float | None:
        """The number it last said, whatever its age."""
        said = self._said.get(metric)
        return float(said.value) if said is not None and not isinstance(said.value, str) else None

    def fresh(self, metric: str, now_ms: int) -> Held | None:
        """What it said and may still be believed."""
        said = self._said.get(metric)
        return said if said is not None and now_ms - said.at_ms <= self.fresh_ms else None

    def may_stop(self, channels: Mapping[str, Channel]) -> bool:
        """Whether it may no longer give what it gave, once it has said what stands in its channels."""
        for name in (STATUS, LABEL, RATE, DOSE_RATE):
            channel, said = channels.get(name), self._said.get(name)
            if channel is not None and (said is None or channel.value != said.value):
                return True
        return False

    @property
    def is_infusing(self) -> bool:
        """Whether it was infusing when it last said something."""
        status, flow = self._said.get(STATUS), self._latest_flow()
        if status is None:
            return flow is not None and flow.value != 0
        if status.value != _INFUSING:
            return False
        return flow is None or flow.at_ms < status.at_ms or flow.value != 0

    def is_silent(self, now_ms: int) -> bool:
        """Whether what it said last is too old to be believed."""
        return now_ms - self._at_ms > self.fresh_ms

    def is_gone(self, now_ms: int) -> bool:
        """Whether it has been silent for so long that it is no longer at the bed."""
        return now_ms - self._at_ms > GONE_MS

    def _latest_flow(self) -> Held | None:
        rate, dose_rate = self._said.get(RATE), self._said.get(DOSE_RATE)
        if rate is None or dose_rate is None:
            return rate or dose_rate
        return dose_rate if dose_rate.at_ms > rate.at_ms else rate

    # --- a message ----------------------------------------------------------------------------------------------------

    def take(self, channels: Mapping[str, Channel], *, is_charted: bool, since_ms: int = -1) -> Report | None:
        """Take what is new in a device's channels; None when nothing is.

        Args:
            channels: The device's, by metric name.
            is_charted: Whether a person writes them down.
            since_ms: What was determined before this is of another drug (charted values share their channels).
        """
        new = self._new(channels, since_ms)
        if not new:
            return None
        self._charted = is_charted
        at_ms = max(self._at_ms, *(held.at_ms for held in new.values()))
        before_ms, was_infusing, flow_ml_h = self._at_ms, self.is_infusing, self._flow_ml_h()
        volume_before, is_relabelled, is_changed = self._said.get(VOLUME), False, self._is_reprogrammed(new)
        is_another_program = self._is_another_program(new)
        if LABEL in new:
            is_relabelled = self._names_another(new[LABEL])
            self._relabel(new[LABEL], is_another=is_relabelled)
        self._said |= new
        self._at_ms = at_ms
        if not self.is_infusing:
            self.infusing_since_ms = None
        elif not was_infusing or is_relabelled:
            self.infusing_since_ms = at_ms
        delivered_ml, began_anew = _difference(volume_before, new.get(VOLUME))
        self._book(volume_before, new.get(VOLUME), delivered_ml, began_anew=began_anew, was_infusing=was_infusing)
        if VOLUME not in self._said and was_infusing:
            delivered_ml = self._estimate(before_ms, at_ms, flow_ml_h)
        return Report(
            at_ms,
            delivered_ml,
            before_ms < 0,
            is_relabelled,
            is_changed or began_anew,
            began_anew,
            before_ms,
            was_infusing,
            is_another_program,
        )

    def leave(self) -> None:
        """The pump stays behind when the patient moves: only what it has delivered is still theirs."""
        self._said = {}
        self._drug = self.infusing_since_ms = None

    def _new(self, channels: Mapping[str, Channel], since_ms: int) -> dict[str, Held]:
        new = {}
        for metric in PUMP_METRICS:
            channel = channels.get(metric)
            if channel is None or channel.value is None or channel.at_ms < since_ms:
                continue
            said = self._said.get(metric)
            if said is None or (channel.at_ms, channel.value) != (said.at_ms, said.value):
                new[metric] = Held(channel.value, channel.unit, channel.at_ms, channel.validity)
        return new

    def _is_reprogrammed(self, new: Mapping[str, Held]) -> bool:
        """Whether what is programmed differs from before; what is said for the first time does not."""
        for metric in (CONCENTRATION, TO_BE_INFUSED):
            before, now = self._said.get(metric), new.get(metric)
            if before is not None and now is not None and (before.value, before.unit) != (now.value, now.unit):
                return True
        return False

    def _is_another_program(self, new: Mapping[str, Held]) -> bool:
        """Whether it says something else of the infusion than before, but for what changes by itself while it runs."""
        for name, now in new.items():
            before = self._said.get(name)
            if name not in _RUNS and (before is None or before[:2] != now[:2] or before.validity is not now.validity):
                return True
        return False

    def _names_another(self, label: Held) -> bool:
        """Whether the label names another drug than before: two names of one drug do not, two unknown names do."""
        before = self._said.get(LABEL)
        if before is None or before.value == label.value:
            return False
        drug = drug_named(str(label.value))
        return drug is None or drug is not self._drug

    def _relabel(self, label: Held, *, is_another: bool) -> None:
        if is_another:
            self._said = {name: held for name, held in self._said.items() if name in _OF_THE_PUMP}
        if self.label != label.value:
            self._drug = drug_named(str(label.value))

    # --- volume -------------------------------------------------------------------------------------------------------

    def _flow_ml_h(self) -> float | None:
        """How fast fluid flows, as far as it last said."""
        rate = self.number(RATE)
        return rate if self.is_infusing else 0.0

    def _book(
        self, before: Held | None, now: Held | None, delivered_ml: float, *, began_anew: bool, was_infusing: bool
    ) -> None:
        """Note what was delivered between two totals."""
        if before is None or now is None:
            return
        is_lost = began_anew and was_infusing and now.at_ms - before.at_ms > self.fresh_ms
        if is_lost:  # it ran on, was reprogrammed, and nobody knows when
            self.holes.add(before.at_ms, now.at_ms, 0)
        self.volumes.add(before.at_ms, now.at_ms, delivered_ml)

    def _estimate(self, from_ms: int, to_ms: int, flow_ml_h: float | None) -> float:
        """Note, and tell, what a pump without a total has delivered at its last rate while that may be believed."""
        believed_until_ms = min(to_ms, from_ms + self.fresh_ms) if flow_ml_h is not None else from_ms
        delivered_ml = (flow_ml_h or 0.0) * (believed_until_ms - from_ms) / HOUR_MS
        self.volumes.add(from_ms, believed_until_ms, delivered_ml)
        self.holes.add(believed_until_ms, to_ms, 0)
        return delivered_ml

    def delivered(self, from_ms: int, now_ms: int) -> tuple[float, int]:
        """mL delivered in a window that ends now, and for how many milliseconds of it nobody knows."""
        micro, _ = self.volumes.sum(from_ms, now_ms)
        _, unknown_ms = self.holes.sum(from_ms, now_ms)
        since_ms = max(from_ms, self._at_ms)
        if not self.is_infusing or since_ms >= now_ms or self.is_gone(now_ms):
            return micro / MICRO, unknown_ms
        flow_ml_h = self._flow_ml_h()
        if flow_ml_h is None:
            return micro / MICRO, unknown_ms + now_ms - since_ms
        believed_until_ms = max(since_ms, min(now_ms, self._at_ms + self.fresh_ms))
        assumed_ml = flow_ml_h * (believed_until_ms - since_ms) / HOUR_MS
        return micro / MICRO + assumed_ml, unknown_ms + now_ms - believed_until_ms


def _difference(before: Held | None, now: Held | None) -> tuple[float, bool]:
    """(mL delivered between two totals, whether the second counts from 0 again)."""
    if before is None or now is None or isinstance(before.value, str) or isinstance(now.value, str):
        return 0.0, False
    # Each total is rounded, not the difference: then the differences add up to the last total.
    micro = round(now.value * MICRO) - round(before.value * MICRO)
    if micro < -NOISE_ML * MICRO:
        return now.value, True
    return max(0, micro) / MICRO, False
