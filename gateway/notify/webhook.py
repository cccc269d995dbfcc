"""The door to receivers over HTTP: the only module that knows aiohttp. One POST, bounded in every way.

Invariants
- Only `https`, or `http` where the receiver's settings allow it. No redirect is followed, no proxy or cookie used.
- Only addresses of the public internet, and of the networks that the receiver's settings name. They are judged after
  the name is resolved, and the connection goes to the judged address: a name that answers otherwise the second time
  gains nothing. One refused address among several refuses all.
- An answer counts by its status alone; its body is not read.
- Body and time are signed: HMAC-SHA256 with the receiver's secret over `{t}.{body}`, sent as
  `Vigil-Signature: t={seconds},v1={hex}`; the idempotency key goes along as `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

NAT64 = ip_network("64:ff9b::/96")
RETRYABLE = frozenset({408, 425, 429})
"""Client errors that pass by themselves; the others are for good."""
USER_AGENT = "vigil"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where notifications go, and what is allowed on the way."""

    id: str
    url: str
    secret: str
    allow_http: bool
    allow_networks: tuple[Network, ...]
    timeout_s: float
    tls: ssl.SSLContext | None = None
    """None: the system's certificates."""


class DeliveryFailed(Exception):  # noqa: N818 - named for what happened
    """The receiver did not take it. The message is for people and names no secret."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final
        """Whether trying again is pointless."""


class AddressRefused(OSError):  # noqa: N818 - named for what happened
    """The receiver's name leads to an address that its settings do not allow."""


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether a connection may go there: the public internet, or a network that is named.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged as itself.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_allowed(inner, networks)
    if any(address in network for network in networks):
        return True
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def why_refused(url: str, *, allow_http: bool, networks: Sequence[Network]) -> str:
    """What is wrong with a URL as it is written; empty for nothing. A name is judged only when it is resolved."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_http):
        return f"scheme must be https{' or http' if allow_http else ' (http only with allow_http)'}"
    if parts.username is not None or parts.password is not None:
        return "no user or password in a URL"
    if not parts.hostname or not parts.hostname.isascii():
        return "no host named in plain ASCII"
    try:
        address = ip_address(parts.hostname)
    except ValueError:
        return ""
    return "" if is_allowed(address, networks) else f"{address} is private: name its network in allow_networks"


def signature(secret: str, at_s: int, body: bytes) -> str:
    """The header that a receiver checks: time, and HMAC-SHA256 over `{time}.{body}`."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


class JudgingResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to an address which is not allowed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of a name.

        Raises:
            AddressRefused: One of them is not allowed.
            OSError: The name is not known.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results = []
        for found_family, _, protocol, _, where in found:
            text = str(where[0])
            if not is_allowed(ip_address(text.partition("%")[0]), self._networks):
                raise AddressRefused(f"{host} leads to {text}, which is private: name its network in allow_networks")
            results.append(
                ResolveResult(hostname=host, host=text, port=port, family=found_family, proto=protocol, flags=0)
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""


class WebhookDoor:
    """Speaks to one receiver; use with `async with`."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        receiver = self.receiver
        connector = aiohttp.TCPConnector(
            resolver=JudgingResolver(receiver.allow_networks),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=receiver.tls if receiver.tls is not None else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=receiver.timeout_s),
            auto_decompress=False,
            trust_env=False,
            max_line_size=8190,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, key: str, body: bytes, at_s: int) -> None:
        """Hand a notification over.

        Args:
            key: Says that it is the same one when it is sent again.
            body: JSON.
            at_s: Time of sending, seconds since 1970 UTC; signed too.

        Raises:
            DeliveryFailed: It was not taken.
        """
        receiver = self.receiver
        refused = why_refused(receiver.url, allow_http=receiver.allow_http, networks=receiver.allow_networks)
        if refused:
            raise DeliveryFailed(refused, is_final=True)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Vigil-Signature": signature(receiver.secret, at_s, body),
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
        }
        try:
            await self._post(receiver.url, body, headers)
        except AddressRefused as error:
            raise DeliveryFailed(str(error), is_final=True) from error
        except ValueError as error:  # of aiohttp, of the codec of names
            raise DeliveryFailed(f"no usable URL ({error})", is_final=True) from error
        except TimeoutError as error:
            raise DeliveryFailed(f"no answer within {receiver.timeout_s:g} s", is_final=False) from error
        except (aiohttp.ClientError, OSError) as error:
            cause = error.__cause__
            if isinstance(cause, AddressRefused):
                raise DeliveryFailed(str(cause), is_final=True) from error
            raise DeliveryFailed(f"not reached ({error})", is_final=False) from error

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        assert self._session is not None, "use `async with`"
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return
            if 300 <= answer.status < 400:
                raise DeliveryFailed(f"answered {answer.status}: redirects are not followed", is_final=True)
            is_final = 400 <= answer.status < 500 and answer.status not in RETRYABLE
            raise DeliveryFailed(f"answered {answer.status}", is_final=is_final)
