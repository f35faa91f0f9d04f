"""A class has one colour in every picture: its legend's, or one that belongs to its name where no legend knows it."""

from __future__ import annotations

from terra_cot.draw import draw
from terra_cot.errors import TerraError
from terra_cot.legend import legend

_OTHERS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))
"""Okabe and Ito's colours (2008), told apart by colour-blind readers."""


def class_color(legend_name: str | None, label: str) -> tuple[int, int, int]:
    """(red, green, blue), 0 to 255, of the masks called `label` on a tile of the legend `legend_name`."""
    if legend_name:
        try:
            return legend(legend_name).find(label).color
        except TerraError:  # a label of no class, such as a change: masks may be called anything
            pass
    return _OTHERS[draw(len(_OTHERS), 0, label)]
