"""Snapshots of the fold: how a restart needs to replay only what came after.

A snapshot is written when both projections have everything up to its offset, and used when both (still) have: then
nothing that a projection needs lies before it. The last two are kept. A snapshot of other rules or of other code is
passed over (its state may lack what the code now expects); the journal has everything.
"""

from __future__ import annotations

import hashlib
import logging
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from alerts.rulebook import Rulebook
from gateway.fold import Fold
from streaming.rules.kinds import AlarmProfile

log = logging.getLogger("vigil.snapshots")

KEPT = 2
_DIGEST_BYTES = 32


def save(folder: Path, offset: int, snapshot: bytes) -> None:
    """Write a snapshot: whole or not at all, and durable."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished"
    with unfinished.open("wb") as file:
        file.write(_seal(snapshot))
        file.write(snapshot)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / f"{offset:020d}.snapshot")
    _sync_folder(folder)
    for old in sorted(folder.glob("*.snapshot"))[:-KEPT]:
        old.unlink()


def load(folder: Path, rules: AlarmProfile | Rulebook, not_beyond: int) -> Fold:
    """The fold of the newest usable snapshot, or an empty one.

    Args:
        folder: Where snapshots are.
        rules: The rules in force.
        not_beyond: Least offset that any projection has applied.
    """
    for path in sorted(folder.glob("[0-9]*.snapshot"), reverse=True):
        if not path.stem.isdecimal() or int(path.stem) > not_beyond:
            continue
        fold = _read(path, rules)
        if fold is not None:
            return fold
        log.warning("snapshot %s is of other rules or another version, or damaged: replaying more of the journal", path)
    return Fold(rules)


def _read(path: Path, rules: AlarmProfile | Rulebook) -> Fold | None:
    held = path.read_bytes()
    digest, snapshot = held[:_DIGEST_BYTES], held[_DIGEST_BYTES:]
    if _seal(snapshot) != digest:
        return None
    try:
        return Fold.restore(snapshot, rules)
    except Exception:
        log.exception("snapshot %s cannot be read", path)
        return None


def _seal(snapshot: bytes) -> bytes:
    """Digest over the state and the code that made it."""
    return hashlib.sha256(code_fingerprint() + snapshot).digest()


@cache
def code_fingerprint() -> bytes:
    """Digest over the sources of everything that is in a snapshot."""
    digest = hashlib.sha256()
    for package in ("streaming", "alerts"):
        folder = Path(str(files(package)))
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.relative_to(folder).as_posix().encode())
            digest.update(source.read_bytes())
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
