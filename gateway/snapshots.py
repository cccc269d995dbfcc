"""Snapshots of the fold: how a restart needs to replay only what came after.

A snapshot is written when both projections have everything up to its offset, and used when both (still) have: then
nothing that a projection needs lies before it. The last two are kept. A snapshot of other rules or of other code is
passed over (its state may lack what the code now expects); the journal has everything.

Turning the state into bytes takes a millisecond for each bed, and no alarm may wait so long. So a forked child does it
(`begin`, `finish`): it has the state of the moment in which it was forked, as long as it likes, on another core. It
touches nothing else: it closes what it has inherited (sockets, the lock of the data directory), writes one file and
ends. The gateway alone gives that file its name. Whoever is killed meanwhile leaves a file without a name.
"""

from __future__ import annotations

import errno
import gc
import hashlib
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Never

from alerts.rulebook import Rulebook
from gateway.fold import Fold
from streaming.rules.kinds import AlarmProfile

log = logging.getLogger("vigil.snapshots")

KEPT = 2
_DIGEST_BYTES = 32


def begin(folder: Path, state: Callable[[], bytes]) -> int:
    """Write the state of this moment to a file in a child process, where there can be one; its process id.

    Args:
        folder: Where snapshots are.
        state: From the state to its bytes; called in the child.

    Raises:
        OSError: There can be no child now, or the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("unfinished*"):
        left.unlink(missing_ok=True)
    code_fingerprint()  # here, where it is kept, and not in each child
    if sys.platform != "linux":  # elsewhere a child without exec may not even use what the system gives
        _write(_unfinished(folder, 0), state())
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child waits for none, and takes no lock
        gateway, child = os.getpid(), os.fork()
    if child == 0:
        _end_with(folder, state, gateway)
    return child


def finish(folder: Path, child: int) -> None:
    """Wait for the child of `begin`. Blocks.

    Raises:
        OSError: It could not write; there is no snapshot.
    """
    if child == 0:
        return
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        return
    _unfinished(folder, child).unlink(missing_ok=True)
    why = os.strerror(status) if status > 0 else f"its writer was ended by signal {-status}"
    raise OSError(max(status, 0) or errno.EINTR, f"no snapshot was written ({why})")


def name(folder: Path, child: int, offset: int) -> None:
    """Make what the child of `begin` has written a snapshot, durably; the last two are kept."""
    _unfinished(folder, child).rename(folder / f"{offset:020d}.snapshot")
    _sync_folder(folder)
    for old in sorted(folder.glob("*.snapshot"))[:-KEPT]:
        old.unlink()


def save(folder: Path, offset: int, snapshot: bytes) -> None:
    """Write a snapshot: whole or not at all, and durable."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(_unfinished(folder, 0), snapshot)
    name(folder, 0, offset)


def _end_with(folder: Path, state: Callable[[], bytes], gateway: int) -> Never:
    """In the child: write, unless the gateway has died meanwhile, and end without a trace of having been it."""
    status = errno.EIO
    try:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        signal.set_wakeup_fd(-1)
        gc.disable()
        snapshot = state()
        if os.getppid() == gateway:
            _write(_unfinished(folder, os.getpid()), snapshot)
            status = 0
    except OSError as error:
        status = error.errno or errno.EIO
    except Exception:  # noqa: BLE001 - whatever it is, it is said, and this process must not go on as a second gateway
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _unfinished(folder: Path, child: int) -> Path:
    return folder / f"unfinished-{child}"


def _write(path: Path, snapshot: bytes) -> None:
    with path.open("wb") as file:
        file.write(_seal(snapshot))
        file.write(snapshot)
        file.flush()
        os.fsync(file.fileno())


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
