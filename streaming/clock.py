"""A model of one device's clock: what to add to its time to get the gateway's.

Theory of operation. Every message gives one sample `received - device time` = clock offset + delay of transport.
Delay is never negative, so the smallest sample of a window is the best estimate of the offset (it is what NTP's clock
filter does). A message that waited in a buffer has a large sample and changes nothing. The window is two rotating
halves, so that drift is followed within one window.

A clock that is set back (DST mistake, battery change) makes all samples grow at once and would be followed only when
the window has passed. A step is therefore recognised when `STEP_SAMPLES` samples in a row agree with each other within
`STEP_AGREEMENT_MS`, lie above the estimate by more than `STEP_MIN_MS` and span at least `STEP_SPAN_MS` of both
clocks: a burst from a buffer does not look like that, because there the samples shrink from message to message.

A sample below the estimate by more than `STEP_MIN_MS` is believed when the next message is below it too (the clock was
set forward, or the estimate came from a message that had waited): one message with a wrong time must not date all that
follow into the past. Until then the estimate stays; what such a message says is dated at its receipt either way.

Corrected time is never later than the time of receipt. This model does not judge whether a skew matters; a rule does.
"""

from __future__ import annotations

WINDOW_HALF_MS = 60_000
"""Half of the window over which the smallest sample counts. [D]"""
STEP_SAMPLES = 5
STEP_AGREEMENT_MS = 2_000
STEP_MIN_MS = 5_000
STEP_SPAN_MS = 3_000


class DeviceClock:
    """Estimated offset of one device's clock against the gateway's; all in integer milliseconds."""

    __slots__ = (
        "_candidate_count",
        "_candidate_device_ms",
        "_candidate_low_ms",
        "_candidate_received_ms",
        "_half_began_ms",
        "_jumped_to_ms",
        "_this_half_ms",
        "offset_ms",
        "steps",
    )

    def __init__(self) -> None:
        self.offset_ms: int | None = None
        """Add this to device time to get gateway time; None before the first sample. Positive: the device lags."""
        self.steps = 0
        """Times the clock was found to have been set."""
        self._this_half_ms = 0
        self._half_began_ms = 0
        self._jumped_to_ms: int | None = None
        self._candidate_count = 0
        self._candidate_low_ms = 0
        self._candidate_device_ms = 0
        self._candidate_received_ms = 0

    def correct(self, device_ms: int, received_ms: int) -> int:
        """Take one sample and return the device's time on the gateway's clock, not later than `received_ms`."""
        sample = received_ms - device_ms
        offset = self.offset_ms
        if offset is None:
            self._restart(sample, received_ms)
            return received_ms
        if sample <= offset:
            self._lower(sample, offset)
            return received_ms
        self._jumped_to_ms = None
        if received_ms - self._half_began_ms >= WINDOW_HALF_MS:
            offset = self._rotate(sample, received_ms)
        elif sample < self._this_half_ms:
            self._this_half_ms = sample
        if sample - offset > STEP_MIN_MS:
            offset = self._consider_step(sample, device_ms, received_ms)
        elif self._candidate_count:
            self._candidate_count = 0
        corrected = device_ms + offset
        return corrected if corrected < received_ms else received_ms

    def _lower(self, sample: int, offset: int) -> None:
        """Take a sample below the estimate; one far below it waits for a second, and the larger of the two counts."""
        self._candidate_count = 0
        before = self._jumped_to_ms
        if offset - sample <= STEP_MIN_MS or before is not None:
            self.offset_ms = self._this_half_ms = sample if before is None else max(before, sample)
            self._jumped_to_ms = None
        else:
            self._jumped_to_ms = sample

    def _restart(self, sample: int, received_ms: int) -> None:
        self.offset_ms = self._this_half_ms = sample
        self._half_began_ms = received_ms
        self._candidate_count = 0

    def _rotate(self, sample: int, received_ms: int) -> int:
        """Let go of the older half: what the half now ending saw becomes the estimate."""
        self.offset_ms = offset = min(self._this_half_ms, sample)
        self._this_half_ms = sample
        self._half_began_ms = received_ms
        return offset

    def _consider_step(self, sample: int, device_ms: int, received_ms: int) -> int:
        """Note a sample far above the estimate; return the offset to use."""
        assert self.offset_ms is not None
        if self._candidate_count == 0 or abs(sample - self._candidate_low_ms) > STEP_AGREEMENT_MS:
            self._candidate_count = 1
            self._candidate_low_ms = sample
            self._candidate_device_ms = device_ms
            self._candidate_received_ms = received_ms
            return self.offset_ms
        self._candidate_count += 1
        self._candidate_low_ms = min(self._candidate_low_ms, sample)
        spans_both_clocks = (
            received_ms - self._candidate_received_ms >= STEP_SPAN_MS
            and device_ms - self._candidate_device_ms >= STEP_SPAN_MS
        )
        if self._candidate_count >= STEP_SAMPLES and spans_both_clocks:
            self.steps += 1
            self._restart(self._candidate_low_ms, received_ms)
        return self.offset_ms
