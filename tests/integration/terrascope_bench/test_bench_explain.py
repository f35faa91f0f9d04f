"""`terra-cot explain` from the command line: files that a GIS opens, faults in one line, the same bytes twice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import explainfactory as scenes  # skips where torch is absent
import geopandas
import numpy as np
import pytest
import rasterio
import terrascopefactory as factory
from browser import browser, needs_chromium
from browser import page as new_page
from PIL import Image
from pyproj import Transformer
from rio_cogeo.cogeo import cog_validate
from terminal import call

from terra_cot.facts import opened
from terra_cot.schema import check
from terra_cot.store.atomic import sha256_file
from terrascope_bench.explain.page import page as html_of
from terrascope_bench.explain.views import View

OPTIONS = ("--option", "50 %", "--option", "25 %")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and one place on two dates: the second under more water, in optical and SAR."""
    house = tmp_path_factory.mktemp("explain")
    scenes.save_model(house / "model", measured=True)
    before, after = scenes.water(150), scenes.water(150) | (np.hypot(*(np.mgrid[:150, :150] - 75)) < 40)
    scenes.optical(house / "before.tif", before, date="2023-05-01")
    scenes.optical(house / "after.tif", after, date="2023-06-01")
    scenes.sar(house / "radar.tif", after, date="2023-06-02")
    carry = Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)
    line = [list(carry.transform(x, 5400000 - 750)) for x in (399000, 402500)]
    roads = {"type": "Feature", "properties": {"name": "B 5"}, "geometry": {"type": "LineString", "coordinates": line}}
    (house / "roads.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [roads]}))
    return house


def explain(house: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return call("terra-cot", "explain", "--model", house / "model", *words)


def note_of(out: Path) -> dict[str, object]:
    note = json.loads((out / "answer.json").read_bytes())
    check(note, "explanation", out / "answer.json")
    return note  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def flood(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "flood"
    images = [house / name for name in ("after.tif", "radar.tif", "before.tif")]
    more = ("--task", "flood", "--roads", house / "roads.geojson", "--question", factory.QUESTION, "--max-tokens", 60)
    done = explain(house, *images, *more, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "water" in done.stdout
    assert "roads under water" in done.stdout
    return out


def test_every_file_is_there_and_told(flood: Path) -> None:
    note = note_of(flood)
    there = {path.name for path in flood.iterdir()}
    assert there == {*note["files"], "answer.json"}  # type: ignore[misc]
    assert {"step-1-water.geojson", "step-2-water.tif", "flood.geojson", "roads-under-water.geojson"} <= there
    assert all(sha256_file(flood / name) == known for name, known in note["files"].items())  # type: ignore[attr-defined]
    shown = [(image["frame"], image["modality"], *image["files"]) for image in note["scene"]["images"]]  # type: ignore[index]
    assert shown == [
        ("t0", "optical", "before.tif"),
        ("t1", "optical", "after.tif"),
        ("t1", "sar", "radar.tif"),
    ]


def test_gdal_opens_the_vectors_and_they_are_the_pixels_of_the_cogs(flood: Path) -> None:
    note = note_of(flood)
    regions = [*note["steps"], note["change"]]  # type: ignore[misc]
    assert len(regions) >= 3
    masks = {}
    for entry in regions:
        assert cog_validate(flood / entry["cog"], strict=True, quiet=True) == (True, [], [])
        with rasterio.open(flood / entry["cog"]) as dataset:
            codes = dataset.read(1)
            assert list(dataset.transform)[:6] == note["scene"]["transform"]  # type: ignore[index]
            assert dataset.crs.to_string() == note["scene"]["crs"]  # type: ignore[index]
        masks[entry["geojson"]] = codes == 1
        table = geopandas.read_file(flood / entry["geojson"])
        assert table.crs.to_epsg() == 4326
        assert table.geometry.is_valid.all()
        assert len(table) == entry["polygons"]
        assert (codes == 1).sum() == entry["pixels"]
        if len(table):
            assert table.pixels.sum() == entry["pixels"]
            assert table.area_m2.sum() == pytest.approx(entry["area_m2"], rel=1e-9)
            assert table.to_crs("EPSG:6933").area.sum() == pytest.approx(entry["area_m2"], rel=5e-3)
            assert set(table.label) == {entry["label"]}
    one, two = masks["step-1-water.geojson"], masks["step-2-water.geojson"]
    assert (masks["flood.geojson"] == opened(two & ~one)).all()


def test_roads_under_water_lie_in_the_flood(flood: Path) -> None:
    note = note_of(flood)
    roads = geopandas.read_file(flood / "roads-under-water.geojson")
    water = geopandas.read_file(flood / "flood.geojson").to_crs("EPSG:32633").union_all()
    assert len(roads) == note["roads"]["under_water"]  # type: ignore[index]
    assert note["roads"]["read"] == 1  # type: ignore[index]
    inside = roads.to_crs("EPSG:32633")
    assert inside.intersection(water.buffer(0.01)).length.sum() == pytest.approx(inside.length.sum(), rel=1e-6)
    line = geopandas.read_file(flood.parent / "flood" / "flood.geojson").to_crs("EPSG:32633")
    assert len(line) == note["change"]["polygons"]  # type: ignore[index]


def test_the_same_command_gives_the_same_bytes_and_overwrites_only_when_told(
    house: Path, flood: Path, tmp_path: Path
) -> None:
    words = [*(house / name for name in ("after.tif", "radar.tif", "before.tif")), "--task", "flood"]
    words += [
        "--roads",
        house / "roads.geojson",
        "--question",
        factory.QUESTION,
        "--max-tokens",
        60,
        "-o",
        tmp_path / "out",
    ]
    silent = explain(house, *words, "--quiet")
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    for path in flood.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name
    taken = explain(house, *words)
    assert taken.returncode == 2
    assert "is there already; choose another place, or --force to replace it" in taken.stderr
    again = explain(house, *words, "--force", "--json", "--quiet")
    assert (json.loads(again.stdout), again.stderr) == (note_of(flood), "")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("years of work")
    words[-1] = stranger
    assert explain(house, *words, "--force").returncode == 2
    assert [path.name for path in stranger.iterdir()] == ["thesis.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"out", "stranger"}  # nothing half done is left


def test_a_question_with_options_and_the_picture(house: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = explain(
        house, house / "before.tif", "--question", factory.QUESTION, "--option", "50 %", "--option", "25 %", "-o", out
    )
    assert done.returncode == 0, done.stderr
    note = note_of(out)
    assert note["options"] == ["50 %", "25 %"]
    assert (note["change"], note["roads"]) == (None, None)
    with Image.open(out / "overlay.png") as picture:
        assert picture.width > 900
        assert len(set(picture.resize((60, 60)).get_flattened_data())) > 20


def test_degrees_come_to_a_metric_grid_and_the_polygons_back(house: Path, tmp_path: Path) -> None:
    """A scene in longitude and latitude is explained in UTM: areas are true, and the polygons lie where it lies."""
    from affine import Affine

    path = tmp_path / "degrees.tif"
    mask = scenes.water(120)
    colours = np.where(mask, np.array(scenes.WATER)[:, None, None], np.array(scenes.LAND)[:, None, None])
    transform = Affine(1.4e-4, 0, 13.3, 0, -0.9e-4, 48.7)
    scenes.write_tiff(path, colours.astype(np.uint8), transform, "EPSG:4326", bands=scenes.BANDS)
    out = tmp_path / "out"
    done = explain(house, path, "--question", factory.QUESTION, "--max-tokens", 60, "-o", out)
    assert done.returncode == 0, done.stderr
    note = note_of(out)
    assert note["scene"]["crs"] == "EPSG:32633"  # type: ignore[index]
    table = geopandas.read_file(out / note["steps"][0]["geojson"])  # type: ignore[index]
    west, south, east, north = table.total_bounds
    assert 13.299 < west < east < 13.3 + 120 * 1.4e-4 + 0.001
    assert 48.7 - 120 * 0.9e-4 - 0.001 < south < north < 48.701


def reflectance(path: Path, mask: np.ndarray, cloud: np.ndarray, date: str) -> Path:
    """Bytes would not tell cloud: a scene in reflectance x 10000, its second date half under cloud."""
    colours = np.where(mask, np.array(scenes.WATER)[:, None, None], np.array(scenes.LAND)[:, None, None])
    pixels = np.rint(3000 * (colours / 255.0) ** 1.4).astype(np.uint16)  # what `display` shows in these colours
    pixels[:, cloud] = 8000
    return scenes.write_tiff(path, pixels, scenes.north_up(*scenes.PLACE, 10), bands=scenes.BANDS, date=date)


def test_ground_under_cloud_is_no_part_of_a_flood(house: Path, tmp_path: Path) -> None:
    before, after = scenes.water(150), scenes.water(150) | (np.hypot(*(np.mgrid[:150, :150] - 75)) < 40)
    cloud = np.zeros((150, 150), bool)
    cloud[:, 75:] = True
    none = np.zeros_like(cloud)
    first = reflectance(tmp_path / "first.tif", before, none, "2023-05-01")
    clear = reflectance(tmp_path / "clear.tif", after, none, "2023-06-01")
    hidden = reflectance(tmp_path / "hidden.tif", after, cloud, "2023-06-01")
    masks, notes, told = {}, {}, {}
    for name, last in (("clear", clear), ("hidden", hidden)):
        done = explain(house, first, last, "--task", "flood", "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
        notes[name], told[name] = note_of(tmp_path / name), done.stdout
        with rasterio.open(tmp_path / name / "flood.tif") as dataset:
            masks[name] = dataset.read(1)
    assert (masks["clear"][:, 75:] == 1).any()
    assert (masks["hidden"][cloud] == 255).all()
    assert notes["clear"]["change"]["cloud"] == {"hidden_share": 0.0}  # type: ignore[index]
    assert notes["hidden"]["change"]["cloud"]["hidden_share"] == pytest.approx(0.5, abs=0.01)  # type: ignore[index]
    assert notes["hidden"]["scene"]["images"][1]["cloud"]["found_by"] == "spectral"  # type: ignore[index]
    line = "% of the ground looks like cloud on t0 or t1, and is not counted."
    assert line in told["hidden"]
    assert line not in told["clear"]
    assert line in (tmp_path / "hidden/index.html").read_text()


def test_where_cloud_cannot_be_told_page_and_terminal_say_so(house: Path, flood: Path, tmp_path: Path) -> None:
    done = explain(house, house / "before.tif", house / "after.tif", "--task", "flood", "-o", tmp_path / "out")
    line = "Cloud is not recognised on t0 and t1 (8-bit display values are no reflectance)"
    assert line in done.stdout
    assert line in (flood / "index.html").read_text()
    assert note_of(flood)["change"]["cloud"] == {"hidden_share": None}  # type: ignore[index]


def test_a_lone_band_is_no_picture(house: Path, tmp_path: Path) -> None:
    pixels = np.full((1, 64, 64), 900, np.uint16)
    for name in ("S2_B02", "S2_B03", "S2_B04"):
        scenes.write_tiff(tmp_path / f"{name}.tif", pixels, scenes.north_up(*scenes.PLACE, 10))
    done = explain(house, tmp_path / "S2_B02.tif", "--question", "Is there water?", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "no true-colour bands; got ['B02'], expected B04, B03, B02" in done.stderr
    whole = ",".join(str(tmp_path / f"S2_{band}.tif") for band in ("B02", "B03", "B04"))
    assert explain(house, whole, "--question", factory.QUESTION, "-o", tmp_path / "out").returncode == 0


def test_the_page_names_the_weights_and_calls_nothing_right(house: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert explain(house, house / "before.tif", "--question", factory.QUESTION, *OPTIONS, "-o", out).returncode == 0
    note, page = note_of(out), (out / "index.html").read_text()
    weights = note["model"]["sha256"]["model.safetensors"]  # type: ignore[index]
    assert f"model.safetensors <code>{weights[:16]}</code>" in page
    assert note["model"]["sha256"]["config.json"][:12] not in page  # type: ignore[index]
    shown = View("t0", "optical", np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), bool))
    more = {"answer": "B", "chain": "", "steps": [], "follows": {"letter": "A", "value": 50.2, "unit": "%"}}
    page = html_of({**note, **more}, [shown], [], [])
    assert '<li class="said">B. 25 %' in page
    assert 'class="right"' not in page
    assert "The model&#39;s answer; nobody has checked it" in page
    assert "From the mask, A follows (50.2 %)." in page


def test_the_option_that_follows_is_that_of_the_benchmark(bench: Path) -> None:
    """Asked in the benchmark's words, the true mask gives the right letter."""
    from terrascope_bench.benchmark import open_benchmark
    from terrascope_bench.explain.follows import follows

    seen = set()
    for question in open_benchmark(bench).questions(images=False):
        if question.task in ("CA", "AQ"):
            (mask,) = question.masks or ()
            valid_px = int(question.value_of("valid_pixels") or 0)
            own = follows(
                question.question,
                question.options,
                mask.label,
                int(mask.to_array().sum()),
                valid_px,
                question.gsd_m or 0,
            )
            assert own is not None
            assert own.letter == question.answer
            seen.add(question.task)
    assert seen == {"CA", "AQ"}


@needs_chromium
def test_a_mask_on_the_page_has_an_outline(flood: Path) -> None:
    with browser() as running, new_page(running) as (page, _):
        page.goto((flood / "index.html").as_uri())
        page.keyboard.press("1")
        read = """(image) => { const c = document.createElement('canvas'); c.width = image.naturalWidth;
          c.height = image.naturalHeight; const x = c.getContext('2d'); x.drawImage(image, 0, 0);
          return [c.width, [...x.getImageData(0, 0, c.width, c.height).data]]; }"""
        width, flat = page.locator("[data-layer='1'] img:not(.fill)").evaluate(read)
    pixels = np.array(flat, np.uint8).reshape(-1, width, 4)
    with rasterio.open(flood / "step-1-water.tif") as dataset:
        mask = np.kron(dataset.read(1) == 1, np.ones((width // 150, width // 150), bool))
    assert width >= 600
    line, rim = pixels[..., 3] == 255, (pixels[..., 3] > 0) & (pixels[..., 3] < 255)
    assert line.any()
    assert mask[line].all()
    assert not mask[rim].any()
    assert (pixels[rim][:, :3] == 0).all()
    assert len(np.unique(pixels[line], axis=0)) == 1
    assert line.mean() < 0.5 * mask.mean()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["absent.tif", "--question", "What?"], "absent.tif: no such file"),
        (["before.tif"], "ask something"),
        (["before.tif", "--task", "flood"], "compares two dates"),
        (["before.tif", "after.tif", "--task", "floods"], 'did you mean "flood"'),
        (["before.tif", "--question", "What?", "--roads", "roads.geojson"], "goes with --task flood"),
        (["before.tif", "--question", "What?", "--option", "A"], "give 2 to 10 options"),
        (["before.tif", "after.tif", "--task", "flood", "--roads", "before.tif"], "not JSON"),
        (["roads.geojson", "--question", "What?"], "unreadable"),
        (["before.tif", "--question", "What?", "--sar-unit", "watts"], "--sar-unit watts"),
        (["before.tif", "--question", "What?", "--offset", "some"], "a number, or declared"),
        (["t0=before.tif", "t0=after.tif", "--question", "What?"], "t0 has two optical images"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(house: Path, words: list[str], told: str, tmp_path: Path) -> None:
    named = [
        f"{word.rpartition('=')[0]}{'=' if '=' in word else ''}{house / word.rpartition('=')[2]}"
        if word.endswith((".tif", ".geojson"))
        else word
        for word in words
    ]
    done = explain(house, *named, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert told in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error")]) == 1
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_without_a_model_is_told(house: Path, tmp_path: Path) -> None:
    done = call(
        "terra-cot", "explain", house / "before.tif", "--question", "What?", "--model", tmp_path, "-o", tmp_path / "out"
    )
    assert done.returncode == 2
    assert "no model in this folder" in done.stderr


@needs_chromium
def test_the_page_works_from_disk_and_fetches_nothing(flood: Path) -> None:
    note = note_of(flood)
    with browser() as running, new_page(running) as (page, heard):
        page.goto((flood / "index.html").as_uri())
        assert page.title() == factory.QUESTION
        rows = page.locator("tr[data-row]")
        assert rows.count() == len(note["steps"]) + 1  # type: ignore[arg-type]
        layers = page.locator(".picture .mask:not([hidden])")
        assert layers.count() == 1  # the change
        page.locator("[data-step='1']").first.click()
        assert page.locator("[data-layer='1']:not([hidden])").count() == 1
        assert page.locator("[data-tab='t0-optical']").get_attribute("aria-pressed") == "true"
        page.keyboard.press("2")
        assert page.locator("[data-layer='2']:not([hidden])").count() == 1
        page.keyboard.press("ArrowLeft")
        assert page.locator(".picture .base:not([hidden])").count() == 1
        page.locator("input[data-mask='1']").check()
        assert layers.count() == 2
        for link in page.locator("a[download]").all():
            assert (flood / str(link.get_attribute("href"))).is_file()
        assert (heard.messages, heard.outside()) == ([], [])
