"""A real Chromium without a window, driven by playwright; tests that need it are skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from gate import LONG_S

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Path of a Chromium: TERRA_COT_CHROMIUM, or the first of its usual names on the PATH."""
    return os.environ.get("TERRA_COT_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


needs_chromium = pytest.mark.skipif(
    chromium() is None, reason="no chromium on this machine: apt-get install chromium, or set TERRA_COT_CHROMIUM"
)


@dataclass(slots=True)
class Heard:
    """What a page said and asked for."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def outside(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:"))]


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # A container has no user namespaces for the sandbox, and the pages are our own.
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=arguments, timeout=1000 * LONG_S)
        yield running
        running.close()


@contextmanager
def page(running: Any, width: int = 1400, height: int = 900, scheme: str = "light") -> Iterator[tuple[Any, Heard]]:
    """A page of its own that notes its messages and requests."""
    context = running.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(1000 * LONG_S)
    opened, heard = context.new_page(), Heard()
    opened.on("console", lambda message: heard.messages.append(message.text))
    opened.on("pageerror", lambda error: heard.messages.append(str(error)))
    opened.on("request", lambda request: heard.requests.append(request.url))
    yield opened, heard
    context.close()


def open_site(opened: Any, site: Path, address: str = "") -> None:
    """Open a site from disk and wait until its list is read and a sample is shown."""
    opened.goto("about:blank")
    opened.goto(f"{(site / 'index.html').as_uri()}{address}")
    opened.wait_for_selector("body[data-ready]")
    opened.wait_for_selector("#detail h2, #detail .message", state="attached")
