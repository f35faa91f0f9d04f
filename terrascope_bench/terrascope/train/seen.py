"""What a lesson sees of a tile: pictures and label maps, each decoded once; rasters and cloud masks stay unread."""

from __future__ import annotations

from functools import cache

from terra_cot.store.shards import FRAME, TILES
from terra_cot.tile import decode_label
from terrascope_bench.terrascope.images import read_picture

COLUMNS = [name for name in TILES.schema.names if name != "frames"] + [
    f"frames.list.element.{field.name}" for field in FRAME if field.name not in ("raster", "cloud")
]


class Decoded:
    """Pictures (uint8 3HW) and label maps (uint16 HW) of one tile by their bytes; what comes out is not written to."""

    def __init__(self) -> None:
        self.picture = cache(read_picture)
        self.label = cache(decode_label)
