"""A recording through the engine, offline: the same fold as live, and the same lines.

Time passes from entry to entry; every timer due in between runs at its instant, so that journaled ticks are not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerts.rulebook import Rulebook
from gateway.fold import Fold
from gateway.outcomes import Summary, lines_of
from gateway.wire.recording import RecordedEntry
from streaming.rules.kinds import AlarmProfile


def replay(entries: Iterable[RecordedEntry], rules: AlarmProfile | Rulebook) -> Iterator[bytes]:
    """Fold a recording.

    Args:
        entries: In order of receipt.
        rules: The rules in force.

    Yields:
        The output lines without newline, the summary last.
    """
    fold = Fold(rules)
    summary = Summary()
    for entry in entries:
        for line in lines_of(apply_entry(fold, entry)):
            summary.add(line)
            yield line
    ward = fold.ward
    yield summary.line(
        received=ward.received, evaluated=ward.evaluated, duplicate=ward.duplicate, rejected=ward.rejected
    )


def apply_entry(fold: Fold, entry: RecordedEntry) -> list[object]:
    """What a fold says of a recorded entry."""
    if entry.topic is not None:
        return fold.message(entry.topic, entry.payload or b"", entry.received_ms)
    assert entry.command is not None
    return fold.command(entry.command, entry.encoded_body, entry.received_ms)
