"""The command `vigil`.

Composed from what is installed: commands of other packages (`simulate`, `import`, …) are found through the entry-point
group `vigil.commands` and imported only when asked for, so that the gateway depends on none of them
(docs/decisions/0004).

Exit status: 0 success, 1 a finding or failure, 2 wrong usage. Messages for people go to standard error, results to
standard output.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.rulebook import Rulebook
from gateway.cli_access import access_app
from gateway.cli_audit import audit_app
from gateway.cli_backtest import EPILOG as BACKTEST_EPILOG
from gateway.cli_backtest import backtest
from gateway.cli_errors import FAILURE, WRONG_USAGE, errors, fail
from gateway.cli_heartbeat import heartbeat
from gateway.cli_journal import journal_app, rebuild
from gateway.cli_rules import rules_app
from gateway.demo import demo
from gateway.rulesets import (
    DEFAULT_ALARM_POLICY,
    load_alarm_profile,
    load_dosing_profile,
    load_rulebook,
    shipped_dosing_profiles,
    shipped_profiles,
)
from gateway.settings import Settings, SettingsError, load_settings, unrecognised_variables
from storage.ports import StorageProblem
from streaming.criteria.criterion import DosingProfile
from streaming.rules.kinds import AlarmProfile
from streaming.rules.profile import ProfileError

END_S = 4.5
"""What an end in order may take; a supervisor is told that five seconds are enough."""

app = typer.Typer(
    name="vigil",
    help="Bedside gateway for patients on high-dose interleukin-2. It advises; clinicians decide.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.command(
    epilog="Examples:\n\n`vigil gateway --data vigil-data`\n\n"
    "`vigil gateway --config vigil.toml --broker mqtts://broker.ward.example:8883`"
)
def gateway(
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML); see docs/settings.md.")] = None,
    broker: Annotated[str | None, typer.Option(help="mqtt://HOST:PORT or mqtts://HOST:PORT.")] = None,
    data: Annotated[Path | None, typer.Option(help="Everything the gateway keeps is in here.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to serve HTTP on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve HTTP on; 0 takes any free one.")] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100_000, help="Gateway seconds per second; demo and test only.")
    ] = 1.0,
) -> None:
    """Run the service: devices in over MQTT, alarms and values out over HTTP and WebSocket."""
    settings = _settings(config, broker_url=broker, data_dir=data, http_host=host, http_port=port)
    logging.basicConfig(
        level=settings.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every step that it does not have to take
    for name in unrecognised_variables(os.environ):
        logging.getLogger("vigil").warning("%s names no setting and is ignored; see docs/settings.md", name)
    from gateway.app import CannotStart, run_gateway

    def announce(url: str) -> None:
        typer.echo(url)
        sys.stdout.flush()

    try:
        run_until_signalled(lambda: run_gateway(settings, speed=speed, announce=announce))
    except (CannotStart, ProfileError, SettingsError) as error:
        fail(str(error))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES} or error.filename:
            raise
        fail(f"{settings.http_host}:{settings.http_port}: {error.strerror}")


@app.command(epilog="Example: `vigil replay stay.ndjson --out alarms.ndjson`")
def replay(
    file: Annotated[Path, typer.Argument(help="A recording (NDJSON, also .gz).")],
    profile: Annotated[
        str | None, typer.Option(help="Dosing profile for every admission, in place of the one it names.")
    ] = None,
    alarms: Annotated[str, typer.Option(help="Alarm rules: an id, or a .toml file.")] = "alarms-il2",
    policy: Annotated[
        str, typer.Option(help="Alarm policy: an id, or a .toml file; `plain` for none.")
    ] = DEFAULT_ALARM_POLICY,
    out: Annotated[Path | None, typer.Option(help="Where to write; standard output when absent.")] = None,
) -> None:
    """Run a recording through the engine offline: a line for each alarm transition and rejection, a summary last."""
    from gateway.replay import replay as replay_entries
    from gateway.wire.recording import RecordingError, read_recording

    rules = _rulebook(alarms, profile, policy)
    try:
        with out.open("wb") if out is not None else nullcontext(sys.stdout.buffer) as stream:
            for line in replay_entries(read_recording(file), rules):
                stream.write(line + b"\n")
            stream.flush()
    except RecordingError as error:
        fail(f"{file}: {error}")


@app.command()
def version() -> None:
    """Version, and the hash of each profile."""
    from gateway.service import VERSION

    typer.echo(f"vigil {VERSION}")
    profiles: list[AlarmProfile | DosingProfile] = [load_alarm_profile(name) for name in shipped_profiles()]
    profiles += [load_dosing_profile(name) for name in shipped_dosing_profiles()]
    for profile in profiles:
        typer.echo(f"{profile.id} {profile.version} {profile.sha256}")


database = typer.Typer(help="The database of records.", no_args_is_help=True)


@database.command()
def upgrade(
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
    data: Annotated[Path | None, typer.Option(help="The gateway's data directory.")] = None,
) -> None:
    """Bring the schema of the records up to date. The gateway does so itself at start-up."""
    from gateway.app import records_url
    from storage.records import Records

    settings = _settings(config, data_dir=data)
    settings.data_dir.mkdir(parents=True, exist_ok=True)

    async def run() -> None:
        records = await Records.open(records_url(settings))
        await records.close()

    asyncio.run(run())
    errors.print("The schema is up to date.")


app.add_typer(rules_app, name="rules")
app.add_typer(journal_app, name="journal")
app.add_typer(audit_app, name="audit")
app.add_typer(access_app, name="access")
app.add_typer(database, name="db")
app.command(epilog=BACKTEST_EPILOG)(backtest)
app.command()(demo)
app.command()(rebuild)
app.command()(heartbeat)


def run_until_signalled(start: Callable[[], Coroutine[Any, Any, None]], end_s: float | None = None) -> None:
    """Run a service until SIGINT or SIGTERM, then let it end in order, and by force if it has not after `end_s`."""
    limit_s = END_S if end_s is None else end_s

    async def run() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def end() -> None:
            task.cancel()
            loop.call_later(limit_s, _end_by_force, limit_s)

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end)
        try:
            await start()
        except asyncio.CancelledError:
            errors.print("stopped")

    try:
        import uvloop
    except ImportError:
        asyncio.run(run())
    else:
        uvloop.run(run())


def _end_by_force(end_s: float) -> None:
    """Whatever holds the end up: the journal has everything that was acknowledged, as when the power is cut."""
    errors.print(f"it did not end in order within {end_s:g} s: ended by force, which loses nothing")
    os._exit(FAILURE)


def _settings(config: Path | None, **options: object) -> Settings:
    try:
        return load_settings(config_file=config, environ=os.environ, command_line=options)
    except SettingsError as error:
        fail(str(error), WRONG_USAGE)


def _rulebook(alarms: str, profile: str | None, policy: str) -> Rulebook:
    try:
        if profile is None:
            return load_rulebook(alarms, policy=policy)
        if profile in shipped_dosing_profiles():
            return replace(load_rulebook(alarms, policy=policy), forced_dosing=profile)
        return load_rulebook(profile, policy=policy)  # alarm rules by their id or file
    except ProfileError as error:
        fail(str(error), WRONG_USAGE)


def main() -> None:
    """Entry point."""
    for point in entry_points(group="vigil.commands"):
        point.load()(app)
    try:
        _run_command()
    except typer.Exit as end:
        sys.exit(end.exit_code)


def _run_command() -> None:
    """Run the command; what stands in its way on the disk or in a store is said in a line, not in a trace."""
    try:
        app()
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILURE) from None
    except StorageProblem as problem:
        fail(str(problem))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
