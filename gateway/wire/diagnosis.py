"""Why bytes are not the JSON they should be: told apart after the parser has given up.

The reasons are decided here and not by the words of the parser's message, so that they stay the same whichever version
of the parser is installed. Everything is linear in the size of the payload and nothing recurses: a payload made to hurt
costs no more than any other.
"""

from __future__ import annotations

import re
from math import isinf

from gateway.wire.reasons import Malformed, Reason

DEPTH_MAX = 1024
"""Arrays and objects may be nested this deep; the parser's own limit."""

_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]++|\\.)*+"?)'
    r"|(?P<open>[\[{])|(?P<close>[\]}])"
    r"|(?P<word>-?(?:NaN|Infinity|nan|inf|Inf)\b)"
    r"|(?P<number>-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?)",
    re.ASCII | re.DOTALL,
)


def diagnose_json(payload: bytes, position: int) -> Malformed:
    """What is wrong with bytes that the parser refused.

    Args:
        payload: At most 64 KiB.
        position: Where the parser stopped, in characters.
    """
    if not payload:
        return Malformed(Reason.EMPTY_PAYLOAD, "no bytes at all")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        return Malformed(Reason.NOT_UTF8, f"not UTF-8 at byte {error.start}: 0x{payload[error.start]:02x}")
    return _diagnose_text(text, position)


def _diagnose_text(text: str, position: int) -> Malformed:
    depth = 0
    not_finite: int | None = None
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "open":
                depth += 1
                if depth > DEPTH_MAX:
                    return Malformed(Reason.TOO_DEEP, f"more than {DEPTH_MAX} levels at character {token.start()}")
            case "close":
                depth -= 1
            case "word":
                not_finite = token.start() if not_finite is None else not_finite
            case "number":
                if not_finite is None and _overflows(token[0]):
                    not_finite = token.start()
            case _:
                pass
    if not_finite is not None:
        return Malformed(Reason.NOT_FINITE, f"a number that is not finite at character {not_finite}")
    return Malformed(Reason.NOT_JSON, f"not a JSON document, at character {position}")


def _overflows(number: str) -> bool:
    return (len(number) > 300 or "e" in number or "E" in number) and isinf(float(number))
