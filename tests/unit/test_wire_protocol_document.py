"""The protocol document: its generated parts are current, and its examples are what it says they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.wire.codec import decode
from gateway.wire.commands import CommandName, parse_command
from gateway.wire.describe import describe, main
from gateway.wire.reasons import MEANING, Reason
from gateway.wire.recording import parse_lines
from gateway.wire.topics import HEARTBEAT_TOPIC, Channel
from streaming.nomenclature import EVENTS, METRICS
from streaming.observation import Decoded, Rejected
from tests.support.bad_messages import NOW_MS
from tests.support.sources import REPOSITORY

PATH = REPOSITORY / "docs" / "protocol.md"
DOCUMENT = PATH.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", DOCUMENT, re.DOTALL)


def test_generated_parts_are_what_the_code_says() -> None:
    assert describe(DOCUMENT) == DOCUMENT, "run: python -m gateway.wire.describe docs/protocol.md"


def test_stale_document_is_noticed_and_renewed() -> None:
    stale = DOCUMENT.replace("| `too_deep` |", "| `too_shallow` |")

    assert stale != DOCUMENT
    assert describe(stale) == DOCUMENT


@pytest.mark.parametrize("reason", list(Reason))
def test_reason_is_listed_with_its_meaning(reason: Reason) -> None:
    assert f"| `{reason}` | {MEANING[reason]} |" in DOCUMENT


def test_every_name_that_vigil_knows_is_listed() -> None:
    assert [name for name in (*METRICS, *EVENTS, *CommandName, HEARTBEAT_TOPIC) if name not in DOCUMENT] == []


def test_every_channel_is_shown_with_its_topic() -> None:
    assert [c for c in Channel if f"icu/v1/{{unit}}/{{bed}}/{{device}}/{c} " not in DOCUMENT] == []


@pytest.mark.parametrize(("channel", "payload"), [e for e in EXAMPLES if e[0] != "recording"])
def test_example_message_is_accepted(channel: str, payload: str) -> None:
    found = decode(f"icu/v1/icu/b01/dev1/{channel}", payload.encode(), NOW_MS)

    assert isinstance(found, Decoded), found


def test_example_recording_can_be_read_and_its_commands_parsed() -> None:
    (recording,) = [text for kind, text in EXAMPLES if kind == "recording"]
    entries = list(parse_lines(recording.encode().splitlines()))
    commands = [parse_command(e.command, e.encoded_body, e.received_ms) for e in entries if e.command]

    assert len(entries) == 4
    assert [c for c in commands if isinstance(c, Rejected)] == []


def test_examples_cover_each_kind_that_is_json() -> None:
    assert {"obs", "event", "status", "recording"} == {kind for kind, _ in EXAMPLES}


def test_generator_without_a_file_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage:")


def test_generator_renews_the_file_it_is_given(tmp_path: Path) -> None:
    copy = tmp_path / "protocol.md"
    copy.write_text(DOCUMENT.replace("| `too_deep` |", "| `too_shallow` |"), encoding="utf-8")

    assert main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == DOCUMENT
