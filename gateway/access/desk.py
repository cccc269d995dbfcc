"""The desk at which people sign in: who sits where, who may act there, and for how long.

Theory of operation. A session is a browser's. It has two lives. It *watches* for as long as its account may (hours; a
display on the wall for ever), and that is in the file, so that a restart of the gateway darkens no wall. At it somebody
*acts*: whoever signed in last, until `act_idle_s` have passed without an act; that is in memory only, so that after a
restart an act asks who is there. Whoever signs in at a session that goes on takes its place, under a new token; a
display's goes on watching as the display.

What is asked at each request is answered from a picture in memory. The picture is made anew after each change of our
own, and, at the latest `LOOK_S` after it, when `vigil access` has changed the file from outside.

Invariants. A session or token whose account was changed or removed since is none. Failed attempts cost time
(`gateway.access.throttle`). Names that nobody has, passwords and tokens are never logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from gateway.access.accounts import key_of, new_token, token_hash
from gateway.access.identity import Identity, Means
from gateway.access.passwords import PasswordDesk
from gateway.access.roles import Role
from gateway.access.throttle import ACCOUNT, ADDRESS, Throttle
from storage.access import AccessRows, AccessStore, AccessUnavailable, Account, Session

log = logging.getLogger("vigil.access")

LOOK_S = 0.5
KNOWN_MAX = 10_000
"""Pairs of account and address that are remembered as right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """How long people stay signed in."""

    act_idle_s: float = 600.0
    """Without an act, and who acts has to sign in again to act."""
    watch_s: float = 43_200.0
    """Of a person's session, for looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody has signed in."""

    token: str
    """The session's, for the browser alone."""
    identity: Identity
    watch_s: float | None
    """How long the session watches; None for a display's."""


class TooSoon(Exception):  # noqa: N818 - named for what it says
    """Attempts failed; the next one is heard after `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.0f} s")
        self.wait_s = wait_s


class WrongNameOrPassword(Exception):  # noqa: N818 - named for what it says
    """Which of the two, nobody is told."""


@dataclass(frozen=True, slots=True)
class _Seat:
    """Who acts at a session, in memory only."""

    account: str
    epoch: int
    acted_s: float


@dataclass(frozen=True, slots=True)
class _Picture:
    accounts: dict[str, Account] = field(default_factory=dict)
    programs: dict[bytes, Account] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: AccessRows) -> _Picture:
        return cls(
            {account.key: account for account in rows.accounts},
            {account.token_sha256: account for account in rows.accounts if account.token_sha256 is not None},
            {session.token_sha256: session for session in rows.sessions},
        )


class AccessDesk:
    """Signs people in and out, and says who a token is of. Lives on the event loop; `run` must run beside it."""

    def __init__(
        self,
        store: AccessStore,
        passwords: PasswordDesk,
        now_ms: Callable[[], int],
        lives: Lives | None = None,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        """A desk with the picture of now.

        Args:
            store: The accounts. Whoever opened it closes it.
            passwords: Compares them. The same.
            now_ms: Gateway clock: the ends of sessions and tokens are instants.
            lives: How long sessions last.
            now_s: Any clock that never steps: who acts, and who waits, are a matter of seconds passed.
        """
        self._store = store
        self._passwords = passwords
        self._now_ms = now_ms
        self._now_s = now_s
        self.lives = lives or Lives()
        self._reading = 0
        self._picture = _Picture()
        self._seats: dict[bytes, _Seat] = {}
        self._by_account = Throttle(ACCOUNT)
        self._by_address = Throttle(ADDRESS)
        self._by_pair = Throttle(ACCOUNT)
        self._known: dict[tuple[str, str], None] = {}
        """Where an account has signed in before: whoever types its name elsewhere keeps nobody waiting here."""
        self._changed = asyncio.Event()
        """Set, and replaced, when the picture is made anew."""
        self._take(store.rows())

    @property
    def is_empty(self) -> bool:
        """Whether nobody can sign in at all."""
        return not self._picture.accounts

    async def run(self) -> None:
        """Notice what `vigil access` changes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                rows = await asyncio.to_thread(self._store.rows_if_changed)
            except AccessUnavailable as error:
                log.error("accounts not read, those of before hold: %s", error)  # noqa: TRY400
                continue
            if rows is not None:
                self._take(rows)

    # --- who --------------------------------------------------------------------------------------------------------

    def who_has_session(self, token: str) -> Identity | None:
        """Who sits at the session of a token; None if there is none, or it is over."""
        return self._session_identity(token_hash(token))

    def who_has_token(self, token: str) -> Identity | None:
        """Which program has a token; None if none has, or not any more."""
        proof = token_hash(token)
        account = self._picture.programs.get(proof)
        if account is None or self._is_over(account.expires_ms):
            return None
        return Identity(name=account.name, role=Role(account.role), means=Means.TOKEN, proof=proof, epoch=account.epoch)

    def still_holds(self, identity: Identity) -> bool:
        """Whether what was proved then is true yet: no sign-out, no removal, no change of the account, no end."""
        if identity.means is Means.TOKEN:
            account = self._picture.programs.get(identity.proof)
            return account is not None and account.epoch == identity.epoch and not self._is_over(account.expires_ms)
        return self._session(identity.proof) is not None

    async def over(self, identity: Identity) -> None:
        """Return when it no longer holds, at the latest `LOOK_S` after."""
        while self.still_holds(identity):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._changed.wait()

    def note_act(self, identity: Identity) -> None:
        """Somebody acts: the time until they have to sign in again begins anew."""
        seat = self._seat(identity.proof)
        if identity.means is Means.SESSION and seat is not None:
            self._seats[identity.proof] = _Seat(seat.account, seat.epoch, self._now_s())

    # --- in and out -------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, address: str, session: str | None = None) -> SignedIn:
        """Let somebody act, and watch.

        Args:
            name: As typed.
            password: As typed.
            address: Where from.
            session: Token of the session at this browser, if it has one: who signs in takes its place.

        Raises:
            TooSoon: too many attempts failed.
            TooManyWaiting: too many people sign in at once.
            WrongNameOrPassword: or the account was changed meanwhile.
            AccessUnavailable: the session cannot be kept.
        """
        key, place = key_of(name), _place(address)
        account = self._picture.accounts.get(key)
        kept = account.password if account is not None else None
        shown = account.name if account is not None and kept is not None else None
        self._charge(key, place, shown)
        try:
            is_right = await self._passwords.is_right(password, kept)
        except BaseException:
            self._refund(key, place)
            raise
        if not is_right or account is None:
            log.warning("sign-in refused: name=%s address=%s", _quoted(shown), place)
            raise WrongNameOrPassword
        self._forgive(key, place)
        before = token_hash(session) if session else None
        signed_in = await self._seated(account, before)
        log.info("signed in: name=%s role=%s address=%s", _quoted(account.name), account.role, place)
        return signed_in

    async def sign_out(self, identity: Identity, *, is_wall_meant: bool = False) -> bool:
        """End a session, or, at a display, acting there: a wall is darkened only by who means it.

        Returns:
            Whether the session has ended.

        Raises:
            AccessUnavailable: it cannot be ended; nothing has changed.
        """
        session = self._session(identity.proof)
        is_wall = session is not None and self._picture.accounts[session.account].kind == "display"
        if is_wall and not is_wall_meant:
            if self._seats.pop(identity.proof, None) is not None:
                log.info("acts no more: name=%s role=%s", _quoted(identity.name), identity.role)
            return False
        await asyncio.to_thread(self._store.close_session, identity.proof)
        await self._look()
        log.info("signed out: name=%s role=%s", _quoted(identity.name), identity.role)
        return True

    async def _seated(self, account: Account, before: bytes | None) -> SignedIn:
        """The account, acting at a new session in place of the one before."""
        watcher, now_ms = self._watcher_after(account, before), self._now_ms()
        watch_s = None if watcher.kind == "display" else self.lives.watch_s
        token = new_token()
        session = Session(
            token_sha256=token_hash(token),
            account=watcher.key,
            opened_ms=now_ms,
            watch_until_ms=None if watch_s is None else now_ms + int(watch_s * 1000),
        )
        if not await asyncio.to_thread(self._store.open_session, session, watcher.epoch, instead_of=before):
            raise WrongNameOrPassword
        await self._look()
        self._seats[session.token_sha256] = _Seat(account.key, account.epoch, self._now_s())
        identity = self._session_identity(session.token_sha256)
        if identity is None:
            raise WrongNameOrPassword  # the account was changed in this very moment
        return SignedIn(token=token, identity=identity, watch_s=watch_s)

    def _watcher_after(self, account: Account, before: bytes | None) -> Account:
        """Who watches when `account` signs in: a display goes on as itself, else whoever signs in."""
        session = self._session(before) if before is not None else None
        watcher = self._picture.accounts.get(session.account) if session is not None else None
        return watcher if watcher is not None and watcher.kind == "display" else account

    # --- the picture ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        self._take(await asyncio.to_thread(self._store.rows))

    def _take(self, rows: AccessRows) -> None:
        if rows.reading < self._reading:
            return  # read before what is held already
        self._reading = rows.reading
        self._picture = _Picture.of(rows)
        self._seats = {proof: seat for proof, seat in self._seats.items() if proof in self._picture.sessions}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _is_over(self, until_ms: int | None) -> bool:
        return until_ms is not None and self._now_ms() >= until_ms

    def _session(self, proof: bytes) -> Session | None:
        session = self._picture.sessions.get(proof)
        if session is None or self._is_over(session.watch_until_ms) or session.account not in self._picture.accounts:
            return None
        return session

    def _seat(self, proof: bytes) -> _Seat | None:
        """Who acts at a session now."""
        seat = self._seats.get(proof)
        if seat is None or self._now_s() - seat.acted_s >= self.lives.act_idle_s:
            return None
        account = self._picture.accounts.get(seat.account)
        return seat if account is not None and account.epoch == seat.epoch else None

    def _session_identity(self, proof: bytes) -> Identity | None:
        session = self._session(proof)
        if session is None:
            return None
        watcher, seat = self._picture.accounts[session.account], self._seat(proof)
        account = self._picture.accounts[seat.account] if seat is not None else watcher
        is_display = account.kind == "display"
        return Identity(
            name=account.name,
            role=Role(account.role),
            means=Means.SESSION,
            is_acting=seat is not None and not is_display,
            acts_for_s=None if seat is None or is_display else seat.acted_s + self.lives.act_idle_s - self._now_s(),
            watches_for_s=None if session.watch_until_ms is None else (session.watch_until_ms - self._now_ms()) / 1000,
            is_display=is_display,
            proof=proof,
            epoch=watcher.epoch,
        )

    # --- attempts ---------------------------------------------------------------------------------------------------

    def _charge(self, key: str, place: str, shown: str | None) -> None:
        now_s, accounts = self._now_s(), self._accounts_of(key, place)
        wait_s = max(throttle.wait_s(of, now_s) for throttle, of in accounts)
        if wait_s > 0:
            log.warning("sign-in too soon: name=%s address=%s wait_s=%.0f", _quoted(shown), place, wait_s)
            raise TooSoon(wait_s)
        for throttle, of in accounts:
            throttle.charge(of, now_s)

    def _refund(self, key: str, place: str) -> None:
        for throttle, of in self._accounts_of(key, place):
            throttle.refund(of)

    def _forgive(self, key: str, place: str) -> None:
        (of_name, name), *others = self._accounts_of(key, place)
        of_name.forgive(name)
        for throttle, of in others:
            throttle.refund(of)
        self._known.pop((key, place), None)
        self._known[(key, place)] = None
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def _accounts_of(self, key: str, place: str) -> list[tuple[Throttle, str]]:
        """On whose accounts an attempt goes: where the name was right before, on that of the two together alone."""
        if (key, place) in self._known:
            return [(self._by_pair, f"{place} {key}")]
        return [(self._by_account, key), (self._by_address, place)]


def _place(address: str) -> str:
    """The address; of IPv6 its network, for one machine has very many."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64] if address.isprintable() else "unknown"
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _quoted(name: str | None) -> str:
    """A name in a line of the log; what was typed and is nobody's may be a password, and is not shown."""
    return ascii(name) if name is not None else "(nobody)"
