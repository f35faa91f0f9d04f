"""A filter is one rule: None keeps, (reason, detail) drops. Reasons are stable words; counts are kept by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from terra_cot.tile import FrameRecord, TileRecord

if TYPE_CHECKING:  # generation filters need no grids
    from terra_cot.frame import Frame, Tile

Reason = tuple[str, str]

CLOUD_MAX_OPTICAL = 0.2


def frame_reason(frame: Frame, max_nodata: float) -> Reason | None:
    """A frame that shows too little of the tile."""
    missing = 1.0 - float(frame.valid.mean())
    return ("too_much_nodata", f"{missing:.0%} without data") if missing > max_nodata else None


def tile_reason(tile: Tile) -> Reason | None:
    """A tile with no frame left, or whose label map describes a date that is gone."""
    if not tile.frames:
        return "no_frames", "every frame was dropped"
    if tile.label is not None and tile.label_frame not in {frame.frame for frame in tile.frames}:
        return "label_without_frame", f"the label map describes {tile.label_frame}, which was dropped"
    return None


def annotation_reason(tile: TileRecord, view_classes: int) -> Reason | None:
    """A tile that no question can be asked about."""
    if tile.label is None:
        return "no_label", "no label map"
    if view_classes == 0:
        return "no_classes", f"legend {tile.legend} has no classes in this view"
    if not shown_modalities(tile):
        return (
            "cloud_without_sar",
            f"over {CLOUD_MAX_OPTICAL:.0%} cloud, or cloud somewhere, and no SAR at the labelled date",
        )
    return None


def shown_modalities(tile: TileRecord, frame: str | None = None) -> list[tuple[str, ...]]:
    """Which images of a date (the labelled one) can carry a question: optical alone only where it is clear enough.

    An archive's flag counts where no mask is known: cloud that nobody can place may lie on any answer.
    """
    name = frame or tile.label_frame
    records = tile.shown(name) if name else []
    present = {entry.modality: entry for entry in records}
    optical, sar = present.get("optical"), present.get("sar")
    choices: list[tuple[str, ...]] = []
    if optical and _clear_enough(optical):
        choices.append(("optical",))
    if sar:
        choices.append(("sar",))
    if optical and sar:
        choices.append(("optical", "sar"))
    return choices


def _clear_enough(optical: FrameRecord) -> bool:
    if optical.cloud_fraction is None:
        return not optical.cloud_flag
    return optical.cloud_fraction <= CLOUD_MAX_OPTICAL
