"""The simulators' commands: `vigil simulate`, `vigil import`, `vigil load`.

Results go to standard output, everything said to a person to standard error. Exit status 0 success, 1 a finding or
failure (something was not delivered, a file cannot be read), 2 wrong usage.

The only module in here that knows the terminal. It deliberately holds no behaviour of its own: each command checks its
options, runs something from the modules beside it, and prints what came of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import textwrap
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gateway.wire.recording import RecordingError
from gateway.wire.topics import is_level
from simulators.admissions import AdmissionCounts, admit_all
from simulators.broker import DEFAULT_BROKER, BrokerUrl
from simulators.cli_score import HELP as SCORE_HELP
from simulators.cli_score import score
from simulators.clock import SimulatedClock, monotonic_s
from simulators.live import LiveRun
from simulators.load import LoadFailedError, LoadPlan, run_load
from simulators.offline import record
from simulators.playback import REFUSED, Playback
from simulators.publisher import MqttVersion, PublisherCounts
from simulators.recordings.formats import FORMATS, ImportRequest, write_file_per_stay, write_one_file
from simulators.recordings.stay import ImportReport, TableError
from simulators.scenario import Scenario, load_scenario, scenario_names
from simulators.service import Service
from simulators.session import Session, SessionOptions, play_ward
from simulators.stage import OutageStyle, Stage
from simulators.truth import write_labels, write_truth
from simulators.ward import Ward

_T = TypeVar("_T")

_PLAYBACK_WINDOW = 200
"""Messages of a recording that the broker has not acknowledged, at most."""
_PROGRESS_EVERY_S = 0.2

_SIMULATE_HELP = """Simulated devices, or a recording, over MQTT into a running gateway.

Examples:

  vigil simulate --list

  vigil simulate --scenario ward --beds 12 --admit http://127.0.0.1:8000

  vigil simulate --scenario hypotension --speed 10 --duration 900

  vigil simulate --scenario af-day-3 --out run.ndjson --truth truth.ndjson

  vigil simulate --recording stay.ndjson --speed 600 --api http://127.0.0.1:8000

With --out a recording is written without a broker, as fast as it goes; the same seed gives the same bytes. --truth says
beside it what truly happened and what must, may and must not be announced (vigil score).

At a speed other than 1 the gateway must run at that speed as well (vigil gateway --speed X); the devices then take its
time from its heartbeat. Ends with Ctrl-C, at the end of the recording, or after --duration. Exit status: 0 everything
was delivered, 1 something was not, 2 wrong usage.
"""

_IMPORT_HELP = """Turns a public recording into a recording that Vigil can replay and simulate.

Formats: mimic-csv (a folder of CLIF tables as CSV or CSV.GZ), bidmc (bidmc_NN_numerics.csv, one or a folder of them),
wfdb (numerics as NAME.hea with its sample files, one record or a folder of them).

Examples:

  vigil import mimic-csv tables/ --stay 29079034 --out stay.ndjson

  vigil import mimic-csv tables/ --out all.ndjson

  vigil import bidmc bidmc/ --out recordings/

  vigil import wfdb 3544749n.hea --out stay.ndjson

An --out that ends in .ndjson or .ndjson.gz is one file with every stay in a bed of its own; any other is a folder that
gets one file per stay. Prints where every row went. Exit status: 0 written, 1 cannot be read or written, 2 wrong usage.
"""

_LOAD_HELP = """Loads a broker with 14-metric monitor messages and measures the acknowledgements.

Example:

  vigil load --beds 500 --rate 1 --duration 60 --broker mqtt://127.0.0.1:1883

Prints one JSON object: offered, sent and acknowledged, messages per second, PUBACK latency p50 and p99, lateness
against the schedule, and the generator's own cost. Exit status: 0 everything was acknowledged, 1 not, 2 wrong usage.
"""

_Seed = Annotated[int, typer.Option(help="The same seed gives the same patients.")]
_Broker = Annotated[str, typer.Option(help="mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts://.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def add_commands(app: typer.Typer) -> None:
    """Registers the simulators' commands (entry point group `vigil.commands`)."""
    app.command("simulate", help=_SIMULATE_HELP)(simulate)
    app.command("import", help=_IMPORT_HELP)(import_)
    app.command("load", help=_LOAD_HELP)(load)
    app.command("score", help=SCORE_HELP)(score)


def simulate(  # noqa: PLR0917 - the options of a command line are given by name
    scenario: Annotated[str | None, typer.Option(help="Name of a scenario; --list names them.")] = None,
    recording: Annotated[Path | None, typer.Option(help="Recording (NDJSON) to play instead of a scenario.")] = None,
    beds: Annotated[int | None, typer.Option(min=1, max=1000, help="Beds; default: the scenario's.")] = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second, above 0.")] = 1.0,
    seed: _Seed = 1,
    broker: _Broker = DEFAULT_BROKER,
    mqtt: Annotated[MqttVersion, typer.Option(help="MQTT version.")] = MqttVersion.V5,
    unit: Annotated[str, typer.Option(help="Unit (ward) in the topics.")] = "icu",
    duration: Annotated[float | None, typer.Option(min=0.001, help="End after so many simulated seconds.")] = None,
    devices_connect: Annotated[
        bool | None, typer.Option(help="A connection and last will per device; default: for up to 384 devices.")
    ] = None,
    admit: Annotated[str | None, typer.Option(help="Service (http://HOST:PORT) to admit the patients at.")] = None,
    api: Annotated[str | None, typer.Option(help="Service to send a recording's commands to.")] = None,
    fresh_boots: Annotated[
        bool, typer.Option(help="New boot ids, for a gateway that has had this recording before.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a recording (NDJSON, also .gz) here, without a broker.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write the truth of the run here.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="With --out: labels for vigil backtest beside.")] = False,
    obeys_permit: Annotated[
        bool, typer.Option("--obeys-permit/--ignores-permit", help="Pumps start under Vigil's permit alone.")
    ] = True,
    list_: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    json: _Json = False,
) -> None:
    """Runs simulated devices or plays a recording."""
    if list_:
        _print_scenarios(as_json=json)
        return
    _require((scenario is None) != (recording is None), "give either --scenario or --recording")
    _require(speed > 0, "--speed must be above 0")
    _require(is_level(unit), "--unit must be 1 to 32 of A-Z a-z 0-9 _ -")
    run = _Run(
        options=SessionOptions(
            broker=_usable(BrokerUrl.parse, broker),
            version=mqtt,
            client_prefix=f"sim-{secrets.token_hex(3)}",
            device_connections=devices_connect,
        ),
        speed=speed,
        duration_s=duration,
    )
    if recording is not None:
        _require(recording.is_file(), f"no such file: {recording}")
        service = None if api is None else _usable(Service, api)
        result = asyncio.run(_play_recording(run, recording, service, fresh_boots=fresh_boots))
    else:
        desk = None if admit is None else _usable(Service, admit)
        chosen = _usable(load_scenario, scenario or "")
        plan = _WardPlan(chosen, beds or chosen.beds, unit, seed)
        _require(out is not None or not labels, "--labels goes with --out")
        if out is not None:
            result = _write_run(plan, run.duration_s or chosen.duration_s, out, truth, labels=labels)
        elif chosen.is_course:
            result = asyncio.run(_run_course(run, plan, desk, truth, obeys=obeys_permit))
        else:
            _require(truth is None, "--truth of a ward goes with --out")
            result = asyncio.run(_run_ward(run, plan, desk))
    _print_result(result, as_json=json)
    raise typer.Exit(1 if result["failures"] else 0)


def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="mimic-csv, bidmc or wfdb.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File or folder to read.")],
    out: Annotated[Path, typer.Option(help="FILE.ndjson, or a folder for one file per stay.")],
    stay: Annotated[list[str] | None, typer.Option(help="Only this stay; may be given again.")] = None,
    vitals_kind: Annotated[str, typer.Option(help="mimic-csv: chart (written down by a person) or monitor.")] = "chart",
    json: _Json = False,
) -> None:
    """Turns public recordings into recordings of the contract."""
    _require(format_ in FORMATS, f"FORMAT must be one of {', '.join(FORMATS)}, not {format_!r}")
    _require(vitals_kind in {"chart", "monitor"}, "--vitals-kind must be chart or monitor")
    request = ImportRequest(path=path, stays=stay or None, vitals_kind=vitals_kind)
    try:
        recordings, report = FORMATS[format_](request)
        write = write_one_file if {".ndjson", ".gz"} & set(out.suffixes) else write_file_per_stay
        write(recordings, out)
    except (TableError, OSError) as error:
        _say(str(error))
        raise typer.Exit(1) from None
    _print_import(report, len(recordings), out, as_json=json)


def load(  # noqa: PLR0917 - the options of a command line are given by name
    beds: Annotated[int, typer.Option(min=1, help="Simulated beds, one monitor each.")],
    rate: Annotated[float, typer.Option(help="Messages per bed and second, above 0.")] = 1.0,
    duration: Annotated[float, typer.Option(help="Seconds, above 0.")] = 10.0,
    broker: _Broker = DEFAULT_BROKER,
    connections: Annotated[int, typer.Option(min=1, help="MQTT connections.")] = 4,
    window: Annotated[int, typer.Option(min=1, max=60000, help="Messages in flight per connection.")] = 2000,
    unit: Annotated[str, typer.Option(help="Unit in the topics.")] = "load",
    seed: _Seed = 1,
    stamp: Annotated[str, typer.Option(help="`time` in messages: send (when it is sent) or schedule.")] = "send",
) -> None:
    """Measures a broker, or a gateway behind it, under load."""
    _require(is_level(unit), "--unit must be 1 to 32 of A-Z a-z 0-9 _ -")
    _require(stamp in {"send", "schedule"}, "--stamp must be send or schedule")
    try:
        plan = LoadPlan(
            broker=_usable(BrokerUrl.parse, broker),
            beds=beds,
            rate_hz=rate,
            duration_s=duration,
            connections=connections,
            window=window,
            unit=unit,
            seed=seed,
            stamps_sending=stamp == "send",
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with _progress() as show:
        try:
            report = run_load(plan, on_second=lambda sent, acked: show(lambda: f"{sent} sent, {acked} acknowledged"))
        except (LoadFailedError, OSError) as error:
            _say(str(error))
            raise typer.Exit(1) from None
    _print_json(asdict(report))
    raise typer.Exit(0 if report.acknowledged == report.offered else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What the two kinds of `simulate` have in common."""

    options: SessionOptions
    speed: float
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class _WardPlan:
    scenario: Scenario
    beds: int
    unit: str
    seed: int


_Result = dict[str, object]
"""What a run came to; `failures` lists what makes it exit with 1."""


async def _run_ward(run: _Run, plan: _WardPlan, desk: Service | None) -> _Result:
    clock = SimulatedClock(speed=run.speed)
    admissions = AdmissionCounts()
    async with asyncio.TaskGroup() as tasks:
        session = Session(run.options, clock, _say, tasks)

        async def play() -> None:
            await session.agree_on_time()
            start_ms = clock.now_ms()
            ward = Ward(plan.scenario, beds=plan.beds, unit=plan.unit, seed=plan.seed, start_ms=start_ms)
            until_ms = None if run.duration_s is None else start_ms + round(run.duration_s * 1000)
            with _progress() as show:
                playing = play_ward(session, ward, until_ms=until_ms, progress=lambda: show(lambda: _standing(session)))
                if desk is None:
                    await playing
                else:
                    await asyncio.gather(playing, admit_all(desk, ward.beds, admissions, _say))

        await _until_stopped(play())
        await session.close()
    result: _Result = {"scenario": plan.scenario.name, "beds": plan.beds, "unit": plan.unit, "seed": plan.seed}
    result |= {"speed": clock.speed, "heartbeat_heard": session.gateway_time.is_heard}
    if desk is not None:
        result["admissions"] = asdict(admissions)
    return result | _delivery(session.counts, [f"{admissions.failed} admissions"] if admissions.failed else [])


def _write_run(plan: _WardPlan, duration_s: float, out: Path, truth: Path | None, *, labels: bool) -> _Result:
    began_s = monotonic_s()
    for path in (out, *([truth] if truth is not None else [])):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _progress() as show:
            entries, found = record(
                plan.scenario, beds=plan.beds, unit=plan.unit, seed=plan.seed, duration_s=duration_s, out=out,
                truth=truth, progress=lambda count: show(lambda: f"{count} entries"),
            )  # fmt: skip
        if labels:
            write_labels(found, out)
    except OSError as error:
        _say(str(error))
        raise typer.Exit(1) from None
    result: _Result = {"scenario": plan.scenario.name, "beds": plan.beds, "seed": plan.seed, "simulated_s": duration_s}
    musts = sum(each.verdict.value == "must" for each in found.expected)
    result |= {"entries": entries, "musts": musts, "decisions": len(found.decisions)}
    return result | {"took_s": round(monotonic_s() - began_s, 2), "out": out.name, "failures": []}


async def _run_course(run: _Run, plan: _WardPlan, desk: Service | None, truth: Path | None, *, obeys: bool) -> _Result:
    clock = SimulatedClock(speed=run.speed)
    _say(" ".join(plan.scenario.description.split()))
    async with asyncio.TaskGroup() as tasks:
        session = Session(run.options, clock, _say, tasks)
        await session.agree_on_time()
        # In a thread: the days before the run are lived through meanwhile, and the heartbeats are not to wait for it.
        stage = await asyncio.to_thread(
            lambda: Stage(
                plan.scenario,
                beds=plan.beds,
                unit=plan.unit,
                seed=plan.seed,
                start_ms=clock.now_ms(),
                outage=OutageStyle.SILENT,
            )
        )
        live = LiveRun(session, stage, desk, _say, obeys=obeys and desk is not None)
        with _progress() as show:
            await _until_stopped(live.play(run.duration_s, progress=lambda: show(lambda: _standing(session))))
        await session.close()
    if truth is not None:
        write_truth(stage.truth(), truth)
    failed = [f"{number} {what}" for what, number in live.counts.failed.items()] if desk is not None else []
    result: _Result = {"scenario": plan.scenario.name, "beds": plan.beds, "unit": plan.unit, "seed": plan.seed}
    result |= {"speed": clock.speed, "heartbeat_heard": session.gateway_time.is_heard, "asked": live.counts.done}
    result["behind_s"] = round(live.behind_s, 2)
    return result | _delivery(session.counts, failed)


async def _play_recording(run: _Run, path: Path, service: Service | None, *, fresh_boots: bool) -> _Result:
    clock = SimulatedClock(speed=run.speed)
    failures: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        session = Session(run.options, clock, _say, tasks)
        sender = session.plain_sender(_PLAYBACK_WINDOW)
        playback = Playback(sender, clock, service=service, fresh_boots=fresh_boots, notice=_say)
        session.gateway_time.on_step = playback.shift

        async def play() -> None:
            await session.agree_on_time()
            with _progress() as show:
                await playback.play(path, for_s=run.duration_s, progress=lambda: show(lambda: _standing(session)))

        try:
            await _until_stopped(play())
        except (RecordingError, OSError) as error:
            failures.append(f"{path.name}: {error}")
        await session.close()
    counts = playback.counts
    failures += [f"{number} {what}" for what, number in counts.not_sent.items() if what.endswith(REFUSED)]
    result: _Result = {"recording": path.name, "speed": clock.speed, "heartbeat_heard": session.gateway_time.is_heard}
    result |= {"entries": counts.entries, "commands": counts.commands, "not_sent": dict(counts.not_sent)}
    return result | _delivery(session.counts, failures)


def _delivery(counts: PublisherCounts, failures: list[str]) -> _Result:
    """The counts of a run, and in `failures` what of them is a finding."""
    found = {
        "not acknowledged": counts.outstanding,
        "refused by the broker": counts.refused,
        "dropped because the store was full": counts.overflowed,
    }
    failures = failures + [f"{number} messages {what}" for what, number in found.items() if number]
    if counts.unheard:
        _say(f"{counts.unheard} messages were acknowledged by a broker at which nobody listens: no gateway has them")
    return {"messages": {**asdict(counts), "outstanding": counts.outstanding}, "failures": failures}


async def _until_stopped(work: Awaitable[None]) -> None:
    """Runs `work` until it ends or a person or a supervisor wants it to."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        working.cancel()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _standing(session: Session) -> str:
    counts = session.counts
    return (
        f"{counts.offered} messages, {counts.outstanding} not yet acknowledged, {session.connected} connections, "
        f"speed {session.clock.speed:g}"
    )


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Callable[[], str]], None]]:
    """Shows one line that changes a few times a second; nothing when standard error is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("…") as status:
        shown_s = monotonic_s()

        def show(line: Callable[[], str]) -> None:
            nonlocal shown_s
            if (now_s := monotonic_s()) - shown_s >= _PROGRESS_EVERY_S:
                shown_s = now_s
                status.update(line())

        yield show


def _print_scenarios(*, as_json: bool) -> None:
    scenarios = [load_scenario(name) for name in scenario_names()]
    if as_json:
        fields = ("name", "title", "description", "beds")
        _print_json([{field: getattr(scenario, field) for field in fields} for scenario in scenarios])
        return
    for scenario in scenarios:
        typer.echo(f"{scenario.name:20} {scenario.title}, {scenario.beds} {'bed' if scenario.beds == 1 else 'beds'}")
        typer.echo(textwrap.fill(scenario.description, 96, initial_indent=" " * 4, subsequent_indent=" " * 4))


def _print_result(result: _Result, *, as_json: bool) -> None:
    if as_json:
        _print_json(result)
    else:
        typer.echo(_in_words(result))
    failures = result["failures"]
    for failure in failures if isinstance(failures, list) else []:
        _say(failure)


def _in_words(result: _Result) -> str:
    lines = []
    for key, value in result.items():
        if key != "failures":
            pairs = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else value
            lines.append(f"{key}: {pairs if pairs != '' else 'none'}")
    return "\n".join(lines)


def _print_import(report: ImportReport, recordings: int, out: Path, *, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "out": str(out),
                "recordings": recordings,
                "messages": report.messages,
                "commands": report.commands,
                "rows": report.rows,
                "mapped": report.mapped,
                "not_mapped": [
                    {"table": table, "category": category, "reason": reason, "rows": rows}
                    for (table, category, reason), rows in sorted(report.not_mapped.items())
                ],
                "foreign_units": [
                    {"category": category, "unit": unit, "values": values}
                    for (category, unit), values in sorted(report.foreign_units.items())
                ],
                "notes": report.notes,
            }
        )
        return
    _print_table(report)
    typer.echo(f"{recordings} recordings, {report.messages} messages and {report.commands} commands in {out}")
    for note in report.notes:
        _say(note)


def _print_table(report: ImportReport) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("table", "category", "rows", "what became of them"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for name in report.rows:
        table.add_row(name, "", str(report.rows[name]), "read")
        table.add_row(name, "", str(report.mapped[name]), "in messages")
        for (of, category, reason), rows in sorted(report.not_mapped.items()):
            if of == name:
                table.add_row(name, category, str(rows), f"not mapped: {reason}")
    for (category, unit), values in sorted(report.foreign_units.items()):
        table.add_row("", category, str(values), f"sent in {unit}, which the gateway rejects with a reason")
    Console(width=140).print(table)


def _print_json(result: object) -> None:
    typer.echo(orjson.dumps(result).decode())


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _require(condition: bool, complaint: str) -> None:
    """Wrong usage, exit status 2, unless the condition holds."""
    if not condition:
        raise typer.BadParameter(complaint)


def _usable(parse: Callable[[str], _T], text: str) -> _T:
    """An option's value parsed; wrong usage when it cannot be."""
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
