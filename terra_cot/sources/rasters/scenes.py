"""Frames of one name make a scene: its dates in order, the wide images that cover it, its label map."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.geo.ground import ground
from terra_cot.listing import Entry, Place, Total
from terra_cot.scene import Drop, Scene, SceneFrame
from terra_cot.sources.rasters.absent import looked_for, refuse_absent
from terra_cot.sources.rasters.find import Found, find
from terra_cot.sources.rasters.frames import frame_of
from terra_cot.sources.rasters.labels import dated_labels
from terra_cot.sources.rasters.options import RastersOptions
from terra_cot.sources.rasters.wide import Wide, find_wide
from terra_cot.store.index import Index
from terra_cot.timeline import name_frames


def scan(root: Path, options: RastersOptions, name: str = "rasters") -> Iterator[Entry]:
    """One place for every value of `{scene}`, in order."""
    by_name = options.by_name()
    texts = [text for text in dict.fromkeys(options.patterns()) if "{scene}" in text or not by_name]
    imagery = {texts.index(text) for entry in options.frames for text in entry.files if text in texts}
    wide = find_wide(root, options)
    yield from wide.drops
    known = (wide.digest(),) if wide.frames or wide.labels else ()
    with Index() as index:
        matched = {text for number, text in enumerate(texts) if find(root, text, number, index)}
        refuse_absent(root, options, matched | wide.matched, named=name == "rasters")
        yield Total(len(index))
        for scene_id, fields in index.items():
            patterns: dict[str, Found] = {text: {} for text in options.patterns()}
            numbers = set()
            for field, path in fields.items():
                which, _, date = field.partition(" ")
                numbers.add(int(which))
                patterns[texts[int(which)]].setdefault(scene_id, {})[date] = path
            if numbers & imagery:
                files = tuple(root / path for path in fields.values())
                describe = partial(_scene, root, scene_id, options, patterns, wide, name)
                yield Place(scene_id, files, describe, (sorted(fields.items()), name, *known))


def _scene(
    root: Path, scene_id: str, options: RastersOptions, patterns: dict[str, Found], wide: Wide, name: str
) -> Iterator[Scene | Drop]:
    frames: list[SceneFrame] = []
    grids: dict[str, Grid] = {}
    for pattern in options.frames:
        dates = sorted({date for text in pattern.files for date in patterns[text].get(scene_id, {})})
        if not dates and pattern.named():
            told = ", ".join(looked_for(text, scene_id) for text in pattern.files)
            yield Drop("frame", f"{scene_id}/{pattern.modality}", "missing_frame", f"no {told}; other scenes have it")
        for date in dates:
            item = f"{scene_id}/{pattern.modality}/{date or 'undated'}"
            absent = [text for text in pattern.files if date not in patterns[text].get(scene_id, {})]
            if absent:
                told = ", ".join(looked_for(text, scene_id) for text in absent)
                yield Drop("frame", item, "missing_file", f"no {told}")
                continue
            try:
                found = frame_of(root, scene_id, date, pattern, patterns, options)
            except DataError as error:
                yield Drop.of("frame", item, error)
            else:
                if pattern.cloud and found.frame.cloud is None:
                    yield Drop(
                        "frame", f"{item}/cloud", "missing_cloud_mask", f"no {looked_for(pattern.cloud, scene_id)}"
                    )
                frames.append(found.frame)
                grids[found.frame.assets[0].path] = found.grid
    if not frames:
        yield Drop("scene", scene_id, "no_frames", "every frame was dropped")
        return
    named, _ = name_frames(scene_id, frames, options.pair_days)
    grid = grids[next((frame for frame in named if frame.modality == "optical"), named[0]).assets[0].path]
    area = ground(grid) if grid.crs and (wide.frames or wide.labels) else None
    swaths = list(wide.covering(scene_id, area, options.min_cover)) if area is not None else []
    frames += [entry for entry in swaths if isinstance(entry, SceneFrame)]
    yield from (entry for entry in swaths if isinstance(entry, Drop))
    yield from _not_covered(scene_id, swaths, options)
    named, drops = name_frames(scene_id, frames, options.pair_days)
    yield from drops
    maps = patterns[options.label].get(scene_id, {}) if options.label else {}
    if not maps and area is not None:
        label, drops = wide.label(scene_id, area)
        maps = {"": label} if label else {}
        yield from drops
    if options.label and not maps:
        yield Drop("frame", f"{scene_id}/label", "missing_label", f"no {looked_for(options.label, scene_id)}")
    labels, drops = dated_labels(scene_id, named, maps, options)
    yield from drops
    main = labels[0 if options.label_frame == "first" else -1] if labels else None
    yield Scene(
        scene_id=scene_id,
        source=name,
        root=str(root),
        frames=named,
        grid=grid,
        label=main.label if main else None,
        label_frame=main.frame if main else None,
        label_series=tuple(entry for entry in labels if entry is not main),
        licence=options.licence,
        split=options.split,
    )


def _not_covered(scene_id: str, swaths: list[SceneFrame | Drop], options: RastersOptions) -> Iterator[Drop]:
    """A drop for each modality that is matched by the ground and has no image that touches the scene."""
    touching = {entry.modality if isinstance(entry, SceneFrame) else entry.item.split("/")[1] for entry in swaths}
    for entry in options.frames if options.by_name() else ():
        if not entry.named() and entry.modality not in touching:
            told = ", ".join(entry.files)
            yield Drop("frame", f"{scene_id}/{entry.modality}", "missing_frame", f"no image of {told} lies there")
