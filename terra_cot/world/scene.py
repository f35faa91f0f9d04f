"""A scene is one place on every date, in memory: labels, optical, cloud, radar, and the truth of them."""

from dataclasses import dataclass

import cv2
import numpy as np

from terra_cot.errors import ConfigError
from terra_cot.world.change import Event, plan_events, state_at
from terra_cot.world.cloud import draw_cover, make_cloud
from terra_cot.world.config import CELL_M, DATES, MARGIN_PX, PIXEL_M, WorldConfig, generator
from terra_cot.world.landcover import make_land
from terra_cot.world.materials import BARE, BUILT, GRASS, WATER
from terra_cot.world.noise import F32, U8, U16, Bool
from terra_cot.world.optical import SUN_AZIMUTH_DEG, render_optical
from terra_cot.world.sar import SAR_PAD_PX, render_sar
from terra_cot.world.seasons import Farm
from terra_cot.world.sensor import observe_labels
from terra_cot.world.terrain import STYLES

Shift = tuple[float, float]
"""(down, right) in 10 m pixels: content lies at +down rows, +right columns of its place."""


@dataclass(frozen=True, slots=True)
class Change:
    """A true change of the labels.

    Attributes:
        kind: "flood", "clearing" or "suburb".
        first: Index of the first date that shows it.
        last: Index of the last date that shows it.
        mask: HW uint8, 1 where the label differs from the first date because of it.
    """

    kind: str
    first: int
    last: int
    mask: U8


@dataclass(frozen=True, slots=True)
class WorldScene:
    """One place on T dates, H x W pixels of 10 m.

    Attributes:
        name: "place_000" and so on.
        dates: T dates, ISO 8601.
        origin_m: (left, top) of the optical grid in the coordinate system of the config.
        labels: T x H x W uint8, WorldCover codes.
        optical_10m: T x 4 x H x W uint16, reflectance x 10000; B02 B03 B04 B08.
        optical_20m: T x 4 x H/2 x W/2 uint16; B05 B8A B11 B12.
        cloud: T x H x W uint8; 0 clear, 1 cloud, 2 shadow.
        sar: T x 2 x N x N float32 dB; VV VH, N = H + 2 * SAR_PAD_PX.
        sar_offset_px: (row, column) of the outer corner of the radar grid on the optical grid.
        optical_shifts: T misregistrations of the optical images; the first is zero.
        sar_shifts: T misregistrations of the radar images.
        changes: The true changes; an event that found no room leaves none.
    """

    name: str
    dates: tuple[str, ...]
    origin_m: tuple[float, float]
    labels: U8
    optical_10m: U16
    optical_20m: U16
    cloud: U8
    sar: F32
    sar_offset_px: Shift
    optical_shifts: tuple[Shift, ...]
    sar_shifts: tuple[Shift, ...]
    changes: tuple[Change, ...]


def make_scene(config: WorldConfig, index: int, *, shifted: bool = True) -> WorldScene:
    """Return scene `index` of the world.

    Args:
        config: The world; of it only `seed`, `size_px`, `cloud_cover` and `clear_first` matter here.
        index: Number of the place, 0 or more; not limited by `config.scenes`.
        shifted: False leaves every misregistration out (all else, noise included, stays the same).

    Raises:
        ConfigError: The index is negative.
    """
    if index < 0:
        raise ConfigError(f"world: scene index must be 0 or more, got {index}")
    cv2.setNumThreads(1)  # the order of sums must not depend on the machine
    size_px = config.size_px
    cells = (size_px + 2 * MARGIN_PX) * int(PIXEL_M / CELL_M)
    scale = float(min(1.0, (size_px * PIXEL_M / 10240) ** 0.5))

    def rng(purpose: str) -> np.random.Generator:
        return generator(config.seed, "scene", index, purpose)

    land = make_land(rng("land"), cells, scale, STYLES[index % len(STYLES)])
    farm = Farm(rng("farm"))
    events = plan_events(rng("events"), land, scale, index)
    optical_shifts, sar_shifts, offset = _misregistration(rng("shifts"), shifted)
    ascending = bool(rng("orbit").random() < 0.5)
    covers = _covers(rng("cover"), config.cloud_cover, config.clear_first, events)

    labels: list[U8] = []
    fine, coarse, masks, radar = [], [], [], []
    known: dict[tuple[int, ...], U8] = {}
    touched = [_touched(event, size_px) for event in events]
    for date in range(len(DATES)):
        state = state_at(land, events, date)
        sky = make_cloud(rng(f"cloud/{date}"), size_px, covers[date], SUN_AZIMUTH_DEG[date])
        ten, twenty = render_optical(rng(f"optical/{date}"), land, state, farm, date, optical_shifts[date], sky)
        pair = render_sar(rng(f"sar/{date}"), land, state, farm, date, size_px, offset, sar_shifts[date], ascending)
        stage = tuple(min(date - e.first, 2) if e.first <= date <= e.last else -1 for e in events)
        if stage not in known:
            known[stage] = observe_labels(state.cover, size_px)
        labels.append(_compose(labels, known[stage], events, touched) if date else known[stage])
        fine.append(ten)
        coarse.append(twenty)
        masks.append(sky.mask)
        radar.append(pair)
    stack = np.stack(labels)
    changes = [_change(event, where, stack) for event, where in zip(events, touched, strict=True)]
    return WorldScene(
        name=f"place_{index:03d}",
        dates=DATES,
        origin_m=_origin(config, index),
        labels=stack,
        optical_10m=np.stack(fine),
        optical_20m=np.stack(coarse),
        cloud=np.stack(masks),
        sar=np.stack(radar),
        sar_offset_px=offset,
        optical_shifts=optical_shifts,
        sar_shifts=sar_shifts,
        changes=tuple(change for change in changes if change.mask.any()),
    )


def _origin(config: WorldConfig, index: int) -> tuple[float, float]:
    """Return the place of the scene: scenes lie apart on a lattice inside the zone, on the 20 m grid."""
    row, column = divmod(index, 8)
    return 320_000.0 + column * 48_000.0, 5_500_020.0 - row * 48_000.0


def _misregistration(rng: np.random.Generator, shifted: bool) -> tuple[tuple[Shift, ...], tuple[Shift, ...], Shift]:
    optical = np.round(rng.uniform(-1.45, 1.45, (len(DATES), 2)), 3)
    optical[0] = 0.0
    radar = np.round(rng.uniform(-1.45, 1.45, (len(DATES), 2)), 3)
    if not shifted:
        optical[:] = 0.0
        radar[:] = 0.0
    # Half a metre of grid is exact in binary, so the written origin is the origin used.
    offset = -SAR_PAD_PX + np.round(rng.uniform(1.2, 4.8, 2) * 16 + 0.5) / 16 + 1 / 32
    return (
        tuple((float(a), float(b)) for a, b in optical),
        tuple((float(a), float(b)) for a, b in radar),
        (float(offset[0]), float(offset[1])),
    )


def _covers(rng: np.random.Generator, mean: float, clear_first: bool, events: list[Event]) -> list[float]:
    covers = [0.0 if rng.random() < 0.7 or mean == 0 else float(rng.uniform(0.01, 0.08))]
    covers += [draw_cover(rng, mean) for _ in DATES[1:]]
    for event in events:
        if event.kind == "flood":  # part of the flood must be seen
            covers[event.first] = min(covers[event.first], 0.45)
    if not clear_first:
        covers[0] = draw_cover(rng, mean)
    return covers


_BECOMES = {"flood": (WATER,), "clearing": (BARE, GRASS), "suburb": (BUILT,)}


def _touched(event: Event, size_px: int) -> Bool:
    """Return the pixels that hold a cell of the event; cells are aligned with pixels, two by two."""
    inside = event.cells[MARGIN_PX * 2 : -MARGIN_PX * 2, MARGIN_PX * 2 : -MARGIN_PX * 2]
    return np.asarray(inside.reshape(size_px, 2, size_px, 2).any(axis=(1, 3)))


def _compose(labels: list[U8], seen: U8, events: list[Event], touched: list[Bool]) -> U8:
    """Return the labels of the next date: those of the first date but where an event made its own class.

    Smoothing the new drawing moves a class edge here and there beside an event; that is no change of the land.
    """
    date = len(labels)
    new = labels[0].copy()
    for event, where in zip(events, touched, strict=True):
        if event.first == date:
            made = where & np.isin(seen, _BECOMES[event.kind])
            new[made] = seen[made]
        elif event.first < date <= event.last:
            # Once made, an event neither grows nor shrinks; a clearing may still turn from bare to grass.
            was = labels[event.first]
            made = where & np.isin(was, _BECOMES[event.kind]) & (was != labels[event.first - 1])
            new[made] = np.where(np.isin(seen, _BECOMES[event.kind]), seen, was)[made]
    return new


def _change(event: Event, touched: Bool, labels: U8) -> Change:
    now = labels[event.first]
    mask = touched & np.isin(now, _BECOMES[event.kind]) & (now != labels[event.first - 1])
    return Change(event.kind, event.first, event.last, mask.astype(np.uint8))
