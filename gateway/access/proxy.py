"""The reverse proxy in front, which has signed people in and names them: believed if it proves that it is the one.

It deliberately keeps nothing: who is signed in, and for how long, is the proxy's to know.
"""

from __future__ import annotations

import hmac
from urllib.parse import unquote

from gateway.access.accounts import unfit_name_because
from gateway.access.identity import Identity, Means
from gateway.access.roles import Role

SECRET_MIN = 32
"""Characters."""


class ProxyDesk:
    """Believes whoever shows the secret."""

    def __init__(self, secret: str) -> None:
        """Take the secret.

        Raises:
            ValueError: it is too short to be one.
        """
        if len(secret) < SECRET_MIN:
            raise ValueError(f"it has fewer than {SECRET_MIN} characters; `openssl rand -hex 32` makes one")
        self._secret = secret.encode()

    def proves_itself(self, shown: str) -> bool:
        """Whether what was shown is the secret; takes as long whatever was."""
        return hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), self._secret)

    def who(self, name: str, role: str) -> Identity | None:
        """Who a believed proxy names; None when it names nobody, or no role that there is.

        Args:
            name: 1 to 64 printable characters; what a header cannot carry is percent-encoded.
            role: As in `gateway.access.roles`.
        """
        person = unquote(name, errors="replace").strip(" ")
        if unfit_name_because(person) is not None or role.strip().lower() not in set(Role):
            return None
        return Identity(name=person, role=Role(role.strip().lower()), means=Means.PROXY)
