"""Pixels become percent, metres and places only here, and only with a pixel size that was given."""

from __future__ import annotations

from math import inf


def share_pct(pixels: int, valid_px: int) -> float | None:
    """Percent of the valid pixels: P = 100 N_c / N_valid (CA; void is not in N_valid). None if nothing is valid."""
    return 100.0 * int(pixels) / int(valid_px) if valid_px else None


def area_m2(pixels: int, gsd_m: float) -> float:
    """Area in square metres: A = N_c r^2, r metres per pixel (AQ)."""
    return int(pixels) * _checked_gsd(gsd_m) ** 2


def distance_m(distance_px: float, gsd_m: float) -> float:
    """Distance in metres between pixel centres: d r, r metres per pixel (DM). nan stays nan."""
    return float(distance_px) * _checked_gsd(gsd_m)


def location(row_share: float, column_share: float) -> tuple[int, int]:
    """The cell (row 0..2 from the top, column 0..2 from the left) of a 3x3 grid over the image that a place falls in.

    A place on a border belongs to the cell below or to the right; the far borders to the last cell.

    Raises:
        ValueError: a share is not within 0..1 (nan is not: an absent class has no place).
    """
    if not (0.0 <= row_share <= 1.0 and 0.0 <= column_share <= 1.0):
        raise ValueError(f"a location needs shares within 0..1, got ({row_share}, {column_share})")
    return min(int(3.0 * row_share), 2), min(int(3.0 * column_share), 2)


def _checked_gsd(gsd_m: float) -> float:
    if not 0.0 < gsd_m < inf:
        raise ValueError(f"gsd_m must be metres per pixel above 0, got {gsd_m}")
    return float(gsd_m)
