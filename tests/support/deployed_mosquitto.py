"""The production broker of deploy/mosquitto on a loopback port: its own files, with only the places in them changed.

What differs from production: the folders, the port and the address, the certificates (made for the run) and, as root,
the user that mosquitto runs as.
"""

from __future__ import annotations

import getpass
import os
import shutil
import ssl
import subprocess
from pathlib import Path

from tests.support.mosquitto import free_port
from tests.support.sources import REPOSITORY

DEPLOYED = REPOSITORY / "deploy" / "mosquitto"
PASSWORD = "correct horse"

_PARTS = ("limits.conf", "access.conf", "listeners.conf")


class DeployedMosquitto:
    """A folder laid out as deploy/README.md says, and the command that starts the broker in it."""

    def __init__(self, folder: Path, users: tuple[str, ...]) -> None:
        self.port = free_port()
        self._folder = folder
        for part in ("conf.d", "certs", "kept"):
            (folder / part).mkdir()
        for part in _PARTS:
            (folder / "conf.d" / part).write_text(self._moved((DEPLOYED / part).read_text()))
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(self._moved((DEPLOYED / "mosquitto.conf").read_text()) + _user())
        shutil.copy(DEPLOYED / "acl", folder)
        (folder / "acl").chmod(0o600)
        _make_certificates(folder / "certs")
        self._make_passwords(users)

    @property
    def command(self) -> list[str]:
        """Starts the broker in the foreground; it logs to standard error."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        assert program is not None
        return [program, "-c", str(self._configuration)]

    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust this broker."""
        return ssl.create_default_context(cafile=str(self._folder / "certs" / "ca.pem"))

    def without(self, setting: str) -> None:
        """Takes one setting out, for a control that shows what it is for."""
        for part in (self._folder / "conf.d").iterdir():
            lines = part.read_text().splitlines()
            part.write_text("\n".join(line for line in lines if not line.startswith(setting)) + "\n")

    def _moved(self, text: str) -> str:
        moved = text.replace("/etc/mosquitto", str(self._folder)).replace(
            "/var/lib/mosquitto", str(self._folder / "kept")
        )
        return moved.replace("listener 8883", f"listener {self.port} 127.0.0.1")

    def _make_passwords(self, users: tuple[str, ...]) -> None:
        passwords = self._folder / "passwd"
        passwords.touch(mode=0o600)
        for user in users:
            _run("mosquitto_passwd", "-b", str(passwords), user, PASSWORD)


def _make_certificates(folder: Path) -> None:
    ca, ca_key, broker, key = (
        str(folder / name) for name in ("ca.pem", "ca.key", "broker.pem", "broker.key")
    )  # fmt: skip
    new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    _run(*new, "-keyout", ca_key, "-out", ca, "-subj", "/CN=test authority")
    _run(
        *new, "-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", broker, "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip


def _user() -> str:
    return f"\nuser {getpass.getuser()}\n" if os.geteuid() == 0 else "\n"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
