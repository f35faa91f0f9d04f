"""The mixture of a recipe: how many samples of each kind are taken, so that every stated share is met at once.

A kind is (tier, task, class, modality, split). What is there is counted first; the shares of each dimension are then
met by iterative proportional fitting (Deming and Stephan 1940) that never asks for more than there is. Whole numbers
keep the sums of the groups, and each part of the dataset gives its own fixed number: the result depends neither on
workers nor on their order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

Dimension = Literal["tier", "task", "label", "modality", "split"]
DIMENSIONS: tuple[Dimension, ...] = ("tier", "task", "label", "modality", "split")
TOLERANCE = 0.01
"""A share is met within one percentage point; what lies further off is called scarce."""

_ROUNDS = 400
_DONE = 1e-9
_NOTHING = 1e-6


class Kind(NamedTuple):
    """What is counted: `label` is the class of the sample's first mask ("" without one)."""

    tier: str
    task: str
    label: str
    modality: str
    split: str


class MixOptions(BaseModel):
    """Shares by dimension; a dimension that is left out is taken as it comes. Shares of a dimension add up to 1.

    `classes` may be "balanced": every class that occurs gets the same share, and of a class that has less all is taken
    and the others share the rest. `samples`: how many in all; left out, as many as the shares allow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int | None = Field(None, ge=1)
    tiers: dict[str, float] | None = None
    tasks: dict[str, float] | None = None
    classes: Literal["balanced"] | dict[str, float] | None = None
    modality: dict[str, float] | None = None
    splits: dict[str, float] | None = None

    @field_validator("tiers", "tasks", "classes", "modality", "splits")
    @classmethod
    def _whole(cls, shares: Any) -> Any:
        if isinstance(shares, dict) and (
            not shares or min(shares.values()) < 0 or not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6)
        ):
            raise ValueError(f"shares are 0 to 1 and add up to 1, not {sum(shares.values()):g}")
        return shares

    def shares(self) -> dict[Dimension, dict[str, float]]:
        """The shares that are stated as numbers, by dimension."""
        classes = None if self.classes == "balanced" else self.classes
        stated = zip(DIMENSIONS, (self.tiers, self.tasks, classes, self.modality, self.splits), strict=True)
        return {key: dict(shares) for key, shares in stated if shares is not None}


@dataclass(frozen=True, slots=True)
class Mixture:
    """How many samples of each kind are taken, and how well that meets what was asked for."""

    wanted: dict[Kind, int]
    report: dict[str, Any]


def mixture(available: Mapping[Kind, int], options: MixOptions) -> Mixture:
    """The whole numbers to take of each kind; none is above what is `available`.

    Where a total is stated, each group gets its share of that total or, if it is scarce, all that there is. Where none
    is stated, the total is the largest whose shares can all be met.
    """
    shares = options.shares()
    # A value that a stated dimension does not name has the share 0.
    kinds = sorted(kind for kind, number in available.items() if number > 0)
    asked = [all(getattr(kind, key) in named for key, named in shares.items()) for kind in kinds]
    supply = np.array([available[kind] if ask else 0 for kind, ask in zip(kinds, asked, strict=True)], np.float64)
    if options.classes == "balanced":
        shares["label"] = _even(kinds, supply, options.samples)
    groups = [
        (key, name, share, np.array([getattr(kind, key) == name for kind in kinds], np.bool_))
        for key in DIMENSIONS
        for name, share in shares.get(key, {}).items()
    ]
    total = options.samples if options.samples is not None else _largest(supply, groups)
    counts = _rounded(_fitted(supply, groups, total), supply, groups, total)
    wanted = {kind: int(number) for kind, number in zip(kinds, counts, strict=True) if number}
    return Mixture(wanted, _report(kinds, counts, supply, shares, options.samples))


def _even(kinds: Sequence[Kind], supply: NDArray[np.float64], samples: int | None) -> dict[str, float]:
    """Equal shares of the classes; with a total, what a rare class lacks is spread over the others."""
    there: dict[str, float] = {}
    for kind, number in zip(kinds, supply, strict=True):
        there[kind.label] = there.get(kind.label, 0.0) + float(number)
    names = sorted((name for name in there if there[name]), key=lambda name: (there[name], name))
    left = total = float(samples or 1)
    shares: dict[str, float] = {}
    for number, name in enumerate(names):
        even = left / (len(names) - number)
        given = min(there[name], even) if samples and name != names[-1] else even
        shares[name] = given / total
        left -= given
    return dict(sorted(shares.items()))


_Group = tuple[Dimension, str, float, NDArray[np.bool_]]


def _fitted(supply: NDArray[np.float64], groups: Sequence[_Group], total: float) -> NDArray[np.float64]:
    """Amounts whose sums over each group are its share of `total`, as near as the supply allows."""
    have = supply.sum()
    if have == 0:
        return supply.copy()
    amounts: NDArray[np.float64] = np.minimum(supply, supply * (total / have))
    for _ in range(_ROUNDS):
        before = amounts.copy()
        for _, _, share, members in groups:
            amounts[members] = _scaled(amounts[members], supply[members], share * total)
        if not groups:
            amounts = _scaled(amounts, supply, total)
        if np.abs(amounts - before).max() <= _DONE * max(total, 1):
            break
    return amounts


def _scaled(amounts: NDArray[np.float64], supply: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """`amounts` scaled to sum up to `wanted`; what hits its supply stays there and the others give more."""
    if wanted < _NOTHING or not len(amounts):
        return np.zeros_like(amounts)
    if supply.sum() <= wanted:
        return supply.copy()
    scaled = np.maximum(amounts, supply * _NOTHING)  # nothing is lost for good while rounds go on
    for _ in range(len(amounts) + 1):
        full = scaled >= supply
        free, room = scaled[~full].sum(), wanted - supply[full].sum()
        if free <= 0 or room <= 0:
            scaled = np.minimum(scaled, supply)
            shrunk: NDArray[np.float64] = scaled * min(1.0, wanted / float(scaled.sum()))
            return shrunk
        scaled = np.where(full, supply, scaled * (room / free))
        if (scaled <= supply * (1 + 1e-12)).all():
            break
    capped: NDArray[np.float64] = np.minimum(scaled, supply)
    return capped


def _largest(supply: NDArray[np.float64], groups: Sequence[_Group]) -> int:
    """The largest total at which no group falls short by more than half the tolerance."""
    low, high = 0, int(supply.sum())
    while low < high:
        middle = (low + high + 1) // 2
        amounts = _fitted(supply, groups, middle)
        reached = amounts.sum() >= middle * (1 - TOLERANCE / 2) and all(
            abs(amounts[members].sum() - share * middle) <= TOLERANCE / 2 * middle for _, _, share, members in groups
        )
        low, high = (middle, high) if reached else (low, middle - 1)
    return low


def _rounded(
    amounts: NDArray[np.float64], supply: NDArray[np.float64], groups: Sequence[_Group], total: float
) -> NDArray[np.int64]:
    """Whole numbers with the rounded sum, none above the supply.

    Amounts are rounded down, and each unit that is left goes where it brings the sums of groups nearest to their
    shares: many small amounts rounded each on its own would drift from them.
    """
    whole = np.floor(amounts + 1e-9)
    left = round(float(amounts.sum()) - float(whole.sum()))
    members = np.array([held for _, _, _, held in groups], np.float64).reshape(len(groups), len(amounts))
    lack = np.array([share * total for _, _, share, _ in groups], np.float64) - members @ whole
    rest = amounts - whole
    for _ in range(left):
        free = np.flatnonzero((whole < supply) & (amounts > 0))
        if not len(free):
            break
        gain = lack @ members[:, free] + rest[free]
        best = free[int(np.argmax(gain))]
        whole[best] += 1
        rest[best] -= 1
        lack -= members[:, best]
    return whole.astype(np.int64)


def _report(
    kinds: Sequence[Kind],
    counts: NDArray[np.int64],
    supply: NDArray[np.float64],
    shares: Mapping[Dimension, Mapping[str, float]],
    asked: int | None,
) -> dict[str, Any]:
    """Asked for, taken and available by group; "scarce" lists the groups that miss their share of the taken total."""
    taken = int(counts.sum())
    body: dict[str, Any] = {"asked": asked, "taken": taken, "shares": {}, "scarce": []}
    for key, named in shares.items():
        rows = {}
        for name, share in named.items():
            members = np.array([getattr(kind, key) == name for kind in kinds], np.bool_)
            got, there = int(counts[members].sum()), int(supply[members].sum())
            rows[name] = {
                "asked": round(share, 6),
                "taken": round(got / taken, 6) if taken else None,
                "available": there,
            }
            reached = got / taken if taken else 0.0
            if share - reached > (max(TOLERANCE, 1 / taken) if taken else 0):
                body["scarce"].append(
                    f"{key} {name}: asked {share:.1%}, got {reached:.1%} ({got:,} of {there:,} there)"
                )
        body["shares"][key] = rows
    if asked is not None and taken < asked * (1 - TOLERANCE):
        body["scarce"].append(f"samples: asked {asked:,}, got {taken:,}")
    return body


def by_part(wanted: Mapping[Kind, int], parts: Sequence[Mapping[Kind, int]]) -> list[dict[Kind, int]]:
    """What each part gives of each kind: even over the parts, exact in sum, never above what a part has.

    `parts` are the counts that `wanted` was taken from, in order of part.
    """
    given: list[dict[Kind, int]] = [{} for _ in parts]
    for kind in sorted(wanted):
        total = sum(part.get(kind, 0) for part in parts)
        seen = 0
        for number, part in enumerate(parts):
            have = part.get(kind, 0)
            first, seen = seen * wanted[kind] // total, seen + have
            if seen * wanted[kind] // total - first:
                given[number][kind] = seen * wanted[kind] // total - first
    return given
