"""The site of a dataset, opened from disk in a real Chromium: what it shows, lights and filters, and what it costs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from browser import Heard, browser, needs_chromium, open_site, page
from exportfactory import contents, every_sample, small_dataset
from geofactory import cli_here as cli
from viewfactory import HOSTILE, hostile_dataset, long_dataset, repeated_dataset, series_dataset

from terra_cot.mask import Mask
from terra_cot.palette import class_color
from terra_cot.view import write_site

MANY = 10_000
PIXELS = """([panel]) => {
  const canvas = document.querySelectorAll('#detail canvas')[panel], context = canvas.getContext('2d');
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  return { size: [canvas.height, canvas.width], data: Array.from(image.data) };
}"""


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("series")
    dataset = series_dataset(folder)
    write_site(dataset, folder / "site")
    return dataset, folder / "site"


def canvas(opened: Any, panel: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """HW4 uint8: what is drawn over the image of a panel."""
    found = opened.evaluate(PIXELS, [panel])
    return np.array(found["data"], np.uint8).reshape(*found["size"], 4)


def assert_lit(drawn: Any, mask: Mask, color: tuple[int, int, int]) -> None:
    """Inside the mask its colour, at the border opaque; outside only darkness."""
    inside = mask.to_array()
    assert drawn.shape[:2] == inside.shape
    assert (drawn[~inside, :3] == 0).all()
    assert (drawn[~inside, 3] >= 150).all()
    # A canvas keeps colours multiplied by their transparency: faint ones come back a little off.
    assert np.abs(drawn[inside, :3].astype(int) - color).max() <= 3
    assert set(np.unique(drawn[inside, 3]).tolist()) == {88, 255}
    padded = np.pad(inside, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    np.testing.assert_array_equal((drawn[..., 3] == 255), inside & ~core)


def quiet(heard: Heard) -> None:
    assert heard.messages == []
    assert heard.outside() == []


@needs_chromium
def test_a_sentence_lights_its_masks_on_the_right_frame_and_a_mask_its_sentence(
    running: Any, series: tuple[Path, Path]
) -> None:
    dataset, site = series
    name, (tile, sample) = next(iter(every_sample(dataset).items()))
    shown = [entry.frame for entry in sample.frames]
    assert len(set(shown)) == 2
    assert len(shown) > 2
    with page(running) as (opened, heard):
        open_site(opened, site, f"#{quote(name, safe='')}")
        assert opened.locator("#detail h2").text_content() == sample.question
        steps = opened.locator("button.line")
        assert steps.count() == len(sample.masks)
        for number, mask in enumerate(sample.masks):
            steps.nth(number).hover()
            for panel, frame in enumerate(shown):
                figure = opened.locator("#detail figure").nth(panel)
                lit = "lit" in (figure.get_attribute("class") or "")
                assert lit == (frame == mask.frame)
                if lit:
                    assert_lit(canvas(opened, panel), mask, class_color(tile.legend, mask.label))
        opened.locator("#detail h2").hover()
        before = canvas(opened, 0)
        assert set(np.unique(before[..., 3])) > {0, 255}, "with nothing pointed at, every mask is drawn and none dimmed"

        # The pond lies inside the forest: the pointer is on the smaller mask.
        box = opened.locator("#detail canvas").first.bounding_box()
        opened.mouse.move(box["x"] + box["width"] * 15.5 / tile.width, box["y"] + box["height"] * 15.5 / tile.height)
        lit = [("lit" in (steps.nth(number).get_attribute("class") or "")) for number in range(3)]
        assert lit == [False, False, True]
        assert_lit(canvas(opened, 0), sample.masks[2], class_color(tile.legend, sample.masks[2].label))
        opened.mouse.click(box["x"] + box["width"] * 30 / tile.width, box["y"] + box["height"] * 30 / tile.height)
        opened.mouse.move(5, 5)
        assert steps.nth(0).get_attribute("aria-pressed") == "true", "a click keeps it lit"
        assert_lit(canvas(opened, 0), sample.masks[0], class_color(tile.legend, sample.masks[0].label))
        quiet(heard)


@needs_chromium
def test_dates_are_switched_and_a_sentence_turns_to_its_date(running: Any, series: tuple[Path, Path]) -> None:
    dataset, site = series
    sample = next(iter(every_sample(dataset).values()))[1]
    frames = [entry.frame for entry in sample.frames]
    with page(running) as (opened, heard):
        open_site(opened, site)

        def visible() -> list[str]:
            figures = opened.locator("#detail figure")
            return [frame for number, frame in enumerate(frames) if figures.nth(number).is_visible()]

        assert visible() == frames, "a pair stands side by side"
        opened.keyboard.press("]")
        assert visible() == [frame for frame in frames if frame == "t0"]
        opened.locator("button.line").nth(1).hover()
        assert visible() == [frame for frame in frames if frame == "t1"]
        opened.get_by_role("button", name="all dates").click()
        assert visible() == frames
        opened.keyboard.press("m")
        opened.keyboard.press("m")
        opened.mouse.move(5, 5)
        assert canvas(opened, 0).max() == 0, "no masks at all"
        quiet(heard)


@needs_chromium
def test_a_long_series_shows_the_date_of_its_mask(running: Any, tmp_path: Path) -> None:
    write_site(long_dataset(tmp_path), tmp_path / "site")
    with page(running) as (opened, heard):
        open_site(opened, tmp_path / "site")
        figures = opened.locator("#detail figure")
        assert figures.count() == 6
        assert [number for number in range(6) if figures.nth(number).is_visible()] == [4]
        for key, date in (("]", 5), ("]", 0), ("[", 5)):
            opened.keyboard.press(key)
            assert [number for number in range(6) if figures.nth(number).is_visible()] == [date]
        opened.keyboard.press("1")
        assert figures.nth(4).is_visible()
        assert "lit" in (figures.nth(4).get_attribute("class") or "")
        opened.get_by_role("button", name="all dates").click()
        boxes = [figures.nth(number).bounding_box() for number in range(6)]
        assert len({box["y"] for box in boxes}) == 1
        assert len({round(box["x"]) for box in boxes}) == 6
        quiet(heard)


@needs_chromium
def test_masks_are_decoded_as_pycocotools_does(running: Any, series: tuple[Path, Path]) -> None:
    rng = np.random.default_rng(0)
    arrays = [
        rng.random((h, w)) < share for h, w in ((1, 1), (7, 3), (64, 90), (1, 200)) for share in (0, 0.02, 0.5, 1)
    ]
    arrays.append(np.indices((300, 200)).sum(0) > 240)
    masks = [Mask.from_array("t0", "x", array) for array in arrays]
    with page(running) as (opened, _):
        open_site(opened, series[1])
        decode = "(masks) => masks.map((mask) => Array.from(terraCot.rle.decode(mask.size, mask.counts)))"
        found = opened.evaluate(decode, [{"size": list(mask.size), "counts": mask.counts} for mask in masks])
    for array, flat in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(np.array(flat, bool).reshape(array.shape), array)


@needs_chromium
def test_filters_search_and_keys(running: Any, series: tuple[Path, Path]) -> None:
    dataset, site = series
    samples = {name: sample for name, (_, sample) in every_sample(dataset).items()}
    with page(running) as (opened, heard):
        open_site(opened, site)

        def kept() -> list[str]:
            return opened.evaluate("terraCot.filter.kept.map((number) => terraCot.data.rows[number].id)")  # type: ignore[no-any-return]

        def current() -> str:
            return opened.evaluate("decodeURIComponent(location.hash.slice(1).split('&')[0])")  # type: ignore[no-any-return]

        assert kept() == list(samples)
        for facet, rule in (
            ("tier", lambda sample, value: sample.tier == value),
            ("task", lambda sample, value: sample.task == value),
            ("split", lambda sample, value: sample.split == value),
            ("label", lambda sample, value: value in {mask.label for mask in sample.masks}),
            ("modality", lambda s, value: "+".join(sorted({entry.modality for entry in s.frames})) == value),
        ):
            select = opened.locator(f"#facet-{facet}")
            for option in select.locator("option").all()[1:]:
                select.select_option(option.get_attribute("value"))
                value, _, count = (option.text_content() or "").rpartition(" (")
                expected = [name for name, sample in samples.items() if rule(sample, value)]
                assert kept() == expected
                assert int(count.rstrip(")")) == len(expected) > 0
                assert current() in expected
            opened.locator("#detail").focus()
            opened.keyboard.press("x")
            assert kept() == list(samples)

        names = list(samples)
        opened.locator("#list").focus()
        opened.keyboard.press("Home")
        for key, place in (("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("k", 0), ("End", len(names) - 1)):
            opened.keyboard.press(key)
            assert current() == names[place], key
            marked = opened.locator(f"#{opened.locator('#list').get_attribute('aria-activedescendant')}")
            assert marked.get_attribute("aria-selected") == "true"
            assert marked.get_attribute("aria-posinset") == str(place + 1)
            assert marked.is_visible()
        opened.keyboard.press("/")
        assert opened.evaluate("document.activeElement.id") == "search"
        opened.keyboard.type("WATER touch j?")
        texts = {
            name: "\n".join((name, sample.question, sample.answer, sample.chain)) for name, sample in samples.items()
        }
        found = [name for name, text in texts.items() if "water" in text.lower() and "touch" in text.lower()]
        assert found
        assert kept() == [], "letters that are typed are no keys"
        assert "No sample" in (opened.locator("#detail").text_content() or "")
        opened.locator("#search").fill("WATER touch")
        assert kept() == found
        opened.keyboard.press("Escape")
        assert opened.evaluate("document.activeElement.id") == "list"
        opened.keyboard.press("x")
        opened.keyboard.press("Home")
        opened.locator(".where", has_text=f"1 of {len(names)}").wait_for()  # not the sample before
        opened.keyboard.press("2")
        assert opened.locator("button.line").nth(1).get_attribute("aria-pressed") == "true"
        opened.keyboard.press("Escape")
        assert opened.locator("[aria-pressed=true].line").count() == 0
        opened.keyboard.press("?")
        opened.locator("#help").wait_for()
        opened.keyboard.press("Escape")
        opened.locator("#help").wait_for(state="hidden")
        for button in opened.get_by_role("button").all():
            assert (button.get_attribute("aria-label") or button.text_content() or "").strip()
        quiet(heard)


@needs_chromium
def test_a_link_opens_its_sample_and_its_filter(running: Any, series: tuple[Path, Path]) -> None:
    dataset, site = series
    name, (_, sample) = list(every_sample(dataset).items())[-1]
    with page(running, width=420, height=800, scheme="dark") as (opened, heard):
        open_site(opened, site, f"#{quote(name)}&tier={sample.tier}")
        assert opened.locator("#detail h2").text_content() == sample.question
        assert opened.evaluate("terraCot.filter.kept.length") < opened.evaluate("terraCot.data.rows.length")
        assert not opened.locator("#list").is_visible()
        background = "getComputedStyle(document.body).backgroundColor"
        assert sum(map(int, opened.evaluate(background).strip("rgb()").split(","))) < 120, (
            "dark where dark is preferred"
        )
        assert opened.evaluate("document.documentElement.scrollWidth") <= 420
        opened.get_by_role("button", name="Back to the list").click()
        assert opened.locator("#list").is_visible()
        opened.locator(".row").first.click()
        assert opened.locator("#detail h2").is_visible()
        opened.evaluate("location.hash = '#nothing-like-it'")
        opened.wait_for_function("document.querySelector('#detail').textContent.includes('No sample nothing-like-it')")
        quiet(heard)


@needs_chromium
def test_text_from_outside_is_never_html(running: Any, tmp_path: Path) -> None:
    dataset = hostile_dataset(tmp_path)
    write_site(dataset, tmp_path / "site")
    name = next(iter(every_sample(dataset)))
    with page(running) as (opened, heard):
        open_site(opened, tmp_path / "site", f"#{quote(name, safe='')}")
        assert opened.locator("#detail h2").text_content() == HOSTILE
        opened.locator("button.line").first.hover()
        opened.locator("summary").click()
        opened.locator("#facet-label").select_option(label=f"{HOSTILE.replace(chr(0x2028), ' ')} (4)")
        assert opened.evaluate("terraCot.filter.kept.length") == 4
        for tag in ("img[onerror]", "#detail script", "#list script", "option *"):
            assert opened.locator(tag).count() == 0
        assert opened.title() == "small · Terra-CoT"
        quiet(heard)


@needs_chromium
def test_ten_thousand_samples_keep_few_elements(
    running: Any, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
    from view import line, measure

    dataset = repeated_dataset(tmp_path, MANY)
    note = write_site(dataset, tmp_path / "site")
    assert note["samples"]["shown"] == MANY
    with page(running) as (opened, heard):
        open_site(opened, tmp_path / "site")
        assert opened.evaluate("terraCot.data.rows.length") == MANY
        found = measure(opened)
        for key in ("search", "facet", "draws", "gaps"):
            record_property(key, line(key, found[key]))
        assert found["rows"] < 60
        opened.locator("#list").focus()
        opened.keyboard.press("End")
        last = opened.locator(f"#{opened.locator('#list').get_attribute('aria-activedescendant')}")
        assert last.get_attribute("aria-posinset") == str(MANY)
        assert last.is_visible()
        assert opened.locator("*").count() < 1000
        opened.evaluate("terraCot.list.box.scrollTop = 0")
        opened.wait_for_function(
            "[...document.querySelectorAll('.row img')].filter((image) => image.naturalWidth > 0).length > 8"
        )
        quiet(heard)


def test_the_command_writes_whole_sites_and_says_what_is_shown(tmp_path: Path) -> None:
    dataset = small_dataset(tmp_path)
    site = tmp_path / "dataset-view"
    done = cli("view", dataset)
    assert done.returncode == 0, done.stderr
    assert "shown: all samples" in done.stdout
    assert f"open {site / 'index.html'}" in done.stdout
    whole = contents(site)
    taken = cli("view", dataset)
    assert taken.returncode == 2
    assert "--force" in taken.stderr
    again = json.loads(cli("view", dataset, "--force", "--json").stdout)
    assert contents(site) == whole, "the same bytes again"
    assert again["samples"]["of"] == again["samples"]["shown"] == len(every_sample(dataset))
    few = json.loads(cli("view", dataset, "--force", "--json", "--sample", 3, "-o", tmp_path / "few").stdout)
    assert few["samples"]["shown"] == 3
    assert few["samples"]["how"].startswith(f"3 of {again['samples']['of']} samples, those of ")
    assert few["bytes"] < again["bytes"]
    both = cli("view", dataset, "--limit", 3, "--sample", 3, "-o", tmp_path / "both")
    assert both.returncode == 2
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("mine")
    refused = cli("view", dataset, "-o", stranger, "--force")
    assert refused.returncode == 2
    assert "choose another folder" in refused.stderr
    assert (stranger / "thesis.txt").read_text() == "mine"
    assert cli("view", tmp_path / "stranger").returncode == 2
    assert not list(tmp_path.glob(".*.tmp"))
