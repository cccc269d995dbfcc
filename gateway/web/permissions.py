"""What each route needs, as a table: who asks for anything that does not stand here is told that it does not exist.

Only asked where access is on. Invariants: every route of the application stands here, and nothing else (a test walks
them); a path matches as it does in the router.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from re import Pattern

from starlette.routing import compile_path

from gateway.access.roles import Permission
from gateway.web.station import NOT_FILES

_STAY = "/api/v1/admissions/{admission_id}"

WITHOUT_PERMISSION = frozenset(
    {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/api/v1/session"),
        ("POST", "/api/v1/session"),
        ("DELETE", "/api/v1/session"),
    }
)
"""Open to everybody, as the page's files are: whoever supervises the gateway, and whoever is about to sign in."""

NEEDED: Mapping[tuple[str, str], Permission] = {
    ("GET", "/metrics"): Permission.READ_METRICS,
    ("GET", "/api/v1/openapi.json"): Permission.READ,
    ("GET", "/api/v1/rules"): Permission.READ,
    ("GET", "/api/v1/rules/{rule_id:path}"): Permission.READ,
    ("GET", "/api/v1/profiles"): Permission.READ,
    ("GET", "/api/v1/ledger"): Permission.READ,
    ("GET", "/api/v1/quarantine"): Permission.READ_QUARANTINE,
    ("GET", "/api/v1/audit"): Permission.READ_AUDIT,
    ("GET", "/api/v1/alarm-burden"): Permission.READ,
    ("GET", "/api/v1/outcomes/summary"): Permission.READ,
    ("WEBSOCKET", "/api/v1/feed"): Permission.FEED,
    ("GET", "/api/v1/alarms"): Permission.READ,
    ("GET", "/api/v1/alarms/{alarm_id}"): Permission.READ,
    ("POST", "/api/v1/alarms/{alarm_id}/acknowledge"): Permission.ACKNOWLEDGE,
    ("GET", "/api/v1/admissions"): Permission.READ,
    ("POST", "/api/v1/admissions"): Permission.ADMIT,
    ("GET", _STAY): Permission.READ,
    ("POST", f"{_STAY}/transfer"): Permission.TRANSFER,
    ("POST", f"{_STAY}/discharge"): Permission.DISCHARGE,
    ("POST", f"{_STAY}/course"): Permission.ORDER_COURSE,
    ("POST", f"{_STAY}/observations"): Permission.CHART,
    ("POST", f"{_STAY}/audio-pause"): Permission.PAUSE_AUDIO,
    ("POST", f"{_STAY}/limits-off"): Permission.SWITCH_LIMITS_OFF,
    ("GET", f"{_STAY}/series"): Permission.READ,
    ("GET", f"{_STAY}/export"): Permission.READ,
    ("GET", f"{_STAY}/dose-decision"): Permission.READ,
    ("POST", f"{_STAY}/dose-decision/sign"): Permission.SIGN_DECISION,
    ("GET", f"{_STAY}/doses"): Permission.READ,
    ("GET", f"{_STAY}/fluids"): Permission.READ,
}
"""(method, path as routes write it) to what it needs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a method and path."""

    is_open: bool
    """Nobody need say who they are."""
    needed: Permission | None = None
    """What it needs; None where it is open, or where there is no such thing."""
    methods: tuple[str, ...] = ()
    """Where the path is known and the method is not: those that are."""


def asked(method: str, path: str) -> Asked:
    """What a request needs.

    Args:
        method: `WEBSOCKET` for one.
        path: As in the scope, decoded.
    """
    if not path.startswith(NOT_FILES):
        return Asked(is_open=method != "WEBSOCKET")
    stated = [(each, is_open, needed) for each, shape, is_open, needed in _STATED if shape.match(path)]
    for each, is_open, needed in stated:
        if each == method:
            return Asked(is_open, needed)
    return Asked(is_open=False, methods=tuple(each for each, _, _ in stated if each != "WEBSOCKET"))


def _stated() -> list[tuple[str, Pattern[str], bool, Permission | None]]:
    without = [(method, compile_path(path)[0], True, None) for method, path in sorted(WITHOUT_PERMISSION)]
    return [*without, *((method, compile_path(path)[0], False, needed) for (method, path), needed in NEEDED.items())]


_STATED = _stated()
