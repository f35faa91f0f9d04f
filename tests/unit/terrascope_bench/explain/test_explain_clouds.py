"""What cloud hides is found as in datasets, without seams; where it cannot be told, why; what is left of a change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from geofactory import noise, north_up, write_tiff
from numpy.typing import NDArray

from terra_cot.cloud import CloudOptions, Reflectance, find_cloud
from terrascope_bench.explain import clouds as room
from terrascope_bench.explain.clouds import find_hidden
from terrascope_bench.explain.scene import Files, open_scene
from terrascope_bench.explain.views import Views

PLACE = north_up(400000, 5400000, 10)
SIDE = 260
NAMES = ("B02", "B03", "B04", "B08")
OPTIONS = CloudOptions(method="spectral", reflectance=Reflectance(scale=1e-4, level="surface"))


def cover(seed: int = 1) -> NDArray[np.bool_]:
    """Cloud in patches of all sizes, single pixels too."""
    return noise(seed, SIDE, SIDE, 0.04) > 0.8


def image(
    path: Path, cloud: NDArray[np.bool_], names: tuple[str, ...] = NAMES, date: str = "2023-05-01", scale: float = 1.0
) -> Path:
    """Fields, with dark patches that are shadow where cloud is near; cloud is white."""
    rng = np.random.default_rng(0)
    values = np.array((600, 900, 800, 2500))[: len(names), None, None] + rng.integers(-50, 50, (len(names), SIDE, SIDE))
    dark = noise(9, SIDE, SIDE, 0.05) > 1.2
    values[:, dark] //= 3
    values[:, cloud] = 6000 + rng.integers(-500, 500, (len(names), int(cloud.sum())))
    pixels = (values * scale).astype(np.uint16 if scale == 1 else np.float32)
    return write_tiff(path, pixels, PLACE, bands=names, date=date)


def radar(path: Path, seen: NDArray[np.bool_]) -> Path:
    pixels = np.where(seen, -10.0, np.nan).astype(np.float32)
    write_tiff(path, np.stack([pixels, pixels]), PLACE, bands=("VV", "VH"), nodata=np.nan, date="2023-05-02")
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(UNIT="dB")
    return path


def views_of(*paths: Path) -> Views:
    return Views(open_scene(Files(tuple(map(str, paths)))).scene, align=False)


def test_blocks_find_what_the_rule_finds_on_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BLOCK_PX", 48)
    with views_of(image(tmp_path / "scene.tif", cover())) as views:
        whole = find_cloud(views.read(views.scene.frames[0], views.grid), OPTIONS)
        found = find_hidden(views, False)
    assert 0.1 < whole.mean() < 0.6
    assert (whole & ~cover()).sum() > 500  # shadow
    assert (found.where["t0"] == whole).all()
    (cloud,) = found.clouds
    assert (cloud.share, cloud.shadow, cloud.why) == (whole.mean(), True, None)


@pytest.mark.parametrize(
    "names", [("B2", "B3", "B4"), ("red", "green", "blue"), ("R", "G", "B"), ("B02", "B03", "B04")]
)
def test_bands_by_any_name_of_true_colour(names: tuple[str, ...], tmp_path: Path) -> None:
    with views_of(image(tmp_path / "scene.tif", cover(), names)) as views:
        found = find_hidden(views, False)
    assert not found.clouds[0].shadow
    assert (found.where["t0"] != cover()).mean() < 0.03


def test_a_sky_without_cloud_hides_nothing(tmp_path: Path) -> None:
    with views_of(image(tmp_path / "scene.tif", np.zeros((SIDE, SIDE), bool))) as views:
        found = find_hidden(views, False)
    assert (found.clouds[0].share, found.where) == (0.0, {})
    assert found.seen((SIDE, SIDE), ("t0",)).all()


def test_where_radar_shows_a_date_it_is_seen_if_masks_are_made_from_it(tmp_path: Path) -> None:
    here = np.zeros((SIDE, SIDE), bool)
    here[:, :130] = True
    with views_of(image(tmp_path / "scene.tif", cover()), radar(tmp_path / "sar.tif", here)) as views:
        alone, both = find_hidden(views, False), find_hidden(views, True)
    assert alone.clouds[0].share == alone.clouds[0].hidden == both.clouds[0].share
    assert both.clouds[0].hidden == both.where["t0"].mean()
    assert (both.where["t0"] == (alone.where["t0"] & ~here)).all()
    assert both.where["t0"].any()


@pytest.mark.parametrize(("kind", "told"), [("bytes", "8-bit display values"), ("share", "no reflectance x 10000")])
def test_where_cloud_cannot_be_told_it_is_said(kind: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    if kind == "bytes":
        write_tiff(path, np.full((3, 40, 40), 250, np.uint8), PLACE, bands=("red", "green", "blue"))
    else:
        image(path, cover(), scale=1e-4)
    with views_of(path) as views:
        found = find_hidden(views, False)
    assert (found.clouds[0].share, found.where) == (None, {})
    assert told in str(found.clouds[0].why)
