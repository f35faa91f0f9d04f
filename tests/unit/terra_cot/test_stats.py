"""The numbers of a dataset against numpy and against its rows; the page that shows them, in a real browser."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import browser, needs_chromium, page
from exportfactory import changed, every_sample, every_tile, small_dataset
from geofactory import cli_here
from hypothesis import given
from hypothesis import strategies as st
from viewfactory import HOSTILE

from terra_cot.errors import DataError
from terra_cot.stats import stats, write_page
from terra_cot.stats.tally import Tally
from terra_cot.stats.tokens import plain_tokens


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Masks called after an attack, shifts that were removed, one image without a cloud mask."""

    def change(tile, samples):  # type: ignore[no-untyped-def]
        first = replace(tile.frames[0], cloud_fraction=None)
        moved = replace(
            tile.frames[1], shift_px=(3.0, -4.0), shift_status="removed", shift_reason=None, shift_score=0.5
        )
        tile = replace(tile, frames=(first, moved, *tile.frames[2:]))
        masks = tuple(replace(mask, label=HOSTILE) for mask in samples[0].masks) if samples else ()
        return tile, (replace(samples[0], masks=masks), *samples[1:]) if samples else ()

    folder = tmp_path_factory.mktemp("stats")
    return changed(small_dataset(folder / "plain"), folder / "changed", change)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), st.integers(1, 9))
def test_a_tally_is_what_numpy_says(values: list[int], width: int) -> None:
    tally = Tally()
    for value in values:
        tally.add(value)
    found = tally.spread()
    assert found is not None
    np.testing.assert_allclose(list(found.values()), np.percentile(values, [0, 25, 50, 75, 100]), atol=1e-4)
    histogram = tally.histogram(width)
    edges = np.arange(len(histogram["counts"]) + 1) * width
    assert histogram["counts"] == np.histogram(values, edges)[0].tolist()
    assert sum(tally.histogram()["counts"]) == len(values)
    assert len(tally.histogram()["counts"]) <= 25


def test_bins_hold_their_lower_edge_and_the_last_its_upper() -> None:
    tally = Tally(4)
    for value in (0.0, 0.05, 0.15, 0.3, 0.95, 1.0):
        tally.add(value)
    counts = tally.histogram(0.05, high=1.0)["counts"]
    assert len(counts) == 20
    assert {number: count for number, count in enumerate(counts) if count} == {0: 1, 1: 1, 3: 1, 6: 1, 19: 2}
    assert Tally().spread() is None
    assert Tally().histogram()["counts"] == []


def test_the_numbers_are_those_of_the_rows(dataset: Path) -> None:
    found, samples, tiles = stats(dataset), every_sample(dataset), every_tile(dataset)
    rows = [sample for _, sample in samples.values()]
    assert found["masks_by_class"] == Counter(mask.label for row in rows for mask in row.masks)
    for tier, numbers in found["masks_by_tier_and_class"].items():
        assert numbers == Counter(mask.label for row in rows if row.tier == tier for mask in row.masks)
    assert sum(found["samples_by_modality"].values()) == sum(found["samples_by_dates"].values()) == len(rows)
    for text in ("question", "chain", "answer"):
        lengths = [len(re.findall(r"\[SEG\]|\w+|[^\w\s]", getattr(row, text))) for row in rows]
        assert found[f"{text}_tokens"]["median"] == np.median(lengths)
        assert found[f"{text}_tokens"]["max"] == max(lengths)
        assert sum(found["histograms"][f"{text}_tokens"]["counts"]) == len(rows)
    assert found["removed_shift_px"]["median"] == 5.0
    assert found["histograms"]["removed_shift_px"]["counts"][20] == len(tiles)
    assert found["frames_without_cloud_mask"] == len(tiles)
    clouds = [
        frame.cloud_fraction for tile in tiles.values() for frame in tile.frames if frame.cloud_fraction is not None
    ]
    assert sum(found["histograms"]["cloud_fraction"]["counts"]) == len(clouds)
    assert found["cloud_fraction"]["max"] == round(max(clouds), 4)
    assert sum(found["alignment"].values()) == sum(len(tile.frames) for tile in tiles.values())


def test_tokens_by_a_tokenizer_that_is_given(dataset: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    assert plain_tokens("The water [SEG], 3.5 ha.") == 9
    letters = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    letters.save(str(tmp_path / "letters.json"))
    found = stats(dataset, tmp_path / "letters.json")
    assert found["tokens_are"] == "tokens of letters.json"
    answers = [len(sample.answer) for _, sample in every_sample(dataset).values()]
    assert found["answer_tokens"]["max"] == max(answers)
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(DataError, match="not a tokenizer"):
        stats(dataset, tmp_path / "broken.json")
    with pytest.raises(DataError, match="cannot be read"):
        stats(dataset, tmp_path / "absent.json")


def test_the_command_prints_tables_and_writes_the_page(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "stats.html"
    done = cli_here("stats", dataset, "--html", out)
    assert done.returncode == 0, done.stderr
    for title in (
        "samples by tier",
        "masks by class",
        "spread",
        "chain tokens",
        "cloud fraction",
        "alignment of frames",
    ):
        assert f"\n{title}" in done.stdout
    first = out.read_bytes()
    assert cli_here("stats", dataset, "--html", out).returncode == 2
    assert cli_here("stats", dataset, "--html", out, "--force", "--quiet").stdout == ""
    assert out.read_bytes() == first
    assert json.loads(cli_here("stats", dataset, "--json").stdout) == json.loads(json.dumps(stats(dataset)))


@needs_chromium
def test_the_page_shows_every_number_and_asks_for_nothing(dataset: Path, tmp_path: Path) -> None:
    found = stats(dataset)
    write_page(tmp_path / "stats.html", found)
    with browser() as running:
        for width, scheme in ((1400, "light"), (420, "dark")):
            with page(running, width=width, scheme=scheme) as (opened, heard):
                opened.goto((tmp_path / "stats.html").as_uri())
                assert opened.title() == "small · statistics"
                assert opened.evaluate("document.documentElement.scrollWidth") <= width
                bars = {
                    row.locator("th").text_content(): row.locator("td").nth(1).text_content()
                    for row in opened.locator("tr:has(td.bar)").all()
                }
                for numbers in (found["masks_by_class"], found["samples_by_modality"], found["alignment"]):
                    for name, number in numbers.items():
                        assert bars[name] == f"{number:,}"
                assert opened.locator("script, img").count() == 0
                assert opened.locator("figure svg").count() == 7
                assert heard.messages == []
                assert [url for url in heard.requests if not url.startswith("data:")] == [opened.url]
