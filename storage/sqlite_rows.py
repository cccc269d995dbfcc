"""Many rows, one statement: how rows reach SQLite without a turn of the interpreter lock for each of them.

`executemany` gives up and takes back the interpreter lock once a row, and under a busy event loop each taking back may
wait for a switch interval (5 ms). Here up to `ROWS_PER_STATEMENT` rows are one statement. Their number is rounded up to
a power of two, the rest being NULL rows that the statement leaves out, so that a handful of prepared statements serve
every number.

It deliberately begins and commits nothing: outside a transaction one statement is its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

Cell = int | float | str | bytes | None

ROWS_PER_STATEMENT = 1024
"""At most 6 columns: 6,144 variables, where SQLite allows 32,766."""


class RowInsert:
    """An `INSERT` of any number of rows into one table, whose first column is never NULL."""

    def __init__(self, into: str, *, columns: int, on_conflict: str = "") -> None:
        self._columns = columns
        self._cells_per_statement = ROWS_PER_STATEMENT * columns
        self._statements = {
            rows: _statement(into, rows, columns, on_conflict)
            for rows in (1 << power for power in range(ROWS_PER_STATEMENT.bit_length()))
        }

    def fits_one_statement(self, cells: Sequence[Cell]) -> bool:
        """Whether `execute` would take a single statement, and so be a transaction of its own."""
        return len(cells) <= self._cells_per_statement

    def execute(self, connection: sqlite3.Connection, cells: list[Cell]) -> None:
        """Inserts the rows, given as one flat list of their cells.

        Raises:
            sqlite3.Error: as SQLite says.
        """
        if self.fits_one_statement(cells):
            self._execute_one(connection, cells)
            return
        for start in range(0, len(cells), self._cells_per_statement):
            self._execute_one(connection, cells[start : start + self._cells_per_statement])

    def _execute_one(self, connection: sqlite3.Connection, cells: list[Cell]) -> None:
        if not cells:
            return
        rows = 1 << (len(cells) // self._columns - 1).bit_length()
        missing = rows * self._columns - len(cells)
        connection.execute(self._statements[rows], cells + [None] * missing if missing else cells)


def _statement(into: str, rows: int, columns: int, on_conflict: str) -> str:
    row = "(" + ",".join("?" * columns) + ")"
    values = ",".join([row] * rows)
    return f"INSERT INTO {into} SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL {on_conflict}"  # noqa: S608
