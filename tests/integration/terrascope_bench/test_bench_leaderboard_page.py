"""The page of a leaderboard in a real browser: it sorts, asks for nothing, and a submission cannot run in it."""

from __future__ import annotations

import csv
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browser import browser, needs_chromium, page
from cardfactory import reply, scorecard, submit
from gate import LONG_S

from terra_cot.store.manifest import read_manifest, write_manifest
from terra_cot.store.shards import write_part
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.leaderboard import write_leaderboard
from terrascope_bench.question import QUESTIONS, Question

pytestmark = needs_chromium

ATTACKS = (
    "<script>window.ran=1</script>",
    "</script><script>window.ran=2</script>",
    "\"><img src=x onerror=\"window.ran=3\">",
    "' onmouseover='window.ran=4' autofocus onfocus='window.ran=4",
    "javascript:window.ran=5",
    "<svg/onload=window.ran=6>",
    "<a href=javascript:window.ran=7>click</a>",
    "</style></title></textarea></pre></bdi><iframe srcdoc='<script>parent.ran=8</script>'></iframe>",
    "{{ 7 * 7 }}{% raw %}{{ self }}${7*7}<%= 7 %>",
    "line\u2028separator\u2029window.ran=9",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\u202egnp.exe\u202c\u2066turned",
    "[bold red]markup[/] [link=http://evil.example]x[/link]",
    "<meta http-equiv=refresh content='0;url=http://evil.example'><base href=http://evil.example/>",
    "<!--", "]]>", "&lt;script&gt;window.ran=10&lt;/script&gt;",
    "=HYPERLINK(\"http://evil.example\")",
    "W" * 200,
    "e\u0301\u0302\u0303\u0304" * 40,
)  # fmt: skip


@pytest.fixture(scope="module")
def site(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    paths = []
    for number, (name, skill, masks) in enumerate([("nine", 0.9, True), ("six", 0.6, True), ("three", 0.3, False)]):
        predictions = submit(bench, folder / f"{name}.jsonl", skill=skill, masks=masks, seed=number)
        paths.append(scorecard(bench, predictions, folder / f"{name}.json"))
    write_leaderboard(paths, folder / "site", show=4)
    return folder / "site"


@pytest.fixture(scope="module")
def hostile(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in which everything that can come from outside is an attack: benchmark, labels, names, files, replies."""
    folder = tmp_path_factory.mktemp("hostile")
    questions = [_poisoned(question, k) for k, question in enumerate(open_benchmark(bench).questions())]
    manifest = read_manifest(bench, "benchmark")
    (folder / "bench").mkdir()
    part = write_part(folder / "bench", QUESTIONS, 0, [question.to_row() for question in questions])
    body = {key: value for key, value in manifest.items() if key not in ("parts", "files")}
    write_manifest(folder / "bench", "benchmark", body, [part])
    paths = []
    for number, attack in enumerate(ATTACKS):
        rng = random.Random(number)
        rows = []
        for k, question in enumerate(questions):
            row = reply(question, rng, 0.2, 9, True)
            row["response"] = f"{ATTACKS[(k + number) % len(ATTACKS)]}\n{''.join(ATTACKS)}\n{row['response']}"
            for mask in row["masks"]:
                mask["label"] = attack[:200] if k % 2 else mask["label"]
            rows.append(row)
        # No file system has a slash in a name; the rest of the attack may stand there.
        name = re.sub(r"[/\x00]", "_", attack)[:60]
        predictions = folder / f"{name}{number}.jsonl"
        predictions.write_text("".join(json.dumps(row) + "\n" for row in rows))
        paths.append(scorecard(folder / "bench", predictions, folder / f"{name}{number}.json", model=attack))
    write_leaderboard(paths, folder / "site", show=6)
    return folder / "site"


def _poisoned(question: Question, number: int) -> Question:
    attack = ATTACKS[number % len(ATTACKS)]
    options = tuple(f"{option} {attack}" for option in question.options)
    masks = tuple(replace(mask, label=f"{mask.label}{attack}"[:150]) for mask in question.masks or ())
    return replace(
        question,
        question_id=f"{question.stem}{attack}-{question.variant}",
        question=f"{attack} {question.question}",
        options=options,
        masks=masks,
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as opened:
        yield opened


def visit(opened: Any, site: Path) -> None:
    opened.goto((site / "index.html").as_uri())
    opened.wait_for_selector("body[data-ready]")


def load_images(opened: Any) -> None:
    """All of them, not only those in sight."""
    opened.evaluate(
        """() => Promise.all([...document.images].map(image => {
            image.loading = "eager";
            return image.decode().catch(() => null);
        }))"""
    )


def column(opened: Any, number: int) -> list[str]:
    """The data of a column of the first table, from the top."""
    script = "n => [...document.querySelector('table').tBodies[0].rows].map(row => row.cells[n].dataset.v)"
    return list(opened.evaluate(script, number))


def heads(opened: Any) -> list[tuple[str, str]]:
    script = (
        "() => [...document.querySelector('table').tHead.rows[0].cells].map(c => [c.textContent.trim(), c.ariaSort])"
    )
    return [tuple(entry) for entry in opened.evaluate(script)]


def test_columns_sort_by_mouse_and_by_keyboard(running: Any, site: Path) -> None:
    with page(running) as (opened, heard):
        visit(opened, site)
        assert heads(opened)[0] == ("#", "ascending")
        assert [name for name, state in heads(opened) if state != "none"] == ["#"]
        names = [name for name, _ in heads(opened)]
        giou, faithful = names.index("gIoU"), names.index("Faithful")
        opened.click("table >> nth=0 >> th button:text-is('gIoU')")
        assert heads(opened)[giou] == ("gIoU", "descending")
        assert heads(opened)[0] == ("#", "none")
        values = [float(value) for value in column(opened, giou)]
        assert values == sorted(values, reverse=True)
        opened.keyboard.press("Enter")
        assert heads(opened)[giou] == ("gIoU", "ascending")
        assert [float(value) for value in column(opened, giou)] == values[::-1]
        assert "gIoU, lowest first" in opened.text_content("#status")
        opened.keyboard.press("Tab")  # from gIoU over Grounded to Faithful
        opened.keyboard.press("Tab")
        opened.keyboard.press("Space")
        assert heads(opened)[faithful] == ("Faithful", "descending")
        assert column(opened, faithful)[-1] == ""  # the model without masks: nothing to measure goes last
        opened.keyboard.press("Space")
        assert heads(opened)[faithful] == ("Faithful", "ascending")
        assert column(opened, faithful)[-1] == ""
        opened.click("table >> nth=0 >> th button:text-is('Model')")
        assert column(opened, 1) == ["nine", "six", "three"]
        opened.click("table >> nth=0 >> th button:text-is('#')")
        assert column(opened, 0) == ["1", "2", "3"]
        opened.click("table >> nth=1 >> th button:text-is('BCE')")
        reported = opened.locator("table").nth(1).locator("tbody tr th").all_text_contents()
        assert reported[0] == "TerraScope 8B"
        assert set(reported[-2:]) == {"GeoChat 7B", "LHRS-bot 7B"}
        assert (heard.messages, heard.outside()) == ([], [])


def test_the_page_shows_charts_pictures_and_replies(running: Any, site: Path) -> None:
    with page(running) as (opened, heard):
        visit(opened, site)
        assert opened.locator(".chart").count() == 6
        assert opened.locator(".scatter circle").count() == 3
        articles = opened.locator("article").count()
        assert articles == 12
        assert opened.locator("article .truth").count() == articles
        load_images(opened)
        assert opened.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert opened.locator("article pre").first.text_content().startswith("<think>[SEG] I see it.</think><answer>")
        assert (heard.messages, heard.outside()) == ([], [])


def test_it_can_be_read_without_its_script(running: Any, site: Path) -> None:
    context = running.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((site / "index.html").as_uri())
    assert opened.locator("table").first.locator("tbody tr").count() == 3
    assert opened.locator("th button[disabled]").count() > 0
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_nothing_of_a_submission_runs_or_breaks_the_page(running: Any, hostile: Path, width: int, scheme: str) -> None:
    with page(running, width=width, scheme=scheme) as (opened, heard):
        opened.on("dialog", lambda dialog: pytest.fail(dialog.message))
        visit(opened, hostile)
        load_images(opened)
        for selector in ("tbody th", "article h4", "pre", "figcaption", ".tags li"):
            opened.locator(selector).first.hover()
        assert opened.evaluate("window.ran") is None
        assert (heard.messages, heard.outside()) == ([], [])
        assert opened.evaluate("document.scripts.length") == 1
        assert (
            opened.evaluate("document.querySelectorAll('iframe, base, object, embed, form, style ~ style').length") == 0
        )
        attributes = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)"
        assert not [name for name in opened.evaluate(attributes) if name.startswith("on")]
        sources = set(opened.evaluate("[...document.images].map(image => image.getAttribute('src'))"))
        assert sources
        assert all(re.fullmatch(r"images/\d+\.png", source) for source in sources)
        links = opened.evaluate("[...document.links].map(link => link.getAttribute('href'))")
        assert sorted(set(links)) == ["https://arxiv.org/abs/2603.19039", "leaderboard.csv", "leaderboard.json"]
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert opened.title() == "TerraScope-Bench leaderboard"
        opened.click("table >> nth=0 >> th button:text-is('Macro')")
        values = [float(value) for value in column(opened, 2)]
        assert values == sorted(values, reverse=True)


def test_attacks_are_shown_as_the_text_they_are(running: Any, hostile: Path) -> None:
    with page(running) as (opened, _):
        visit(opened, hostile)
        text = opened.text_content("body")
        for attack in ATTACKS[:9]:
            assert attack[:70] in text
        for spelled in ("line⟨U+2028⟩separator", "␛[31mred", "⟨U+202E⟩gnp.exe"):
            assert spelled in text
        assert not re.search("[\x1b\u202e\u2028\u2066]", text)
        names = opened.locator("table").first.locator("tbody th bdi").all_text_contents()
        assert len(names) == len(ATTACKS)
        assert "{{ 7 * 7 }}{% raw %}{{ self }}${7*7}<%= 7 %>" in names


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """(address, paths asked for) of a server that an attack would report to."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_the_policy_stops_what_got_in(
    running: Any, site: Path, tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    """If escaping ever failed: an attack written into the HTML itself runs nothing and reaches nobody."""
    address, asked = listener
    leaks = (
        f"<img src='{address}/img'><script src='{address}/script'></script><script src='x.js'></script>"
        f"<link rel=stylesheet href='{address}/style'><iframe src='{address}/frame'></iframe>"
        f"<style>body {{ background: url({address}/css) }}</style><video src='{address}/video'></video>"
        f"<p style='background: url({address}/attribute)'>x</p><script>fetch('{address}/fetch')</script>"
    )
    (tmp_path / "x.js").write_text("window.ran=99")
    inside = f"<body>{''.join(ATTACKS[:3])}{ATTACKS[5]}{leaks}"
    html = (site / "index.html").read_text().replace("<body>", inside)
    (tmp_path / "index.html").write_text(html)
    with page(running) as (opened, heard):
        visit(opened, tmp_path)
        end = time.monotonic() + LONG_S
        while not any("Content Security Policy" in message for message in heard.messages):
            assert time.monotonic() < end
            opened.wait_for_timeout(20)
        opened.wait_for_timeout(300)
        assert opened.evaluate("window.ran") is None
        assert asked == []
    (tmp_path / "index.html").write_text(re.sub("<meta http-equiv[^>]*>", "", html))
    with page(running) as (opened, _):  # without the policy the same page does all of it
        visit(opened, tmp_path)
        end = time.monotonic() + LONG_S
        while opened.evaluate("window.ran") is None or not {"/img", "/script", "/css", "/fetch"} <= set(asked):
            assert time.monotonic() < end, asked
            opened.wait_for_timeout(20)


def test_the_csv_holds_no_formula_and_nothing_that_steers(hostile: Path) -> None:
    text = (hostile / "leaderboard.csv").read_text()
    assert not re.search("[\x1b\u202e\u2028]", text)
    cells = [cell for row in csv.reader(StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_a_table_at_the_terminal_prints_attacks_as_text(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.bench.leaderboard import leaderboard_tables
    from pipelines.console import print_table

    board = json.loads((hostile / "leaderboard.json").read_text())
    print_table(*leaderboard_tables(board)[0])
    said = capsys.readouterr().out
    assert "[bold red]markup[/]" in said
    assert "␛[31mred" in said
    assert not re.search("[\x1b\u202e\u2028]", said)


@pytest.mark.parametrize("width", [1400, 1000, 700, 420])
def test_the_ranking_fits_or_shows_that_it_goes_on(running: Any, site: Path, width: int) -> None:
    with page(running, width=width) as (opened, _):
        opened.goto((site / "index.html").as_uri())
        inner, outer, shade = opened.evaluate(
            "(({ scrollWidth, clientWidth }, box) => [scrollWidth, clientWidth, getComputedStyle(box).backgroundImage])"
            "(document.querySelector('.wide'), document.querySelector('.wide'))"
        )
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert inner == outer or width < 1400
        assert shade.count("linear-gradient") == 2
