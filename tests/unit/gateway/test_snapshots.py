"""Snapshots of the fold: a restart from one goes on as if there had been none; what cannot be used is passed over."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import snapshots
from gateway.app import sole_use
from gateway.fold import Fold
from gateway.outcomes import lines_of
from gateway.rulesets import load_alarm_profile
from storage.ports import EntryKind, JournalEntry
from tests.support.gateway_process import wait_until
from tests.support.telemetry import BRADYCARDIA, WELL

PROFILE = load_alarm_profile()
T0_MS = 1_795_428_000_000


def journal(seconds: int = 200) -> list[JournalEntry]:
    """Two patients, one of them with bradycardia now and then; a device that goes, commands, a bad message."""
    entries: list[JournalEntry] = []

    def add(second: int, kind: EntryKind, name: str, body: object) -> None:
        payload = body if isinstance(body, bytes) else orjson.dumps(body)
        entries.append(JournalEntry(len(entries) + 1, T0_MS + second * 1000, kind, name, payload))

    for bed in ("b01", "b02"):
        weights = {"dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
        add(
            0,
            EntryKind.COMMAND,
            "admit",
            {"patient_id": bed, "unit": "icu", "bed": bed, "admission_id": bed, **weights},
        )
    for second in range(1, seconds):
        sick = second % 70 > 40
        metrics = {"b01": BRADYCARDIA if sick else WELL, "b02": WELL}
        for bed in ("b01", "b02"):
            if bed == "b02" and second > 100:
                continue
            body = {"boot": "b", "seq": second, "time": T0_MS + second * 1000, "metrics": metrics[bed]}
            add(second, EntryKind.MESSAGE, f"icu/v1/icu/{bed}/mon1/obs", body)
        if second % 50 == 0:
            add(second, EntryKind.MESSAGE, "icu/v1/icu/b01/mon1/obs", b"no json")
    return entries


JOURNAL = journal()


def outcomes(fold: Fold, entries: list[JournalEntry]) -> list[bytes]:
    return [line for entry in entries for line in lines_of(fold.apply(entry))]


WHOLE = outcomes(Fold(PROFILE), JOURNAL)


def test_the_journal_of_these_tests_has_alarms_of_both_kinds() -> None:
    kinds = {orjson.loads(line).get("kind") for line in WHOLE}

    assert kinds >= {"physiological", "technical"}


@given(st.integers(0, len(JOURNAL)), st.integers(0, len(JOURNAL)))
def test_a_fold_that_was_saved_and_read_again_goes_on_as_if_nothing_had_been(first: int, second: int) -> None:
    split, again = sorted((first, second))
    fold = Fold(PROFILE)
    before = outcomes(fold, JOURNAL[:split])
    restored = Fold.restore(fold.snapshot(), PROFILE)
    assert restored is not None
    between = outcomes(restored, JOURNAL[split:again])
    once_more = Fold.restore(restored.snapshot(), PROFILE)
    assert once_more is not None

    assert before + between + outcomes(once_more, JOURNAL[again:]) == WHOLE


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with snapshots at offsets 100 and 200."""
    fold = Fold(PROFILE)
    for entry in JOURNAL[:200]:
        fold.apply(entry)
        if entry.offset in {100, 200}:
            snapshots.save(tmp_path, fold.offset, fold.snapshot())
    return tmp_path


def newest(folder: Path) -> Path:
    return max(folder.glob("*.snapshot"))


def test_the_newest_snapshot_is_taken(saved: Path) -> None:
    assert snapshots.load(saved, PROFILE, not_beyond=250).offset == 200


@pytest.mark.parametrize(("not_beyond", "offset"), [(200, 200), (199, 100), (100, 100), (99, 0), (0, 0)])
def test_a_snapshot_beyond_what_a_projection_has_is_not_taken(saved: Path, not_beyond: int, offset: int) -> None:
    # What lies before it would never be given to that projection.
    assert snapshots.load(saved, PROFILE, not_beyond).offset == offset


DAMAGE = {
    "a bit flipped": lambda held: held[:500] + bytes([held[500] ^ 1]) + held[501:],
    "the digest's first bit flipped": lambda held: bytes([held[0] ^ 1]) + held[1:],
    "cut off": lambda held: held[:-1],
    "cut off in the digest": lambda held: held[:10],
    "empty": lambda _: b"",
    "longer": lambda held: held + b"\0",
    "zeros, as after a loss of power": lambda held: bytes(len(held)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_snapshot_is_passed_over_for_the_one_before(
    saved: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(damage)
    newest(saved).write_bytes(damage(newest(saved).read_bytes()))

    fold = snapshots.load(saved, PROFILE, not_beyond=250)

    assert fold.offset == 100
    assert "replaying more of the journal" in caplog.text


def test_without_a_usable_snapshot_everything_is_replayed(saved: Path) -> None:
    for path in saved.glob("*.snapshot"):
        path.write_bytes(b"")

    fold = snapshots.load(saved, PROFILE, not_beyond=250)

    assert fold.offset == 0
    assert outcomes(fold, JOURNAL) == WHOLE


def test_a_snapshot_made_under_other_rules_is_passed_over(saved: Path) -> None:
    other = replace(PROFILE, sha256="0" * 64)

    assert snapshots.load(saved, other, not_beyond=250).offset == 0


def test_a_snapshot_made_by_other_code_is_passed_over(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "code_fingerprint", lambda: b"another version")  # there is one version here

    assert snapshots.load(saved, PROFILE, not_beyond=250).offset == 0


class Unknown:
    """Stands for a class that another version had."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _raise, ("there is no such class any more",)


def _raise(detail: str) -> None:
    raise AttributeError(detail)


@pytest.mark.parametrize(
    "state",
    [b"", b"no pickle", pickle.dumps(42), pickle.dumps((1, 2, 3)), pickle.dumps(Unknown())],
    ids=["nothing", "no pickle", "a number", "a tuple", "a class that is gone"],
)
def test_a_whole_snapshot_of_something_else_is_passed_over(saved: Path, state: bytes) -> None:
    snapshots.save(saved, 220, (220).to_bytes(8, "big") + state)

    assert snapshots.load(saved, PROFILE, not_beyond=250).offset == 200


def test_a_file_that_is_no_snapshot_is_no_matter(saved: Path) -> None:
    (saved / "notes.snapshot").write_text("do not touch")
    (saved / "unfinished-4711").write_bytes(b"half")

    assert snapshots.load(saved, PROFILE, not_beyond=250).offset == 200


def test_the_last_two_are_kept(saved: Path) -> None:
    fold = snapshots.load(saved, PROFILE, not_beyond=250)

    snapshots.save(saved, 300, fold.snapshot())

    assert sorted(int(path.stem) for path in saved.glob("*.snapshot")) == [200, 300]
    assert list(saved.glob("unfinished*")) == []


def test_a_folder_that_is_not_there_holds_no_snapshot(tmp_path: Path) -> None:
    assert snapshots.load(tmp_path / "none", PROFILE, not_beyond=10).offset == 0


# --- in a child -------------------------------------------------------------------------------------------------------


def held_until(sign: Path, state: bytes) -> Callable[[], bytes]:
    """A state that takes until a file is there to be turned into bytes; another says that it has begun."""

    def bytes_of_it() -> bytes:
        sign.with_suffix(".begun").touch()
        while not sign.exists():
            time.sleep(0.005)
        return state

    return bytes_of_it


def test_a_snapshot_in_a_child_is_of_the_moment_in_which_it_began(tmp_path: Path) -> None:
    fold = Fold(PROFILE)
    before = outcomes(fold, JOURNAL[:200])
    child = snapshots.begin(tmp_path, fold.snapshot)
    outcomes(fold, JOURNAL[200:])  # meanwhile
    snapshots.finish(tmp_path, child)
    snapshots.name(tmp_path, child, 200)

    again = snapshots.load(tmp_path, PROFILE, not_beyond=200)

    assert again.offset == 200
    assert before + outcomes(again, JOURNAL[200:]) == WHOLE


def test_nobody_waits_for_the_child_and_it_holds_no_lock(tmp_path: Path) -> None:
    folder, sign = tmp_path / "snapshots", tmp_path / "go on"
    with sole_use(tmp_path):
        child = snapshots.begin(folder, held_until(sign, b"state"))
        wait_until(sign.with_suffix(".begun").exists, "the child has begun")
    with sole_use(tmp_path):  # as the next gateway, when this one was killed
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        assert list(folder.glob("*.snapshot")) == []
        sign.touch()
        snapshots.finish(folder, child)


def test_a_child_that_cannot_write_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    def full() -> bytes:
        raise OSError(errno.ENOSPC, "full")

    child = snapshots.begin(tmp_path, full)

    with pytest.raises(OSError, match="No space left") as refused:
        snapshots.finish(tmp_path, child)
    assert refused.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_is_killed_is_no_snapshot_and_what_it_left_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    child = snapshots.begin(folder, held_until(tmp_path / "never", b""))
    os.kill(child, signal.SIGKILL)
    with pytest.raises(OSError, match="signal 9"):
        snapshots.finish(folder, child)
    (folder / "unfinished-1").write_bytes(b"half")

    child = snapshots.begin(folder, lambda: b"state")
    snapshots.finish(folder, child)

    assert [path.name for path in folder.iterdir()] == [f"unfinished-{child}"]


def test_a_state_that_cannot_be_turned_into_bytes_ends_the_child_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def wrong() -> bytes:
        raise ValueError("no bytes of this")

    child = snapshots.begin(tmp_path, wrong)

    with pytest.raises(OSError, match="no snapshot was written"):
        snapshots.finish(tmp_path, child)
    assert "no bytes of this" in capfd.readouterr().err
