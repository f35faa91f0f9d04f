"""Any STAC API or static catalogue with COGs: items become scenes by place and dates, files stay where they are.

Band names come from the recipe's asset map, dates and footprints from the items. The root is the URL of an API or of a
catalogue, or the path of a catalogue, a collection or an item collection on disk. Needs the extra `[stac]`.

    options.py     what a recipe may say
    catalogue.py   items as JSON, from a search or a walk over links; the only file that talks to a catalogue
    item.py        one item: date, footprint, place code, files
    place.py       boxes, windows and shares of the ground
    scenes.py      items of one place make a scene
"""

from __future__ import annotations

from terra_cot.sources import Source
from terra_cot.sources.stac.options import StacOptions
from terra_cot.sources.stac.scenes import scan

SOURCE = Source("stac", "STAC", "stated in the recipe", StacOptions, scan, folder=False)
