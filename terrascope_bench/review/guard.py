"""Who may ask, and from where: a link is an expert's, a cookie follows it, and a foreign page can do nothing with it.

- The Host header must be a name that the server goes by: another name that resolves here (DNS rebinding) gets nothing.
- A link carries a random token that stands for one expert; its first use sets a cookie (HttpOnly, SameSite=Strict) and
  the token leaves the address. Where the server is open to other machines, a password is asked for as well.
- Each expert has a place of their own, `/of/ID/`, and the cookie is for that place only: two experts in one browser do
  not get in each other's way, and a cookie is good for no other expert's place.
- A change needs the Origin of this server and, in a header, a token that only the page itself can read.
- The page may load from this server only, and no other page may frame it.

Tokens, cookies and sessions live as long as the server.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_SESSIONS = 1000
CSRF_HEADER = "x-review-token"
SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with none at all a browser would hide the origin of a form, too
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that came by an expert's link; `token` is what a change must carry."""

    reviewer: str
    token: str


class Guard:
    """Links, sessions and the password of one running server."""

    def __init__(self, reviewers: Sequence[str], password: str | None) -> None:
        self.links = {secrets.token_urlsafe(24): name for name in reviewers}
        self._places = {place_of(name): name for name in reviewers}
        self._password = None if password is None else sha256(password.encode()).digest()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = Lock()

    @property
    def wants_password(self) -> bool:
        return self._password is not None

    def reviewer_of(self, token: str) -> str | None:
        """Whose link it is, in the same time for every token."""
        found = None
        for link, name in self.links.items():
            if hmac.compare_digest(link.encode(), token.encode("utf-8", "replace")):
                found = name
        return found

    def knows(self, password: str) -> bool:
        given = sha256(password.encode("utf-8", "replace")).digest()
        return self._password is not None and hmac.compare_digest(given, self._password)

    def reviewer_at(self, place: str) -> str | None:
        """Whose place it is."""
        return self._places.get(place)

    def begin(self, reviewer: str) -> str:
        """A new session; returns its cookie."""
        cookie = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions[cookie] = Session(reviewer, secrets.token_urlsafe(24))
            while len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        return cookie

    def session(self, cookie: str | None, place: str) -> Session | None:
        """The session of a cookie in the place of its own expert."""
        found = self._sessions.get(cookie or "")
        return found if found is not None and found.reviewer == self._places.get(place) else None


def place_of(reviewer: str) -> str:
    """The name of an expert's place in an address: the same in every run, and plain letters whatever the name."""
    return sha256(reviewer.encode()).hexdigest()[:16]


def may_change(headers: Headers, session: Session | None) -> bool:
    """Whether a request that changes something comes from our own page (`session` None: from our own form)."""
    origin, host = headers.get("origin"), headers.get("host")
    if origin is None or host is None or urlsplit(origin).netloc.lower() != host.lower():
        return False
    return session is None or hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), session.token.encode())


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() and not host.endswith("]") else host).lower()


class Fence:
    """Refuses unknown hosts before anything else sees the request, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._hosts:
            await PlainTextResponse("unknown host", 421)(scope, receive, sending)
            return
        await self._app(scope, receive, sending)
