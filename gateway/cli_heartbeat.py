"""`vigil heartbeat`: listens for the gateway, and ends with status 1 when it is silent or stuck.

For a supervisor, a nurse-call relay, or a person at a terminal.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli_errors import FAILURE, WRONG_USAGE, errors, fail
from gateway.settings import SettingsError, load_settings


def heartbeat(
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML), for the broker and its login.")] = None,
    broker: Annotated[str | None, typer.Option(help="mqtt://HOST:PORT or mqtts://HOST:PORT.")] = None,
    for_s: Annotated[float | None, typer.Option("--for", min=0.1, help="Seconds to listen; else for ever.")] = None,
    silent_after: Annotated[float, typer.Option(min=1.5, help="Seconds without a beat that count as silence.")] = 3.0,
    lag_max: Annotated[float, typer.Option(min=1.0, help="Seconds that the engine may be behind.")] = 5.0,
) -> None:
    """Listen for the gateway's heartbeat; exit status 1 as soon as it is silent, or lives and records nothing."""
    from gateway.app import CannotStart, broker_address
    from gateway.heartbeat import watch

    try:
        settings = load_settings(config_file=config, environ=os.environ, command_line={"broker_url": broker})
        address = broker_address(settings)
    except (SettingsError, CannotStart) as error:
        fail(str(error), WRONG_USAGE)
    try:
        verdict = asyncio.run(watch(address, for_s=for_s, silent_s=silent_after, lag_max_s=lag_max))
    except KeyboardInterrupt:
        return
    result = {"beats": verdict.beats, "trouble": verdict.trouble or None, "last": verdict.last}
    typer.echo(orjson.dumps(result).decode())
    if verdict.trouble:
        errors.print(verdict.trouble)
        raise typer.Exit(FAILURE)
