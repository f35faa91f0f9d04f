"""The scene in memory: what is drawn, what is labelled and what is recorded agree."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot.errors import ConfigError
from terra_cot.world import WorldConfig, WorldScene, make_scene
from terra_cot.world.materials import CLASSES, TREE, WATER

CLEAR = WorldConfig(size_px=256, cloud_cover=0.0)
CLOUDY = WorldConfig(size_px=256, cloud_cover=0.3)
NIR = 3


def measured_shift(reference: NDArray[np.float64], moved: NDArray[np.float64]) -> tuple[float, float]:
    """Shift of `moved` against `reference` from the phase of the low frequencies of the cross spectrum."""
    size = len(reference)
    taper = np.outer(np.hanning(size), np.hanning(size))
    first = np.fft.fft2((reference - reference.mean()) * taper)
    second = np.fft.fft2((moved - moved.mean()) * taper)
    cross = second * np.conj(first)
    k_y, k_x = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    low = (np.hypot(k_y, k_x) < 0.12) & (np.hypot(k_y, k_x) > 0)
    weight = np.abs(cross[low])
    slopes = np.stack([-2 * np.pi * k_y[low], -2 * np.pi * k_x[low]], axis=1)
    # Weighted least squares on the phase; |shift| < 1.5 px keeps it far from wrapping at these frequencies.
    left = slopes.T @ (slopes * weight[:, None])
    down, right = np.linalg.solve(left, slopes.T @ (weight * np.angle(cross[low])))
    return float(down), float(right)


def test_same_index_is_same_scene() -> None:
    """Law: a scene depends on seed and index, not on how many are asked for."""
    config = WorldConfig(size_px=64)
    first, second = make_scene(config, 2), make_scene(WorldConfig(size_px=64, scenes=9, pairs=0), 2)
    for name in ("labels", "optical_10m", "optical_20m", "cloud", "sar"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.optical_shifts == second.optical_shifts


def test_other_seed_is_other_scene() -> None:
    first, second = (make_scene(WorldConfig(size_px=64, seed=seed), 0) for seed in (0, 1))
    assert not np.array_equal(first.optical_10m, second.optical_10m)


def test_shapes_and_types(cloudy_scene: WorldScene) -> None:
    scene = cloudy_scene
    assert scene.labels.shape == scene.cloud.shape == (4, 256, 256)
    assert scene.optical_10m.shape == (4, 4, 256, 256)
    assert scene.optical_20m.shape == (4, 4, 128, 128)
    assert scene.optical_10m.dtype == scene.optical_20m.dtype == np.uint16
    assert scene.sar.shape == (4, 2, 268, 268)
    assert scene.sar.dtype == np.float32
    assert np.isfinite(scene.sar).all()
    assert scene.optical_10m.min() >= 1  # 0 is nodata


def test_labels_hold_known_codes_and_several_classes(clear_scene: WorldScene) -> None:
    assert set(np.unique(clear_scene.labels)) <= set(CLASSES)
    assert len(np.unique(clear_scene.labels[0])) >= 6


def test_labels_hold_no_salt(clear_scene: WorldScene) -> None:
    """Law: hardly any pixel stands alone among its eight neighbours."""
    labels = clear_scene.labels[0]
    padded = np.pad(labels, 1, mode="edge")
    kin = sum(
        (padded[1 + y : 257 + y, 1 + x : 257 + x] == labels).astype(int)
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (y, x) != (0, 0)
    )
    assert (np.asarray(kin) == 0).mean() < 1e-4


def test_cloud_mask_agrees_with_picture(cloudy_scene: WorldScene, clear_scene: WorldScene) -> None:
    """Law: marked pixels are brighter (cloud) or darker (shadow) than the clear ground; the rest is the ground."""
    seen = 0
    for date in range(4):
        under = clear_scene.optical_10m[date].astype(float)
        over = cloudy_scene.optical_10m[date].astype(float)
        mask = cloudy_scene.cloud[date]
        assert set(np.unique(mask)) <= {0, 1, 2}
        if (mask == 1).any():
            seen += 1
            blue = over[0] - under[0]
            assert (blue[mask == 1] > 200).mean() > 0.97
            assert np.abs(blue[mask == 0]).mean() < 150
        if (mask == 2).any():
            assert (over[NIR] < under[NIR])[mask == 2].mean() > 0.97
    assert seen >= 2


def test_radar_sees_through_cloud(cloudy_scene: WorldScene, clear_scene: WorldScene) -> None:
    np.testing.assert_array_equal(cloudy_scene.sar, clear_scene.sar)


def test_the_first_date_is_cloudy_only_where_that_is_asked_for(cloudy_scene: WorldScene) -> None:
    assert (cloudy_scene.cloud[0] == 1).mean() < 0.1
    config = replace(CLOUDY, cloud_cover=0.75, clear_first=False)
    overcast = [make_scene(config, index) for index in range(4)]
    assert np.mean([(scene.cloud[0] == 1).mean() for scene in overcast]) > 0.4
    np.testing.assert_array_equal(overcast[0].labels, cloudy_scene.labels)


def test_cloud_cover_is_the_mean_asked_for() -> None:
    from terra_cot.world.cloud import draw_cover
    from terra_cot.world.config import generator

    draws = [draw_cover(generator(0, "scene", index, "cover"), 0.25) for index in range(2000)]
    assert np.mean(draws) == pytest.approx(0.25, abs=0.015)
    assert max(draws) <= 0.70


@pytest.mark.parametrize("band", [2, 3])
def test_recorded_shift_is_the_true_shift(clear_scene: WorldScene, band: int) -> None:
    """Law: the recorded misregistration is found again, to 0.05 px, against the same date rendered without it."""
    straight = make_scene(CLEAR, 0, shifted=False)
    for date in range(4):
        down, right = measured_shift(
            np.log(straight.optical_10m[date, band].astype(float)),
            np.log(clear_scene.optical_10m[date, band].astype(float)),
        )
        assert (down, right) == pytest.approx(clear_scene.optical_shifts[date], abs=0.05)
    assert clear_scene.optical_shifts[0] == (0.0, 0.0)
    assert all(abs(v) <= 1.5 for shift in clear_scene.optical_shifts for v in shift)


def test_radar_shift_has_the_recorded_sign_and_size(clear_scene: WorldScene) -> None:
    """Law: the radar content lies where its own origin and recorded shift say, measured on water against labels."""
    from scipy.ndimage import gaussian_filter, shift

    row, column = clear_scene.sar_offset_px
    for date in range(4):
        power = gaussian_filter(10 ** (clear_scene.sar[date, 1] / 10), 1.2)
        on_optical = shift(10 * np.log10(power), (row, column), order=1)[:256, :256].astype(float)
        dry = gaussian_filter((clear_scene.labels[date] != WATER).astype(float), 1.2)
        inner = slice(8, 248)
        found = measured_shift(dry[inner, inner], np.clip(on_optical, -25, -17)[inner, inner])
        assert found == pytest.approx(clear_scene.sar_shifts[date], abs=0.6)


def test_flood_is_water_on_its_date_only(clear_scene: WorldScene) -> None:
    """Law: flooded pixels are labelled water, dark in the radar and in SWIR, on that date and on no other."""
    flood = next(change for change in clear_scene.changes if change.kind == "flood")
    where = flood.mask == 1
    assert where.sum() > 300
    assert flood.first == flood.last
    assert (clear_scene.labels[flood.first][where] == WATER).all()
    row, column = (round(-v) for v in clear_scene.sar_offset_px)
    for date in range(4):
        vv = clear_scene.sar[date, 0, row : row + 256, column : column + 256][where].mean()
        if date == flood.first:
            assert vv < -16.0
        else:
            assert not (clear_scene.labels[date][where] == WATER).any()
            assert vv > -15.0


def test_clearing_stays(clear_scene: WorldScene) -> None:
    clearing = next(change for change in clear_scene.changes if change.kind == "clearing")
    where = clearing.mask == 1
    assert where.sum() > 30
    assert (clear_scene.labels[clearing.first - 1][where] == TREE).mean() > 0.9
    for date in range(clearing.first, 4):
        assert not (clear_scene.labels[date][where] == TREE).any()


def test_nothing_else_changes(clear_scene: WorldScene) -> None:
    """Law: outside the recorded changes the label of every date is that of the first; seasons change no label."""
    recorded = np.zeros((256, 256), bool)
    for change in clear_scene.changes:
        recorded |= change.mask == 1
    moved = (clear_scene.labels != clear_scene.labels[0]).any(axis=0)
    np.testing.assert_array_equal(moved, recorded)


def test_seasons_move_fields_more_than_towns(clear_scene: WorldScene) -> None:
    def ndvi(date: int) -> NDArray[np.float64]:
        red, nir = (clear_scene.optical_10m[date, band].astype(float) for band in (2, NIR))
        return np.asarray((nir - red) / (nir + red))

    swing = np.abs(ndvi(1) - ndvi(0))
    crop = (clear_scene.labels == 40).all(axis=0)
    built = (clear_scene.labels == 50).all(axis=0)
    assert swing[crop].mean() > 1.5 * swing[built].mean()


@pytest.mark.parametrize(
    "wrong",
    [{"scenes": -1}, {"size_px": 63}, {"size_px": 257}, {"pair_size_px": 10}, {"cloud_cover": 0.95}, {"epsg": 4326}],
)
def test_wrong_config_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        WorldConfig(**wrong)


def test_negative_index_is_refused() -> None:
    with pytest.raises(ConfigError):
        make_scene(CLEAR, -1)
