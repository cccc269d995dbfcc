"""How long whoever failed to sign in has to wait before the next attempt: longer each time, never for ever.

Invariants. Pure: time is an input. An attempt is charged before it is judged, so that many at once are counted as many;
one that succeeds is forgiven. A bounded number of keys is remembered, and each is forgotten after a while: nobody is
locked out for good, neither by their own fingers nor by somebody who types another's name on purpose.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the waiting grows."""

    free: int
    """Failures after which there is no wait yet."""
    first_wait_s: float = 1.0
    """After the next one; each further one doubles it."""
    longest_wait_s: float = 60.0
    forgotten_after_s: float = 900.0
    """Without a failure."""


ACCOUNT = Pace(free=5)
ADDRESS = Pace(free=20)
"""A ward behind one address has more fingers."""


@dataclass(slots=True)
class _Failures:
    count: int
    last_s: float


class Throttle:
    """Failures by key: an account's name, or an address."""

    def __init__(self, pace: Pace, keys_max: int = KEYS_MAX) -> None:
        self._pace = pace
        self._keys_max = keys_max
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        """The one that failed longest ago first."""

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until the next attempt is heard; 0 when it is now."""
        failures = self._failures.get(key)
        if failures is None or now_s - failures.last_s >= self._pace.forgotten_after_s:
            return 0.0
        beyond = failures.count - self._pace.free
        if beyond <= 0:
            return 0.0
        wait_s = min(self._pace.longest_wait_s, self._pace.first_wait_s * 2.0 ** min(beyond - 1, 30))
        return max(0.0, failures.last_s + wait_s - now_s)

    def charge(self, key: str, now_s: float) -> None:
        """An attempt is made."""
        before = self._failures.pop(key, None)
        is_old = before is None or now_s - before.last_s >= self._pace.forgotten_after_s
        self._failures[key] = _Failures(1 if before is None or is_old else before.count + 1, now_s)
        while len(self._failures) > self._keys_max:
            self._failures.popitem(last=False)

    def refund(self, key: str) -> None:
        """The attempt was none of a guesser's: as if it had not been made."""
        if (failures := self._failures.get(key)) is not None:
            failures.count = max(0, failures.count - 1)

    def forgive(self, key: str) -> None:
        """Whoever has the key has shown to be right: nothing is held against it."""
        self._failures.pop(key, None)
