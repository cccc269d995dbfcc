"""A service that remembers what was posted to it and answers as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answerer = Callable[[str, dict[str, Any]], tuple[int, Any]]
"""From path and body to status and JSON (or bytes, sent as they are)."""


@dataclass(slots=True)
class HttpStub:
    """Where it is and what came."""

    url: str
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    actors: list[str | None] = field(default_factory=list)
    """Who is named in each post's header."""


@contextmanager
def http_stub(answer: Answerer) -> Iterator[HttpStub]:
    """Serves on a free loopback port for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.posts.append((self.path, body))
            stub.actors.append(self.headers.get("X-Vigil-Actor"))
            status, content = answer(self.path, body)
            encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = HttpStub(url=f"http://127.0.0.1:{server.server_port}")
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
