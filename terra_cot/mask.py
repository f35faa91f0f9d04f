"""A mask is COCO compressed RLE: column-major runs that start with background and add up to height x width.

Format (pycocotools `maskApi.c`, the de-facto standard): run lengths c0, c1, ... alternate background and foreground
in Fortran (column-major) order. From the fourth on, a run is stored as the difference to the run two places before.
Each number is written in groups of five bits, least significant first, one printable character (48 + bits) a group;
bit 0x20 says that more groups follow, bit 0x10 of the last group is the sign. `size` is [height, width].

Text that comes from outside passes `check_counts` before any C code sees it: the C decoder trusts its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError

_GROUPS_MAX = 7  # 35 bits: more than any image has pixels, and safe in int64 sums


@dataclass(frozen=True, slots=True)
class Mask:
    """One region of one frame: `counts` is the compressed RLE text, `size` its (height, width) in pixels."""

    frame: str
    label: str
    size: tuple[int, int]
    counts: str

    @classmethod
    def from_array(cls, frame: str, label: str, mask: NDArray[np.bool_]) -> Mask:
        """Encode a bool HW array."""
        return cls(frame, label, (int(mask.shape[0]), int(mask.shape[1])), encode(mask))

    def to_array(self) -> NDArray[np.bool_]:
        """Decode to a bool HW array. Trusts `counts`: call `check_counts` on foreign text first."""
        return decode(self.size, self.counts)

    def rle(self) -> dict[str, Any]:
        """The {size, counts} mapping of pycocotools."""
        return {"size": list(self.size), "counts": self.counts}

    def to_row(self) -> dict[str, Any]:
        return {"frame": self.frame, "label": self.label, "size": list(self.size), "counts": self.counts}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Mask:
        height, width = row["size"]
        return cls(row["frame"], row["label"], (int(height), int(width)), row["counts"])


def encode(mask: NDArray[np.bool_]) -> str:
    """COCO compressed RLE text of a bool HW array."""
    from pycocotools import mask as coco

    if mask.ndim != 2:
        raise ValueError(f"a mask is HW, got shape {mask.shape}")
    counts = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts.decode("ascii") if isinstance(counts, bytes) else counts


def decode(size: Sequence[int], counts: str) -> NDArray[np.bool_]:
    """Bool HW array of trusted RLE text."""
    from pycocotools import mask as coco

    return coco.decode({"size": list(size), "counts": counts.encode("ascii")}).astype(np.bool_)


def runs(counts: bytes) -> NDArray[np.int64]:
    """Run lengths of compressed RLE text, checked for form but not against a size.

    Raises:
        ValueError: empty text, a character outside the alphabet, an unfinished or too long number, a negative run.
    """
    chars = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    if chars.size == 0:
        raise ValueError("empty RLE text")
    if chars.min() < 0 or chars.max() > 63:
        raise ValueError("a character that RLE text cannot hold")
    last = (chars & 0x20) == 0
    if not last[-1]:
        raise ValueError("RLE text ends inside a number")
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _GROUPS_MAX:
        raise ValueError("a run length overflows")
    place = np.arange(chars.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((chars & 0x1F) << (5 * place), starts)
    negative = (chars[ends] & 0x10) != 0
    values[negative] -= np.int64(1) << (5 * lengths[negative])
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    if values.min() < 0:
        raise ValueError("a negative run length")
    return values


def check_counts(size: Sequence[int], counts: str) -> NDArray[np.int64]:
    """Run lengths of foreign RLE text that is safe to decode at `size` (height, width).

    Raises:
        DataError: no two positive whole numbers, no text, not well-formed RLE, or not height x width pixels.
    """
    if not isinstance(size, Sequence) or len(size) != 2 or any(type(side) is not int or side < 1 for side in size):
        raise DataError("a mask's size is two whole numbers above 0", field="size", got=size)
    if not isinstance(counts, str):
        raise DataError("RLE counts must be text", field="counts", got=type(counts).__name__)
    height, width = size
    expected = height * width
    # A run takes at least one character, so longer text cannot fit: refuse it before any array is made of it.
    if len(counts) > _GROUPS_MAX * (expected + 1):
        raise DataError("RLE text is longer than its image allows", field="counts", got=f"{len(counts)} characters")
    try:
        lengths = runs(counts.encode("ascii"))
    except UnicodeEncodeError:
        raise DataError("RLE text must be ASCII", field="counts", got=counts[:40]) from None
    except ValueError as error:
        raise DataError(f"bad RLE: {error}", field="counts", got=counts[:40]) from None
    total = int(lengths.sum())
    if total != expected:
        raise DataError(
            "RLE runs do not fill the mask",
            field="counts",
            got=f"{total} px",
            expected=f"{height} x {width} = {expected} px",
        )
    return lengths


def area(counts: str) -> int:
    """Foreground pixels of trusted RLE text, without decoding."""
    return int(runs(counts.encode("ascii"))[1::2].sum())
