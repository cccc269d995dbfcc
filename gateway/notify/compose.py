"""Receivers and chains from the settings. Reads the secrets' files; whatever is wrong is said before anything runs."""

from __future__ import annotations

import ssl
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from gateway.notify.plan import Chain, ChainStep, NotificationPlan, Shift
from gateway.notify.webhook import Receiver, why_refused
from gateway.settings import Settings, SettingsError, read_secret
from gateway.settings.model import ChainSettings, ChainStepSettings, ReceiverSettings

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def receivers_of(settings: Settings) -> list[Receiver]:
    """Every receiver, with its secret.

    Raises:
        SettingsError: A secret or certificate cannot be read, or a URL names an address that is not allowed.
    """
    return [_receiver(each) for each in settings.receiver]


def plan_of(settings: Settings) -> NotificationPlan:
    """Who is told of what."""
    zone = ZoneInfo(settings.notify_timezone)
    return NotificationPlan(_chain(each, zone) for each in settings.chain)


def _receiver(said: ReceiverSettings) -> Receiver:
    networks = tuple(ip_network(text) for text in said.allow_networks)
    refused = why_refused(said.url, allow_http=said.allow_http, networks=networks)
    if refused:
        raise SettingsError([f"receiver {said.id}: {said.url}: {refused}"])
    return Receiver(
        id=said.id,
        url=said.url,
        secret=read_secret(f"receiver {said.id}: secret_file", said.secret_file),
        allow_http=said.allow_http,
        allow_networks=networks,
        timeout_s=said.timeout_s,
        tls=_trust(said),
    )


def _trust(said: ReceiverSettings) -> ssl.SSLContext | None:
    if said.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(said.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError([f"receiver {said.id}: ca_file: cannot read {said.ca_file}: {error}"]) from None


def _chain(said: ChainSettings, zone: ZoneInfo) -> Chain:
    return Chain(
        units=frozenset(said.units),
        priorities=frozenset(said.priorities),
        kinds=frozenset(said.kinds),
        families=frozenset(said.families),
        steps=tuple(_step(step, zone) for step in said.step),
    )


def _step(said: ChainStepSettings, zone: ZoneInfo) -> ChainStep:
    return ChainStep(receiver=said.receiver, level=said.level, delay_s=said.delay_s, shift=_shift(said, zone))


def _shift(said: ChainStepSettings, zone: ZoneInfo) -> Shift | None:
    if not said.days and said.between is None:
        return None
    begins, _, ends = (said.between or "00:00-00:00").partition("-")
    days = frozenset(DAYS.index(day) for day in said.days or DAYS)
    return Shift(days=days, from_min=_minute(begins), to_min=_minute(ends), zone=zone)


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
