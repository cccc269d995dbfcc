"""What a command says when it cannot go on: one line for people on standard error, and an exit status.

A message may quote anything that was in a file or on a command line: it is printed as it is, never read as markup.
"""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

FAILURE = 1
WRONG_USAGE = 2

errors = Console(stderr=True)
"""Standard error."""


def fail(message: str, status: int = FAILURE) -> NoReturn:
    """End the command, saying why.

    Raises:
        typer.Exit: Always.
    """
    errors.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)
