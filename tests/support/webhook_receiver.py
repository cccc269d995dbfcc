"""A receiver of notifications: remembers every request as it came, and answers as the test wants; and its settings.

`verify` checks a signature from the documentation alone: it shares no code with the product.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "correct horse battery staple"
LOOPBACK = '["127.0.0.0/8"]'
"""Networks that a receiver may be in, as the settings write them."""
_RECEIVER = """
[[receiver]]
id = "{name}"
url = "{url}"
secret_file = "{secret}"
allow_http = true
allow_networks = {networks}
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One POST."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.raw)
        return loaded

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]

    @property
    def phase(self) -> str:
        return str(self.body["phase"])


@dataclass(slots=True)
class WebhookReceiver:
    """Where it is, and what came."""

    port: int
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], int] = lambda _: 204
    """From a request to the status it is answered with."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer_body: bytes = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/vigil"

    @property
    def keys(self) -> list[str]:
        return [request.key for request in self.requests]


class _QuietServer(ThreadingHTTPServer):
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked has gone before the answer was read: that is theirs to do."""


@contextmanager
def webhook_receiver(port: int = 0) -> Iterator[WebhookReceiver]:
    """Serves on a loopback port for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers.items()), raw)
            receiver.requests.append(request)
            try:
                self.send_response(receiver.answer(request))
                for name, value in receiver.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.answer_body)))
                self.end_headers()
                self.wfile.write(receiver.answer_body)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
            """Says nothing."""

    server = _QuietServer(("127.0.0.1", port), Handler)
    receiver = WebhookReceiver(server.server_port)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def write_settings(folder: Path, url: str, names: Iterable[str], chains: str, *, networks: str = LOOPBACK) -> Path:
    """A settings file in which all receivers are at one address and share `SECRET`.

    Args:
        folder: Where the file goes, with the secret's beside it.
        url: The address.
        names: Ids of the receivers.
        chains: The `[[chain]]` tables.
        networks: Which private networks they may be in.
    """
    secret, settings = folder / "secret", folder / "vigil.toml"
    secret.write_text(SECRET + "\n")
    receivers = [_RECEIVER.format(name=name, url=url, secret=secret, networks=networks) for name in names]
    settings.write_text("".join(receivers) + chains)
    return settings


def verify(request: Request, secret: str = SECRET) -> bool:
    """Whether a request is signed with the secret, as docs/notifications.md says."""
    parts = dict(part.split("=", 1) for part in request.headers["Vigil-Signature"].split(","))
    wanted = hmac.new(secret.encode(), parts["t"].encode() + b"." + request.raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, parts["v1"])
