"""Seeded, stateless randomness: the same seed, channel and place give the same number, in any order of asking."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from hashlib import blake2b

_MASK = (1 << 64) - 1


@cache
def channel_key(seed: str, channel: str) -> int:
    """A 64-bit key for one stream of numbers; it does not depend on Python's randomised string hash."""
    return int.from_bytes(blake2b(f"{seed}\0{channel}".encode(), digest_size=8).digest())


@lru_cache(maxsize=1 << 14)
def lattice(key: int, step: int) -> float:
    """A number in -1..1 for a whole step (splitmix64). Slow channels ask for the same two many times over."""
    z = (key + step * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) / float(1 << 63) - 1.0


def wander(key: int, position: float) -> float:
    """Smooth noise in -1..1: meets `lattice` at whole positions, eased in between."""
    step = math.floor(position)
    share = smooth(position - step)
    return (1.0 - share) * lattice(key, step) + share * lattice(key, step + 1)


def smooth(share: float) -> float:
    """Eases 0..1 into 0..1 with level ends; outside it stays at the end."""
    share = min(1.0, max(0.0, share))
    return share * share * (3.0 - 2.0 * share)
