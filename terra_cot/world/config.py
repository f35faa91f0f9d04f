"""One configuration and one seed give one world, whatever is asked for beside it.

Every item (a scene, a disaster pair) draws from its own generator, derived from
sha256(seed, kind, index, purpose): scene 2 is the same scene in a world of three
and in a world of thirty, made by one worker or by eight.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from terra_cot.errors import ConfigError

DATES = ("2023-04-12", "2023-07-06", "2023-09-24", "2024-04-16")
"""Acquisition dates of every place, ISO 8601."""

BANDS_10M = ("B02", "B03", "B04", "B08")
BANDS_20M = ("B05", "B8A", "B11", "B12")
BANDS = BANDS_10M + BANDS_20M

PIXEL_M = 10.0
CELL_M = 5.0
"""Size of the cells the landscape is drawn in; the sensor averages them down."""

MARGIN_PX = 16
"""Landscape drawn beyond each edge of the optical grid, for the shifts and the larger SAR extent."""

PAIR_GSD_M = 0.5


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """What to make.

    Attributes:
        seed: The one source of randomness.
        scenes: Number of places, each seen on every date of `DATES`.
        size_px: Side of a place, in pixels of 10 m; a multiple of 4, 64 to 4096.
        pairs: Number of disaster pairs.
        pair_size_px: Side of a disaster image, in pixels of 0.5 m; 256 to 4096.
        cloud_cover: Mean share of cloud over the cloudy dates (all but the first), 0 to 0.9.
        clear_first: Whether the first date, which the maps are made for, is clear; else it is as cloudy as the others.
        epsg: Projected coordinate system of the places, in metres.
    """

    seed: int = 0
    scenes: int = 6
    size_px: int = 1024
    pairs: int = 32
    pair_size_px: int = 1024
    cloud_cover: float = 0.25
    clear_first: bool = True
    epsg: int = 32633

    def __post_init__(self) -> None:
        if self.scenes < 0 or self.pairs < 0:
            raise ConfigError(f"world: scenes and pairs must be 0 or more, got {self.scenes} and {self.pairs}")
        if not 64 <= self.size_px <= 4096 or self.size_px % 4:
            raise ConfigError(f"world: size_px must be a multiple of 4 from 64 to 4096, got {self.size_px}")
        if not 256 <= self.pair_size_px <= 4096:
            raise ConfigError(f"world: pair_size_px must be from 256 to 4096, got {self.pair_size_px}")
        if not 0.0 <= self.cloud_cover <= 0.9:
            raise ConfigError(f"world: cloud_cover must be from 0 to 0.9, got {self.cloud_cover}")
        if not (32601 <= self.epsg <= 32660 or 32701 <= self.epsg <= 32760):
            raise ConfigError(f"world: epsg must be a UTM zone on WGS 84 (326xx or 327xx), got {self.epsg}")


def generator(seed: int, kind: str, index: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose of one item, independent of every other."""
    digest = hashlib.sha256(f"{seed}/{kind}/{index}/{purpose}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
