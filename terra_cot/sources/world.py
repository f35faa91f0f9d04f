"""The synthetic world is an ordinary archive: its places go through `rasters`, its disaster pairs through `xbd`.

Label maps are the truth of every date: what a season does is no change of them, what an event does is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from terra_cot.errors import DataError
from terra_cot.listing import described
from terra_cot.scene import Drop, Scene
from terra_cot.sources import Options, Source, rasters, xbd

_PLACES = rasters.RastersOptions(
    frames=(
        rasters.FramePattern(
            modality="optical",
            files=("scenes/{scene}/S2_{date}_10m.tif", "scenes/{scene}/S2_{date}_20m.tif"),
            cloud="scenes/{scene}/S2_{date}_cloud.tif",
            cloud_codes=(1, 2),
        ),
        rasters.FramePattern(modality="sar", files=("scenes/{scene}/S1_{date}.tif",), unit="dB"),
    ),
    label="truth/{scene}/labels_{date}.tif",
    legend="worldcover",
    licence="CC0-1.0",
)


class WorldOptions(Options):
    """`test_every`: each n-th place is test, the others train. `disasters` False leaves the damage pairs out."""

    test_every: int = Field(2, ge=1)
    disasters: bool = True


def scan(root: Path, options: WorldOptions) -> Iterator[Scene | Drop]:
    """Places, then disaster pairs, in order of name."""
    if not (root / "world.json").is_file():
        raise DataError("no world.json", file=root, fix="write a world with `terra-cot world OUT`")
    place = 0
    for found in described(rasters.scan(root, _PLACES, name="world")) if (root / "scenes").is_dir() else ():
        if isinstance(found, Scene):
            test = place % options.test_every == options.test_every - 1
            found = replace(found, split="test" if test else "train")
            place += 1
        yield found
    if options.disasters and (root / "disaster").is_dir():
        for found in described(xbd.scan(root / "disaster", xbd.XbdOptions(licence="CC0-1.0"))):
            yield replace(found, source="world") if isinstance(found, Scene) else found


SOURCE = Source("world", "synthetic world", "CC0-1.0", WorldOptions, scan)
