"""The review page in a real Chromium: two experts at once, masks repaired by mouse, keys, reloads, hostile words."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchfactory import frame, png
from browser import Heard, browser, needs_chromium, page
from gate import LONG_S
from numpy.typing import NDArray
from reviewserver import Server, serving, start

from terra_cot.evidence import evidence
from terra_cot.mask import Mask, decode, encode
from terra_cot.store.manifest import read_manifest, write_manifest
from terra_cot.store.shards import write_part
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.review import open_ledger
from terrascope_bench.review.items import open_items
from terrascope_bench.review.ledger import Answer

pytestmark = needs_chromium

PEOPLE = ("--reviewer", "Ana", "--reviewer", "Ben")
HOSTILE = (
    "<script>window.ran=1</script><img src=x onerror='window.ran=2'>",
    "\"'><svg onload=window.ran=3>&lt;b&gt;",
    "\u202egnp.exe\u2028{{7*7}}${7*7}<!--",
    "javascript:window.ran=4 <style>*{display:none}</style><base href=http://evil.example/>",
)
MANY = 10_000
ONE_KEPT = "terraCot.data.rows.some((row) => row.facets[0][0] === 4)"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture
def folder(bench: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bench, tmp_path / "bench"))


def write_bench(source: Path, out: Path, questions: list[Question]) -> Path:
    body = {key: value for key, value in read_manifest(source, "benchmark").items() if key not in ("parts", "files")}
    out.mkdir(parents=True)
    parts = [
        write_part(out, QUESTIONS, number, [question.to_row() for question in questions[at : at + 2048]])
        for number, at in enumerate(range(0, len(questions), 2048))
    ]
    write_manifest(out, "benchmark", {**body, "files": []}, parts)
    return out


@contextmanager
def opened(running: Any, server: Server, name: str, address: str = "", **how: Any) -> Iterator[tuple[Any, Heard]]:
    with page(running, **how) as (shown, heard):
        shown.goto(server.links[name])
        ready(shown)
        if address:
            shown.goto(f"{shown.url.partition('#')[0]}{address}")
            shown.reload()
            ready(shown)
        yield shown, heard
        own = server.links[name].partition("?")[0]
        assert [url for url in heard.requests if not url.startswith((own, "data:"))] == []
        # A draft that a page left behind it may come before or after the same draft, held by the browser.
        assert [text for text in heard.messages if "409 (Conflict)" not in text] == []


def until(shown: Any, expression: str, seconds: float = LONG_S) -> None:
    """Wait until JavaScript is true; playwright's own way evaluates text, which the page forbids."""
    end = time.monotonic() + seconds
    while not shown.evaluate(expression):
        assert time.monotonic() < end, expression
        shown.wait_for_timeout(20)


def ready(shown: Any) -> None:
    shown.wait_for_selector("body[data-ready]")
    # The form of the question before stays, but cannot be used, until that of the next is there.
    until(
        shown,
        "(({ box, row }) => box.querySelector('.check') && !box.inert && row === terraCot.list.place)(terraCot.form)",
    )


def answers(folder: Path) -> list[Answer]:
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256, create=False) as ledger:
        return ledger.answers()


def kept(shown: Any) -> None:
    """Wait until the draft is on the server's disk."""
    until(shown, "document.querySelector('#form .status').textContent.startsWith('Draft kept')")


def here(shown: Any) -> str:
    return str(shown.evaluate("decodeURIComponent(location.hash.slice(1))"))


def stroke(shown: Any, size: tuple[int, int], points: list[tuple[int, int]], **how: Any) -> None:
    """Draw through the centres of image pixels (row, column) of the first frame."""
    box = shown.locator("#detail canvas").first.bounding_box()

    def at(row: int, column: int) -> tuple[float, float]:
        return (
            box["x"] + (column + 0.5) * box["width"] / size[1],
            box["y"] + (row + 0.5) * box["height"] / size[0],
        )

    shown.mouse.move(*at(*points[0]))
    shown.mouse.down(**how)
    for point in points[1:]:
        shown.mouse.move(*at(*point))
    shown.mouse.up(**how)


def painted(size: tuple[int, int], points: list[tuple[int, int]], across: int) -> NDArray[np.bool_]:
    """The pixels of a stroke: discs `across` px wide at every pixel of the way."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    out = np.zeros(size, bool)
    for (top, left), (bottom, right) in zip(points, points[1:] or points, strict=False):
        steps = max(abs(bottom - top), abs(right - left), 1)
        for step in range(steps + 1):
            row = np.floor(top + (bottom - top) * step / steps + 0.5)
            column = np.floor(left + (right - left) * step / steps + 0.5)
            out |= (rows - row) ** 2 + (columns - column) ** 2 <= (across / 2) ** 2
    return out


def first_with(folder: Path, masks: int = 1, task: str | None = None) -> tuple[str, Mask]:
    items = open_items(folder)
    number = next(n for n, h in enumerate(items.heads) if len(items.masks(n) or ()) >= masks and task in (None, h.task))
    return items.heads[number].question_id, (items.masks(number) or ())[0]


def test_a_mask_is_repaired_by_mouse_pixel_by_pixel(running: Any, folder: Path) -> None:
    name, mask = first_with(folder, task="CA")
    before, size = mask.to_array(), mask.size
    added, erased = [(10, 12), (30, 50), (31, 50)], [(60, 20), (60, 70)]
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana", f"#{name}") as (shown, _):
        shown.keyboard.press("e")
        stroke(shown, size, added)
        shown.keyboard.press("x")
        for _ in range(2):
            shown.keyboard.press("-")
        stroke(shown, size, erased)
        stroke(shown, size, [(80, 80), (80, 90)], button="right")  # the other tool: adds
        kept(shown)
        drawn = shown.evaluate("terraCot.brush.sample.masks[0].counts")
        wanted = before | painted(size, added, 9)
        wanted &= ~painted(size, erased, 5)
        wanted |= painted(size, [(80, 80), (80, 90)], 5)
        assert drawn == encode(wanted)
        shown.keyboard.press("u")
        shown.keyboard.press("Control+z")
        assert shown.evaluate("terraCot.brush.sample.masks[0].counts") == encode(before | painted(size, added, 9))
        shown.keyboard.press("r")
        shown.keyboard.press("Control+Shift+Z")
        kept(shown)
        shown.keyboard.press("Escape")
        shown.keyboard.press("h")
        shown.keyboard.press("Enter")
        until(shown, f"decodeURIComponent(location.hash.slice(1)) !== {name!r}")
    (answer,) = answers(folder)
    assert answer.review.masks[0] is not None
    assert np.array_equal(decode(size, answer.review.masks[0]), wanted)


def test_masks_go_back_to_what_they_were(running: Any, folder: Path) -> None:
    name, mask = first_with(folder, masks=2)
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana", f"#{name}") as (shown, _):
        shown.keyboard.press("e")
        stroke(shown, mask.size, [(5, 5), (9, 9)])
        kept(shown)
        assert shown.locator(".repaired").is_visible()
        shown.get_by_text("Undo all repairs").click()
        assert not shown.locator(".repaired").is_visible()
        assert shown.evaluate("terraCot.brush.repairs()") is None
        shown.keyboard.press("u")
        assert shown.locator(".repaired").is_visible()


def test_rle_is_written_as_pycocotools_writes_it(running: Any, folder: Path) -> None:
    rng = np.random.default_rng(0)
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        for _ in range(60):
            height, width = rng.integers(1, 90, 2)
            array = rng.random((height, width)) < rng.choice([0, 0.02, 0.5, 0.97, 1])
            text = shown.evaluate(
                "([bits, size]) => terraCot.rle.encode(Uint8Array.from(bits), size)",
                [array.astype(int).ravel().tolist(), [int(height), int(width)]],
            )
            assert text == encode(array)
        big = np.zeros((1024, 1024), bool)
        big[3, 900] = True
        text = shown.evaluate(
            "(size) => { const bits = new Uint8Array(size * size); bits[3 * size + 900] = 1; "
            "return terraCot.rle.encode(bits, [size, size]); }",
            1024,
        )
        assert text == encode(big)


def test_two_experts_at_once_see_each_other_when_both_are_done(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, ExitStack() as stack:
        ana, _ = stack.enter_context(opened(running, server, "Ana"))
        ben, _ = stack.enter_context(opened(running, server, "Ben", scheme="dark"))
        name = here(ana)
        assert here(ben) == name
        ana.keyboard.press("c")
        ana.keyboard.type("the mask is too small")
        ana.keyboard.press("Escape")
        for key in ("1", "3", "3", "3", "Enter"):
            ana.keyboard.press(key)
        until(ana, f"decodeURIComponent(location.hash.slice(1)) !== {name!r}")
        assert "1 of" in ana.locator("#how").inner_text()
        ana.keyboard.press("k")
        ana.wait_for_selector(".others p")
        assert "have not reviewed it yet" in ana.locator(".others").inner_text()
        ben.reload()
        ready(ben)
        assert "too small" not in ben.content()
        ben.keyboard.press("h")
        ben.keyboard.press("Enter")
        ben.wait_for_selector(".other")
        assert "the mask is too small" in ben.locator(".other").inner_text()
        assert "to settle" in ben.locator("#how").inner_text()
        # Asked for here, or by the page itself in between.
        until(ana, "terraCot.data.news().then(() => terraCot.data.state(0) === 3)")
        ana.reload()
        ready(ana)
        ana.wait_for_selector(".other")
        ana.keyboard.press("h")
        ana.keyboard.press("Enter")
        until(ana, "terraCot.data.state(0) === 4")
        ana.keyboard.press("k")
        ready(ana)
        assert "All agree" in ana.locator(".others").inner_text()
    grades = {answer.reviewer: answer.review.grades for answer in answers(folder)}
    assert grades == {"Ana": ("high",) * 4, "Ben": ("high",) * 4}


def test_a_repair_of_the_other_can_be_taken_over(running: Any, folder: Path) -> None:
    name, mask = first_with(folder)
    with serving(folder, *PEOPLE) as server:
        with opened(running, server, "Ana", f"#{name}") as (shown, _):
            shown.keyboard.press("e")
            stroke(shown, mask.size, [(20, 20)])
            shown.keyboard.press("h")
            shown.keyboard.press("Enter")
            until(shown, f"decodeURIComponent(location.hash.slice(1)) !== {name!r}")
        with opened(running, server, "Ben", f"#{name}") as (shown, _):
            shown.keyboard.press("h")
            shown.keyboard.press("Enter")
            shown.wait_for_selector(".other")
            shown.get_by_text("Use these repaired masks").click()
            kept(shown)
            shown.keyboard.press("Enter")
            until(shown, ONE_KEPT)
    first, second = answers(folder)
    assert first.review.masks == second.review.masks
    assert first.review.repaired


def test_a_reload_in_the_middle_comes_back_with_the_draft(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        for _ in range(3):
            shown.keyboard.press("j")
            ready(shown)
        name = here(shown)
        shown.keyboard.press("2")
        shown.keyboard.press("c")
        shown.keyboard.type("not done")
        shown.keyboard.press("Escape")
        shown.keyboard.press("e")
        stroke(shown, (96, 96), [(40, 40), (44, 60)])
        counts = shown.evaluate("terraCot.brush.sample.masks[0].counts")
        shown.reload()  # at once: the last draft may still be on its way
        ready(shown)
        assert here(shown) == name
        # The server may not have it yet; the browser holds what was not acknowledged.
        assert shown.evaluate("terraCot.brush.sample.masks[0].counts") == counts
        assert shown.evaluate("terraCot.form.body().grades")["mask"] == "medium"
        assert shown.locator("textarea").input_value() == "not done"
        shown.get_by_text("Discard draft").click()
        until(shown, "terraCot.form.body().grades.mask === null && !terraCot.brush.repairs()")
        assert shown.locator("textarea").input_value() == ""
    assert answers(folder) == []


class Line:
    """The line to the server, to be cut and mended; laid before the page opens: an open one takes it late."""

    def __init__(self, shown: Any) -> None:
        self.cut = False
        shown.route("**/api/**", lambda route: route.abort() if self.cut else route.continue_())


def unkept(shown: Any) -> str | None:
    """What stands above everything while the server does not have what was said."""
    alarm = shown.locator("#unkept")
    return str(alarm.inner_text()) if alarm.is_visible() else None


def test_a_server_that_is_gone_is_told_and_its_return_keeps_the_draft(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, page(running) as (shown, _):
        line = Line(shown)
        shown.goto(server.links["Ana"])
        ready(shown)
        assert unkept(shown) is None
        line.cut = True
        shown.keyboard.press("3")
        shown.wait_for_selector(".status.bad")
        assert "not kept" in shown.locator(".status").inner_text()
        assert "one question. The server does not answer." in str(unkept(shown))
        shown.keyboard.press("h")
        shown.keyboard.press("Enter")
        until(shown, "!terraCot.form.box.inert && terraCot.form.complete()")
        assert shown.locator(".status").inner_text().startswith("Not saved")
        assert unkept(shown) is not None
        line.cut = False
        kept(shown)
        assert unkept(shown) is None
        shown.reload()
        ready(shown)
        assert set(shown.evaluate("terraCot.form.body().grades").values()) == {"high"}


def test_what_is_not_kept_is_told_on_every_question_and_comes_back(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, page(running) as (shown, _):
        line = Line(shown)
        shown.goto(server.links["Ana"])
        ready(shown)
        until(shown, "terraCot.data.question(1).then((sample) => sample.draft === null)")  # held: it needs no server
        line.cut = True
        shown.keyboard.press("2")
        until(shown, "!document.getElementById('unkept').hidden")
        shown.keyboard.press("j")
        ready(shown)
        assert "one question" in str(unkept(shown))
        assert not shown.locator(".status.bad").is_visible()  # nothing was said of this one
        shown.keyboard.press("1")
        until(shown, "document.querySelector('.status.bad')")
        assert "2 questions" in str(unkept(shown))
        shown.keyboard.press("k")
        shown.wait_for_selector("#detail .message")  # it cannot be read without a server
        assert "2 questions" in str(unkept(shown))
        line.cut = False
        until(shown, "document.getElementById('unkept').hidden")
        for row, grade in ((1, "low"), (0, "medium")):
            shown.keyboard.press("j" if row else "k")
            ready(shown)
            assert next(iter(shown.evaluate("terraCot.form.body().grades").values())) == grade


def test_a_server_that_says_nothing_is_told(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, page(running) as (shown, _):
        shown.goto(server.links["Ana"])
        ready(shown)
        server.process.send_signal(signal.SIGSTOP)
        try:
            shown.keyboard.press("3")
            until(shown, "!document.getElementById('unkept').hidden")
            assert "has not answered" in str(unkept(shown))
            assert "not kept" in shown.locator(".status.bad").inner_text()
        finally:
            server.process.send_signal(signal.SIGCONT)
        kept(shown)
        assert unkept(shown) is None


@contextmanager
def one_browser(running: Any, **how: Any) -> Iterator[Any]:
    """A browser whose tabs share cookies and what is held."""
    context = running.new_context(viewport={"width": 1400, "height": 900}, **how)
    yield context
    context.close()


def tab(context: Any, address: str) -> Any:
    shown = context.new_page()
    shown.goto(address)
    ready(shown)
    return shown


def held(shown: Any) -> int:
    return int(shown.evaluate("localStorage.length"))


def word(shown: Any) -> tuple[str, ...]:
    return tuple(shown.evaluate("Object.values(terraCot.form.body().grades).map(String)"))


def drafts(folder: Path) -> dict[str, Any]:
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256, create=False) as ledger:
        return {name: {q: ledger.draft(q, name) for q in ledger.drafts_of(name)} for name in ledger.reviewers}


@pytest.mark.parametrize("way", ["another tab", "the same tab"])
def test_a_server_that_is_killed_loses_no_word(running: Any, folder: Path, way: str) -> None:
    name, mask = first_with(folder)
    server = start(folder, *PEOPLE)
    with one_browser(running) as context:
        old, dialogs = tab(context, server.links["Ana"]), []
        old.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
        old.evaluate(f"location.hash = {name!r}")
        until(old, f"terraCot.form.sample.question_id === {name!r} && !terraCot.form.box.inert")
        server.kill()
        for key in ("2", "2", "2", "3", "c"):
            old.keyboard.press(key)
        old.keyboard.type("said to nobody")
        old.keyboard.press("Escape")
        old.keyboard.press("e")
        stroke(old, mask.size, [(5, 5), (9, 9)])
        old.keyboard.press("Escape")
        until(old, "!document.getElementById('unkept').hidden")
        assert "This browser holds it" in str(unkept(old))
        assert held(old) == 1
        wanted = old.evaluate("terraCot.form.body()")
        with serving(folder) as again:  # the command as it was, without a port: it takes the one that it had
            assert again.links["Ana"].partition("?")[0] == server.links["Ana"].partition("?")[0]
            ben = tab(context, again.links["Ben"])
            assert held(ben) == 1
            assert ben.evaluate("terraCot.form.waiting.size") == 0  # it is not Ben's
            if way == "the same tab":
                old.goto(again.links["Ana"])
                ready(old)
                new = old
            else:
                new = tab(context, again.links["Ana"])
                until(old, "document.getElementById('unkept').hidden")
                assert old.evaluate("terraCot.form.body()") == wanted
            until(new, "localStorage.length === 0")
            until(new, "!document.getElementById('sent').hidden")
            assert "one question" in new.locator("#sent").inner_text()
            assert dialogs == []  # all of it is held: there is nothing to ask
            kept_draft = drafts(folder)
            assert kept_draft["Ben"] == {}
            draft = kept_draft["Ana"][name]
            assert dict(draft.named()) == wanted["grades"]
            assert draft.comment == wanted["comment"] == "said to nobody"
            assert list(draft.masks) == wanted["masks"]
            old.evaluate(f"location.hash = {name!r}")
            until(old, f"terraCot.form.sample.question_id === {name!r} && !terraCot.form.box.inert")
            old.keyboard.press("1")
            kept(old)
            assert held(old) == 0


def test_what_the_browser_has_no_room_for_is_told_and_asked_about(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, one_browser(running) as context:
        context.add_init_script(
            "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"
        )
        context.route("**/api/draft/**", lambda route: route.abort())
        shown, dialogs = tab(context, server.links["Ana"]), []
        shown.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
        shown.keyboard.press("3")
        until(shown, "!document.getElementById('unkept').hidden")
        assert "no room to hold it: leave this page open" in str(unkept(shown))
        shown.reload()
        ready(shown)
        assert dialogs == ["beforeunload"]


def test_two_experts_in_one_browser_keep_apart(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, one_browser(running) as context:
        ana = tab(context, server.links["Ana"])
        ben = tab(context, server.links["Ben"])
        for shown, key in ((ana, "1"), (ben, "2")):
            shown.keyboard.press(key)
            kept(shown)
            shown.reload()
            ready(shown)
        assert ana.locator("#how").inner_text().startswith("Ana")
        assert ben.locator("#how").inner_text().startswith("Ben")
        assert (ana.title()[:3], ben.title()[:3]) == ("Ana", "Ben")
        assert (word(ana)[0], word(ben)[0]) == ("low", "medium")


def test_two_tabs_of_one_expert_see_each_other(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, one_browser(running) as context:
        first = tab(context, server.links["Ana"])
        second = tab(context, first.url)
        first.keyboard.press("1")
        until(second, "document.querySelector('#form .status').textContent.startsWith('Changed in another tab')")
        assert word(second)[0] == "low"


@pytest.mark.parametrize("choice", ["Keep the version below", "Use the server's"])
def test_nothing_is_written_over_what_came_from_elsewhere(running: Any, folder: Path, choice: str) -> None:
    with serving(folder, *PEOPLE) as server, one_browser(running) as home, one_browser(running) as office:
        here_, there = tab(home, server.links["Ana"]), tab(office, server.links["Ana"])
        there.keyboard.press("3")
        kept(there)
        here_.keyboard.press("1")
        here_.wait_for_selector(".clash")
        assert "high" in here_.locator(".clash").inner_text()
        assert word(here_)[0] == "low"
        (draft,) = drafts(folder)["Ana"].values()
        assert draft.grades[0] == "high"
        here_.keyboard.press("j")
        ready(here_)
        assert "changed in another tab or browser: one question" in str(unkept(here_))
        here_.keyboard.press("k")
        ready(here_)
        here_.get_by_text(choice).click()
        until(here_, "!document.querySelector('.clash') && localStorage.length === 0 && !terraCot.form.waiting.size")
        (draft,) = drafts(folder)["Ana"].values()
        assert draft.grades[0] == ("low" if choice.startswith("Keep") else "high")
        until(here_, f"Object.values(terraCot.form.body().grades)[0] === {draft.grades[0]!r}")


def test_enter_goes_on_once_the_others_have_been_read(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server:
        with opened(running, server, "Ana") as (shown, _):
            name = here(shown)
            for key in ("1", "3", "3", "3", "Enter"):
                shown.keyboard.press(key)
            until(shown, f"decodeURIComponent(location.hash.slice(1)) !== {name!r}")
        with opened(running, server, "Ben", width=1000, height=700) as (shown, _):
            assert here(shown) == name
            shown.keyboard.press("h")
            shown.keyboard.press("Enter")
            shown.wait_for_selector(".other")
            ready(shown)
            assert here(shown) == name
            box = shown.locator(".other").bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] < 700
            assert "Not every grade is high" in shown.locator(".others").inner_text()
            shown.keyboard.press("Enter")
            until(shown, f"decodeURIComponent(location.hash.slice(1)) !== {name!r}")
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256, create=False) as ledger:
        assert ledger._run("SELECT COUNT(*) FROM answer") == [(2,)]  # what did not change is not said again


def test_the_place_in_the_list_follows_the_filter(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        task = shown.evaluate("terraCot.data.meta.facets[1].words[terraCot.data.rows[0].facets[1][0]]")
        word_ = shown.evaluate(f"String(terraCot.data.meta.facets[1].words.indexOf({task!r}))")
        shown.select_option("#facet-task", word_)
        many = shown.locator("#count").inner_text().split()[0]
        assert many != str(shown.evaluate("terraCot.data.rows.length"))
        assert shown.locator(".where").inner_text() == f"1 of {many}"


def test_masks_carry_their_number_and_the_words_of_the_question(running: Any, folder: Path) -> None:
    name, _ = first_with(folder, masks=2, task="CR")
    items = open_items(folder)
    masks = items.masks(items.numbers[name]) or ()
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana", f"#{name}") as (shown, _):
        assert shown.locator(".mark").all_inner_texts() == [str(k + 1) for k in range(len(masks))]
        for number, mask in enumerate(masks):
            row, column, _ = shown.evaluate(f"terraCot.stage.spot({number})")
            assert mask.to_array()[row, column]
        options = set(shown.evaluate("terraCot.detail.sample.options"))
        assert set(shown.evaluate("terraCot.detail.sample.masks.map((mask) => mask.label)")) == options
        shown.keyboard.press("e")
        assert shown.locator(".mark").count() == 0
        assert shown.locator(".panels").bounding_box()["y"] > 0


def test_the_whole_path_goes_by_keys(running: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        shown.keyboard.press("?")
        shown.wait_for_selector("#help")
        shown.keyboard.press("Escape")
        shown.wait_for_selector("#help", state="hidden")
        first = here(shown)
        shown.keyboard.press("Enter")
        assert "Grade every check first" in shown.locator(".status").inner_text()
        for key in ("3", "3", "ArrowUp", "1", "ArrowRight", "ArrowDown", "2", "3"):
            shown.keyboard.press(key)
        chosen = shown.evaluate("terraCot.form.body().grades")
        assert chosen == {"mask": "high", "answer": "low", "distractors": "medium", "clarity": "high"}
        shown.keyboard.press("Enter")
        until(shown, f"decodeURIComponent(location.hash.slice(1)) !== {first!r}")
        ready(shown)
        second = here(shown)
        shown.keyboard.press("j")
        ready(shown)
        shown.keyboard.press("n")
        ready(shown)
        assert here(shown) not in (first, second)
        shown.keyboard.press("/")
        shown.keyboard.type("zzzz")
        shown.wait_for_selector("#detail .message")
        shown.keyboard.press("Escape")
        shown.keyboard.press("a")
        ready(shown)
    assert [answer.question for answer in answers(folder)] == [first]


def test_a_key_right_after_the_list_of_keys_closes_is_not_lost(running: Any, folder: Path) -> None:
    """Until the next frame, the focus is on the button of the closed dialog: Enter there saves all the same."""
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        on = shown.evaluate(
            """() => {
                 const help = document.getElementById("help");
                 help.showModal();
                 help.close();
                 const on = document.activeElement;
                 on.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
                 return on.tagName;
               }"""
        )
        assert on == "BUTTON"
        assert "Grade every check first" in shown.locator(".status").inner_text()


def test_keys_that_come_before_a_question_does_are_not_lost(running: Any, folder: Path) -> None:
    """All at once: grade, save, grade the next ones, save; every answer goes to the question that was next."""
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, _):
        shown.evaluate(
            """(keys) => { for (const key of keys) document.body.dispatchEvent(
                 new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); }""",
            ["h", "Enter", "3", "3", "3", "2", "Enter", "j", "1", "3", "3", "3", "Enter"],
        )
        until(shown, "document.getElementById('how').textContent.includes('3 of')")
        ids = shown.evaluate("terraCot.data.rows.map((row) => row.id).slice(0, 5)")
        ready(shown)
    given = {answer.question: answer.review.grades for answer in answers(folder)}
    high = ("high",) * 4
    # The third key after the second Enter moves on from the third question.
    assert given == {ids[0]: high, ids[1]: (*high[1:], "medium"), ids[3]: ("low", *high[1:])}


def test_hostile_words_are_words(running: Any, bench: Path, tmp_path: Path) -> None:
    questions = []
    for number, question in enumerate(open_benchmark(bench).questions()):
        bad = HOSTILE[number % len(HOSTILE)]
        masks = None if question.masks is None else tuple(replace(mask, label=bad) for mask in question.masks)
        questions.append(
            replace(
                question,
                question=bad + question.question,
                options=tuple(f"{bad} {k}" for k, _ in enumerate(question.options)),
                masks=masks,
                source=bad,
                source_id=bad,
                licence=bad,
                tile_id=bad,
            )
        )
    folder = write_bench(bench, tmp_path / "<img src=x onerror=alert(1)>", questions[:20])
    bad = "<img src=x onerror='window.ran=9'>"
    with serving(folder, "--reviewer", bad, "--reviewer", "Ben") as server:
        for name in (bad, "Ben"):
            with opened(running, server, name) as (shown, _):
                shown.keyboard.press("c")
                shown.keyboard.type(bad)
                shown.keyboard.press("Escape")
                shown.keyboard.press("h")
                shown.keyboard.press("Enter")
                if name == "Ben":
                    until(shown, ONE_KEPT)
                else:
                    until(shown, "terraCot.data.state(0) === 2")
                for _ in range(4):
                    shown.keyboard.press("j")
                    ready(shown)
                    shown.keyboard.press("e")
                    shown.keyboard.press("e")
                assert shown.evaluate("window.ran") is None
                assert shown.locator("img[src=x]").count() == 0


def test_ten_thousand_questions_are_a_page_of_few_elements(running: Any, bench: Path, tmp_path: Path) -> None:
    folder = write_bench(bench, tmp_path / "many", many(MANY))
    with serving(folder, *PEOPLE) as server, opened(running, server, "Ana") as (shown, heard):
        assert "10,000 questions" in shown.locator("#count").inner_text()
        pictures = [url for url in heard.requests if "/picture/" in url]
        assert len(pictures) < 30
        shown.evaluate("document.getElementById('list').scrollTop = 76 * 8000")
        until(shown, "[...document.querySelectorAll('.row p')].some((p) => p.textContent === 'question 8001')")
        assert shown.evaluate("document.querySelectorAll('.row').length") < 40
        shown.locator(".row", has_text="question 8003").first.click()
        until(shown, "location.hash === '#ca-8003-opt'")
        ready(shown)
        until(shown, "document.querySelector('#detail img').naturalWidth === 32")
        shown.keyboard.press("h")
        shown.keyboard.press("Enter")
        until(shown, "location.hash === '#ca-8004-opt'")
        assert len([url for url in heard.requests if "/picture/" in url]) < 90
    assert [answer.question for answer in answers(folder)] == ["ca-8003-opt"]


def many(count: int) -> list[Question]:
    mask = Mask.from_array("t0", "water", np.eye(32, dtype=bool))
    picture = frame("t0", "optical", png(np.zeros((32, 32, 3), np.uint8)))
    return [
        Question(
            question_id=f"ca-{number}-opt", task="CA", question=f"question {number}", options=("3.1%", "10.0%"),
            option_values=(3.1, 10.0), answer="A", frames=(picture,), masks=(mask,),
            evidence=(evidence("pixels", (0,), 32), evidence("valid_pixels", (), 1024)),
            tile_id=f"t{number}", legend="worldcover", view="display", label_frame="t0", split="test", width=32,
            height=32, gsd_m=10.0, source="s", source_id="1", licence="CC0-1.0",
        )
        for number in range(count)
    ]  # fmt: skip
