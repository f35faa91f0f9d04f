"""Which images a temporal sample shows: radar alone, optical alone, or both; a cloudy optical date leans on radar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from terra_cot.draw import pick
from terra_cot.filters import shown_modalities
from terra_cot.sample import ShownFrame
from terra_cot.tile import TileRecord

Mode = Literal["optical", "sar", "both"]
MODES: tuple[Mode, ...] = ("optical", "sar", "both")
_WISH: dict[Mode, tuple[tuple[str, ...], ...]] = {
    "optical": (("optical",), ("sar",)),
    "sar": (("sar",), ("optical",)),
    "both": (("optical", "sar"), ("optical",), ("sar",)),
}


def series_frames(
    tile: TileRecord, dates: Sequence[str], seed: int, modes: Sequence[Mode] = MODES
) -> tuple[ShownFrame, ...]:
    """The images of `dates` that the sample of this seed shows.

    One of the `modes` is drawn for the whole sample, of those that show different images. On a date on which the mode
    has nothing to show (no image, or under cloud) the other modality stands in.
    """
    shown = [_frames(tile, dates, mode) for mode in modes]
    return pick(list(dict.fromkeys(shown)), seed, "modalities")


def _frames(tile: TileRecord, dates: Sequence[str], mode: Mode) -> tuple[ShownFrame, ...]:
    frames: list[ShownFrame] = []
    for date in dates:
        choices = shown_modalities(tile, date)
        modalities = next((wish for wish in _WISH[mode] if wish in choices), ())
        frames += [ShownFrame(date, record.modality) for record in tile.shown(date) if record.modality in modalities]
    return tuple(frames)
