"""A small HTTP server that speaks as much of the InfluxDB v2 write API as an exporter needs, and refuses by rule.

VictoriaMetrics takes nearly everything; InfluxDB is not installed here. So what the exporter does with 4xx and 5xx is
tested against this: a real server, on a real socket, that keeps what it takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Rule = Callable[[list[str]], int]
"""Lines of a write to the status of its answer; 204 takes them all."""


class RefusingServer:
    """Takes lines or refuses them; `rule` may be exchanged while it runs."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.taken: list[str] = []
        """Lines taken, in order."""
        self.answers: list[tuple[int, int]] = []
        """(lines, status) of each write."""
        self.paths: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answerer())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, lines: list[str]) -> int:
        """Judges a write."""
        status = self.rule(lines)
        self.paths.add(path)
        self.answers.append((len(lines), status))
        if status == 204:
            self.taken += lines
        return status

    def _answerer(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Answerer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = outer.answer(self.path, body.split("\n"))
                text = b"" if status == 204 else b'{"message":"refused by rule"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class says so
                """Says nothing."""

        return Answerer
