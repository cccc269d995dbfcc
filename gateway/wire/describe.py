"""The generated parts of `docs/protocol.md`: reasons, metrics, charted states, events and limits, from the code.

    python -m gateway.wire.describe docs/protocol.md

rewrites the file between its `<!-- generated: … -->` marks and leaves the rest alone. A test fails when the file is not
what this module would make of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from gateway.generated_parts import Parts, renew_files, renewed
from gateway.wire.codec import (
    BOOT_MAX,
    EVENT_TEXT_MAX,
    KINDS,
    NAME_MAX,
    PAYLOAD_MAX,
    PHASES,
    PRIORITIES,
    STATES,
    TEXT_MAX,
)
from gateway.wire.reasons import MEANING, Reason
from streaming.nomenclature import CHARTED_STATES, EVENTS, METRICS, SPECS, MetricKind, MetricSpec
from streaming.observation import VALIDITY_BY_LABEL
from streaming.units import CONVERSIONS


def describe(document: str) -> str:
    """The document with its generated parts renewed.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return renewed(document, _PARTS)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _reasons() -> str:
    return _table(("reason", "when"), ((f"`{reason}`", MEANING[reason]) for reason in Reason))


def _limits() -> str:
    rows = (
        ("a payload", f"{PAYLOAD_MAX} bytes"),
        ("`boot`", f"1 to {BOOT_MAX} printable characters"),
        ("`seq`", "0 to 2^63 - 1"),
        ("the name of a metric, an event, an attribute; a `unit`", f"1 to {NAME_MAX} printable characters"),
        ("a text value, a text attribute, `model`", f"up to {TEXT_MAX} characters, no NUL"),
        ("`text` of an event", f"up to {EVENT_TEXT_MAX} characters, no NUL"),
        ("`validity`", _words(VALIDITY_BY_LABEL)),
        ("`phase`", _words(PHASES)),
        ("`priority`", _words(PRIORITIES)),
        ("`state`", _words(STATES)),
        ("`kind`", _words(KINDS)),
    )
    return _table(("field", "limit"), rows)


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _metrics() -> str:
    head = ("metric", "name", "also accepted as", "MDC code", "LOINC", "unit", "other units", "plausible", "every")
    return _table(head, (_metric_row(spec) for spec in SPECS if spec.ref_id not in CHARTED_STATES))


def _metric_row(spec: MetricSpec) -> tuple[str, ...]:
    return (
        spec.title,
        f"`{spec.ref_id}`",
        " ".join(f"`{alias}`" for alias in spec.aliases),
        str(spec.code or ""),
        spec.loinc or "",
        f"`{spec.unit}`" if spec.unit else "",
        _other_units(spec),
        _plausible(spec),
        _duration(spec.cadence_s),
    )


_EXAMPLES_MAX = 4


def _other_units(spec: MetricSpec) -> str:
    """The units most likely to be met; the whole list is `streaming.units`."""
    accepted = CONVERSIONS.get(spec.ref_id, {})
    usual = [unit for unit in _USUAL_UNITS if unit in accepted and unit != spec.unit]
    kept = [f"`{unit}` (kept as such)" for unit in spec.other_units]
    return ", ".join([*(f"`{unit}`" for unit in usual[:_EXAMPLES_MAX]), *kept])


_USUAL_UNITS = (
    *("kPa", "cm[H2O]", "[degF]", "K", "g", "[lb_av]", "{beats}/min", "Hz", "1", "umol/L", "mmol/L", "meq/L"),
    *("10*9/L", "/uL", "g/L", "ng/L", "ug/L", "ng/mL", "mV", "L", "dL", "L/h", "mL/min", "L/min", "mL/h"),
    *("min", "h", "ug/mL", "g/L", "mg/kg/h", "mg/kg/min", "ng/kg/min", "cm"),
)


def _plausible(spec: MetricSpec) -> str:
    match spec.kind:
        case MetricKind.NUMERIC:
            return f"{spec.low:g} to {spec.high:g}"
        case MetricKind.ENUMERATION:
            return _words(spec.values or ())
        case MetricKind.TEXT:
            return "a text"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _charted() -> str:
    rows = ((f"`{name}`", METRICS[name].title, _words(METRICS[name].values or ())) for name in CHARTED_STATES)
    return _table(("name", "what", "values"), rows)


def _events() -> str:
    rows = ((f"`{e.ref_id}`", e.title, str(e.code or ""), f"`{e.rhythm}`" if e.rhythm else "") for e in EVENTS.values())
    return _table(("event", "what", "MDC code", "rhythm"), rows)


_PARTS: Parts = {
    "reasons": _reasons,
    "limits": _limits,
    "metrics": _metrics,
    "charted": _charted,
    "events": _events,
}


def main(arguments: list[str]) -> int:
    """Renews the documents named; exit status 2 without any."""
    return renew_files(arguments, _PARTS, "gateway.wire.describe")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
