"""`vigil access`: accounts and tokens from the command line."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import termios
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import cli
from gateway.access import passwords
from gateway.access.accounts import token_hash
from gateway.access.passwords import is_right
from gateway.clock import GatewayClock
from storage.access import FILE, AccessStore, Account
from tests.support.gateway_process import VIGIL, wait_until
from tests.support.signing_in import CHEAP, PASSWORD
from tests.support.sources import REPOSITORY

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli_access.hashed", lambda password: passwords.hashed(password, CHEAP))


def vigil(*arguments: str | Path, typed: str = "") -> tuple[int, str, str]:
    """Exit status, standard output and standard error, run in this process."""
    result = CliRunner().invoke(cli.app, ["access", *map(str, arguments)], prog_name="vigil", input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def add(data: Path, name: str, *more: str) -> tuple[int, str, str]:
    return vigil("add", name, *more, "--password-file", "-", "--data", data, typed=PASSWORD + "\n")


def account(data: Path, key: str) -> Account | None:
    store = AccessStore.open(data / FILE)
    try:
        return next((each for each in store.rows().accounts if each.key == key), None)
    finally:
        store.close()


def test_account_is_added_with_a_hashed_password(tmp_path: Path) -> None:
    status, out, err = add(tmp_path, "M. Rossi", "--role", "nurse")

    assert (status, out) == (0, "")
    assert "M. Rossi may sign in as nurse" in err
    kept = account(tmp_path, "m. rossi")
    assert kept is not None
    assert (kept.name, kept.role, kept.kind) == ("M. Rossi", "nurse", "person")
    assert is_right(PASSWORD, kept.password or "")
    assert PASSWORD.encode() not in (tmp_path / FILE).read_bytes()


def test_same_name_twice_is_a_failure_however_it_is_written(tmp_path: Path) -> None:
    add(tmp_path, "M. Rossi", "--role", "nurse")

    status, _, err = add(tmp_path, "m. ROSSI", "--role", "physician")

    assert status == 1
    assert "there is m. ROSSI already" in err


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (("add", "Jo", "--password-file", "-"), PASSWORD, "--role"),
        (("add", "Jo", "--role", "chief", "--password-file", "-"), PASSWORD, "chief"),
        (("add", "Jo", "--display", "--role", "nurse", "--password-file", "-"), PASSWORD, "a display is a viewer"),
        (("add", "Jo", "--role", "nurse", "--password-file", "-"), "short", "12 characters"),
        (("add", "Jo", "--role", "nurse", "--password-file", "-"), "", "12 characters"),
        (("add", "Jo\u202e", "--role", "nurse", "--password-file", "-"), PASSWORD, "printable"),
        (("add", "vigil", "--role", "nurse", "--password-file", "-"), PASSWORD, "what the log calls the gateway"),
        (("add", "Jo", "--role", "nurse"), PASSWORD, "no terminal"),
        (("token", "feed", "--role", "nurse", "--expires-in", "a while"), "", "--expires-in a while"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_and_makes_no_account(
    tmp_path: Path, arguments: tuple[str, ...], typed: str, says: str
) -> None:
    status, out, err = vigil(*arguments, "--data", tmp_path, typed=typed)

    assert (status, out) == (2, "")
    assert says in err
    assert account(tmp_path, "jo") is None
    assert account(tmp_path, "feed") is None


@pytest.mark.parametrize("arguments", [("password", "Jo"), ("role", "Jo", "nurse"), ("remove", "Jo"), ("list",)])
def test_where_there_are_no_accounts_or_not_that_one_it_fails_and_says_so(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    status, _, err = vigil(*arguments, "--data", tmp_path)
    assert status == 1
    assert "there are no accounts" in err
    assert not (tmp_path / FILE).exists()

    add(tmp_path, "Al", "--role", "nurse")
    if arguments != ("list",):
        status, _, err = vigil(*arguments, "--data", tmp_path, typed=PASSWORD)
        assert status == 1
        assert "there is no Jo" in err


def test_role_password_and_removal_change_the_account(tmp_path: Path) -> None:
    add(tmp_path, "Jo", "--role", "nurse")
    other = tmp_path / "password.txt"
    other.write_text("another long password\nsecond line\n")

    assert vigil("role", "JO", "physician", "--data", tmp_path)[0] == 0
    assert vigil("password", "jo", "--password-file", other, "--data", tmp_path)[0] == 0
    kept = account(tmp_path, "jo")
    assert kept is not None
    assert kept.role == "physician"
    assert is_right("another long password", kept.password or "")

    assert vigil("remove", "jo", "--data", tmp_path)[0] == 0
    assert account(tmp_path, "jo") is None


def test_display_stays_a_viewer(tmp_path: Path) -> None:
    assert add(tmp_path, "wall-3", "--display")[0] == 0

    status, _, err = vigil("role", "wall-3", "nurse", "--data", tmp_path)

    assert status == 2
    assert "a display is a viewer" in err
    kept = account(tmp_path, "wall-3")
    assert kept is not None
    assert (kept.role, kept.kind) == ("viewer", "display")


def test_token_is_shown_once_on_standard_output_and_kept_hashed(tmp_path: Path) -> None:
    status, out, err = vigil("token", "prometheus", "--role", "engineer", "--expires-in", "90d", "--data", tmp_path)
    token = out.strip()
    kept = account(tmp_path, "prometheus")

    assert status == 0
    assert token not in err
    assert kept is not None
    assert (kept.kind, kept.role, kept.token_sha256) == ("program", "engineer", token_hash(token))
    assert kept.expires_ms is not None
    assert abs(kept.expires_ms - GatewayClock().now_ms() - 90 * DAY_MS) < 60_000
    assert token.encode() not in (tmp_path / FILE).read_bytes()
    assert vigil("password", "prometheus", "--data", tmp_path)[0] == 2


def test_list_shows_everybody_and_no_secret(tmp_path: Path) -> None:
    add(tmp_path, "M. Rossi", "--role", "nurse")
    vigil("token", "prometheus", "--role", "engineer", "--data", tmp_path)

    _, text, _ = vigil("list", "--data", tmp_path)
    _, out, _ = vigil("list", "--json", "--data", tmp_path)
    listed = json.loads(out)

    assert text.splitlines() == [
        "M. Rossi  person, nurse, 0 sessions",
        "prometheus  program, engineer, 0 sessions",
    ]
    assert [(each["name"], each["kind"], each["role"], each["expires_at"]) for each in listed] == [
        ("M. Rossi", "person", "nurse", None),
        ("prometheus", "program", "engineer", None),
    ]
    assert "scrypt" not in out


class Terminal:
    """A terminal at which somebody types, and what it has shown."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self.shown = ""

    def shows(self, words: str) -> bool:
        while select.select([self._ours], [], [], 0)[0]:
            self.shown += os.read(self._ours, 1000).decode()
        return words in self.shown

    def asks_unseen(self, words: str) -> bool:
        """Whether it asks, and no longer shows what is typed; what was typed before that is thrown away."""
        return self.shows(words) and not termios.tcgetattr(self._ours)[3] & termios.ECHO

    def type(self, words: str) -> None:
        os.write(self._ours, f"{words}\n".encode())

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.theirs)


def test_password_is_asked_for_twice_at_a_terminal_and_not_shown(tmp_path: Path) -> None:
    at = Terminal()
    command = [*VIGIL, "access", "add", "Jo", "--role", "nurse", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=at.theirs, stdout=at.theirs, stderr=at.theirs) as adding:
        for asked in ("Password for Jo", "Repeat for confirmation"):
            wait_until(lambda words=asked: at.asks_unseen(words), f"it asks: {asked}")  # type: ignore[misc]
            at.type(PASSWORD)
        wait_until(lambda: at.shows("may sign in"), "it is done")
        assert adding.wait(30) == 0
    at.close()

    assert PASSWORD not in at.shown
    assert account(tmp_path, "jo") is not None


@pytest.mark.parametrize("command", ["add", "password", "role", "remove", "list", "token"])
def test_help_shows_an_example(command: str) -> None:
    status, out, _ = vigil(command, "--help")

    assert status == 0
    assert "Example" in out
    assert f"vigil access {command}" in out
