"""The built-in world: a landscape drawn from one seed, seen by three sensors, with the truth beside it.

Nothing here is downloaded and nothing is random beyond the seed: the same config
gives the same bytes. `make_scene` and `make_pair` work in memory; `write_world` is
the only function that touches the disk.
"""

from terra_cot.world.config import BANDS_10M, BANDS_20M, DATES, WorldConfig
from terra_cot.world.disaster import WorldPair, make_pair
from terra_cot.world.scene import Change, WorldScene, make_scene
from terra_cot.world.write import write_world

__all__ = [
    "BANDS_10M",
    "BANDS_20M",
    "DATES",
    "Change",
    "WorldConfig",
    "WorldPair",
    "WorldScene",
    "make_pair",
    "make_scene",
    "write_world",
]
