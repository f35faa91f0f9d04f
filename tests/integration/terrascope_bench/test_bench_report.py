"""The report of a whole run: its pictures are there, and stand two a row where the page is narrow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import browser, needs_chromium
from browser import page as new_page
from terminal import call

from terrascope_bench.report import write_report
from terrascope_bench.run import run_model
from terrascope_bench.score import score


@pytest.fixture(scope="module")
def report(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    room = tmp_path_factory.mktemp("report")
    world, dataset = room / "world", room / "dataset"
    small = ("--scenes", 2, "--pairs", 0, "--size-px", 384, "--quiet")
    assert call("terra-cot", "world", world, *small).returncode == 0
    assert call("terra-cot", "run", "demo", "-o", dataset, "--set", f"source.root={world}", "--quiet").returncode == 0
    run_model("gold", bench, room / "gold.jsonl")
    (room / "gold.json").write_text(json.dumps(score(room / "gold.jsonl", bench, model="gold").card))
    return write_report(room / "report", dataset, bench, [room / "gold.json"])


@needs_chromium
@pytest.mark.parametrize(("width", "row"), [(420, 2), (1200, 3)])
def test_pictures_fill_the_row(report: Path, width: int, row: int) -> None:
    with browser() as running, new_page(running, width=width) as (page, heard):
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        places = page.evaluate(
            "[...document.querySelectorAll('.panels')].map(p => [p.getBoundingClientRect().width,"
            " [...p.querySelectorAll('img')].map(i => { const b = i.getBoundingClientRect();"
            " return [b.top, b.width, i.naturalWidth]; })])"
        )
        assert len(places) > 3
        for room, images in places:
            assert all(natural > 0 for *_, natural in images)
            first = [image for image in images if image[0] == images[0][0]]
            assert len(first) >= min(row, len(images))
            if width < 640:
                assert first[0][1] == pytest.approx((room - 12) / 2, abs=1)
        assert (heard.messages, heard.outside()) == ([], [])
