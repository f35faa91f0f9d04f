"""Regions and segments of a label map, and the categories that they belong to, in the terms of COCO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.legend import LandClass, View, Vocabulary, legend

_NEAR = 2048  # so many segments of a class get a colour near its own


class Categories:
    """COCO categories of the legends of a dataset: a name is one category, whatever legend it comes from."""

    def __init__(self, legends: list[str], view: View) -> None:
        self._view = view
        self._classes: dict[str, tuple[int, bool, LandClass, str]] = {}
        for name in legends:
            kind = legend(name).kind
            for entry in self.vocabulary(name).classes:
                thing = kind != "land_cover" and entry.subject and entry.name != "background"
                self._classes.setdefault(entry.name, (len(self._classes) + 1, thing, entry, kind))

    def vocabulary(self, name: str) -> Vocabulary:
        """The classes of a legend in the view that samples are generated in: land cover alone has a short list."""
        return legend(name).vocabulary(self._view if legend(name).kind == "land_cover" else "native")

    def number(self, entry: LandClass) -> int:
        return self._classes[entry.name][0]

    def is_thing(self, entry: LandClass) -> bool:
        return self._classes[entry.name][1]

    def is_region(self, entry: LandClass) -> bool:
        """Whether its regions are instances: everything but what objects stand on."""
        return self.is_thing(entry) or self._classes[entry.name][3] == "land_cover"

    def rows(self, *, panoptic: bool) -> list[dict[str, Any]]:
        return [
            {"id": number, "name": name, "supercategory": kind}
            | ({"isthing": int(thing), "color": list(entry.color)} if panoptic else {})
            for name, (number, thing, entry, kind) in self._classes.items()
            if panoptic or self.is_region(entry)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Pixels of one class: `number` in the map of regions, area in px, COCO box [x, y, width, height]."""

    number: int
    entry: LandClass
    area: int
    bbox: list[int]


def regions(index: NDArray[np.uint8], vocabulary: Vocabulary) -> tuple[NDArray[np.uint32], list[Region]]:
    """8-connected regions of an index map: the map of their numbers (HW, 0 void), and the regions in order."""
    import cc3d

    labels: NDArray[np.uint32] = np.asarray(cc3d.connected_components(index, connectivity=8, out_dtype=np.uint32))
    found = cc3d.statistics(labels)
    listed: list[Region] = []
    for number in range(1, len(found["voxel_counts"])):
        rows, columns = found["bounding_boxes"][number][:2]
        inside = labels[rows, columns] == number
        row, column = np.argwhere(inside)[0]
        value = int(index[rows, columns][row, column])
        box = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
        entry = vocabulary.classes[value - 1]
        listed.append(Region(number, entry, int(found["voxel_counts"][number]), [int(side) for side in box]))
    return labels, listed


def segment_id(color: tuple[int, int, int], taken: set[int]) -> int:
    """A free id, not 0, whose colour is the class's own or near it; it is taken from now on."""
    step, found = 0, _id(color)
    while found == 0 or found in taken:
        step += 1
        found = _id(_near(color, step)) if step <= _NEAR else step - _NEAR
    taken.add(found)
    return found


def _near(color: tuple[int, int, int], step: int) -> tuple[int, int, int]:
    red, green, blue = (
        min(255, max(0, base + (step * stride) % 49 - 24)) for base, stride in zip(color, (37, 29, 17), strict=True)
    )
    return red, green, blue


def _id(color: tuple[int, int, int]) -> int:
    return color[0] + 256 * color[1] + 65536 * color[2]


def panoptic(
    labels: NDArray[np.uint32], found: list[Region], categories: Categories
) -> tuple[NDArray[np.uint32], list[dict[str, Any]]]:
    """HW ids of segments (0 void) and their `segments_info`: stuff is one segment a class, a thing one a region."""
    lut = np.zeros(len(found) + 1, np.uint32)
    taken: set[int] = set()
    stuff: dict[str, int] = {}
    segments: dict[int, dict[str, Any]] = {}
    for region in found:
        entry, thing = region.entry, categories.is_thing(region.entry)
        number = None if thing else stuff.get(entry.name)
        if number is None:
            number = segment_id(entry.color, taken)
            segments[number] = {
                "id": number,
                "category_id": categories.number(entry),
                "area": region.area,
                "bbox": region.bbox,
                "iscrowd": 0,
            }
            if not thing:
                stuff[entry.name] = number
        else:
            segments[number]["area"] += region.area
            segments[number]["bbox"] = _around(segments[number]["bbox"], region.bbox)
        lut[region.number] = number
    return lut[labels], list(segments.values())


def _around(first: list[int], second: list[int]) -> list[int]:
    left, top = min(first[0], second[0]), min(first[1], second[1])
    right = max(first[0] + first[2], second[0] + second[2])
    bottom = max(first[1] + first[3], second[1] + second[3])
    return [left, top, right - left, bottom - top]
