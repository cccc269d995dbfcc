"""Accounts on a real gateway: made on the command line while it runs, kept over a restart, ended at once when removed;
and its journal and audit name who acted."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.support.gateway_process import GatewayProcess, run_vigil, wait_until
from tests.support.signing_in import PASSWORD

ADMISSION = {"patient_id": "p", "unit": "icu", "bed": "b01", "dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
NO_BROKER = "mqtt://127.0.0.1:9"


def vigil(gateway: GatewayProcess, *arguments: str) -> str:
    done = run_vigil("access", *arguments, "--data", gateway.data_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def browser_on(gateway: GatewayProcess, cookies: httpx.Cookies | None = None) -> httpx.Client:
    return httpx.Client(base_url=f"{gateway.url}/api/v1", cookies=cookies, headers={"Origin": gateway.url}, timeout=30)


def sign_in(browser: httpx.Client) -> int:
    return browser.post("/session", json={"name": "M. Rossi", "password": PASSWORD}).status_code


def closing_code(display: Connection) -> int | None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            display.recv(timeout=10)
    return display.close_code


@pytest.mark.slow
def test_accounts_are_made_kept_over_a_restart_and_ended_beside_a_running_gateway(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    with GatewayProcess(tmp_path / "data", NO_BROKER, environ={"VIGIL_ACCESS": "accounts"}) as gateway:
        gateway.start()
        gateway.await_serving()
        assert "nobody can sign in" in gateway.log
        with browser_on(gateway) as browser:
            assert browser.get("/admissions").status_code == 401
            assert sign_in(browser) == 401

            vigil(gateway, "add", "M. Rossi", "--role", "nurse", "--password-file", str(password))
            token = vigil(gateway, "token", "auditor", "--role", "engineer")
            wait_until(lambda: sign_in(browser) in (200, 429), "the gateway notices the account", within_s=20)
            wait_until(lambda: sign_in(browser) == 200, "the wait is over", within_s=20)
            assert browser.post("/admissions", json=ADMISSION, headers={"X-Vigil-Actor": "x"}).status_code == 201
            cookies = browser.cookies
        assert PASSWORD not in gateway.log

        gateway.terminate()
        gateway.start()
        gateway.await_serving()

        with browser_on(gateway, cookies) as browser:
            assert len(browser.get("/admissions").json()["items"]) == 1, "the wall is not darkened"
            stay = browser.get("/admissions").json()["items"][0]["admission_id"]
            asked = browser.post(f"/admissions/{stay}/discharge", json={})
            assert (asked.status_code, asked.json()["reason"]) == (401, "sign_in_again")
            assert sign_in(browser) == 200
            bearer = {"Authorization": f"Bearer {token}"}
            audit = browser.get("/audit", headers=bearer).json()["items"]
            assert [each["actor"] for each in audit if each["command"] == "admit"] == ["M. Rossi"]

            url = f"{gateway.url.replace('http', 'ws', 1)}/api/v1/feed"
            cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
            with connect(url, additional_headers={"Cookie": cookie}) as display:
                assert '"snapshot"' in str(display.recv(timeout=10))
                vigil(gateway, "remove", "M. Rossi")
                assert closing_code(display) == 1008
            assert browser.get("/admissions").status_code == 401
