"""`vigil access`: who may sign in, with which role; and tokens for programs. The gateway may be running."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.access.accounts import key_of, new_token, person, program, span_ms, unfit_name_because
from gateway.access.passwords import hashed, unfit_because
from gateway.access.roles import Role
from gateway.cli_errors import WRONG_USAGE, errors, fail
from gateway.clock import GatewayClock
from gateway.settings import Settings, SettingsError, load_settings
from storage.access import FILE, AccessStore, Account
from streaming.instants import format_ms

access_app = typer.Typer(help="Who may sign in, with which role; tokens for programs.", no_args_is_help=True)
ConfigOption = Annotated[Path | None, typer.Option(help="Settings file (TOML).")]
DataOption = Annotated[Path | None, typer.Option(help="The gateway's data directory.")]
PasswordFileOption = Annotated[
    str | None,
    typer.Option(help="File whose first line is the password, `-` for standard input; else it is asked for."),
]
NameArgument = Annotated[str, typer.Argument(help="1 to 64 printable characters.")]


@access_app.command(
    epilog="Examples:\n\n`vigil access add 'M. Rossi' --role nurse --data vigil-data`\n\n"
    "`vigil access add wall-3 --display --password-file wall-3.txt --config vigil.toml`"
)
def add(
    name: NameArgument,
    role: Annotated[Role | None, typer.Option(help="What it may do; see docs/access.md.")] = None,
    display: Annotated[
        bool, typer.Option("--display", help="A display on the wall: a viewer whose session does not end.")
    ] = False,
    password_file: PasswordFileOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add somebody who may sign in. The password has 12 characters or more, of any kind."""
    settings = _settings(config, data)
    _check_name(name)
    chosen = _role_for(role, is_display=display)
    with _store(settings, creates=True) as store:
        if any(account.key == key_of(name) for account in store.rows().accounts):
            fail(f"there is {name} already; see `vigil access list`")
        password = hashed(_new_password(name, password_file))
        if not store.add(person(name, chosen, password, _now_ms(), is_display=display)):
            fail(f"there is {name} already; see `vigil access list`")
    _remind(settings)
    _say(f"{name} may sign in as {'display' if display else chosen.value}")


@access_app.command(epilog="Example: `vigil access password 'M. Rossi' --data vigil-data`")
def password(
    name: NameArgument,
    password_file: PasswordFileOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give somebody another password; whoever is signed in under the name no longer is."""
    with _store(_settings(config, data)) as store:
        account = _existing(store, name)
        if account.kind == "program":
            fail(f"{account.name} is a program; remove it, and give it a new token", WRONG_USAGE)
        if not store.set_password(account.key, hashed(_new_password(account.name, password_file))):
            fail(f"{account.name} is no longer there")
    _say(f"{account.name} has another password, and is signed out everywhere")


@access_app.command("role", epilog="Example: `vigil access role 'M. Rossi' physician --data vigil-data`")
def change_role(
    name: NameArgument,
    role: Annotated[Role, typer.Argument(help="What it may do from now on; see docs/access.md.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give somebody, or a program, another role; whoever is signed in under the name no longer is."""
    with _store(_settings(config, data)) as store:
        account = _existing(store, name)
        if account.kind == "display" and role is not Role.VIEWER:
            fail(f"{account.name} is a display, and a display is a viewer; who acts there signs in there", WRONG_USAGE)
        if not store.set_role(account.key, role.value):
            fail(f"{account.name} is no longer there")
    _say(f"{account.name} is {role.value} from now on")


@access_app.command(epilog="Example: `vigil access remove 'M. Rossi' --data vigil-data`")
def remove(name: NameArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove somebody or a program, and end what is open under the name."""
    with _store(_settings(config, data)) as store:
        account = _existing(store, name)
        if not store.remove(account.key):
            fail(f"{account.name} is no longer there")
    _say(f"{account.name} may do nothing any more")


@access_app.command("list", epilog="Example: `vigil access list --json --data vigil-data`")
def list_accounts(
    config: ConfigOption = None,
    data: DataOption = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Everybody who may sign in, and every program, with the role and how many sessions are open."""
    with _store(_settings(config, data)) as store:
        rows = store.rows()
    now_ms = _now_ms()
    is_open = [each.account for each in rows.sessions if each.watch_until_ms is None or each.watch_until_ms > now_ms]
    listed = [_described(account, is_open.count(account.key)) for account in rows.accounts]
    if json:
        typer.echo(orjson.dumps(listed).decode())
        return
    for each in listed:
        ends = f", until {each['expires_at']}" if each["expires_at"] else ""
        typer.echo(f"{each['name']}  {each['kind']}, {each['role']}, {each['sessions']} sessions{ends}")


@access_app.command(
    epilog="Examples:\n\n`vigil access token prometheus --role engineer --data vigil-data`\n\n"
    "`vigil access token admissions-feed --role nurse --expires-in 90d --config vigil.toml`"
)
def token(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What the program may do; see docs/access.md.")],
    expires_in: Annotated[
        str | None, typer.Option(help="When the token ends: `12h`, `90d`, `4w`. Never, when not said.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a token for a program. It is shown this once: `Authorization: Bearer TOKEN`."""
    settings = _settings(config, data)
    _check_name(name)
    lasts_ms = span_ms(expires_in) if expires_in is not None else None
    if expires_in is not None and lasts_ms is None:
        fail(f"--expires-in {expires_in}: a number and h, d or w is meant, as 90d", WRONG_USAGE)
    made, now_ms = new_token(), _now_ms()
    with _store(settings, creates=True) as store:
        if not store.add(program(name, role, made, now_ms, None if lasts_ms is None else now_ms + lasts_ms)):
            fail(f"there is {name} already; remove it first, or take another name")
    _remind(settings)
    typer.echo(made)
    _say(f"the token of {name} ({role.value}); it is kept nowhere and cannot be shown again")


def _settings(config: Path | None, data: Path | None) -> Settings:
    try:
        return load_settings(config_file=config, environ=os.environ, command_line={"data_dir": data})
    except SettingsError as error:
        fail(str(error), WRONG_USAGE)


@contextmanager
def _store(settings: Settings, *, creates: bool = False) -> Iterator[AccessStore]:
    path = settings.data_dir / FILE
    if creates:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        fail(f"there are no accounts in {settings.data_dir}; `vigil access add` makes the first")
    store = AccessStore.open(path)
    try:
        yield store
    finally:
        store.close()


def _remind(settings: Settings) -> None:
    if settings.access != "accounts":
        _say(
            f"access is {settings.access} in these settings: accounts count where a gateway runs with access = accounts"
        )


def _check_name(name: str) -> None:
    if (why := unfit_name_because(name)) is not None:
        fail(why, WRONG_USAGE)


def _role_for(role: Role | None, *, is_display: bool) -> Role:
    if is_display and role not in (None, Role.VIEWER):
        fail("a display is a viewer; who acts there signs in there", WRONG_USAGE)
    if role is None and not is_display:
        fail("say --role, or --display", WRONG_USAGE)
    return role or Role.VIEWER


def _existing(store: AccessStore, name: str) -> Account:
    account = next((each for each in store.rows().accounts if each.key == key_of(name)), None)
    if account is None:
        fail(f"there is no {name}; see `vigil access list`")
    return account


def _new_password(name: str, file: str | None) -> str:
    chosen = _asked_for(name) if file is None else _first_line(file)
    if (why := unfit_because(chosen, name)) is not None:
        fail(why, WRONG_USAGE)
    return chosen


def _asked_for(name: str) -> str:
    if not sys.stdin.isatty():
        fail("no terminal to ask for a password at: give --password-file", WRONG_USAGE)
    chosen: str = typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True)
    return chosen


def _first_line(file: str) -> str:
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8").partition("\n")[0]
    except UnicodeDecodeError:
        fail(f"{file}: not UTF-8 text")
    return text.rstrip("\r\n")


def _described(account: Account, sessions: int) -> dict[str, str | int | None]:
    return {
        "name": account.name,
        "kind": account.kind,
        "role": account.role,
        "sessions": sessions,
        "created_at": format_ms(account.created_ms),
        "expires_at": format_ms(account.expires_ms) if account.expires_ms is not None else None,
    }


def _now_ms() -> int:
    return GatewayClock().now_ms()


def _say(words: str) -> None:
    errors.print(words, highlight=False, markup=False, soft_wrap=True)
