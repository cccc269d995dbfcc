"""The fold: a journal entry in, effects out. Decoding and the ward in one; live and replayed runs go through here.

Invariants: it reads nothing but its arguments and its own state; it never raises for what an entry holds.
"""

from __future__ import annotations

import orjson

from alerts.rulebook import Rulebook, as_rulebook
from alerts.ward import Ward
from gateway.wire.codec import decode
from gateway.wire.commands import parse_command
from storage.ports import EntryKind, JournalEntry
from streaming.commands import Tick
from streaming.observation import Decoded, Rejected
from streaming.rules.kinds import AlarmProfile


class Fold:
    """The journal folded up to one offset."""

    def __init__(self, rules: AlarmProfile | Rulebook) -> None:
        """Begin with nothing known, under these rules."""
        self.rules = as_rulebook(rules)
        self.profile = self.rules.alarms
        self.ward = Ward(self.rules)
        self.offset = 0
        """Of the latest entry taken."""

    def apply(self, entry: JournalEntry) -> list[object]:
        """Take the next entry."""
        self.offset = entry.offset
        if entry.kind == EntryKind.MESSAGE:
            return self.message(entry.name, entry.payload, entry.received_ms)
        if entry.kind == EntryKind.TICK:
            return self.ward.advance(entry.received_ms)
        return self.command(entry.name, entry.payload, entry.received_ms)

    def message(self, topic: str, payload: bytes, received_ms: int) -> list[object]:
        """Take a device message."""
        return self.decoded(decode(topic, payload, received_ms), topic, received_ms)

    def decoded(self, decoded: Decoded | Rejected, topic: str, received_ms: int) -> list[object]:
        """Take a device message that has been decoded; it is not changed, so that several folds may take the same."""
        if isinstance(decoded, Rejected):
            return self.ward.reject(decoded, topic, received_ms)
        return self.ward.message(decoded, topic, received_ms)

    def command(self, name: str, payload: bytes, received_ms: int) -> list[object]:
        """Take a command."""
        command = parse_command(name, payload, received_ms)
        if isinstance(command, Rejected):
            return self.ward.refuse(name, command.reason, command.detail, _body(payload), received_ms)
        if isinstance(command, Tick):
            return self.ward.advance(received_ms)
        return self.ward.command(command, name, _body(payload), received_ms)

    def snapshot(self) -> bytes:
        """The state as bytes, the offset first."""
        return self.offset.to_bytes(8, "big") + self.ward.snapshot()

    @classmethod
    def restore(cls, snapshot: bytes, rules: AlarmProfile | Rulebook) -> Fold | None:
        """The fold that `snapshot` holds; None when it was made by another version or under other rules."""
        ward = Ward.restore(snapshot[8:], rules)
        if ward is None:
            return None
        fold = cls(rules)
        fold.ward = ward
        fold.offset = int.from_bytes(snapshot[:8], "big")
        return fold


def _body(payload: bytes) -> dict[str, object]:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
