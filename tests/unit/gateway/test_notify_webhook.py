"""One POST to a receiver: signed, bounded, and never to where it must not go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from gateway.notify.webhook import DeliveryFailed, JudgingResolver, Receiver, WebhookDoor, is_allowed, why_refused
from tests.support.mosquitto import free_port
from tests.support.webhook_receiver import SECRET, WebhookReceiver, verify, webhook_receiver

LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = b'{"id":"adm-1/1/nurse"}'


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as serving:
        yield serving


def to(url: str, **more: object) -> Receiver:
    made = Receiver(id="nurse", url=url, secret=SECRET, allow_http=True, allow_networks=LOOPBACK, timeout_s=5.0)
    return replace(made, **more)  # type: ignore[arg-type]


async def post(receiver: Receiver) -> None:
    async with WebhookDoor(receiver) as door:
        await door.post("adm-1/1/nurse", BODY, 1_795_428_000)


async def failure(receiver: Receiver) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as failed:
        await post(receiver)
    return failed.value


async def test_what_is_posted_arrives_as_it_is_with_key_and_signature(receiver: WebhookReceiver) -> None:
    await post(to(receiver.url))

    (request,) = receiver.requests
    assert (request.path, request.raw, request.key) == ("/vigil", BODY, "adm-1/1/nurse")
    assert verify(request)
    assert not verify(request, secret="another")
    assert not verify(replace(request, raw=BODY.replace(b"1", b"2")))


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(400, True), (401, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
async def test_a_refusal_is_final_unless_it_passes_by_itself(
    receiver: WebhookReceiver, status: int, is_final: bool
) -> None:
    receiver.answer = lambda _: status

    failed = await failure(to(receiver.url))

    assert failed.is_final == is_final
    assert str(status) in str(failed)


async def test_a_redirect_is_not_followed(receiver: WebhookReceiver) -> None:
    with webhook_receiver() as elsewhere:
        receiver.answer, receiver.answer_headers = (lambda _: 307), {"Location": elsewhere.url}

        failed = await failure(to(receiver.url))

        assert elsewhere.requests == []
    assert failed.is_final
    assert "redirects" in str(failed)


@pytest.mark.parametrize("status", [200, 202])
async def test_an_answer_counts_by_its_status_whatever_follows(receiver: WebhookReceiver, status: int) -> None:
    receiver.answer = lambda _: status
    receiver.answer_body = b"x" * 50_000_000

    await post(to(receiver.url))

    assert len(receiver.requests) == 1


async def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    failed = await failure(to(f"http://127.0.0.1:{free_port()}/vigil"))

    assert not failed.is_final


@contextmanager
def mute_server() -> Iterator[str]:
    """Accepts, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: held.append(listening.accept()[0]), daemon=True)
        accepting.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/vigil"
        accepting.join(5)
        for each in held:
            each.close()


async def test_a_receiver_that_says_nothing_is_given_so_long() -> None:
    with mute_server() as url:
        failed = await failure(to(url, timeout_s=0.3))

    assert not failed.is_final
    assert "no answer within 0.3 s" in str(failed)


# --- where it must not go ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "224.0.0.1",
        "[ff02::1]",
        "255.255.255.255",
        "①②⑦.0.0.1",
        "a..b",
        "x" * 300,
    ],
)
async def test_private_addresses_are_refused_however_they_are_written(receiver: WebhookReceiver, host: str) -> None:
    failed = await failure(to(f"http://{host}:{receiver.port}/vigil", allow_networks=()))

    assert receiver.requests == []
    assert failed.is_final
    assert any(word in str(failed) for word in ("private", "ASCII", "usable URL"))


async def test_an_address_that_is_allowed_is_not_refused(receiver: WebhookReceiver) -> None:
    """The control of the test above."""
    await post(to(f"http://localhost:{receiver.port}/vigil"))

    assert len(receiver.requests) == 1


async def test_a_name_with_one_private_address_among_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def both(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", both)  # no name of this machine has two

    with pytest.raises(OSError, match=r"10\.0\.0\.1, which is private"):
        await JudgingResolver(()).resolve("relay.example", 443)


async def test_a_name_is_resolved_once_for_judging_and_connecting(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def rebinding(_: object, host: str, port: int, **__: object) -> list[object]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", rebinding)  # an attacker's name server
    await post(to(f"http://relay.example:{receiver.port}/vigil"))

    assert asked == ["relay.example"]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://relay.example/", "https"),
        ("ftp://relay.example/", "https"),
        ("file:///etc/passwd", "https"),
        ("https://user:pw@relay.example/", "user or password"),
        ("https:///vigil", "no host"),
        ("https://10.1.2.3/", "allow_networks"),
        ("https://relay.example/", ""),
    ],
)
def test_a_url_is_refused_as_it_is_written(url: str, why: str) -> None:
    refused = why_refused(url, allow_http=False, networks=())

    assert why in refused
    assert bool(refused) == bool(why)


@pytest.mark.parametrize(
    ("address", "network", "allowed"),
    [
        ("8.8.8.8", None, True),
        ("2606:4700::1111", None, True),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("::ffff:10.2.2.3", "10.1.0.0/16", False),
    ],
)
def test_addresses_are_judged_by_what_they_are(address: str, network: str | None, allowed: bool) -> None:
    assert is_allowed(ip_address(address), () if network is None else (ip_network(network),)) == allowed
