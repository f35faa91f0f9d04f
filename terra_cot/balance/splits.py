"""Splits by place: the Earth is cut into cells, a cell belongs to one split, and a gap is kept where splits meet.

Neighbouring tiles look alike, so that a random split of tiles tests memory (Roberts et al. 2017, Ecography 40). Cells
are dealt out whole, the fullest first, each to the split that lacks most of its share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from terra_cot.draw import digest
from terra_cot.errors import did_you_mean
from terra_cot.tile import SPLITS

Cell = str
"""The name of a cell: "row.column", or "scene:ID" for a scene without a place."""

_KM_PER_DEGREE = 111.195  # on a sphere of 6371 km: cells need not be exact, only the same for everybody


class SplitOptions(BaseModel):
    """`shares` of tiles by split; `cell_km` is the side of a cell; tiles of two splits lie at least `gap_km` apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shares: dict[str, float] = Field(default_factory=lambda: {"train": 0.8, "validation": 0.1, "test": 0.1})
    cell_km: float = Field(20.0, gt=0, le=2000, allow_inf_nan=False)
    gap_km: float = Field(1.0, ge=0, le=500, allow_inf_nan=False)

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: dict[str, float]) -> dict[str, float]:
        strange = sorted(set(shares) - set(SPLITS))
        if strange:
            raise ValueError(f'no split "{strange[0]}"{did_you_mean(strange[0], SPLITS)} (known: {", ".join(SPLITS)})')
        if not shares or min(shares.values()) < 0 or not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6):
            raise ValueError(f"shares are 0 to 1 and add up to 1, not {sum(shares.values()):g}")
        return shares

    @model_validator(mode="after")
    def _room(self) -> SplitOptions:
        if self.gap_km >= self.cell_km:
            raise ValueError(f"gap_km {self.gap_km:g} leaves nothing of cells of {self.cell_km:g} km")
        return self


def cell_of(lon: float, lat: float, cell_km: float) -> Cell:
    """The cell that holds a place (degrees). Rows are as high as cells are wide; a row holds whole cells only."""
    rows = max(1, round(180 * _KM_PER_DEGREE / cell_km))
    row = min(rows - 1, int((lat + 90) / 180 * rows))
    middle = math.radians((row + 0.5) / rows * 180 - 90)
    columns = max(1, round(360 * _KM_PER_DEGREE * math.cos(middle) / cell_km))
    column = min(columns - 1, int(((lon + 180) % 360) / 360 * columns))
    return f"{row}.{column}"


def cells_around(lon: float, lat: float, reach_km: float, cell_km: float) -> set[Cell]:
    """Every cell that a square of half side `reach_km` around a place meets; its side is at most that of a cell."""
    d_lat = reach_km / _KM_PER_DEGREE
    found = {cell_of(lon, lat, cell_km)}
    for down in (-1, 1):
        at = min(90.0, max(-90.0, lat + down * d_lat))
        d_lon = min(180.0, reach_km / (_KM_PER_DEGREE * max(math.cos(math.radians(at)), 1e-6)))
        found |= {cell_of(lon + across * d_lon, at, cell_km) for across in (-1, 0, 1)}
    return found


def deal(tiles: Mapping[Cell, int], options: SplitOptions, seed: int) -> dict[Cell, str]:
    """The split of every cell, from the number of tiles in each: a function of counts, shares and seed alone."""
    total = sum(tiles.values())
    lack = {split: share * total for split, share in options.shares.items() if share > 0}
    dealt: dict[Cell, str] = {}
    for cell in sorted(tiles, key=lambda cell: (-tiles[cell], digest(seed, "cell", cell))):
        split = max(lack, key=lambda name: (lack[name], name))
        dealt[cell] = split
        lack[split] -= tiles[cell]
    return dict(sorted(dealt.items()))


def split_of(
    lon: float, lat: float, half_side_km: float, dealt: Mapping[Cell, str], options: SplitOptions
) -> str | None:
    """The split of a tile, or None where a cell of another split is nearer than half the gap.

    Cells without tiles belong to nobody. Both sides keep half the gap, so that the whole of it lies between them.
    """
    own = dealt[cell_of(lon, lat, options.cell_km)]
    around = cells_around(lon, lat, half_side_km + options.gap_km / 2, options.cell_km)
    return own if all(dealt.get(cell, own) == own for cell in around) else None
