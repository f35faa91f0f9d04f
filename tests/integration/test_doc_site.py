"""The site builds without a network, every link in it leads somewhere, and what it says of the code is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import browser, needs_chromium, page
from docpages import PAGES, ROOT
from gate import LONG_S

pytest.importorskip("mkdocs", reason="the extra [docs]")
NOWHERE = "http://127.0.0.1:9"
# The index is read when the field is entered, and what is typed before that is lost.
READY = "!document.querySelector('.md-search-result__meta').textContent.includes('Initializing')"
_BACKTICKS = re.compile(r"`((?:docs|pipelines|schemas|terra_cot|terrascope_bench|tests)/[\w./-]*)`")
_NO_FILE = {
    "terrascope_bench/terrascope_bench",  # the name of the task of inspect-ai
    "terra_cot/sources/mine.py",  # to be written by a reader
    "terrascope_bench/models/mine.py",
}
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


class Links(HTMLParser):
    """Anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", found.get("name", "")))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("script", "img", "link", "iframe", "source"):
            self.loads += [found[name] for name in ("src", "href") if found.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; whatever the build asked of a network would fail."""
    out = tmp_path_factory.mktemp("site")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    environment = {**os.environ, **proxies, "NO_PROXY": "", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def parsed(site: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path, parsed: dict[Path, Links]) -> None:
    dead, followed = [], 0
    for path, found in parsed.items():
        if path.name == "404.html":
            continue  # served for any address, so its links are absolute
        for link in [*found.links, *found.loads]:
            address = urlsplit(link)
            if address.scheme or link.startswith("data:"):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            followed += 1
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}")
            elif address.fragment and target in parsed and unquote(address.fragment) not in parsed[target].ids:
                dead.append(f"{path.relative_to(site)}: no anchor {link}")
    assert not dead
    assert followed > 1000


def test_nothing_is_loaded_from_elsewhere(site: Path, parsed: dict[Path, Links]) -> None:
    outside = {load for found in parsed.values() for load in found.loads if urlsplit(load).scheme in ("http", "https")}
    assert not outside
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"url\(['\"]?https?:", styles)


def test_every_command_and_schema_has_its_place(site: Path, parsed: dict[Path, Links]) -> None:
    from typer.main import get_command

    from pipelines.terra_cot import app as cot
    from pipelines.terrascope_bench import app as bench

    for program, app in (("terra-cot", cot), ("terrascope-bench", bench)):
        shown = parsed[site / f"commands/{program}.html"].ids
        for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
            assert command.hidden or f"{program}-{name}" in shown
    for path in (ROOT / "schemas").glob("*.schema.json"):
        assert (site / f"formats/{path.name.removesuffix('.schema.json')}.html").is_file()


def test_every_option_of_every_source_is_told(site: Path) -> None:
    from terra_cot.sources import SOURCES, source
    from terra_cot.sources.rasters.options import FramePattern

    text = (site / "formats/source-options.html").read_text(encoding="utf-8")
    parts = dict(re.findall(r'<h2 id="([\w-]+)">(.+?)(?=<h2 |</article>)', text, re.DOTALL))
    assert list(parts) == list(SOURCES)
    for kind, part in parts.items():
        assert set(source(kind).options.model_fields) <= set(re.findall(r"<td><code>(\w+)</code></td>", part)), kind
    assert set(FramePattern.model_fields) <= set(re.findall(r"<td><code>(\w+)</code></td>", parts["rasters"]))


@needs_chromium
def test_the_site_opens_from_disk_is_searched_and_fits_a_telephone(site: Path) -> None:
    with browser() as running:
        with page(running, 1300, 900) as (opened, heard):
            opened.goto((site / "index.html").as_uri())
            opened.click("input[name=query]")
            opened.wait_for_function(READY)
            opened.keyboard.type("boundary IoU", delay=20)
            # What is found for the first letters may stand there for a moment.
            opened.wait_for_selector(".md-search-result__item a[href*='metrics.html']", state="attached")
            assert not heard.outside()
            assert not heard.messages
        for name in ("index", "metrics", "sources", "explore", "formats/scorecard", "commands/terra-cot"):
            for scheme in ("light", "dark"):
                with page(running, 390, 800, scheme) as (opened, heard):
                    opened.goto((site / f"{name}.html").as_uri())
                    # The theme's script makes wide tables scroll by themselves.
                    opened.wait_for_function("document.documentElement.scrollWidth <= 390")
                    assert not heard.outside()


def test_links_of_the_written_pages_lead_somewhere_in_the_repository() -> None:
    generated = ("commands/", "formats/")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES.glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for link in _LINK.findall(text):
            if not link.startswith(("http:", "https:", *generated)):
                assert (path.parent / link).exists(), f"{path.name}: {link}"
        for name in set(_BACKTICKS.findall(text)) - _NO_FILE:
            if "NAME" not in name and "..." not in name:
                assert (ROOT / name).exists(), f"{path.name}: `{name}`"


def test_metrics_page_names_every_metric_and_every_empty_case() -> None:
    from terra_cot.schema import schema
    from terrascope_bench import masks
    from terrascope_bench.scorecard import METRICS

    text = (PAGES / "metrics.md").read_text(encoding="utf-8")
    assert {name for name in METRICS if f"`{name}`" not in text} == set()
    analysis = schema("scorecard")["properties"]["analysis"]["properties"]
    told = {name for name in analysis if f"analysis.{name}" in text or f"`{name}`" in text}
    assert set(analysis) - told - {"masks"} == set()  # counts of what the table of empty cases names

    def cases(table: str) -> set[tuple[str, str]]:
        rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines() if "|" in line]
        return {(row[0], re.sub(r" \(.*\)", "", row[1])) for row in rows if len(row) > 3 and "-" not in row[0]}

    said = cases(masks.__doc__ or "")
    assert len(said) == 9  # eight cases and the head
    assert said <= cases(text)


def test_sources_and_licences_are_those_of_the_registry() -> None:
    from terra_cot.sources import SOURCES, source

    sources, licences = ((PAGES / name).read_text(encoding="utf-8") for name in ("sources.md", "licences.md"))
    assert re.findall(r"^## (.+)$", sources, re.MULTILINE) == list(SOURCES)
    rows = dict(re.findall(r"^\| `([\w-]+)` \| `(.+?)` \|", licences, re.MULTILINE))
    assert rows == {kind: source(kind).licence for kind in SOURCES}
    for part in re.split(r"^## ", sources, flags=re.MULTILINE)[1:]:
        assert "**Where:**" in part, part[:40]
        assert "**Licence:**" in part, part[:40]
        options = set(source(part.split("\n", 1)[0]).options.model_fields) - {"licence"}
        named = set(re.findall(r"`(\w+)`", part))
        assert len(options) > 8 or options <= named, f"{part[:20]}: {options - named}"


def test_gallery_is_small_and_wholly_shown() -> None:
    pictures = sorted((PAGES / "gallery").glob("*.png"))
    text = (PAGES / "gallery.md").read_text(encoding="utf-8")
    assert {path.name for path in pictures} == set(re.findall(r"\(gallery/(.+?)\)", text))
    assert sum(path.stat().st_size for path in pictures) < 3_500_000
