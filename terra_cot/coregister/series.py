"""In a tile the optical image of the reference date stays; all else comes to it, directly or through the reference SAR.

Other optical dates are compared with the reference; the SAR image of its date with the reference across modalities;
other SAR dates with that SAR image, and their shift is the sum of both. Speckle hides less between two SAR images than
the sensors differ, so one step across is enough. What is refused stays where it lies, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from terra_cot.coregister.estimate import estimate_shift
from terra_cot.frame import REFERENCE, Frame, Shift
from terra_cot.reference import reference_frame

Reread = Callable[[Frame, tuple[float, float]], Frame]
"""The same frame read again with a shift [dy, dx] taken out in the one resampling."""


def align(
    frames: Sequence[Frame], label_frame: str | None, max_shift_px: float, cross_modal: bool, reread: Reread
) -> list[Frame]:
    """Frames of one tile, in their order, with trusted shifts taken out; a frame without a partner stays "alone"."""
    shifts = find_shifts(frames, label_frame, max_shift_px, cross_modal)
    aligned = []
    for frame in frames:
        shift = shifts.get((frame.frame, frame.modality), frame.shift)
        moved = reread(frame, shift.removed_px) if shift.removed_px != (0.0, 0.0) else frame
        aligned.append(replace(moved, shift=shift))
    return aligned


def find_shifts(
    frames: Sequence[Frame], label_frame: str | None, max_shift_px: float, cross_modal: bool
) -> dict[tuple[str, str], Shift]:
    """The shift of each frame by (frame, modality); frames that nothing is compared with are left out."""
    optical = [frame for frame in frames if frame.modality == "optical"]
    sar = [frame for frame in frames if frame.modality == "sar"]
    shifts: dict[tuple[str, str], Shift] = {}
    base = reference_frame(optical, label_frame) if optical else None
    if base and len(optical) > 1:
        shifts |= _to(base, optical, max_shift_px)
    if not sar:
        return shifts
    partner = next((frame for frame in sar if base and frame.frame == base.frame), None)
    partner = partner or reference_frame(sar, label_frame)
    if len(sar) > 1:
        shifts |= _to(partner, sar, max_shift_px)
    if base and cross_modal:
        across = _settled(estimate_shift(base, partner, max_shift_px))
        shifts.setdefault((base.frame, base.modality), REFERENCE)
        for frame in sar:
            key = (frame.frame, frame.modality)
            shifts[key] = across if frame is partner else _chained(across, shifts[key])
    return shifts


def _to(reference: Frame, frames: Sequence[Frame], max_shift_px: float) -> dict[tuple[str, str], Shift]:
    return {
        (frame.frame, frame.modality): REFERENCE
        if frame is reference
        else _settled(estimate_shift(reference, frame, max_shift_px))
        for frame in frames
    }


def _chained(first: Shift, second: Shift) -> Shift:
    """The shift over two steps, as sure as the weaker; where one is refused the other is all that is known."""
    if "refused" in (first.status, second.status) or first.found_px is None or second.found_px is None:
        return second
    found = (round(first.found_px[0] + second.found_px[0], 4), round(first.found_px[1] + second.found_px[1], 4))
    scores = [shift.score for shift in (first, second) if shift.score is not None]
    return _settled(Shift(found, min(scores, default=None), "removed"))


def _settled(shift: Shift) -> Shift:
    """ "aligned" where a trusted shift is too small to take out."""
    nothing = shift.status == "removed" and shift.removed_px == (0.0, 0.0)
    return replace(shift, status="aligned") if nothing else shift
