"""A review server: on this machine by an expert's link; for others only where it is told so, and with a password."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

from terra_cot.errors import ConfigError
from terrascope_bench.review.guard import Fence, Guard
from terrascope_bench.review.items import open_items
from terrascope_bench.review.ledger import Ledger, open_ledger

MIN_PASSWORD = 8
_HERE = ("127.0.0.1", "::1", "localhost")


def serve(
    folder: Path,
    *,
    reviewers: Sequence[str] = (),
    per_question: int | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    add: bool = False,
    names: Sequence[str] = (),
    password: str | None = None,
    on_ready: Callable[[dict[str, str], int | None], None],
) -> None:
    """Serve the review of a benchmark folder until the process is told to stop.

    Args:
        reviewers: experts of the review; new ones only at its beginning, or with `add`.
        per_question: reviews per question; None for what the review has, at first 2.
        port: 0 for a free one; None for the one that this review had last, where that is free.
        names: further names that the server goes by, such as that of a proxy before it.
        on_ready: called once the server listens, with the link of each expert, by name, and the port of last time
            where that was wanted and is taken.

    Raises:
        ConfigError: the extra is missing, an open host without a password, a port in use, nobody to review.
        DataError, ConflictError: the folder or its review cannot be used.
    """
    try:
        import uvicorn

        from terrascope_bench.review.web import Application
    except ImportError:
        raise ConfigError("review needs starlette and uvicorn: pip install 'terra-cot[review]'") from None
    hosts = known_hosts(host, names, password)
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256) as ledger, _listening_again(host, port, ledger) as listener:
        ledger.enrol(reviewers, per_question, items.units(), add)
        guard = Guard(ledger.reviewers, password)
        last, wanted, port = int(ledger.about("port") or 0), port, listener.getsockname()[1]
        taken = last if wanted is None and last not in (0, port) else None
        if taken is None:
            ledger.remember("port", str(port))
        application = Application(items, ledger, guard, f"terra_cot_review_{port}")
        config = uvicorn.Config(
            Fence(application.asgi(), hosts),
            log_level="warning",
            access_log=False,  # it would write the tokens of links
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        on_ready({name: f"http://{hosts[0]}:{port}/?token={token}" for token, name in guard.links.items()}, taken)
        uvicorn.Server(config).run(sockets=[listener])


def known_hosts(host: str, names: Sequence[str], password: str | None) -> list[str]:
    """Names that the server goes by, the one for links first.

    Raises:
        ConfigError: other machines could reach it and there is no password (or a short one), or no name to go by.
    """
    local = host in _HERE
    if not local and password is None:
        raise ConfigError(f"--host {host} opens the review to other machines: set a password with --password-env NAME")
    if password is not None and len(password) < MIN_PASSWORD:
        raise ConfigError(f"the password is shorter than {MIN_PASSWORD} characters")
    if host in ("0.0.0.0", "::", ""):
        if not names:
            raise ConfigError(f"--host {host} has no name of its own: add --name with the one that reviewers type")
        return list(names)
    own = f"[{host}]" if ":" in host else host
    return [own, *(["localhost", "127.0.0.1", "[::1]"] if local else []), *names]


def _listening_again(host: str, port: int | None, ledger: Ledger) -> socket.socket:
    """On the port that the review had last: pages that are open, and what they hold, belong to that address."""
    if port is None:
        try:
            return _listening(host, int(ledger.about("port") or 0))
        except ConfigError:
            port = 0
    return _listening(host, port)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if _is_v6(host) else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        fix = "; --port 0 takes a free one" if port else ""
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror or error}{fix}") from None


def _is_v6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False
