"""From device metrics to patient signals: which of several sources speaks, and until when.

A *channel* is one metric of one device; a *slot* is one signal of one bed with the channels that could feed it. The
source of a slot is the best-ranked channel that has a usable value which is still fresh. Among equals that report
continuously the one that already speaks goes on, so that two arterial lines do not alternate; among equals that are
measured now and then (cuffs, laboratory values, what a person writes down) the latest determination speaks. What a
person wrote down never keeps back what a device has determined since, whatever its rank.

Invariants: a usable value is VALID or QUESTIONABLE and not tagged as an artefact; a slot whose source is no longer
fresh has no source, which rules see as unknown. A channel's last usable value and its latest report are kept apart: a
`null` now does not make the value of two seconds ago untrue, but the display must show it, and when it lasts
freshness ends it.
"""

from __future__ import annotations

from collections.abc import Iterable

from streaming.freshness import CONTINUOUS, CONTINUOUS_MS, fresh_ms, is_arterial_line, is_cuff, precedence
from streaming.identity import DeviceId
from streaming.nomenclature import METRICS, MetricKind, MetricSpec
from streaming.observation import MetricReading, Validity
from streaming.units import Affine, conversion

NEVER_MS = -1
"""Earlier than every instant."""
INFINITY = float("inf")
NO_RANGE = (INFINITY, -INFINITY)
"""No number is in here."""
NUMBER = (int, float)
"""For isinstance on the way of every value: `int | float` would make a new object each time."""
MONITORED_MS = 5 * 60_000
"""What a device reports by itself and speaks no longer than this is determined anew all the time, however slow the
device (`streaming.device.PATIENCE_MAX_MS`); a temperature speaks for hours. [D]"""
COMPLAINTS_MAX = 16
"""Different mistakes of one channel that are told and remembered. [D]"""


class Channel:
    """One metric of one device."""

    __slots__ = (
        "_complaints",
        "_patience_ms",
        "_usual_fresh_ms",
        "artefact",
        "at_ms",
        "device",
        "fresh_ms",
        "group",
        "high",
        "invalid_since_ms",
        "is_charted",
        "is_cuff",
        "is_occasional",
        "is_text",
        "latest_ms",
        "latest_validity",
        "low",
        "name",
        "plausible_range",
        "rank",
        "sent",
        "slot",
        "spec",
        "unit",
        "validity",
        "value",
    )

    def __init__(self, device: DeviceId, name: str, device_kind: str) -> None:
        spec = METRICS.get(name)
        self.device = device
        self.name = spec.ref_id if spec is not None else name
        self.spec: MetricSpec | None = spec
        self.is_text = spec is not None and spec.kind is not MetricKind.NUMERIC
        self.low, self.high = -INFINITY, INFINITY
        if spec is not None:  # no number is plausible where a text is expected
            self.low, self.high = NO_RANGE if self.is_text else (spec.low, spec.high)
        self.is_cuff = is_cuff(self.name)
        self.rank = precedence(spec.signal, self.name) if spec is not None and spec.signal else 0
        self.fresh_ms = self._usual_fresh_ms = 0
        self._patience_ms = 0
        self.is_charted = False
        """Whether a person wrote it down."""
        self.is_occasional = False
        """Whether it is determined now and then, each time anew, rather than continuously."""
        self.take_device_kind(device_kind)
        self.slot: SignalSlot | None = None
        self.group: PressureGroup | None = None
        self._complaints: set[str] = set()
        self.unit = spec.unit if spec is not None else ""
        self.plausible_range = (self.low, self.high)
        """In `unit`."""
        self.low, self.high = self._quick_range(self.low, self.high)
        """Plain numbers in here take the short way (`Bed._take_metrics`), any other value the long one."""
        self.sent: MetricReading | None = None
        """Latest reading with a determination time of its own, to know it when it is sent again."""
        self.value: float | str | None = None
        """Last usable value, canonical unit."""
        self.at_ms = NEVER_MS
        """Its determination time on the gateway's clock."""
        self.validity = Validity.NOT_AVAILABLE
        """Its validity."""
        self.latest_ms = NEVER_MS
        self.latest_validity = Validity.NOT_AVAILABLE
        """Of the latest report, usable or not."""
        self.artefact: str | None = None
        self.invalid_since_ms: int | None = None
        """Since when every report was implausible or an artefact."""

    @property
    def signal(self) -> str | None:
        """The signal this metric may feed."""
        return self.spec.signal if self.spec is not None else None

    @property
    def fresh_until_ms(self) -> int:
        """Until when the last usable value may speak."""
        return self.at_ms + self.fresh_ms

    def take_device_kind(self, device_kind: str) -> None:
        """Freshness depends on whether a device measures or a person writes down."""
        self.is_charted = device_kind == "chart"
        self.is_occasional = self.is_charted or self.is_cuff or self.signal not in CONTINUOUS
        self._usual_fresh_ms = fresh_ms(self.signal, self.name, device_kind)
        self.take_patience(self._patience_ms)

    def take_patience(self, patience_ms: int) -> None:
        """What a slow device reports by itself speaks until the next report can be expected."""
        self._patience_ms = patience_ms
        usual_ms = self._usual_fresh_ms
        self.fresh_ms = max(usual_ms, patience_ms) if usual_ms <= CONTINUOUS_MS else usual_ms

    def conversion_from(self, unit: str) -> Affine | None:
        """How to convert from `unit`; None where it does not fit. What has no name of ours keeps its unit."""
        return conversion(self.spec, unit) if self.spec is not None else Affine(1.0, 0.0, unit)

    def take_unit(self, unit: str) -> None:
        """Values come in another unit that no factor turns into the canonical one (mass and activity of a drug), or in
        the canonical one again."""
        spec = self.spec
        self.unit = unit
        if spec is None:
            return
        self.plausible_range = spec.plausible(unit) or (-INFINITY, INFINITY)
        # A plain number is in the canonical unit: while another is in use it takes the long way, which changes back.
        self.low, self.high = self._quick_range(spec.low, spec.high) if unit == spec.unit else NO_RANGE

    def _quick_range(self, low: float, high: float) -> tuple[float, float]:
        """What is measured now and then is looked at value by value (`SignalSlot.keeps_all`)."""
        return (low, high) if self.signal is None or self.signal in CONTINUOUS else NO_RANGE

    def must_say(self, complaint: str) -> bool:
        """Whether a mistake in its reports is to be told: each one once, since a device repeats it each second, and
        no more than `COMPLAINTS_MAX`, since a device may make up a new one each second."""
        if complaint in self._complaints or len(self._complaints) >= COMPLAINTS_MAX:
            return False
        self._complaints.add(complaint)
        return True

    def accept(self, value: float | str, at_ms: int, validity: Validity) -> None:
        """Take a usable value."""
        self.value = value
        self.at_ms = self.latest_ms = at_ms
        self.validity = self.latest_validity = validity
        self.artefact = None
        self.invalid_since_ms = None

    def forget(self, now_ms: int) -> None:
        """The patient whose values these were has left. What was sent is still known, so that it is not taken for new
        when it is sent again, and nothing determined before `now_ms` will be."""
        self.value = None
        self.at_ms = NEVER_MS
        self.latest_ms = max(self.latest_ms, now_ms) if self.latest_ms != NEVER_MS else NEVER_MS
        self.validity = self.latest_validity = Validity.NOT_AVAILABLE
        self.artefact = None
        self.invalid_since_ms = None

    def refuse(self, at_ms: int, validity: Validity, artefact: str | None = None) -> None:
        """Note a report that says nothing: not available, invalid, or an artefact."""
        self.latest_ms = at_ms
        self.latest_validity = validity
        self.artefact = artefact
        if validity is Validity.NOT_AVAILABLE or validity is Validity.CALIBRATING:
            self.invalid_since_ms = None
        elif self.invalid_since_ms is None:
            self.invalid_since_ms = at_ms


class PressureGroup:
    """The three pressures of one line or cuff, judged together (`streaming.artefact`)."""

    __slots__ = ("arterial", "dia", "mean", "sys")

    def __init__(self, *, arterial: bool) -> None:
        self.arterial = arterial
        self.sys: Channel | None = None
        self.dia: Channel | None = None
        self.mean: Channel | None = None

    def join(self, channel: Channel) -> None:
        """Take the channel as the member that its name says."""
        if channel.name.endswith("_SYS"):
            self.sys = channel
        elif channel.name.endswith("_DIA"):
            self.dia = channel
        else:
            self.mean = channel
        channel.group = self


def group_key(name: str) -> str | None:
    """The group a pressure metric belongs to, or None."""
    if (is_arterial_line(name) or is_cuff(name)) and name.endswith(("_SYS", "_DIA", "_MEAN")):
        return name.rpartition("_")[0]
    return None


class SignalSlot:
    """One signal of one bed."""

    __slots__ = ("candidates", "keeps_all", "name", "preferred", "quiet_high", "quiet_low", "source")

    def __init__(self, name: str) -> None:
        self.name = name
        self.keeps_all = name not in CONTINUOUS
        """Whether every value counts for what is known of the stay, and not only the one that speaks."""
        self.candidates: list[Channel] = []
        self.source: Channel | None = None
        self.preferred: Channel | None = None
        """Speaks before all others while it is fresh: the lower of two pressures that contradict each other."""
        self.quiet_low = INFINITY
        self.quiet_high = -INFINITY
        """Values in `quiet_low..quiet_high` can change no rule: the common case, decided by two comparisons."""

    def add(self, channel: Channel) -> None:
        """Let a channel feed this signal; candidates stay in order of rank, then of arrival."""
        channel.slot = self
        self.candidates.append(channel)
        self.candidates.sort(key=_rank)

    def remove(self, channel: Channel) -> None:
        """Let a channel feed this signal no longer."""
        channel.slot = None
        self.candidates = [other for other in self.candidates if other is not channel]
        if self.preferred is channel:
            self.preferred = None
        if self.source is channel:
            self.source = None

    def make_quiet(self, low: float, high: float) -> None:
        """Set the band in which values change no rule."""
        self.quiet_low, self.quiet_high = low, high

    def best(self, now_ms: int) -> Channel | None:
        """The channel that should speak at `now_ms`."""
        if self.preferred is not None and self.preferred.fresh_until_ms > now_ms:
            return self.preferred
        return first_to_speak([each for each in self.candidates if each.at_ms + each.fresh_ms > now_ms], self.source)

    def choose(self, now_ms: int) -> bool:
        """Choose the source anew; True when it changed."""
        best = self.best(now_ms)
        changed = best is not self.source
        self.source = best
        return changed


def first_to_speak(channels: Iterable[Channel], speaking: Channel | None) -> Channel | None:
    """Which of several channels of one signal speaks; all of them have a usable value that is not too old.

    Args:
        channels: The candidates.
        speaking: The one that has spoken until now, if any.
    """
    own: Channel | None = None
    charted: Channel | None = None
    for channel in channels:
        if channel.is_charted:
            if charted is None or _goes_before(channel, charted, speaking):
                charted = channel
        elif own is None or _goes_before(channel, own, speaking):
            own = channel
    if own is None or charted is None:
        return own or charted
    is_monitored = not own.is_occasional and own.fresh_ms <= MONITORED_MS
    return own if is_monitored or own.at_ms >= charted.at_ms else charted


def _goes_before(channel: Channel, other: Channel, speaking: Channel | None) -> bool:
    """Of two that devices determined, or two that people wrote down. A cuff is a cuff under either of its names."""
    if channel.rank != other.rank and not (channel.is_cuff and other.is_cuff):
        return channel.rank < other.rank
    if channel.is_occasional and channel.at_ms != other.at_ms:
        return channel.at_ms > other.at_ms
    return channel is speaking


def _rank(channel: Channel) -> int:
    return channel.rank
