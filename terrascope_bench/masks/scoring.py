"""Questions are scored by the hundred: what labels settle is paired first, then all pairs are measured at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from terra_cot.errors import DataError
from terra_cot.mask import Mask
from terrascope_bench.masks.matching import Groups, match_by_label
from terrascope_bench.masks.measure import Overlap, Texts, areas, overlaps
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
    matches = _matches(items, scratch)
    pairs: list[Texts] = []
    lone: list[tuple[tuple[int, int], str]] = []
    for (truth, predicted, _), match in zip(items, matches, strict=True):
        pairs += [_texts(truth[t], predicted[p]) for t, p in match.items()]
        if len(match) < len(truth):
            lone += [(mask.size, mask.counts) for t, mask in enumerate(truth) if t not in match]
        if len(match) < len(predicted):
            taken = set(match.values())
            lone += [(mask.size, mask.counts) for p, mask in enumerate(predicted) if p not in taken]
    measured, alone = iter(overlaps(pairs, scratch)), iter(areas(lone, scratch))
    return [_score(item, match, measured, alone) for item, match in zip(items, matches, strict=True)]


def _matches(items: Sequence[Item], scratch: Scratch) -> list[dict[int, int]]:
    """Truth mask -> predicted mask of each item. IoU is measured only where labels leave a choice."""
    out = [match_by_label(*item) for item in items]
    unsettled = [k for k, match in enumerate(out) if match is None]
    groups = [Groups.of(*items[k]) for k in unsettled]
    asked = [group.choices() for group in groups]
    pairs = [
        _texts(items[k][0][t], items[k][1][p]) for k, choices in zip(unsettled, asked, strict=True) for t, p in choices
    ]
    measured = iter(overlaps(pairs, scratch))
    for k, group, choices in zip(unsettled, groups, asked, strict=True):
        table = {choice: _iou(next(measured)) for choice in choices}
        out[k] = group.match(table)
    return [match for match in out if match is not None]


def _texts(truth: Mask, predicted: PredictedMask) -> Texts:
    if truth.size != predicted.size:
        raise DataError("masks of one question differ in size", field="size", got=predicted.size, expected=truth.size)
    return truth.size, truth.counts, predicted.counts


def _score(item: Item, match: Mapping[int, int], measured: Iterator[Overlap], alone: Iterator[int]) -> MaskScore:
    """Put together what was measured: matched pairs in the order of `match`, then masks without a partner."""
    truth, predicted, _ = item
    found = {t: _pair(truth[t].label, p, next(measured)) for t, p in match.items()}
    if len(match) < len(truth):
        for t, mask in enumerate(truth):
            if t not in match:
                found[t] = _missing(mask.label, next(alone))
    rows = [found[t] for t in range(len(truth))]
    surplus = len(predicted) - len(match)
    surplus_px = sum([next(alone) for _ in range(surplus)])
    return MaskScore.of(rows, surplus, surplus_px)


def _iou(row: Overlap) -> int:
    union = row.first_px + row.second_px - row.both_px
    return NANO if union == 0 else round(row.both_px * NANO / union)


def _pair(label: str, predicted: int, row: Overlap) -> Pair:
    first, second, both, rim_both, rim_either = row
    rim = NANO if rim_either == 0 else round(NANO * rim_both / rim_either)
    return Pair(label, predicted, _iou(row), rim, both, first + second - both, second, first)


def _missing(label: str, area: int) -> Pair:
    return Pair(label, None, 0, 0, 0, area, 0, area)
