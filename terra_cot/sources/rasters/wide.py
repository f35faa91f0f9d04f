"""Images and label maps whose names tell no scene (a Sentinel-1 swath, a map of three degrees) are matched by ground.

Their headers are read once, before the scenes are described; a scene takes the images that cover enough of it, and the
map that covers most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from terra_cot.errors import DataError
from terra_cot.geo.gcps import tie_of
from terra_cot.geo.grid import grid_of
from terra_cot.geo.ground import COVERS, ground, ground_of_tie, share
from terra_cot.pixels.header import opened
from terra_cot.scene import Drop, SceneFrame
from terra_cot.sources.rasters.find import Found, find, find_any
from terra_cot.sources.rasters.frames import frame_of
from terra_cot.sources.rasters.options import RastersOptions
from terra_cot.store.atomic import sha256_json
from terra_cot.store.index import Index


@dataclass(frozen=True, slots=True)
class Wide:
    """Frames and maps with the ground of each; `drops` are those that cannot be used. `matched`: patterns that fit."""

    frames: tuple[tuple[SceneFrame, BaseGeometry], ...] = ()
    labels: tuple[tuple[str, BaseGeometry], ...] = ()
    drops: tuple[Drop, ...] = ()
    matched: frozenset[str] = frozenset()

    def digest(self) -> str:
        """What tells one state of it from another."""
        frames = [(repr(frame), area.wkt) for frame, area in self.frames]
        return sha256_json([frames, [(path, area.wkt) for path, area in self.labels]])

    def covering(self, scene_id: str, area: BaseGeometry, least: float) -> Iterator[SceneFrame | Drop]:
        """The frames that cover at least a share of a scene, and a drop for each that covers some of it."""
        for number in sorted(STRtree([held for _, held in self.frames]).query(area, predicate="intersects")):
            frame, held = self.frames[int(number)]
            covers = share(held, area)
            if covers >= least * COVERS:
                yield frame
            else:
                item = f"{scene_id}/{frame.modality}/{frame.assets[0].path}"
                yield Drop("frame", item, "covers_too_little", f"{covers:.1%} of the scene, at least {least:.0%}")

    def label(self, scene_id: str, area: BaseGeometry) -> tuple[str | None, list[Drop]]:
        """The map that covers most of a scene, of equals the last by name; drops tell what has no label."""
        shares = sorted((round(share(held, area), 3), path) for path, held in self.labels)
        if not shares or shares[-1][0] == 0:
            return None, []
        covers, path = shares[-1]
        drop = Drop("frame", f"{scene_id}/label", "label_covers_part", f"{path} covers {covers:.1%} of the scene")
        return path, [drop] if covers < COVERS else []


def find_wide(root: Path, options: RastersOptions) -> Wide:
    """What the patterns without {scene} find, where others have it; nothing where none has."""
    if not options.by_name():
        return Wide()
    frames: list[tuple[SceneFrame, BaseGeometry]] = []
    labels: list[tuple[str, BaseGeometry]] = []
    drops: list[Drop] = []
    matched: set[str] = set()
    for entry in options.frames:
        if entry.named():
            continue
        patterns: dict[str, Found] = {}
        for text in entry.patterns():
            with Index() as index:
                if find(root, text, 0, index):
                    matched.add(text)
                patterns[text] = {root.name: {field[2:]: path for field, path in index.get(root.name).items()}}
        for date in sorted({date for text in entry.files for date in patterns[text][root.name]}):
            item = f"{entry.modality}/{date or 'undated'}"
            absent = [text for text in entry.files if date not in patterns[text][root.name]]
            if absent:
                drops.append(Drop("frame", item, "missing_file", ", ".join(absent)))
                continue
            try:
                found = frame_of(root, root.name, date, entry, patterns, options)
                if found.area is None:
                    raise DataError("no CRS: what it shows cannot be known", reason="no_crs")
            except DataError as error:
                drops.append(Drop.of("frame", item, error))
            else:
                frames.append((found.frame, found.area))
    for path in find_any(root, options.label) if options.label and "{scene}" not in options.label else ():
        matched.add(options.label or "")
        try:
            with opened(root / path) as dataset:
                tie = tie_of(dataset)
                labels.append((path, ground_of_tie(tie) if tie else ground(grid_of(dataset))))
        except DataError as error:
            drops.append(Drop.of("frame", f"label/{path}", error))
    return Wide(tuple(frames), tuple(labels), tuple(drops), frozenset(matched))
