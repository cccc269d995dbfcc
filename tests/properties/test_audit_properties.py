"""One edited byte anywhere in the audit log is found and its entry named: any of any field, any of the file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.audit.chain import CONTENT, AuditEntry
from storage.audit.verification import ChainWalk
from tests.support.audit_logs import Log

FIELDS = ("number", *CONTENT, "prev_hash", "hash")
PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Five entries, all on one page of the file."""
    return asyncio.run(Log(tmp_path_factory.mktemp("audit")).made(until=5, anchor_at=(5,)))


@pytest.fixture(scope="module")
def entries(log: Log) -> list[AuditEntry]:
    return asyncio.run(log.entries())


def walked(entries: Sequence[AuditEntry]) -> ChainWalk:
    walk = ChainWalk()
    for entry in sorted(entries, key=lambda each: each.number):
        walk.take(entry)
    return walk


def edited(entry: AuditEntry, name: str, place: int, mask: int) -> AuditEntry:
    """With one byte of one field changed."""
    value: Any = getattr(entry, name)
    changed: Any
    if value is None:
        changed = chr(mask)
    elif isinstance(value, int):
        changed = value ^ (mask << 8 * (place % 7))
    else:
        content = bytearray(value.encode())
        content[place % len(content)] ^= mask
        changed = content.decode(errors="surrogateescape")
    return replace(entry, **{name: changed})


@given(which=st.integers(0, 4), name=st.sampled_from(FIELDS), place=st.integers(0, 2000), mask=st.integers(1, 255))
@settings(max_examples=500, deadline=None)
def test_any_edited_byte_of_any_field_is_found_and_its_entry_named(
    entries: list[AuditEntry], which: int, name: str, place: int, mask: int
) -> None:
    changed = edited(entries[which], name, place, mask)

    findings = walked([*entries[:which], changed, *entries[which + 1 :]]).findings()

    assert {which + 1, changed.number} & {each.first for each in findings}
    assert all(f"{each.first}" in each.text for each in findings)


def test_entries_that_nobody_edited_are_whole(entries: list[AuditEntry]) -> None:
    """The control."""
    assert walked(entries).findings() == []


@given(place=st.integers(0, PAGE_BYTES - 1), mask=st.integers(1, 255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_of_the_file_is_found_or_belongs_to_no_entry(
    log: Log, entries: list[AuditEntry], place: int, mask: int
) -> None:
    with sqlite3.connect(log.path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit_log'").fetchone()
        assert connection.execute("PRAGMA page_size").fetchone() == (PAGE_BYTES,)
    connection.close()
    whole = log.path.read_bytes()
    content = bytearray(whole)
    content[(page - 1) * PAGE_BYTES + place] ^= mask
    log.path.write_bytes(content)
    try:
        findings = log.found()
        assert findings or asyncio.run(log.entries()) == entries
    finally:
        log.path.write_bytes(whole)


def test_bytes_of_entries_fill_most_of_the_page(log: Log, entries: list[AuditEntry]) -> None:
    """The control: what the test above flips is mostly part of an entry."""
    with sqlite3.connect(log.path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit_log'").fetchone()
    connection.close()
    on_page = log.path.read_bytes()[(page - 1) * PAGE_BYTES : page * PAGE_BYTES]

    assert all(each.hash.encode() in on_page and each.body.encode() in on_page for each in entries)
    assert Path(log.path).stat().st_size > PAGE_BYTES
