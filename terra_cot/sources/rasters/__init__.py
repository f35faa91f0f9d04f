"""Any GeoTIFFs (or whatever GDAL reads) by patterns: `{scene}` and `{date}` in a path say what a file belongs to.

Band names come from the files' band descriptions or from the recipe, dates from the DATETIME tag or from `{date}`,
what numbers mean from the files, their metadata or the recipe; nothing is guessed. All frames of a scene are brought
to the grid of the finest optical file of its first date.

    options.py     what a recipe says
    find.py        paths that fit a pattern
    absent.py      patterns that fit nothing, and what one scene lacks
    frames.py      one frame from the headers of its files
    wide.py        images and maps whose names tell no scene: matched by the ground
    scenes.py      frames of one name make a scene
"""

from __future__ import annotations

from terra_cot.sources import Source
from terra_cot.sources.rasters.options import FramePattern, RastersOptions
from terra_cot.sources.rasters.scenes import scan

__all__ = ["SOURCE", "FramePattern", "RastersOptions", "scan"]

SOURCE = Source("rasters", "GeoTIFF", "stated in the recipe", RastersOptions, scan)
