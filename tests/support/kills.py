"""A gateway that is killed (SIGKILL) at random moments: while it runs, and while it starts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.support.gateway_process import GatewayProcess

STARTING_SHARE, STARTING_MAX_S = 0.3, 0.4
"""How many are killed while they start, and how long after their start at most."""


def kill_at_random_moments(
    gateway: GatewayProcess,
    kills: int,
    chance: random.Random,
    *,
    running_max_s: float,
    while_running: Callable[[], None] = lambda: None,
) -> int:
    """Kills a running gateway so many times, starting it again each time.

    Args:
        gateway: runs.
        kills: how many.
        chance: says when.
        running_max_s: how long one that is ready lives on at most.
        while_running: what is done before one that was ready is killed.

    Returns:
        How many died before they served.
    """
    died_starting = 0
    for _ in range(kills):
        if chance.random() < STARTING_SHARE:
            time.sleep(chance.uniform(0, STARTING_MAX_S))  # the moment is what the tests are about
            died_starting += gateway.readiness_or_none() is None
        else:
            gateway.await_ready()
            time.sleep(chance.uniform(0, running_max_s))
            while_running()
        gateway.kill()
        gateway.start()
    return died_starting
