"""A table as Apache Parquet, a row group at a time: the door to pyarrow.

Invariants
- The pieces, one after another, are a whole file, so that a stay of any length streams in bounded memory.
- Every column has the rows of the table, in order: nothing is sorted, deduplicated or left out.

pyarrow is loaded with the first writer: it takes half a second and some memory, and most gateways never export a table.
Make writers outside of the event loop, therefore.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

ROW_GROUP_ROWS = 50_000


class Kind(StrEnum):
    """What a column holds; none of it is ever absent."""

    INSTANT = "instant"
    """Milliseconds since 1970, UTC."""
    NUMBER = "number"
    TEXT = "text"


class Column(NamedTuple):
    """A column: its name, and what is in it."""

    name: str
    kind: Kind


def parquet_file(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The bytes of a file, a row group at a time.

    Args:
        columns: At least one.
        rows: Each with a value for each column: an int, a float or a text, as the column says.
    """
    writer = ParquetWriter(columns)
    waiting = iter(rows)
    while group := list(islice(waiting, ROW_GROUP_ROWS)):
        yield writer.row_group(group)
    yield writer.end()


class ParquetWriter:
    """A file under way: any number of `row_group`, then `end`; each gives the bytes that come next."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow
        import pyarrow.parquet

        types = {
            Kind.INSTANT: pyarrow.timestamp("ms", tz="UTC"),
            Kind.NUMBER: pyarrow.float64(),
            Kind.TEXT: pyarrow.string(),
        }
        fields = [pyarrow.field(name, types[kind], nullable=False) for name, kind in columns]
        self._arrow = pyarrow
        self._schema = pyarrow.schema(fields)
        self._written = _Written()
        self._file = pyarrow.parquet.ParquetWriter(self._written, self._schema)

    def row_group(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows, at least one, as a row group."""
        columns = [
            self._arrow.array(values, field.type)
            for field, values in zip(self._schema, zip(*rows, strict=True), strict=True)
        ]
        table = self._arrow.Table.from_arrays(columns, schema=self._schema)
        self._file.write_table(table, row_group_size=len(rows))
        return self._written.taken()

    def end(self) -> bytes:
        """The footer."""
        self._file.close()
        return self._written.taken()


class _Written(io.RawIOBase):
    """What has been written since it was last taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any, /) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
