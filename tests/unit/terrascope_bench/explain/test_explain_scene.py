"""Files become one scene: sensors by their bands, dates by names, times or order, and faults in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from geofactory import north_up, write_tiff

from terra_cot.errors import ConfigError, DataError
from terrascope_bench.explain.scene import Files, open_scene
from terrascope_bench.explain.views import OVERVIEW_PX, Views, overview_grid

PLACE = north_up(400000, 5400000, 10)
RGB = ("B02", "B03", "B04")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    optical = rng.integers(200, 2500, (3, 60, 80)).astype(np.uint16)
    radar = rng.uniform(-20, -5, (2, 60, 80)).astype(np.float32)
    for name, date in (("may", "2023-05-01"), ("june", "2023-06-01"), ("undated", None), ("other", None)):
        write_tiff(tmp_path / f"{name}.tif", optical, PLACE, bands=RGB, date=date)
    write_tiff(tmp_path / "sar.tif", radar, PLACE, bands=("VV", "VH"), date="2023-06-03")
    write_tiff(tmp_path / "no-unit.tif", radar, PLACE, bands=("VV", "VH"))
    with rasterio.open(tmp_path / "sar.tif", "r+") as dataset:
        dataset.update_tags(UNIT="dB")
    write_tiff(tmp_path / "plain.tif", optical, PLACE)
    write_tiff(tmp_path / "plain-sar.tif", radar, PLACE)
    write_tiff(tmp_path / "nowhere.tif", optical, None, None, bands=RGB)
    write_tiff(tmp_path / "far.tif", optical, north_up(900000, 5400000, 10), bands=RGB, date="2023-07-01")
    return tmp_path


def frames(given: Files) -> tuple[list[tuple[str, str, str]], str]:
    found = open_scene(given)
    shown = [(frame.frame, frame.modality, Path(frame.assets[0].path).stem) for frame in found.scene.frames]
    return shown, found.dates_from


def files(folder: Path, *names: str, sar: tuple[str, ...] = (), **more: object) -> Files:
    def path(name: str) -> str:
        date, equals, stem = name.rpartition("=")
        return f"{date}{equals}{folder / stem}.tif"

    return Files(tuple(map(path, names)), tuple(map(path, sar)), **more)  # type: ignore[arg-type]


def test_times_order_the_dates_and_pair_the_sensors(folder: Path) -> None:
    shown, rule = frames(files(folder, "june", "sar", "may"))
    assert shown == [("t0", "optical", "may"), ("t1", "optical", "june"), ("t1", "sar", "sar")]
    assert rule == "times"


def test_a_date_that_a_person_states_is_a_time(folder: Path) -> None:
    shown, rule = frames(files(folder, "may", "2022-01-31=undated"))
    assert shown == [("t0", "optical", "undated"), ("t1", "optical", "may")]
    assert rule == "times"


def test_names_say_the_date_whatever_the_tags_say(folder: Path) -> None:
    shown, rule = frames(files(folder, "t1=may", "t0=june", "t0=sar"))
    assert shown == [("t0", "optical", "june"), ("t0", "sar", "sar"), ("t1", "optical", "may")]
    assert rule == "names"


def test_without_times_the_order_of_the_command_line_holds(folder: Path) -> None:
    shown, rule = frames(files(folder, "other", "undated"))
    assert shown == [("t0", "optical", "other"), ("t1", "optical", "undated")]
    assert rule == "order"


def test_bands_without_names_are_named_by_hand(folder: Path) -> None:
    given = files(folder, "plain", sar=("plain-sar",), bands=RGB, sar_bands=("VV", "VH"), sar_unit="dB")
    assert frames(given)[0] == [("t0", "optical", "plain"), ("t0", "sar", "plain-sar")]


def test_an_image_may_be_a_file_a_band_named_by_hand_or_by_the_files(folder: Path) -> None:
    values = np.full((1, 60, 80), 900, np.uint16)
    for band, metres in (("B02", 10), ("B03", 10), ("B04", 10), ("B05", 20)):
        write_tiff(folder / f"T33_{band}.tif", values[:, :: metres // 10, :: metres // 10], north_up(4e5, 54e5, metres))
    paths = ",".join(str(folder / f"T33_{band}.tif") for band in ("B05", "B02", "B03", "B04"))
    found = open_scene(Files((f"2023-05-01={paths}",)))
    assert [asset.bands for asset in found.scene.frames[0].assets] == [("B02",), ("B05",), ("B03",), ("B04",)]
    assert found.scene.grid.gsd_m == 10  # of the finest file
    with Views(found.scene) as views:
        assert views.overview()[0].valid.all()
    by_hand = open_scene(Files((paths,), bands=("B06", "blue", "green", "red")))
    assert [asset.bands for asset in by_hand.scene.frames[0].assets][1] == ("B06",)
    with pytest.raises(DataError, match="4 bands, 2 names"):
        open_scene(Files((paths,), bands=("red", "green")))


@pytest.mark.parametrize(
    ("names", "sar", "told"),
    [
        (("absent",), (), "no such file"),
        (("plain",), (), "bands without a name; got 3 bands; name them in file order: --bands"),
        (("nowhere",), (), "no CRS"),
        (("may", "sar"), ("plain-sar",), "--sar-bands VV,VH"),
        (("t0=may", "june"), (), "write tK= before this one too"),
        (("t0=may", "t0=june"), (), "t0 has two optical images"),
        (("other", "undated", "sar"), (), "2 optical and 1 SAR images"),
        (("may", "2023-13-45=undated"), (), "not a date"),
        ((), (), "name at least one image"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    folder: Path, names: tuple[str, ...], sar: tuple[str, ...], told: str
) -> None:
    with pytest.raises((ConfigError, DataError)) as error:
        open_scene(files(folder, *names, sar=sar))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_the_unit_of_sar_is_asked_for_by_the_flag_that_gives_it(folder: Path) -> None:
    with pytest.raises(DataError, match="--sar-unit dB, linear or amplitude"):
        open_scene(files(folder, "no-unit"))
    assert open_scene(files(folder, "no-unit", sar_unit="dB")).scene.frames[0].unit == "dB"


def test_an_image_of_another_place_is_refused(folder: Path) -> None:
    with Views(open_scene(files(folder, "may", "far")).scene) as views, pytest.raises(DataError, match=r"far\.tif"):
        views.overview()


def test_windows_are_the_pixels_of_the_scene_and_black_beyond_it(folder: Path) -> None:
    with Views(open_scene(files(folder, "may")).scene) as views:
        (whole,) = views.overview()
        assert whole.pixels.shape == (60, 80, 3)
        (part,) = views.window("t0", 20, 30, (64, 64))
    assert (part.pixels[:40, :50] == whole.pixels[20:, 30:]).all()
    assert part.valid[:40, :50].all()
    assert not part.valid[40:].any()
    assert not part.pixels[:, 50:].any()


def test_an_overview_covers_the_ground_of_the_scene(tmp_path: Path) -> None:
    side = 2 * OVERVIEW_PX + 70
    step = (np.arange(side) * (2400 / side)).astype(np.uint16)
    ramp = np.broadcast_to(step, (3, 600, side))
    write_tiff(tmp_path / "wide.tif", ramp, PLACE, bands=RGB)
    with Views(open_scene(Files((str(tmp_path / "wide.tif"),))).scene) as views:
        small = overview_grid(views.grid)
        assert small.shape == (round(600 * OVERVIEW_PX / side), OVERVIEW_PX)
        for corner in ((0, 0), (1, 1)):
            there, here = (
                grid.transform @ (corner[0] * grid.width, corner[1] * grid.height) for grid in (small, views.grid)
            )
            assert np.allclose(there, here)
        (view,) = views.overview()
    assert view.valid.all()
    red = view.pixels[100, :, 0].astype(int)
    assert (np.diff(red) >= 0).all()
    assert abs(red[512] - round(255 * (step[side // 2] / 3000) ** (1 / 1.4))) <= 1
