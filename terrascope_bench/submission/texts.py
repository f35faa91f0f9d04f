"""RLE texts are read by the hundred: the lines of a batch pass together, and a bad one is found again alone.

One text takes some 30 us to check alone and 4 in a batch. Lines keep their order.
"""

from __future__ import annotations

from collections.abc import Iterator

from terrascope_bench.masks.runs import check_many
from terrascope_bench.masks.scratch import Scratch
from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.submission.check import Checker, Defects

_LINES = 256
_CHARS = 2**22
"""So much text is held at most, and one line more."""
Items = list[Prediction | Defect]


def read_texts(items: Iterator[Prediction | Defect], checker: Checker) -> Iterator[Prediction | Defect]:
    """The items of a checker with `texts_later`; a prediction with a bad RLE text becomes its defects."""
    held: Items = []
    chars, scratch = 0, Scratch()
    for item in items:
        held.append(item)
        if isinstance(item, Prediction):
            chars += len(item.response or "") + len(item.answer or "") + len(item.error or "")
            chars += sum([len(mask.counts) for mask in item.masks])
        if len(held) >= _LINES or chars > _CHARS:
            yield from _read(held, checker, scratch)
            held, chars = [], 0
    yield from _read(held, checker, scratch)


def _read(held: Items, checker: Checker, scratch: Scratch) -> Items:
    texts = [(mask.size, mask.counts) for item in held if isinstance(item, Prediction) for mask in item.masks]
    found = check_many(texts, scratch)
    if not any(found):
        return held
    errors = iter(found)
    out: Items = []
    for item in held:
        if isinstance(item, Prediction):
            defects = Defects(item.line or 0, checker.place)
            for number, _ in enumerate(item.masks):
                error = next(errors)
                if error is not None:
                    defects.add_text(f"masks[{number}].counts", error)
            out += defects.found or [item]
        else:
            out.append(item)
    return out
