"""The reference of a series is the date that its label map describes; without one, the clearest date."""

from __future__ import annotations

from collections.abc import Sequence

from terra_cot.frame import Frame

UNKNOWN_SHARE = 0.5
"""A frame without a cloud mask ranks as half clear: behind one known to be clear, before one known to be overcast."""


def reference_frame(frames: Sequence[Frame], label_frame: str | None) -> Frame:
    """Which of the `frames` of one modality the others are compared with; of equally clear ones the earliest.

    Masks must lie on what they name, so a label map fixes its date however cloudy that is.
    """
    labelled = next((frame for frame in frames if frame.frame == label_frame), None)
    return labelled or max(frames, key=clarity)  # max keeps the first of equals, and frames come oldest first


def clarity(frame: Frame) -> float:
    """Share of the pixels that are valid and clear, 0 to 1, to one per cent: less is no reason to leave the first."""
    share = float(frame.clear().mean())
    unknown = frame.modality == "optical" and frame.cloud is None
    return round(share * UNKNOWN_SHARE if unknown else share, 2)
