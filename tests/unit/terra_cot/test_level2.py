"""Every L2 composition follows from its masks, reads well for every class, and concludes what its rule says."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from geofactory import mosaic
from scipy import ndimage

from terra_cot import facts
from terra_cot.chains import TASKS, numbers
from terra_cot.chains.draft import Context, Draft, Text
from terra_cot.chains.level2.roles import _ROLES
from terra_cot.chains.view import TileView
from terra_cot.evidence import FACTS, Ground, measure_fact
from terra_cot.generate import GenerateOptions
from terra_cot.legend import LEGENDS, Legend
from terra_cot.sample import SEG

LAND = [(source, view) for source in LEGENDS.values() if source.kind == "land_cover" for view in ("native", "display")]
LEVEL2 = [task for task in TASKS.values() if task.tier.startswith("l2_")]
SEEDS = range(16)
WINCE = re.compile(
    r"\bcover covers?\b|"
    r"  | ,| \.|\.\.|,,|\bis are\b|"
    r"\bare is\b|\b(\w+) \1\b|\ba [aeiou]|(?<![.\d])1 pixels|^\s|\s$|None|\bnan\b|\binf\b|[{}]"
)
LEAD = r"(^|\. |% of the )(The )?"
SINGULAR = r"(is|does|covers|fills|takes up|lies|comes|forms|has|touches)"
PLURAL = r"(are|do|cover|fill|take up|lie|come|form|have|touch)"


def views(source: Legend, view: str) -> Iterator[TileView]:
    """Tiles that among them show every class of a view beside every role, patchy and plain."""
    vocabulary = source.vocabulary("native" if view == "native" else "display")
    known = len(vocabulary.classes)
    for number in range(40):
        rng = np.random.default_rng(number)
        kinds = rng.permutation(known)[: rng.integers(2, 6)] + 1
        blocks = mosaic(number, 72, 64, range(len(kinds)))
        index = np.array(kinds, np.uint8)[blocks]
        if number % 3 == 0:
            index[:50] = kinds[0]  # one class over half
        yield TileView(f"tile{number}", "t0", vocabulary, index, (10.0, 0.5, 30.0)[number % 3], 1.0)


def texts(name: str, source: Legend, view: str) -> Iterator[tuple[TileView, Draft, Text]]:
    for tile in views(source, view):
        for draft in TASKS[name].propose(tile, 7):
            for seed in SEEDS:
                yield tile, draft, TASKS[name].write(draft, Context(source, seed % 2 == 1, seed % 3 != 0), seed)


@pytest.mark.parametrize("name", [task.name for task in LEVEL2])
@pytest.mark.parametrize(("source", "view"), LAND, ids=[f"{source.name}-{view}" for source, view in LAND])
def test_every_text_reads_well_and_states_only_evidence(name: str, source: Legend, view: str) -> None:
    phrasings, answers, seen = defaultdict(set), Counter(), set()
    for tile, draft, text in texts(name, source, view):
        nouns = [source.find(target.label).noun for target in draft.targets]
        seen |= set(nouns)
        phrasings[draft].add(text.question)
        answers[text.answer] += 1
        for part in (text.question, text.chain, text.answer):
            assert not WINCE.search(part), part
            assert numbers.underived(part, draft.evidence) == [], part
        assert text.question[0].isupper(), text.question
        assert text.question.endswith("?"), text.question
        assert text.chain[0].isupper(), text.chain
        assert text.chain.endswith("."), text.chain
        assert 2 <= text.chain.count(SEG) == len(draft.targets) <= 6
        assert len({target.label for target in draft.targets}) == len(draft.targets)
        assert [noun for noun in nouns if noun not in text.chain.lower()] == []
        conclusion = text.chain.rsplit(". ", 1)[1]
        assert conclusion.startswith("So"), conclusion
        said = conclusion.casefold()
        assert all(piece in said for piece in re.split(r", | away", text.answer) if piece), (conclusion, text.answer)
        if text.options is not None:
            assert len(set(text.options)) == len(text.options) >= 2
            assert text.answer in text.options
        masks = [tile.mask(target.label).to_array() for target in draft.targets]
        for item in draft.evidence:
            assert measure_fact(item, masks, tile.ground) == item.value, item
        for target in draft.targets:
            entry = source.find(target.label)
            wrong = SINGULAR if entry.plural else PLURAL
            own = re.compile(rf"{LEAD}{re.escape(entry.noun)} ((Image: t\d )?\[SEG\] )?{wrong}\b", re.IGNORECASE)
            assert not own.search(text.chain), text.chain
    assert seen, "the composition is proposed"
    assert all(len(ways) >= 3 for ways in phrasings.values()), "several ways to ask"
    assert len(answers) > 1, "not always the same answer"


def test_semantic_rules_are_applied_as_the_question_states_them() -> None:
    """The answer, worked out again from the label map with scipy alone."""
    source = LEGENDS["worldcover"]
    checked = Counter()
    for tile in views(source, "display"):
        for task in LEVEL2:
            for draft in task.propose(tile, 3):
                text = task.write(draft, Context(source, False, True), 0)
                masks = [tile.index == tile.vocabulary.number(target.label) for target in draft.targets]
                sizes = [int(mask.sum()) for mask in masks]
                if task.name == "pressure":
                    near = ndimage.distance_transform_edt(~masks[1]) <= 10
                    expected = "under pressure" if 2 * (near & masks[0]).sum() > sizes[0] else "not under pressure"
                elif task.name == "runoff":
                    touch = (ndimage.binary_dilation(masks[0], np.ones((3, 3))) & masks[1]).any()
                    expected = "low" if not touch else "high" if sizes[0] > sizes[1] else "moderate"
                elif task.name == "mosaic":
                    counts = np.bincount(tile.index.ravel())
                    top = int(counts.argmax())
                    dominant = 2 * counts[top] > tile.index.size
                    expected = f"dominated by {tile.entry(top).noun}" if dominant else "a mosaic"
                elif task.name == "character":
                    made = [label in ("crop", "developed area") for label in (target.label for target in draft.targets)]
                    assert sum(sizes) == tile.index.size, "every class of the scene has its mask"
                    human = sum(size for size, shaped in zip(sizes, made, strict=True) if shaped)
                    expected = "land shaped by people" if 2 * human > tile.index.size else "natural land"
                elif task.name == "nearer":
                    opened = [ndimage.binary_opening(mask, np.ones((3, 3))) for mask in masks]
                    reach = ndimage.distance_transform_edt(~opened[0])
                    nearest = min((1, 2), key=lambda other: reach[opened[other]].min())
                    expected = source.find(draft.targets[nearest].label).noun
                else:
                    continue
                assert text.answer == expected, (task.name, text)
                checked[task.name] += 1
    assert {name for name, number in checked.items() if number >= 5} == {
        "pressure", "runoff", "mosaic", "character", "nearer",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_facts_of_regions_are_scipys(seed: int) -> None:
    blocks = mosaic(seed, 61, 83, range(4))
    first, second = blocks == 0, blocks == 1
    ground = Ground(blocks.size, 10.0)

    def value(fact: str) -> float | None:
        rule = FACTS[fact].rule
        assert rule is not None
        return rule([first, second], ground)

    labels, count = ndimage.label(first, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    reach = ndimage.distance_transform_edt(~second)
    patch, other = (ndimage.binary_opening(mask, np.ones((3, 3))) for mask in (labels == 1 + sizes.argmax(), second))
    apart = 10 * ndimage.distance_transform_edt(~other)[patch].min()
    assert value("largest_pixels") == sizes.max()
    assert facts.patches(first) == sorted(sizes.tolist(), reverse=True)
    assert len(sizes) == count
    assert value("largest_distance") == pytest.approx(apart, rel=1e-12)
    assert value("distance") <= value("largest_distance")
    assert value("near_share") == 100 * int((reach[first] <= facts.BUFFER_PX).sum()) / int(first.sum())
    row, column = (centre + 0.5 for centre in ndimage.center_of_mass(second))
    rows, columns = np.nonzero(first)
    assert value("above_share") == pytest.approx(100 * float((rows + 0.5 < row).mean()), rel=1e-12)
    assert value("left_share") == pytest.approx(100 * float((columns + 0.5 < column).mean()), rel=1e-12)
    assert value("joint_share") == 100 * int((first | second).sum()) / blocks.size


def test_an_empty_region_has_no_such_facts() -> None:
    none, some = np.zeros((9, 9), bool), np.eye(9, dtype=bool)
    assert facts.patches(none) == []
    assert not facts.largest_patch(none).any()
    assert facts.within_pct(none, some) is None
    assert facts.before_pct(none, some, 0) is None
    assert facts.before_pct(some, none, 0) is None


def test_every_role_is_the_role_of_a_class() -> None:
    known = {entry.name for source in LEGENDS.values() for entry in (*source.native, *source.display)}
    assert set(_ROLES) <= known


def test_how_many_is_checked() -> None:
    with pytest.raises(ValueError, match="l2_min 3 is above l2_max 2"):
        GenerateOptions(l2_min=3, l2_max=2)
    with pytest.raises(ValueError, match="no sample is asked for"):
        GenerateOptions.model_validate(
            dict.fromkeys(GenerateOptions.model_fields, 0) | {"view": "native", "min_share_pct": 1}
        )


def test_of_equal_patches_the_first_row_by_row_is_the_largest() -> None:
    mask = np.zeros((9, 9), bool)
    mask[6:8, 0:2] = mask[1:3, 5:7] = mask[4, 4] = True
    patch = facts.largest_patch(mask)
    assert patch.sum() == 4
    assert patch[1:3, 5:7].all()
