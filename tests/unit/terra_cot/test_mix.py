"""A mixture meets every stated share at once, from what there is, and says what was scarce."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from terra_cot.balance.mix import DIMENSIONS, TOLERANCE, Kind, MixOptions, Mixture, by_part, mixture

TASKS = {"res": ("referring",), "caption": ("caption",), "l1": ("area", "counting", "existence")}


def supply(**classes: int) -> dict[Kind, int]:
    """`classes` samples of every tier's task, modality and split, by class."""
    return {
        Kind(tier, task, label, modality, split): number
        for tier, tasks in TASKS.items()
        for task in tasks
        for label, number in classes.items()
        for modality in ("optical", "sar", "optical+sar")
        for split in ("train", "test")
    }


def taken(found: Mixture, dimension: str) -> dict[str, float]:
    total = sum(found.wanted.values())
    counts: Counter[str] = Counter()
    for kind, number in found.wanted.items():
        counts[getattr(kind, dimension)] += number
    return {name: number / total for name, number in counts.items()}


def test_shares_of_several_dimensions_are_met_at_once() -> None:
    there = supply(water=300, crop=900, tree=2000)
    tiers = {"res": 0.5, "caption": 0.2, "l1": 0.3}
    modality = {"optical": 0.6, "sar": 0.1, "optical+sar": 0.3}
    classes = {"water": 0.2, "crop": 0.3, "tree": 0.5}
    found = mixture(there, MixOptions(samples=5000, tiers=tiers, modality=modality, classes=classes))
    assert sum(found.wanted.values()) == 5000
    assert found.report["scarce"] == []
    for dimension, shares in (("tier", tiers), ("modality", modality), ("label", classes)):
        assert taken(found, dimension) == pytest.approx(shares, abs=TOLERANCE)


def test_without_a_total_the_scarcest_decides() -> None:
    there = supply(water=10, tree=1000)
    found = mixture(there, MixOptions(classes={"water": 0.5, "tree": 0.5}))
    assert taken(found, "label") == pytest.approx({"water": 0.5, "tree": 0.5}, abs=TOLERANCE)
    assert 2 * 300 <= sum(found.wanted.values()) <= 2 * 300 / (1 - 2 * TOLERANCE)
    assert found.report["scarce"] == []


def test_what_is_scarce_is_named_with_what_there_was() -> None:
    found = mixture(supply(water=10, tree=1000), MixOptions(samples=2000, classes={"water": 0.5, "tree": 0.5}))
    assert found.report["scarce"] == [
        "label water: asked 50.0%, got 23.1% (300 of 300 there)",
        "samples: asked 2,000, got 1,300",
    ]


def test_balanced_classes_take_all_of_a_rare_one_and_share_the_rest() -> None:
    found = mixture(supply(moss=1, water=400, tree=4000), MixOptions(samples=3000, classes="balanced"))
    assert taken(found, "label") == pytest.approx({"moss": 30 / 3000, "water": 0.495, "tree": 0.495}, abs=TOLERANCE)
    assert sum(found.wanted.values()) == 3000
    assert found.report["scarce"] == []


def test_what_is_not_named_is_not_taken_and_no_mix_takes_all() -> None:
    there = supply(water=3)
    assert set(taken(mixture(there, MixOptions(tiers={"res": 1.0})), "tier")) == {"res"}
    assert mixture(there, MixOptions()).wanted == there
    nothing = mixture(there, MixOptions(tasks={"soaring": 1.0}))
    assert nothing.wanted == {}
    assert nothing.report["scarce"] == ["task soaring: asked 100.0%, got 0.0% (0 of 0 there)"]
    assert mixture({}, MixOptions(samples=5)).report["scarce"] == ["samples: asked 5, got 0"]


@pytest.mark.parametrize("shares", [{"res": 0.5}, {}, {"res": 1.5, "l1": -0.5}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="add up to 1"):
        MixOptions(tiers=shares)


kinds = st.builds(
    Kind,
    tier=st.sampled_from(["res", "l1"]),
    task=st.sampled_from(["area", "counting"]),
    label=st.sampled_from(["water", "crop", "tree"]),
    modality=st.sampled_from(["optical", "sar"]),
    split=st.sampled_from(["train", "test"]),
)
parts_strategy = st.lists(st.dictionaries(kinds, st.integers(0, 200), max_size=12), min_size=1, max_size=6)


@given(parts_strategy, st.integers(1, 2000), st.floats(0, 1), st.booleans())
def test_never_more_than_there_is_and_every_part_gives_its_own(
    parts: list[dict[Kind, int]], samples: int, share: float, even: bool
) -> None:
    there: Counter[Kind] = Counter()
    for part in parts:
        there.update(part)
    options = MixOptions(samples=samples, tiers={"res": share, "l1": 1 - share}, classes="balanced" if even else None)
    found = mixture(there, options)
    assert sum(found.wanted.values()) <= samples
    assert all(0 < number <= there[kind] for kind, number in found.wanted.items())
    given_by = by_part(found.wanted, parts)
    total: Counter[Kind] = Counter()
    for gives, has in zip(given_by, parts, strict=True):
        assert all(0 < number <= has[kind] for kind, number in gives.items())
        total.update(gives)
    assert total == Counter(found.wanted)
    got = sum(found.wanted.values())
    enough = {
        tier: sum(number for kind, number in there.items() if kind.tier == tier) >= asked * samples
        for tier, asked in options.tiers.items()  # type: ignore[union-attr]
    }
    if not even and all(enough.values()):  # one dimension alone can always be met
        reached = Counter({kind.tier: 0 for kind in there})
        for kind, number in found.wanted.items():
            reached[kind.tier] += number
        assert got >= samples - 2
        for tier, asked in options.tiers.items():  # type: ignore[union-attr]
            assert abs(reached[tier] - asked * samples) <= 2


def test_the_order_of_what_is_there_decides_nothing() -> None:
    there = supply(water=7, crop=11, tree=13)
    options = MixOptions(samples=100, classes="balanced", modality={"optical": 0.5, "sar": 0.5})
    assert mixture(there, options) == mixture(dict(reversed(there.items())), options)
    assert [key for key in DIMENSIONS if key in mixture(there, options).report["shares"]] == ["label", "modality"]
