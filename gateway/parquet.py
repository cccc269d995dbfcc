"""Apache Parquet, as much as a table of measured values needs: flat, required columns, plain, uncompressed.

Invariants
- The chunks, one after another, are a whole file: magic, row groups, footer. A row group is written as soon as it is
  full, so that a stay of any length streams in bounded memory.
- Every column has the rows of the table, in order: nothing is sorted, deduplicated or left out.

It reads nothing, and knows no nulls, no nesting and no statistics.

Sources: parquet-format 2.10 (`parquet.thrift`, `Encodings.md`: PLAIN); the Thrift compact protocol.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

MAGIC = b"PAR1"
ROW_GROUP_ROWS = 50_000
CREATED_BY = "vigil"


class Physical(Enum):
    """How a column lies on disk, by the number that `parquet.thrift` gives it."""

    INT64 = 2
    DOUBLE = 5
    BYTE_ARRAY = 6


class Column(NamedTuple):
    """A column: its name, and what is in it."""

    name: str
    physical: Physical
    is_instant: bool = False
    """Whether an `INT64` is milliseconds since 1970 UTC."""


class _Chunk(NamedTuple):
    """Where a column's values of one row group lie."""

    column: Column
    offset: int
    size: int
    values: int


def parquet_file(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The bytes of a file, a row group at a time.

    Args:
        columns: At least one.
        rows: Each with a value for each column: an int, a float or a text, as the column says.
    """
    writer = ParquetWriter(columns)
    waiting = iter(rows)
    yield writer.begin()
    while group := list(islice(waiting, ROW_GROUP_ROWS)):
        yield writer.row_group(group)
    yield writer.end()


class ParquetWriter:
    """A file under way: `begin`, any number of `row_group`, `end`; each gives the bytes that come next."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._groups: list[list[_Chunk]] = []
        self._offset = 0

    def begin(self) -> bytes:
        """What every file begins with."""
        return self._written(MAGIC)

    def row_group(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Rows, at least one, as a row group."""
        written: list[bytes] = []
        chunks: list[_Chunk] = []
        for index, column in enumerate(self._columns):
            values = _plain(column, [row[index] for row in rows])
            page = _page_header(len(rows), len(values)) + values
            chunks.append(_Chunk(column, self._offset, len(page), len(rows)))
            written.append(self._written(page))
        self._groups.append(chunks)
        return b"".join(written)

    def end(self) -> bytes:
        """The footer."""
        footer = _footer(self._columns, self._groups)
        return self._written(footer + struct.pack("<I", len(footer)) + MAGIC)

    def _written(self, piece: bytes) -> bytes:
        self._offset += len(piece)
        return piece


def _plain(column: Column, values: Sequence[Any]) -> bytes:
    if column.physical is Physical.INT64:
        return struct.pack(f"<{len(values)}q", *values)
    if column.physical is Physical.DOUBLE:
        return struct.pack(f"<{len(values)}d", *values)
    texts = [value.encode() for value in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


# --- what is said about the data, in Thrift's compact protocol --------------------------------------------------------

_TRUE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 5, 6, 8, 9, 12
_REQUIRED, _PLAIN, _RLE, _UNCOMPRESSED, _DATA_PAGE = 0, 0, 3, 0, 0
_UTF8, _TIMESTAMP_MILLIS = 0, 9
_STRING, _TIMESTAMP = 1, 8
"""Of the logical types, which say UTC where the older converted ones do not."""


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _binary(text: str) -> bytes:
    return _varint(len(text.encode())) + text.encode()


def _list(kind: int, items: Sequence[bytes]) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + _varint(len(items))
    return head + b"".join(items)


def _struct(*fields: tuple[int, int, bytes]) -> bytes:
    """Fields in rising order: (id, type, encoded value)."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        out += value
        last = number
    return bytes(out) + b"\x00"


def _page_header(values: int, size: int) -> bytes:
    data_page = _struct(
        (1, _I32, _zigzag(values)), (2, _I32, _zigzag(_PLAIN)), (3, _I32, _zigzag(_RLE)), (4, _I32, _zigzag(_RLE))
    )
    return _struct(
        (1, _I32, _zigzag(_DATA_PAGE)), (2, _I32, _zigzag(size)), (3, _I32, _zigzag(size)), (5, _STRUCT, data_page)
    )


def _footer(columns: Sequence[Column], groups: Sequence[Sequence[_Chunk]]) -> bytes:
    root = _struct((4, _BINARY, _binary("schema")), (5, _I32, _zigzag(len(columns))))
    rows = sum(chunks[0].values for chunks in groups)
    return _struct(
        (1, _I32, _zigzag(1)),
        (2, _LIST, _list(_STRUCT, [root, *(_schema_element(column) for column in columns)])),
        (3, _I64, _zigzag(rows)),
        (4, _LIST, _list(_STRUCT, [_row_group(chunks) for chunks in groups])),
        (6, _BINARY, _binary(CREATED_BY)),
    )


def _schema_element(column: Column) -> bytes:
    fields = [
        (1, _I32, _zigzag(column.physical.value)),
        (3, _I32, _zigzag(_REQUIRED)),
        (4, _BINARY, _binary(column.name)),
    ]
    if column.physical is Physical.BYTE_ARRAY:
        fields += [(6, _I32, _zigzag(_UTF8)), (10, _STRUCT, _struct((_STRING, _STRUCT, _struct())))]
    elif column.is_instant:
        in_ms = _struct((1, _STRUCT, _struct()))
        logical = _struct((_TIMESTAMP, _STRUCT, _struct((1, _TRUE, b""), (2, _STRUCT, in_ms))))
        fields += [(6, _I32, _zigzag(_TIMESTAMP_MILLIS)), (10, _STRUCT, logical)]
    return _struct(*fields)


def _row_group(chunks: Sequence[_Chunk]) -> bytes:
    return _struct(
        (1, _LIST, _list(_STRUCT, [_column_chunk(chunk) for chunk in chunks])),
        (2, _I64, _zigzag(sum(chunk.size for chunk in chunks))),
        (3, _I64, _zigzag(chunks[0].values)),
    )


def _column_chunk(chunk: _Chunk) -> bytes:
    about = _struct(
        (1, _I32, _zigzag(chunk.column.physical.value)),
        (2, _LIST, _list(_I32, [_zigzag(_PLAIN)])),
        (3, _LIST, _list(_BINARY, [_binary(chunk.column.name)])),
        (4, _I32, _zigzag(_UNCOMPRESSED)),
        (5, _I64, _zigzag(chunk.values)),
        (6, _I64, _zigzag(chunk.size)),
        (7, _I64, _zigzag(chunk.size)),
        (9, _I64, _zigzag(chunk.offset)),
    )
    return _struct((2, _I64, _zigzag(chunk.offset)), (3, _STRUCT, about))
