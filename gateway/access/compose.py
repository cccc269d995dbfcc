"""The desk that the settings ask for, opened for as long as the gateway runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.access.desk import AccessDesk, Lives
from gateway.access.passwords import PasswordDesk
from gateway.access.proxy import ProxyDesk
from gateway.clock import GatewayClock
from gateway.settings import Settings, SettingsError, read_secret
from storage.access import FILE, AccessStore

log = logging.getLogger("vigil.access")


@asynccontextmanager
async def access_desk(settings: Settings) -> AsyncIterator[AccessDesk | ProxyDesk | None]:
    """Where people sign in; None where access is open.

    Raises:
        SettingsError: the proxy's secret cannot be read, or is none.
        StoreUnusable: the accounts cannot be opened.
    """
    if settings.access_proxy_secret_file is not None:
        yield _proxy_desk(settings)
    elif settings.access == "accounts":
        store = await asyncio.to_thread(AccessStore.open, settings.data_dir / FILE)
        passwords = await asyncio.to_thread(PasswordDesk)
        try:
            lives = Lives(act_idle_s=settings.access_act_idle_s, watch_s=settings.access_watch_s)
            desk = AccessDesk(store, passwords, GatewayClock().now_ms, lives)
            if desk.is_empty:
                log.warning("nobody can sign in: make the first account with `vigil access add`")
            yield desk
        finally:
            await asyncio.to_thread(passwords.close)
            await asyncio.to_thread(store.close)
    else:
        yield None


def _proxy_desk(settings: Settings) -> ProxyDesk:
    assert settings.access_proxy_secret_file is not None
    try:
        return ProxyDesk(read_secret("access_proxy_secret_file", settings.access_proxy_secret_file))
    except ValueError as error:
        problem = f"access_proxy_secret_file: {settings.access_proxy_secret_file}: {error}"
        raise SettingsError([problem]) from None
