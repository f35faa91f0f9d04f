"""Questions are scored by the hundred: what labels settle is paired first, then all pairs are measured at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from terra_cot.errors import DataError
from terra_cot.mask import Mask
from terrascope_bench.masks.matching import Groups
from terrascope_bench.masks.measure import Overlap, areas, overlaps
from terrascope_bench.masks.record import NANO, MaskScore, Pair
from terrascope_bench.masks.scratch import Scratch
from terrascope_bench.prediction import PredictedMask

Item = tuple[Sequence[Mask], Sequence[PredictedMask], Mapping[str, str]]
"""Truth masks, predicted masks and aliases of one question."""
_NO_ALIASES: Mapping[str, str] = {}


def score_masks(
    truth: Sequence[Mask], predicted: Sequence[PredictedMask], aliases: Mapping[str, str] = _NO_ALIASES
) -> MaskScore:
    """Compare the masks of one question; all lie on one grid.

    Args:
        aliases: other names of a label, as `name_of` writes them ("cropland" for "crop").
    """
    return score_many([(truth, predicted, aliases)])[0]


def score_many(items: Sequence[Item]) -> list[MaskScore]:
    """`score_masks` of each item; a few hundred at once cost least.

    Raises:
        DataError: masks of a question differ in size, or a text is no RLE of its size.
    """
    scratch = Scratch()
    for truth, predicted, _ in items:
        _one_grid(truth, predicted)
    groups = [Groups.of(*item) for item in items]
    matches = _matches(items, groups, scratch)
    pairs, lone = [], []
    for (truth, predicted, _), match in zip(items, matches, strict=True):
        pairs += [(truth[t].size, truth[t].counts, predicted[p].counts) for t, p in match.items()]
        lone += [(mask.size, mask.counts) for t, mask in enumerate(truth) if t not in match]
        if len(match) < len(predicted):
            taken = set(match.values())
            lone += [(mask.size, mask.counts) for p, mask in enumerate(predicted) if p not in taken]
    measured, alone = iter(overlaps(pairs, scratch)), iter(areas(lone, scratch))
    out = []
    for (truth, predicted, _), match in zip(items, matches, strict=True):
        found = {t: next(measured) for t in match}
        rows = tuple(
            _pair(mask.label, match[t], found[t]) if t in match else _missing(mask.label, next(alone))
            for t, mask in enumerate(truth)
        )
        surplus = len(predicted) - len(match)
        surplus_px = sum(next(alone) for _ in range(surplus))
        empty = sum(row.union == 0 and row.predicted is not None for row in rows)
        out.append(MaskScore(rows, surplus, surplus_px, empty if truth or predicted else 1))
    return out


def _matches(items: Sequence[Item], groups: Sequence[Groups], scratch: Scratch) -> list[dict[int, int]]:
    """Truth mask -> predicted mask of each item."""
    asked = [group.choices() for group in groups]
    pairs = [
        (truth[t].size, truth[t].counts, predicted[p].counts)
        for (truth, predicted, _), choices in zip(items, asked, strict=True)
        for t, p in choices
    ]
    measured = iter(overlaps(pairs, scratch))
    out = []
    for group, choices in zip(groups, asked, strict=True):
        table = {choice: _iou(next(measured)) for choice in choices}
        out.append(group.match(lambda t, p, table=table: table[t, p]))
    return out


def _iou(row: Overlap) -> int:
    union = row.first_px + row.second_px - row.both_px
    return NANO if union == 0 else round(row.both_px * NANO / union)


def _pair(label: str, predicted: int, row: Overlap) -> Pair:
    first, second, both, rim_both, rim_either = row
    rim = NANO if rim_either == 0 else round(NANO * rim_both / rim_either)
    return Pair(label, predicted, both, first + second - both, _iou(row), rim, first, second)


def _missing(label: str, area: int) -> Pair:
    return Pair(label, None, 0, area, 0, 0, area, 0)


def _one_grid(truth: Sequence[Mask], predicted: Sequence[PredictedMask]) -> None:
    sizes = {mask.size for mask in truth} | {mask.size for mask in predicted}
    if len(sizes) > 1:
        raise DataError("masks of one question differ in size", field="size", got=sorted(sizes))
