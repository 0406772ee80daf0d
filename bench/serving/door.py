"""Who may come in: a secret in the address once, a cookie afterwards, and this host's name only.

A page of another site that the same browser has open must learn nothing and change nothing: the
cookie is never sent across sites, a name that merely resolves to this machine is refused (DNS
rebinding), and what changes a run needs a header that another site's form cannot set.
"""

from __future__ import annotations

import hmac
import secrets
from email.message import Message
from http.cookies import CookieError, SimpleCookie
from typing import Final, TypeAlias

Headers: TypeAlias = "Message[str, str]"

COOKIE: Final = "smets1-bench"
ACTING: Final = "X-Smets1-Bench"
"""The header that the page's own requests carry where they change something."""


class Door:
    """`hosts`: the names with port under which the server may be addressed."""

    def __init__(self, hosts: frozenset[str], token: str = "") -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._hosts = hosts

    def host_is_ours(self, headers: Headers) -> bool:
        return headers.get("Host", "").lower() in self._hosts

    def is_the_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def knows(self, headers: Headers) -> bool:
        """Whether the request carries the cookie that the token was changed for."""
        try:
            cookie = SimpleCookie(headers.get("Cookie", ""))
        except CookieError:
            return False
        morsel = cookie.get(COOKIE)
        return morsel is not None and self.is_the_token(morsel.value)

    def may_act(self, headers: Headers) -> bool:
        """Whether a request that changes something comes from a page of this server."""
        origin = headers.get("Origin", "")
        host = origin.removeprefix("http://").lower()
        return ACTING in headers and origin.startswith("http://") and host in self._hosts

    def cookie(self) -> str:
        return f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
