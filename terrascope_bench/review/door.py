"""The way in: an expert's link becomes a cookie for that expert's own pages; who has none is told what to do."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from terrascope_bench.review.guard import Guard, Session, may_change, place_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY = 8 << 20
WRONG_PASSWORD_S = 1.0
"""Between two guesses, whoever makes them."""

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Review</title>{head}
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page/view.css">
<link rel="stylesheet" href="/page/review.css">
</head><body class="door"><main>{body}</main></body></html>"""
_NO_WAY = "<h1>Review</h1><p>{why}</p>"
_UNKNOWN = (
    "This link is unknown or outdated. Open your own link, whole, as the server printed it when it was last started."
)
_STRANGER = "You are not signed in. Open the link that the server printed for you."
_LOGIN = """<h1>Review</h1><p>You are {name}.{why}</p><form method="post" action="/login">
<input type="hidden" name="token" value="{token}"><label>Password <input type="password" name="password" autofocus
autocomplete="current-password"></label><button>Enter</button></form>"""


class Door:
    """Links, passwords and cookies of one server; `page` is what those get who are known."""

    def __init__(self, guard: Guard, cookie: str, page: bytes) -> None:
        self.guard, self.cookie, self._page = guard, cookie, page
        self._guess = asyncio.Lock()

    async def enter(self, request: Request) -> Response:
        token = request.query_params.get("token")
        if token is None:
            return told(_NO_WAY.format(why=_STRANGER), 403)
        reviewer = self.guard.reviewer_of(token)
        if reviewer is None:
            return told(_NO_WAY.format(why=_UNKNOWN), 403)
        if self.guard.wants_password:
            return told(_LOGIN.format(name=escape(reviewer), why="", token=escape(token)))
        # Not a redirect: a browser that came from another site would not send the cookie along with one.
        to = f'<meta http-equiv="refresh" content="0;url={address_of(reviewer)}">'
        return self._entered(told("<p>Opening…</p>", head=to), reviewer)

    async def page(self, request: Request) -> Response:
        from starlette.responses import Response

        if self.session(request) is None:
            return told(_NO_WAY.format(why=_STRANGER), 403)
        return Response(self._page, media_type="text/html")

    async def login(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        body = await body_of(request)
        if body is None or not may_change(request.headers, None):
            return told(_NO_WAY.format(why="The form did not come from this server's page. Open your link again."), 403)
        form = parse_qs(body.decode("utf-8", "replace"))
        token, password = form.get("token", [""])[0], form.get("password", [""])[0]
        reviewer = self.guard.reviewer_of(token)
        async with self._guess:
            if reviewer is not None and self.guard.knows(password):
                return self._entered(RedirectResponse(address_of(reviewer), 303), reviewer)
            await asyncio.sleep(WRONG_PASSWORD_S)
        if reviewer is None:
            return told(_NO_WAY.format(why=_UNKNOWN), 403)
        return told(_LOGIN.format(name=escape(reviewer), why=" Wrong password.", token=escape(token)), 403)

    def _entered(self, response: Response, reviewer: str) -> Response:
        key, path = self.guard.begin(reviewer), address_of(reviewer)
        response.set_cookie(self.cookie, key, httponly=True, samesite="strict", path=path)
        return response

    def session(self, request: Request) -> Session | None:
        return self.guard.session(request.cookies.get(self.cookie), request.path_params["place"])


async def body_of(request: Request) -> bytes | None:
    """The body of a request; None where it is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def address_of(reviewer: str) -> str:
    return f"/of/{place_of(reviewer)}/"


def told(body: str, status: int = 200, head: str = "") -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(_PAGE.format(body=body, head=head), status)
