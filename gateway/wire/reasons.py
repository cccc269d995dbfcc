"""Why input is rejected: the closed list of machine-readable reasons, and how details for people are worded.

A reason never changes its meaning; new ones may be added. `docs/protocol.md` explains each. A detail quotes at most
`QUOTE_MAX` characters of what was sent, with everything unprintable escaped, so that it can go into a log, a table or
a page as it is.
"""

from __future__ import annotations

from enum import StrEnum

from streaming.identity import DeviceId
from streaming.observation import Rejected

QUOTE_MAX = 40
"""Characters of the input that a detail may repeat at a time."""
ESCAPED_MAX = 80
"""Characters that these may take when escaped."""


class Reason(StrEnum):
    """Why a message or a command was rejected."""

    BAD_TOPIC = "bad_topic"
    RESERVED_DEVICE = "reserved_device"
    EMPTY_PAYLOAD = "empty_payload"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_FINITE = "not_finite"
    NOT_OBJECT = "not_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_VALUE = "unknown_value"
    BAD_TEXT = "bad_text"
    BAD_TIME = "bad_time"
    ABSURD_TIME = "absurd_time"
    UNKNOWN_COMMAND = "unknown_command"


MEANING: dict[Reason, str] = {
    Reason.BAD_TOPIC: "the topic is not `icu/v1/{unit}/{bed}/{device}/` with `obs`, `event`, `status` or `wave`",
    Reason.RESERVED_DEVICE: "the device level is `vigil`, which is what Vigil itself publishes under",
    Reason.EMPTY_PAYLOAD: "no bytes; on a status topic this is how a retained message is cleared",
    Reason.TOO_LARGE: "more than 64 KiB",
    Reason.NOT_UTF8: "the bytes are not UTF-8",
    Reason.NOT_JSON: "not one complete JSON document (RFC 8259)",
    Reason.TOO_DEEP: "arrays and objects nested more than 1024 deep",
    Reason.NOT_FINITE: "`NaN`, `Infinity`, or a number too large for a double",
    Reason.NOT_OBJECT: "a JSON document that is not an object",
    Reason.MISSING_FIELD: "a required field is absent",
    Reason.WRONG_TYPE: "a field holds a value of another type than it should",
    Reason.OUT_OF_RANGE: "a number, or the length of a text, outside its limits",
    Reason.UNKNOWN_VALUE: "a word that is not in the field's list",
    Reason.BAD_TEXT: "a name with characters that cannot be printed, or a text with NUL",
    Reason.BAD_TIME: "a time text that is not RFC 3339 with an offset, or a day that does not exist",
    Reason.ABSURD_TIME: "a time before the year 2000 or more than 24 h ahead of the gateway",
    Reason.UNKNOWN_COMMAND: "no such command",
}
"""Each reason in words, for the protocol document."""


class Malformed(Exception):  # noqa: N818 - a finding about the input, not an error of ours
    """Input breaks the grammar. Raised and caught inside `gateway.wire`; what leaves is a `Rejected`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def within(self, path: str) -> Malformed:
        """The same finding, its detail's path continued upwards."""
        return Malformed(self.reason, path + self.detail)

    def rejected(self, device: DeviceId | None = None) -> Rejected:
        """The finding as a value."""
        return Rejected(self.reason.value, self.detail, device)


def quote(text: str) -> str:
    """`text` in quotes, cut to `QUOTE_MAX` characters and `ESCAPED_MAX` escaped, all but printable ASCII escaped."""
    kept = text[:QUOTE_MAX]
    while len(ascii(kept)) > ESCAPED_MAX:
        kept = kept[: len(kept) // 2]
    return ascii(kept) + ("…" if len(kept) < len(text) else "")


def field_path(parent: str, name: str) -> str:
    """JSON path of a member: `$.metrics.MDC_TEMP`, or `$.metrics['odd name']`."""
    plain = len(name) <= QUOTE_MAX and name.isascii() and name.isidentifier()
    return f"{parent}.{name}" if plain else f"{parent}[{quote(name)}]"
