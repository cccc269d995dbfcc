"""The gateway as a child process, as its supervisor sees it: started, killed, started again on the same data directory.

Everything is read from outside: HTTP while it runs, the commands `vigil journal export` and `vigil replay` for what it
kept. Waiting is polling of a real state, with a deadline; a child that ends while something is expected of it fails the
test with its log.

Whoever starts one ends it: use `with`.
"""

from __future__ import annotations

import csv
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import httpx
import orjson
import psutil
from websockets.sync.client import connect

from gateway.export import journal_entries
from storage.journal import JournalReader
from storage.ports import EntryKind
from tests.support.forked_vigil import ForkedVigil, keeping_compiled
from tests.support.sources import REPOSITORY

JsonObject = dict[str, Any]

DEADLINE_S = 60.0
"""For things that take seconds when nothing else runs on the machine."""
POLL_S = 0.02
MAIN = "gateway.cli:main"
VIGIL = (sys.executable, "-c", "from gateway.cli import main; main()")
"""The command `vigil`, without relying on where it is installed."""


def wait_until(is_so: Callable[[], Any], what: str, *, within_s: float = DEADLINE_S) -> Any:
    """Polls until the answer is true; returns it.

    Raises:
        AssertionError: it has not become so in time.
    """
    deadline_s = time.monotonic() + within_s
    while not (answer := is_so()):
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s: {what}"
        time.sleep(POLL_S)
    return answer


def run_vigil(
    *arguments: str | Path,
    within_s: float = DEADLINE_S,
    environ: Mapping[str, str] | None = None,
    installed: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Runs a command of `vigil` to its end, as a shell would; its output is text.

    Args:
        *arguments: the command line, without the program.
        within_s: how long it may take.
        environ: settings as environment variables.
        installed: start it as a command from the very beginning, and not forked (`tests.support.forked_vigil`).
    """
    words, environment = [*map(str, arguments)], _environment(environ or {})
    if installed:
        return subprocess.run(
            [*VIGIL, *words], cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=within_s, check=False,
        )  # fmt: skip
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = ForkedVigil(words, entry=MAIN, cwd=REPOSITORY, environ=environment, stdout=out, stderr=err)
        try:
            status = process.wait(within_s)
        finally:
            process.kill()
        return subprocess.CompletedProcess(["vigil", *words], status, out.read_text(), err.read_text())


class GatewayProcess:
    """One data directory, and the gateway that runs on it now."""

    def __init__(
        self,
        data_dir: Path,
        broker_url: str,
        *,
        options: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        entry: str = MAIN,
        installed: bool = False,
    ) -> None:
        """Prepares; `start` starts.

        Args:
            data_dir: what `--data` names; made if it is not there.
            broker_url: what `--broker` names.
            options: more for the command line.
            environ: settings as environment variables.
            entry: `module:function` of the command; a negative control replaces it.
            installed: start it as a command from the very beginning, and not forked (`tests.support.forked_vigil`).
        """
        self.data_dir = data_dir
        self.starts = 0
        self._arguments = ["gateway", "--broker", broker_url, "--data", str(data_dir), "--port", "0", *options]
        self._entry = entry
        self._installed = installed
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | ForkedVigil | None = None
        self._client: httpx.Client | None = None
        data_dir.mkdir(parents=True, exist_ok=True)
        self._log_path = data_dir.with_name(data_dir.name + ".log")

    def __enter__(self) -> GatewayProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    # --- life -----------------------------------------------------------------------------------------------------

    @property
    def process(self) -> subprocess.Popen[bytes] | ForkedVigil:
        assert self._process is not None, "the gateway has not been started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it has written to standard error since the first start."""
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def start(self) -> None:
        """Starts it; returns at once."""
        assert not self.is_running, "the gateway runs already"
        self._forget_process()
        self.starts += 1
        self._stdout_path.write_bytes(b"")
        self._process = self._new_process() if self._installed else self._forked()

    def start_and_wait(self) -> GatewayProcess:
        """Starts it and returns when it is ready."""
        self.start()
        return self.await_ready()

    def await_serving(self) -> None:
        """Returns when it has printed its address."""
        self._await(lambda: self._announced() is not None, "the gateway prints its address")

    def await_recovering(self) -> None:
        """Returns when it has the data directory for itself: from now on until it serves it reads the journal."""
        self._await(lambda: self._is_locked() or self._announced() is not None, "the gateway takes its data directory")

    def await_ready(self) -> GatewayProcess:
        """Returns when every part of it is ready, the connection to the broker included."""
        self.await_serving()
        self._await(lambda: self.readiness()[0] == 200, "the gateway is ready")
        return self

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL)."""
        if self.is_running:
            self.process.kill()
            self.process.wait()
        self._forget_process()

    def terminate(self, within_s: float = DEADLINE_S) -> int:
        """Ends it as a supervisor does (SIGTERM); returns its exit status."""
        self.process.terminate()
        status = self.process.wait(within_s)
        self._forget_process()
        return status

    def pause(self) -> None:
        """Stops it where it is (SIGSTOP), with its connections open."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def forbid_writing(self) -> None:
        """From now on every write to a file fails, as on a disk that is full; sockets and pipes are not touched."""
        _, hard = psutil.Process(self.process.pid).rlimit(psutil.RLIMIT_FSIZE)
        psutil.Process(self.process.pid).rlimit(psutil.RLIMIT_FSIZE, (0, hard))

    def allow_writing(self) -> None:
        """Takes `forbid_writing` back."""
        _, hard = psutil.Process(self.process.pid).rlimit(psutil.RLIMIT_FSIZE)
        psutil.Process(self.process.pid).rlimit(psutil.RLIMIT_FSIZE, (hard, hard))

    # --- HTTP -----------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it serves, without the closing slash."""
        announced = self._announced()
        assert announced is not None, "the gateway does not serve yet"
        return announced

    @property
    def url_or_none(self) -> str | None:
        """The same; None while it does not serve yet."""
        return self._announced()

    def get(self, path: str, **parameters: Any) -> JsonObject:
        """The answer to a GET below `/api/v1`, which must succeed."""
        answer = self._http().get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        body: JsonObject = answer.json()
        return body

    def status_of(self, path: str) -> int:
        """The status with which a GET below `/api/v1` is answered."""
        return self._http().get(f"/api/v1{path}").status_code

    def post(self, path: str, body: JsonObject | None = None) -> httpx.Response:
        """The answer to a POST below `/api/v1`."""
        return self._http().post(f"/api/v1{path}", json=body)

    def pages(self, path: str, **parameters: Any) -> list[JsonObject]:
        """Every row of a list, page by page."""
        rows: list[JsonObject] = []
        cursor: dict[str, Any] = {}
        while True:
            page = self.get(path, **parameters, **cursor)
            rows += page["items"]
            if page["next"] is None:
                return rows
            cursor = {"cursor": page["next"]}

    def readiness(self) -> tuple[int, JsonObject]:
        """Status and parts of `/health/ready`; (0, {}) where nobody answers."""
        try:
            answer = self._http().get("/health/ready")
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()["parts"]

    def readiness_or_none(self) -> int | None:
        """Status of `/health/ready`; None while it does not even say where it serves."""
        return None if self._announced() is None else self.readiness()[0]

    def await_part(self, name: str, *, ok: bool) -> None:
        """Returns when readiness says so of one part."""
        self._await(lambda: self.readiness()[1][name]["ok"] == ok, f"part {name} is {'' if ok else 'not '}ready")

    def export_csv(self, admission_id: str) -> list[dict[str, str]]:
        """The measured values of a stay."""
        answer = self._http().get(f"/api/v1/admissions/{admission_id}/export", params={"format": "csv"})
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(answer.text.splitlines()))

    def figure(self, name: str) -> float:
        """One unlabelled figure of `/metrics`."""
        text = self._http().get("/metrics").text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found is not None, f"no figure {name} in\n{text}"
        return float(found.group(1))

    def admit(self, unit: str, bed: str, patient_id: str | None = None, **fields: Any) -> str:
        """Admits a patient; returns the admission's id."""
        request = {
            "patient_id": patient_id or f"patient-{unit}-{bed}",
            "unit": unit,
            "bed": bed,
            "dosing_weight_kg": 80.0,
            "baseline_weight_kg": 80.0,
            "baseline": {"map": 85.0, "hr": 80.0},
        }
        answer = self.post("/admissions", request | fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["admission_id"])

    def ledger(self) -> JsonObject:
        """`total` and `devices`; that what came in is accounted for is checked on the way."""
        ledger = self.get("/ledger")
        for account in (ledger["total"], *ledger["devices"]):
            parts = sum(account.get(part, 0) for part in ("evaluated", "duplicate", "rejected", "pending"))
            assert account["received"] == parts, account
        return ledger

    def account(self, unit: str, bed: str, device: str) -> JsonObject | None:
        """One device's line of the ledger; None while it has sent nothing."""
        wanted = (unit, bed, device)
        lines = self.ledger()["devices"]
        return next((line for line in lines if (line["unit"], line["bed"], line["device"]) == wanted), None)

    def await_account(self, unit: str, bed: str, device: str, *, received: int = 1, evaluated: int = 0) -> JsonObject:
        """Returns the device's line of the ledger once it has that many messages.

        Received are repeats too: where there may be any, only `evaluated` says that everything has come.
        """

        def enough() -> JsonObject | None:
            account = self.account(unit, bed, device) or {"received": 0, "evaluated": 0}
            return account if account["received"] >= received and account["evaluated"] >= evaluated else None

        what = f"{received} messages of {unit}/{bed}/{device} arrive, {evaluated} of them new"
        account: JsonObject = self._await(enough, what)
        return account

    def await_total(self, **counts: int) -> None:
        """Returns when the ledger's totals are as given."""
        self._await(lambda: self.ledger()["total"].items() >= counts.items(), f"the ledger says {counts}")

    def feed_snapshot(self) -> JsonObject:
        """What a display gets first: every bed."""
        with connect(f"{self.url.replace('http', 'ws', 1)}/api/v1/feed") as display:
            snapshot: JsonObject = orjson.loads(display.recv(timeout=DEADLINE_S))
        return snapshot

    def alarms(self, **parameters: Any) -> list[JsonObject]:
        """The alarms, the latest first."""
        return self.pages("/alarms", **parameters)

    def await_alarm(self, rule_id: str, *, state: str = "active", within_s: float = DEADLINE_S) -> JsonObject:
        """Returns an alarm of a rule, once there is one in that state: `active`, or `ended`."""
        listed = "active" if state == "active" else "all"

        def found() -> JsonObject | None:
            alarms = (alarm for alarm in self.alarms(state=listed) if alarm["rule_id"] == rule_id)
            return next((alarm for alarm in alarms if (alarm["signal"] == "off") == (state == "ended")), None)

        alarm: JsonObject = self._await(found, f"an alarm {rule_id} is {state}", within_s=within_s)
        return alarm

    # --- below ----------------------------------------------------------------------------------------------------

    def _new_process(self) -> subprocess.Popen[bytes]:
        with self._log_path.open("ab") as log, self._stdout_path.open("wb") as out:
            return subprocess.Popen(
                [*VIGIL, *self._arguments],
                cwd=REPOSITORY,
                env=_environment(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )

    def _forked(self) -> ForkedVigil:
        return ForkedVigil(
            self._arguments,
            entry=self._entry,
            cwd=REPOSITORY,
            environ=_environment(self._environ),
            stdout=self._stdout_path,
            stderr=self._log_path,
        )

    @property
    def _stdout_path(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".out")

    def _announced(self) -> str | None:
        lines = self._stdout_path.read_text().split("\n")
        return lines[0].rstrip("/") if len(lines) > 1 else None

    def _is_locked(self) -> bool:
        try:
            with (self.data_dir / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def _http(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(base_url=self.url, timeout=30.0)
        return self._client

    def _await(self, is_so: Callable[[], Any], what: str, *, within_s: float = DEADLINE_S) -> Any:
        def is_so_or_ended() -> Any:
            assert self.is_running, f"the gateway ended ({self.process.returncode}) before {what}:\n{self.log[-5000:]}"
            return is_so()

        return wait_until(is_so_or_ended, what, within_s=within_s)

    def _forget_process(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a run decided: the last line of its replay, and every alarm's transitions by alarm id."""

    summary: JsonObject
    transitions: dict[str, list[JsonObject]]


_TRANSITION = ("n", "at", "alarm_id", "phase", "from", "to", "actor")


def live_outcomes(gateway: GatewayProcess) -> Outcomes:
    """What the records of a running gateway hold."""
    transitions = {}
    for alarm in gateway.alarms(state="all"):
        transitions[alarm["alarm_id"]] = gateway.get(f"/alarms/{alarm['alarm_id']}")["transitions"]
    return Outcomes(gateway.get("/outcomes/summary"), transitions)


def exported_journal(data_dir: Path) -> Path:
    """The journal as a recording, made by the command."""
    recording = data_dir.with_name(data_dir.name + ".ndjson")
    done = run_vigil("journal", "export", "--data", data_dir, "--out", recording)
    assert done.returncode == 0, done.stderr
    return recording


def replayed_lines(recording: Path) -> list[JsonObject]:
    """What `vigil replay` says of a recording."""
    replayed = run_vigil("replay", recording)
    assert replayed.returncode == 0, replayed.stderr
    return [orjson.loads(line) for line in replayed.stdout.splitlines()]


def replayed_outcomes(data_dir: Path) -> Outcomes:
    """The journal exported and replayed, both by the commands."""
    *told, last = replayed_lines(exported_journal(data_dir))
    transitions: dict[str, list[JsonObject]] = {}
    for line in told:
        if line["type"] == "alarm":
            transitions.setdefault(line["alarm_id"], []).append({name: line[name] for name in _TRANSITION})
    return Outcomes({key: value for key, value in last.items() if key != "type"}, transitions)


def assert_live_equals_replay(gateway: GatewayProcess, *, attempts: int = 5) -> Outcomes:
    """The records of the running gateway hold exactly what its journal, exported and replayed, comes to.

    Time passes in the gateway while the journal is replayed, and may bring a transition: then it is done again. The
    hash is over everything from the beginning, so a real difference never goes away.
    """
    for _ in range(attempts):
        live, offline = live_outcomes(gateway), replayed_outcomes(gateway.data_dir)
        if live == offline:
            break
    assert live.transitions == offline.transitions
    assert live.summary == offline.summary
    return offline


def assert_audit_is_whole(data_dir: Path) -> JsonObject:
    """The audit log is chained, meets its anchors, and is what the journal gives. The gateway may be running."""
    done = run_vigil("audit", "verify", "--against-journal", "--json", "--data", data_dir)
    report: JsonObject = orjson.loads(done.stdout)
    assert report["findings"] == []
    assert report["from_journal"] == report["entries"] > 0
    assert done.returncode == 0
    return report


def journaled_identities(data_dir: Path) -> list[tuple[str, str, int]]:
    """(device's topic, boot, seq) of every message in the journal that has an identity, in order, repeats included."""
    identities = []
    with closing(JournalReader(data_dir / "journal.db")) as journal:
        for entry in journal_entries(journal.read):
            place, _, channel = entry.name.rpartition("/")
            if entry.kind is EntryKind.MESSAGE and channel in {"obs", "event"}:
                body = orjson.loads(entry.payload)
                identities.append((place, body["boot"], body["seq"]))
    return identities


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our own environment without settings of Vigil's, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    return keeping_compiled(kept) | dict(settings)
