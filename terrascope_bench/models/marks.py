"""Masks written as text: what follows the stated protocol becomes a mask, what does not is named and never guessed.

After `</think>` a reply may hold one `<masks>` block: a JSON list (a Markdown fence around it is let through), at most
64 objects. Each has `label` (text, at most 200 characters; may be absent), `frame` (a date that the question shows; may
be absent where it shows one), and by the form that was asked for

| form | fields | becomes |
|---|---|---|
| rle | `size` [height, width] of the question's masks; `counts` COCO RLE, compressed text or a list of run lengths \
(column by column, starting with background) that fills the size | itself |
| polygons | `polygons`: outlines [x0, y0, x1, y1, ...] or [[x0, y0], ...], three points or more | their union |
| boxes | `boxes`: [x0, y0, x1, y1], x0 < x1, y0 < y1 | their union |

Coordinates are pixels of the image as it was shown, x right, y down, (0, 0) the upper left corner of the upper left
pixel; whole or not. One pixel beyond the border is drawn in; further out the mask is not read: such numbers are of
another convention. Pixels are those of pycocotools' `frPyObjects` at the size of the question's masks. An image shown
larger has its coordinates scaled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import orjson

from terra_cot.errors import DataError, shorten
from terra_cot.mask import check_counts
from terrascope_bench.models.prompt import MaskForm
from terrascope_bench.models.tags import inside
from terrascope_bench.prediction import MAX_LABEL, MAX_MASKS, PredictedMask
from terrascope_bench.question import Question

MAX_NUMBERS = 20_000
"""Coordinates of one mask."""
_SLACK_PX = 1.0

Sizes = Mapping[str, tuple[int, int]]
"""(width, height) of each frame as it was shown, px."""


class _Unread(Exception):  # noqa: N818 - never leaves this file
    """Why a mask is none."""


def read_masks(text: str, question: Question, form: MaskForm, shown: Sizes) -> tuple[list[PredictedMask], list[str]]:
    """The masks of a reply (what stands after its `</think>`), and a line for each one that is none."""
    opened, blocks = inside(text, "masks")
    if not opened:
        return [], []
    if opened > 1:
        return [], [f"masks: {opened} blocks, one is read"]
    if not blocks:
        return [], ["masks: the block does not end"]
    try:
        values = orjson.loads(_bare(blocks[0]))
    except orjson.JSONDecodeError as error:
        return [], [f"masks: not JSON ({error.msg} at character {error.pos})"]
    if not isinstance(values, list):
        return [], ["masks: not a list"]
    masks, unread = [], []
    for number, value in enumerate(values[:MAX_MASKS]):
        try:
            masks.append(_mask(value, question, form, shown))
        except _Unread as why:
            unread.append(f"masks[{number}]: {why}")
    if len(values) > MAX_MASKS:
        unread.append(f"masks: {len(values) - MAX_MASKS} more than the {MAX_MASKS} that are read")
    return masks, unread


def _bare(text: str) -> str:
    """The list without the fence that some models put around it."""
    text = text.strip()
    if len(text) > 6 and text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    return text


def _mask(value: object, question: Question, form: MaskForm, shown: Sizes) -> PredictedMask:
    if not isinstance(value, dict):
        raise _Unread("not an object")
    label = value.get("label")
    if label is not None and not (isinstance(label, str) and len(label) <= MAX_LABEL):
        raise _Unread(f"label is no text of at most {MAX_LABEL} characters")
    frame = value.get("frame")
    if frame is None and len(question.frame_names) == 1:
        frame = question.frame_names[0]
    if not isinstance(frame, str) or frame not in question.frame_names:
        raise _Unread(f"frame {shorten(frame, 40)} is none of {', '.join(question.frame_names)}")
    size = (question.height, question.width)
    if form == "rle":
        return PredictedMask(frame, label, size, _from_runs(value, size))
    field = str(form)
    drawn = value.get(field)
    if not isinstance(drawn, list) or not drawn:
        raise _Unread(f"{field} is no list, or an empty one")
    shapes = [_ring(shape) if form == "polygons" else _box(shape) for shape in drawn]
    if sum(map(len, shapes)) > MAX_NUMBERS:
        raise _Unread(f"more than {MAX_NUMBERS} coordinates")
    return PredictedMask(frame, label, size, _filled(shapes, size, shown[frame]))


def _from_runs(value: dict[str, Any], size: tuple[int, int]) -> str:
    told = value.get("size")
    if not isinstance(told, list) or [_whole(side) for side in told] != list(size):
        raise _Unread(f"size {shorten(told, 40)} is not [{size[0]}, {size[1]}]")
    counts = value.get("counts")
    if isinstance(counts, list):
        runs = [run for run in map(_whole, counts) if run is not None and run >= 0]
        if len(runs) < len(counts):
            raise _Unread("counts holds what is no whole number from 0")
        if sum(runs) != size[0] * size[1]:
            raise _Unread(f"counts adds up to {sum(runs)} pixels, not {size[0] * size[1]}")
        return _coco({"size": list(size), "counts": runs}, size)
    try:
        check_counts(size, counts)  # type: ignore[arg-type]
    except DataError as error:
        raise _Unread(shorten(f"{error.problem}; got {error.got}", 160)) from None
    return str(counts)


def _whole(value: object) -> int | None:
    """A whole number, also where it is written 256.0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value != int(value):
        return None
    return int(value)


def _numbers(values: object) -> list[float]:
    if isinstance(values, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return [float(value) for value in values]
    raise _Unread("a coordinate is no number")


def _ring(shape: object) -> list[float]:
    """x0, y0, x1, y1, ... of an outline."""
    if isinstance(shape, list) and shape and all(isinstance(point, list) for point in shape):
        if any(len(point) != 2 for point in shape):
            raise _Unread("a point is not [x, y]")
        shape = [number for point in shape for number in point]
    ring = _numbers(shape)
    if len(ring) < 6 or len(ring) % 2:
        raise _Unread("an outline has fewer than three points, or half a point")
    return ring


def _box(shape: object) -> list[float]:
    """The outline of a box."""
    box = _numbers(shape)
    if len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
        raise _Unread("a box is not [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def _filled(rings: list[list[float]], size: tuple[int, int], shown: tuple[int, int]) -> str:
    """RLE text of the union of outlines. Numbers far outside never reach the C code, which would walk to them."""
    height, width = size
    scaled = []
    for ring in rings:
        for axis in (0, 1):
            low, high = min(ring[axis::2]), max(ring[axis::2])
            if low < -_SLACK_PX or high > shown[axis] + _SLACK_PX:
                far = low if low < -_SLACK_PX else high
                raise _Unread(f"{'xy'[axis]} = {far:g} is outside the image of {shown[0]} x {shown[1]} pixels")
        xs = [min(max(x, 0.0), shown[0]) * width / shown[0] for x in ring[0::2]]
        ys = [min(max(y, 0.0), shown[1]) * height / shown[1] for y in ring[1::2]]
        scaled.append([number for point in zip(xs, ys, strict=True) for number in point])
    return _coco(scaled, size)


def _coco(shape: Any, size: tuple[int, int]) -> str:
    """RLE text of outlines (their union) or of a list of runs."""
    from pycocotools import mask as coco

    drawn: Any = coco.frPyObjects(shape, *size)
    counts: Any = (coco.merge(drawn) if isinstance(drawn, list) else drawn)["counts"]
    return str(counts.decode("ascii"))
