"""What the gateway finds wrong with itself is an alarm of the house, in the journal like any other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.gateway_process import GatewayProcess, JsonObject, assert_live_equals_replay, wait_until
from tests.support.mosquitto import start_mosquitto

SPEED = 20
"""The gateway watches in seconds of ours; its rules wait in its own."""
WANTS_MORE_DISK = {"VIGIL_WATCH_DISK_FREE_MB": "1000000"}


@contextmanager
def gateway_on(tmp_path: Path, environ: dict[str, str] | None = None) -> Iterator[GatewayProcess]:
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(
            tmp_path / "data", broker.url, options=["--speed", str(SPEED)], environ=environ or {}
        ) as gateway,
    ):
        gateway.start_and_wait()
        yield gateway


def of_the_service(gateway: GatewayProcess, part: str) -> JsonObject | None:
    return next((each for each in gateway.alarms(state="all") if each["rule_id"] == f"system.{part}"), None)


def test_a_disk_with_too_little_room_is_an_alarm_that_a_gateway_with_enough_ends(tmp_path: Path) -> None:
    with gateway_on(tmp_path, WANTS_MORE_DISK) as gateway:
        raised = wait_until(lambda: of_the_service(gateway, "disk_nearly_full"), "the alarm")
        assert_live_equals_replay(gateway)
        assert gateway.figure('vigil_part_unwell{part="disk_nearly_full"}') == 1
        gateway.kill()
        gateway._environ = {}  # the disk has room again, as it were
        gateway.start_and_wait()
        ended = gateway.await_alarm("system.disk_nearly_full", state="ended")

    assert (raised["kind"], raised["family"], raised["admission_id"]) == ("technical", "system", None)
    assert "MB" in raised["evidence"]["text"]
    assert raised["evidence"]["figures"]["free_mb"] > 0
    assert ended["alarm_id"] == raised["alarm_id"]


def test_a_gateway_that_stood_still_says_so_and_one_that_did_not_does_not(tmp_path: Path) -> None:
    with gateway_on(tmp_path) as gateway:
        wait_until(lambda: gateway.figure('vigil_part_unwell{part="engine_lag"}') == 0, "the gateway watches")
        before = of_the_service(gateway, "engine_lag")
        gateway.pause()
        stopped_s = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped_s > 4.0, "it stands still for four seconds")
        gateway.resume()
        told = wait_until(lambda: of_the_service(gateway, "engine_lag"), "the alarm")

    assert before is None
    assert "stood still for" in told["evidence"]["text"] or "behind" in told["evidence"]["text"]


def test_a_gateway_that_is_well_has_no_alarm_of_the_house(tmp_path: Path) -> None:
    """The control of both."""
    with gateway_on(tmp_path) as gateway:
        began = gateway.figure("vigil_journal_offset")
        wait_until(lambda: gateway.figure("vigil_journal_offset") > began + 20, "some time passes")

        assert [each["rule_id"] for each in gateway.alarms(state="all")] == []
