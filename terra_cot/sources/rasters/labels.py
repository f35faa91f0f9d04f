"""A label map belongs to a date: to the first or last of its scene, or to the one that {date} in its path names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from terra_cot.errors import DataError
from terra_cot.scene import DatedLabelAsset, Drop, LabelAsset, SceneFrame
from terra_cot.sources.rasters.options import RastersOptions
from terra_cot.timeline import parse_datetime


def dated_labels(
    scene_id: str, frames: Sequence[SceneFrame], maps: Mapping[str, str], options: RastersOptions
) -> tuple[list[DatedLabelAsset], list[Drop]]:
    """The label maps of a scene, oldest date first, and those that no image joins.

    `maps` is date ("" without one) -> path. A date with a time joins the images of that moment, one without a time
    those of that day (UTC); of two maps of one date the earlier stays.
    """
    if options.legend is None or not maps:
        return [], []
    if "" in maps:
        frame = frames[0 if options.label_frame == "first" else -1].frame
        return [DatedLabelAsset(frame, LabelAsset(maps[""], options.legend))], []
    found: dict[str, DatedLabelAsset] = {}
    drops: list[Drop] = []
    for date, path in sorted(maps.items()):
        item = f"{scene_id}/label/{date}"
        try:
            joined = _joined(frames, date)
        except DataError as error:
            drops.append(Drop.of("frame", item, error))
            continue
        if joined is None:
            drops.append(Drop("frame", item, "label_without_frame", f"{path}: no image of that date"))
        elif joined in found:
            detail = f"{path}: {joined} has {found[joined].label.path} already"
            drops.append(Drop("frame", item, "duplicate_date", detail))
        else:
            found[joined] = DatedLabelAsset(joined, LabelAsset(path, options.legend))
    order = [frame.frame for frame in frames]
    return sorted(found.values(), key=lambda entry: order.index(entry.frame)), drops


def _joined(frames: Sequence[SceneFrame], date: str) -> str | None:
    """The name of the first date with an image taken then."""
    moment, timed = parse_datetime(date), "T" in date
    for frame in frames:
        taken = parse_datetime(frame.datetime or "")
        if taken == moment if timed else taken.date() == moment.date():
            return frame.frame
    return None
