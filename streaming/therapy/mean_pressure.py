"""The mean pressure of one stay, every value that spoke, by minute.

Values are gathered as they come and reckoned into minutes when somebody asks, or once a minute: most messages bring one
value, and one value alone is cheap to append. A doubtful value covers nothing: the minutes are interrupted there.

What burden the minutes make is `streaming.therapy.minutes`' business.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from streaming.therapy.minutes import MinuteMeans

if TYPE_CHECKING:
    from streaming.signals import Channel

MEAN_PRESSURE = "map"


class MeanPressure:
    """The values of one stay, in the order in which they spoke. Instants are gateway milliseconds."""

    __slots__ = ("_by_minute", "_times", "_values", "until_ms")

    def __init__(self, began_ms: int) -> None:
        self.until_ms = began_ms - 1
        """Determination time of the latest value taken."""
        self._times = array("q")
        self._values = array("d")
        """What was told since `_by_minute` was last brought up."""
        self._by_minute = MinuteMeans(began_ms)

    def take(self, source: Channel) -> None:
        """Take what the channel says that speaks, which is later than `until_ms`."""
        self.until_ms = at_ms = source.at_ms
        if source.validity:
            self.by_minute().interrupt(at_ms)
        else:
            self._times.append(at_ms)
            self._values.append(source.value)  # type: ignore[arg-type]  # a pressure is a number

    def by_minute(self) -> MinuteMeans:
        """The minutes, brought up to the latest value."""
        means = self._by_minute
        if len(self._values) == 1:
            means.add(self._times.pop(), self._values.pop())
        elif self._values:
            means.add_series(self._times, self._values)
            self._times, self._values = array("q"), array("d")
        return means
