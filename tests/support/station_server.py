"""A small real server for the station page: files, feed and the HTTP answers it needs, under a test's control.

It speaks contract sections 3, 6 and 7 over real sockets. A test sets the beds, silences the feed, cuts it, or lets it
jump a number; the page cannot tell it from the gateway. It evaluates nothing and keeps nothing.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from tests.support.instants import rfc3339
from tests.support.ward_answers import doses, fluids, in_full, infusions
from tests.support.ward_history import history

__all__ = ["HOLD", "Json", "StationServer", "rfc3339"]

STATION = Path(__file__).parents[2] / "gateway" / "station" / "dist"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEARTBEAT_S = 1.0

Json = dict[str, Any]


@dataclass(kw_only=True)
class Acknowledged:
    """An acknowledgement the page has posted."""

    alarm_id: str
    actor: str | None
    note: str | None


@dataclass
class StationServer:
    """The server a test holds. Everything but `run` is called from the test's thread."""

    clock_speed: float = 1.0
    version: str = "v1"
    beds: dict[str, Json] = field(default_factory=dict)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    admitted: list[Json] = field(default_factory=list)
    posted: list[tuple[str, Json]] = field(default_factory=list)
    """Every other command of the page: what it was about (`observations`, `sign`, …) and its body."""
    session: Json | None = None
    """What GET /session says; None as of a gateway that knows no sessions. Signing in is always refused."""
    past: dict[str, list[Json]] = field(default_factory=dict)
    """Alarms that have ended, by the bed's key."""
    fluids: Json | None = None
    """The fluid chart of every bed; None takes it from the bed's history."""
    infusions: list[Json] | None = None
    """The pumps of every bed; None takes them from what the bed shows."""
    decision: Json = field(default_factory=lambda: dict(HOLD, evaluated_at=rfc3339(time.time())))
    resumed_after: list[int | None] = field(default_factory=list)
    """`after` of each connection of the feed, in order."""
    refuses_acknowledgements: bool = False
    house: list[Json] = field(default_factory=list)
    """Alarms of no patient."""
    trouble: Json | None = None
    """What every frame says of the gateway itself."""
    port: int = 0

    def __post_init__(self) -> None:
        self._n = 100
        self._deltas: list[tuple[int, str]] = []
        self._sockets: set[WebSocket] = set()
        self._connected = threading.Condition()
        self._beaten = threading.Condition()
        self._beats = 0
        self._is_silent = False
        self._refuses = False
        self._zero_s = time.time()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def now_s(self) -> float:
        """The server's clock: real time, or faster."""
        return self._zero_s + (time.time() - self._zero_s) * self.clock_speed

    # --- what a test commands ---

    def show(self, *beds: Json) -> None:
        """Replaces all beds and sends what changed."""
        self._call(self._show(beds))

    def put(self, *beds: Json) -> None:
        """Adds or replaces these beds only."""
        self._call(self._put(beds))

    def show_house(self, *alarms: Json) -> None:
        """Shows exactly these alarms of no patient."""
        self.house = list(alarms)
        self._call(self._delta([], [], house_alarms=self.house))

    def hush(self) -> None:
        """The feed says nothing any more, heartbeats included; sockets stay open, as behind a dead link."""
        self._is_silent = True

    def speak(self) -> None:
        """Ends `hush`."""
        self._is_silent = False

    def cut(self) -> None:
        """Closes every connection of the feed and accepts none until `mend`."""
        self._refuses = True
        self._call(self._close_all())

    def mend(self) -> None:
        """Ends `cut`."""
        self._refuses = False

    def skip(self, count: int) -> None:
        """Lets numbers pass without frames: the next frame shows a hole."""
        self._n += count
        self._deltas.clear()

    def wait_for_connections(self, count: int, within_s: float = 8.0) -> None:
        """Returns when the feed has been connected to so many times in all."""
        with self._connected:
            came = self._connected.wait_for(lambda: len(self.resumed_after) >= count, within_s)
        assert came, f"{len(self.resumed_after)} connections in {within_s} s, not {count}"

    def wait_for_heartbeats(self, count: int) -> None:
        """Returns when so many more heartbeats have been sent, a second apart."""
        with self._beaten:
            goal = self._beats + count
            assert self._beaten.wait_for(lambda: self._beats >= goal, count * HEARTBEAT_S + 5), (
                "the feed's heart stopped"
            )

    def send_raw(self, text: str) -> None:
        """Sends any text to every display."""
        self._call(self._send(text))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    # --- the feed ---

    def _frame(self, kind: str, **more: Any) -> str:
        service = {} if self.trouble is None else {"service": self.trouble}
        return json.dumps({"type": kind, "n": self._n, "at": rfc3339(self.now_s()), **service, **more})

    def _snapshot(self) -> str:
        return self._frame(
            "snapshot",
            version=self.version,
            clock_speed=self.clock_speed,
            beds=list(self.beds.values()),
            house_alarms=self.house,
        )

    async def _send(self, text: str) -> None:
        if self._is_silent:
            return
        for socket in list(self._sockets):
            try:
                await socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                self._sockets.discard(socket)

    async def _delta(self, beds: list[Json], removed: list[str], **more: Any) -> None:
        self._n += 1
        text = self._frame("delta", beds=beds, removed=removed, **more)
        self._deltas.append((self._n, text))
        await self._send(text)

    async def _put(self, beds: tuple[Json, ...]) -> None:
        self.beds.update({f"{bed['unit']}/{bed['bed']}": bed for bed in beds})
        await self._delta(list(beds), [])

    async def _show(self, beds: tuple[Json, ...]) -> None:
        removed = [key for key in self.beds if key not in {f"{bed['unit']}/{bed['bed']}" for bed in beds}]
        self.beds = {f"{bed['unit']}/{bed['bed']}": bed for bed in beds}
        await self._delta(list(beds), removed)

    async def _close_all(self) -> None:
        for socket in list(self._sockets):
            self._sockets.discard(socket)
            await socket.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await self._send(self._frame("heartbeat"))
            with self._beaten:
                self._beats += 1
                self._beaten.notify_all()

    async def _serve_feed(self, socket: WebSocket, after: int | None) -> None:
        if self._refuses:
            await socket.close()
            return
        await socket.accept()
        with self._connected:
            self.resumed_after.append(after)
            self._connected.notify_all()
        if not self._is_silent:
            await self._catch_up(socket, after)
        self._sockets.add(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            self._sockets.discard(socket)

    async def _catch_up(self, socket: WebSocket, after: int | None) -> None:
        missed = [text for n, text in self._deltas if after is not None and n > after]
        if after is None or after > self._n or len(missed) != self._n - after:
            await socket.send_text(self._snapshot())
            return
        for text in missed:
            await socket.send_text(text)
        await socket.send_text(self._frame("heartbeat"))

    # --- HTTP ---

    def _alarm(self, alarm_id: str) -> tuple[Json, Json] | None:
        for key, bed in self.beds.items():
            for alarm in [*bed["alarms"], *self.past.get(key, [])]:
                if alarm["alarm_id"] == alarm_id:
                    return bed, alarm
        return None

    async def _acknowledge(self, alarm_id: str, actor: str | None, note: str | None) -> Response:
        found = self._alarm(alarm_id)
        if self.refuses_acknowledgements or found is None:
            return JSONResponse({"title": "Already cleared", "detail": "the alarm has ended", "status": 409}, 409)
        bed, alarm = found
        self.acknowledged.append(Acknowledged(alarm_id=alarm_id, actor=actor, note=note))
        alarm["signal"] = "acknowledged"
        alarm["acknowledged"] = {"by": actor, "at": rfc3339(self.now_s()), "note": note}
        await self._delta([bed], [])
        return JSONResponse(alarm)

    def _admitted_bed(self, admission_id: str) -> Json | None:
        found = (bed for bed in self.beds.values() if (bed["admission"] or {}).get("admission_id") == admission_id)
        return next(found, None)

    async def _carry_out(self, admission_id: str, command: str, body: Json) -> Response:
        bed = self._admitted_bed(admission_id)
        if bed is None:
            return JSONResponse({"title": "No such admission"}, 404)
        self.posted.append((command, body))
        changed = {**bed}
        match command:
            case "audio-pause":
                until = rfc3339(self.now_s() + body["seconds"])
                changed["alarms"] = [{**alarm, "audio_paused_until": until} for alarm in bed["alarms"]]
            case "sign":
                self.decision = {**self.decision, "decision": body["decision"], "summary": "signed by a clinician"}
                changed["dosing"] = {**bed["dosing"], "decision": body["decision"], "summary": "signed by a clinician"}
            case "discharge":
                changed = {**bed, "admission": None, "dosing": None, "alarms": []}
            case "transfer":
                await self._put(({**bed, "admission": None, "dosing": None, "alarms": []},))
                changed = {**bed, **body}
        await self._put((changed,))
        return JSONResponse(body, 201)

    async def _admit(self, body: Json) -> Response:
        key = f"{body['unit']}/{body['bed']}"
        empty = {"unit": body["unit"], "bed": body["bed"], "signals": {}, "alarms": [], "devices": []}
        bed = self.beds.get(key, {**empty, "admission": None})
        if bed["admission"] is not None:
            return JSONResponse({"title": "Bed is taken", "status": 409}, 409)
        self.admitted.append(body)
        weights = {name: body[name] for name in ("baseline_weight_kg", "dosing_weight_kg")}
        person = {"patient_id": body["patient_id"], "name": body.get("name")}
        admission = {"admission_id": f"adm-{key}", **person, "admitted_at": rfc3339(self.now_s()), **weights}
        await self._put(({**bed, "admission": admission},))
        return JSONResponse({"admission_id": admission["admission_id"]}, 201)

    def app(self) -> FastAPI:
        """The routes."""
        app = FastAPI()

        @app.middleware("http")
        async def _secure(request: Request, call_next: Callable[[Request], Any]) -> Response:
            response: Response = await call_next(request)
            response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            response.headers["Cache-Control"] = "no-cache"
            return response

        @app.websocket("/api/v1/feed")
        async def _feed(socket: WebSocket, after: int | None = None) -> None:
            await self._serve_feed(socket, after)

        @app.post("/api/v1/alarms/{alarm_id}/acknowledge")
        async def _ack(alarm_id: str, request: Request) -> Response:
            note = (await request.json()).get("note")
            return await self._acknowledge(alarm_id, request.headers.get("X-Vigil-Actor"), note)

        @app.get("/api/v1/alarms")
        async def _alarms(admission_id: str | None = None) -> Json:
            beds = {
                key: bed
                for key, bed in self.beds.items()
                if admission_id in (None, (bed["admission"] or {}).get("admission_id"))
            }
            places = [
                ({"unit": bed["unit"], "bed": bed["bed"]}, alarm)
                for key, bed in beds.items()
                for alarm in [*bed["alarms"], *self.past.get(key, [])]
            ]
            latest_first = sorted(places, key=lambda each: str(each[1]["onset_at"]), reverse=True)
            return {"items": [{**alarm, **place} for place, alarm in latest_first], "next": None}

        @app.get("/api/v1/alarms/{alarm_id}")
        async def _one(alarm_id: str) -> Response:
            found = self._alarm(alarm_id)
            return (
                JSONResponse(in_full(found[1], found[0], self.now_s()))
                if found
                else JSONResponse({"title": "No such alarm"}, 404)
            )

        @app.post("/api/v1/admissions")
        async def _admissions(request: Request) -> Response:
            return await self._admit(await request.json())

        @app.post("/api/v1/admissions/{admission_id}/{command:path}")
        async def _command(admission_id: str, command: str, request: Request) -> Response:
            return await self._carry_out(admission_id, command.rsplit("/", maxsplit=1)[-1], await request.json())

        @app.get("/api/v1/admissions/{admission_id}/doses")
        async def _doses(admission_id: str) -> Json:
            bed = self._admitted_bed(admission_id)
            return {"items": doses(bed) if bed else [], "next": None}

        @app.get("/api/v1/admissions/{admission_id}/fluids")
        async def _fluids(admission_id: str) -> Json:
            bed = self._admitted_bed(admission_id)
            return self.fluids or (fluids(bed, self.now_s()) if bed else {"hours": [], "boluses": []})

        @app.get("/api/v1/admissions/{admission_id}/dose-decision")
        async def _decision(admission_id: str) -> Json:
            return self.decision

        @app.get("/api/v1/alarm-burden")
        async def _burden() -> Json:
            return alarm_burden(self.now_s())

        @app.get("/api/v1/session")
        async def _session() -> Response:
            return JSONResponse(self.session or {"title": "No such thing"}, 200 if self.session else 404)

        @app.post("/api/v1/session")
        async def _sign_in(request: Request) -> Response:
            body = await request.json()
            self.posted.append(("session", body))
            return JSONResponse({"title": "Not signed in", "detail": f"nobody is {body['name']}"}, 403)

        @app.get("/api/v1/profiles")
        async def _profiles() -> Json:
            return {"items": [{"id": "label-2024"}, {"id": "jitc-2014"}]}

        @app.get("/api/v1/admissions/{admission_id}/series")
        async def _series(admission_id: str, signal: str, request: Request) -> list[Json]:
            from_s, to_s = (datetime.fromisoformat(request.query_params[name]).timestamp() for name in ("from", "to"))
            bed = self._admitted_bed(admission_id)
            return history(bed, signal, from_s, to_s, self.now_s()) if bed else []

        @app.get("/api/v1/admissions/{admission_id}")
        async def _admission(admission_id: str) -> Response:
            found = self._admitted_bed(admission_id)
            if found is None:
                return JSONResponse({"title": "No such admission"}, 404)
            more = {
                "unit": found["unit"],
                "bed": found["bed"],
                "profile": "label-2024",
                "limits": {},
                "baseline": {"map": 88},
            }
            pumps = infusions(found) if self.infusions is None else self.infusions
            return JSONResponse({**found["admission"], **more, "bed": found["bed"], "infusions": pumps})

        app.mount("/", StaticFiles(directory=STATION, html=True))
        return app

    @contextmanager
    def run(self) -> Iterator[StationServer]:
        """Serves on a free port of the loopback until the end of the block."""
        quiet: Json = {"log_level": "error", "lifespan": "off"}
        server = uvicorn.Server(uvicorn.Config(self.app(), port=0, ws="websockets-sansio", **quiet))
        has_started = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            beats = asyncio.create_task(self._beat())
            serving = asyncio.create_task(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            self.port = server.servers[0].sockets[0].getsockname()[1]
            has_started.set()
            await serving
            beats.cancel()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="station-server")
        thread.start()
        assert has_started.wait(10), "the station server did not start"
        try:
            yield self
        finally:
            self._call(self._close_all())
            server.should_exit = True
            thread.join(timeout=10)


_NOW_S = time.time()
_CRITERION: Json = {
    "class": "hold", "since": rfc3339(_NOW_S - 3000), "at": rfc3339(_NOW_S - 20), "coverage": 0.98,
    "reference": "Proleukin label 2.4, Table 2", "resumable": False, "required": True, "verified": True,
}  # fmt: skip
_NAMES = ("id", "title", "state", "value", "unit", "limit", "source_signal", "resume")
_CRITERIA = [
    ("cardiovascular.rhythm", "rhythm", "clear", "sinus", "", None, "site:rhythm", "full recovery to sinus rhythm"),
    ("cardiovascular.sbp", "SBP", "met", 84, "mm[Hg]", 90, "sbp", "SBP ≥ 90 mmHg and pressor requirement stable"),
    ("respiratory.spo2", "SpO2", "clear", 97, "%", 90, "spo2", "SpO2 > 90 %"),
    ("renal.creatinine", "creatinine", "unknown", None, "mg/dL", 4.5, "creatinine", "creatinine below 4 mg/dL"),
]
HOLD: Json = {
    "decision": "hold", "computed": "hold", "summary": "SBP 84 mmHg below 90 since 09:58", "signature": None,
    "profile": {"id": "label-2024", "version": "1", "sha256": "0" * 64},
    "next_dose": {"number": 6, "due_at": rfc3339(_NOW_S + 6600), "gate": "T-120"},
    "criteria": [{**_CRITERION, **dict(zip(_NAMES, row, strict=True))} for row in _CRITERIA],
}  # fmt: skip
"""A hold for the pressure, one thing unknown, the rest clear."""


def alarm_burden(now_s: float) -> Json:
    """A day of a small ward."""
    return {
        "from": rfc3339(now_s - 86_400), "to": rfc3339(now_s), "unit": None, "bed_days": 12.0, "alarms": 60,
        "alarms_per_bed_day": 5.0, "acknowledged": 41, "seconds_to_acknowledge": {"median": 38.0, "p90": 140.0},
        "shorter_than_17_s": 0.1, "by_rule": [
            {"rule_id": "hypotension.map", "priority": "high", "alarms": 42, "per_bed_day": 3.5},
            {"rule_id": "weight_gain.above_5_pct", "priority": "low", "alarms": 18, "per_bed_day": 1.5},
        ],
    }  # fmt: skip
