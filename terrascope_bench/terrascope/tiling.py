"""A lone image is cut into the n x m tiles that keep its shape best, and a thumbnail; several images are never cut.

Sec. 4 of the paper, as in InternVL: among the grids of at most `tiles_max` tiles the one whose aspect ratio is nearest
to the image's; among equally near ones the larger, if the image has more than half as many pixels as it would show.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tiling:
    """`rows` x `columns` tiles in reading order; more than one tile are followed by a thumbnail of the whole."""

    rows: int
    columns: int

    @property
    def thumbnail(self) -> bool:
        return self.rows * self.columns > 1

    @property
    def images(self) -> int:
        """Pictures that the vision tower sees."""
        return self.rows * self.columns + int(self.thumbnail)


WHOLE = Tiling(1, 1)


def tiling(height: int, width: int, tile_px: int, tiles_max: int) -> Tiling:
    """How an image of `height` x `width` px is cut into tiles of `tile_px` px."""
    grids = sorted(
        {(rows, n // rows) for n in range(1, tiles_max + 1) for rows in range(1, n + 1) if n % rows == 0},
        key=lambda grid: (grid[0] * grid[1], grid[0]),
    )
    aspect = width / height
    best, off = (1, 1), abs(aspect - 1.0)
    for rows, columns in grids:
        distance = abs(aspect - columns / rows)
        larger = distance == off and height * width > 0.5 * tile_px**2 * rows * columns
        if distance < off or larger:
            best, off = (rows, columns), distance
    return Tiling(*best)
