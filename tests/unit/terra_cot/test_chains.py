"""Every sentence that can be written reads well, holds one [SEG] a mask, and states no number without evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from terra_cot.chains import TASKS, numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.view import TileView
from terra_cot.evidence import evidence
from terra_cot.legend import LEGENDS, LandClass, Legend
from terra_cot.sample import SEG, Evidence

SIMPLE = [task.name for task in TASKS.values() if not task.tier.startswith("l2_")]  # L2: test_level2
TRIED = range(400)  # of these seeds `covering` keeps the few that draw every phrasing
IMAGES = (("t0", "optical", ("B02", "B03", "B04", "B08", "B12")), ("t0", "sar", ("VV", "VH")))
LAND = [(source, view) for source in LEGENDS.values() if source.kind == "land_cover" for view in ("native", "display")]
# Numbers that read badly if anything does: 1, thousands, sub-unit, right above and below a change of unit.
PIXELS = (1, 7, 12_345, 1_000_000)
SHARES = (0.04, 1.0, 49.96, 99.99, 100.0)


def sensed(draft: Draft) -> Iterator[Draft]:
    """The draft without, and with, what images add: hostile values of every quantity, alone and with two sensors."""
    yield draft
    yield replace(draft, evidence=(*draft.evidence, evidence("cloud", (), 20.1)))
    regions = range(len(draft.targets))
    for values in ((0.599, -15.0), (-0.004, -8.04), (0.2, -21.96)):
        for optical, sar in zip(
            ("ndvi", "ndwi", "nbr"), ("backscatter_vv", "backscatter_vh", "backscatter_vv"), strict=True
        ):
            rows = [evidence(optical, (mask,), values[0] - 0.19 * mask) for mask in regions]
            more = [evidence(sar, (mask,), values[1] + 2.96 * mask) for mask in regions]
            if len(draft.targets) == 1:
                rows.append(evidence(f"{optical}_contrast", (0,), values[0] - 0.2))
                more.append(evidence(f"{sar}_contrast", (0,), values[1] + 12.0))
            yield replace(draft, evidence=(*draft.evidence, *rows))
            yield replace(draft, evidence=(*draft.evidence, *rows, *more))


def absent_drafts(task: str, one: Target, two: Target) -> Iterator[Draft]:
    """Drafts that ask for what is not there."""
    none = evidence("pixels", (0,), 0)
    if task in ("referring", "existence", "localisation"):
        yield Draft(task, (one,), (none,))
    elif task == "counting":
        yield Draft(task, (one,), (evidence("components", (0,), 0), none))
    elif task == "area":
        yield Draft(task, (one,), (none, evidence("gsd", (), 10.0), evidence("area", (0,), 0)))
        yield Draft(task, (one,), (none, evidence("valid_pixels", (), 65_536), evidence("share", (0,), 0)))
    elif task == "boundary":
        rows = (evidence("pixels", (0,), 7), evidence("pixels", (1,), 0), evidence("adjacent", (0, 1), 0))
        yield Draft(task, (one, two), rows)
    elif task == "distance":
        yield Draft(task, (one, two), (evidence("pixels", (1,), 0),))


def drafts(task: str, first: LandClass, second: LandClass) -> Iterator[Draft]:
    """Drafts of a task with hostile numbers, without a tile."""
    one, two = Target("t0", first.name), Target("t0", second.name)
    for number, draft in enumerate(plain_drafts(task, one, two)):
        yield from sensed(draft) if number == 1 else (draft,)
    yield from absent_drafts(task, one, two)


def plain_drafts(task: str, one: Target, two: Target) -> Iterator[Draft]:
    for number, pixels in enumerate(PIXELS):
        px = evidence("pixels", (0,), pixels)
        share = SHARES[number]
        if task in ("referring", "existence"):
            yield Draft(task, (one,), (px,))
        elif task == "caption":
            rows: list[Evidence] = [evidence("valid_pixels", (), 1_234_567)]
            for mask in (0, 1):
                rows += [
                    evidence("pixels", (mask,), pixels + mask),
                    evidence("share", (mask,), share),
                    evidence("row", (mask,), 0.999),
                    evidence("column", (mask,), 0.0),
                ]
            yield Draft(task, (one, two), tuple(rows))
            yield Draft(task, (one,), tuple(rows[:5]))
        elif task == "counting":
            yield Draft(task, (one,), (evidence("components", (0,), number + 1), px))
        elif task == "localisation":
            yield Draft(task, (one,), (px, evidence("row", (0,), 0.5), evidence("column", (0,), number / 4)))
        elif task == "area":
            gsd = (10.0, 0.5, 0.467, 30.0)[number]
            yield Draft(task, (one,), (px, evidence("gsd", (), gsd), evidence("area", (0,), pixels * gsd**2)))
            yield Draft(task, (one,), (px, evidence("valid_pixels", (), 65_536), evidence("share", (0,), share)))
        elif task == "boundary":
            for touching in (0.0, 1.0):
                rows = [px, evidence("pixels", (1,), 1), evidence("adjacent", (0, 1), touching)]
                yield Draft(task, (one, two), tuple(rows))
        elif task == "distance":
            apart, gsd = (2.0, 2.236, 99.95, 1414.2)[number], (10.0, 0.467, 10.0, 0.5)[number]
            rows = [evidence("separation", (0, 1), apart), evidence("gsd", (), gsd)]
            yield Draft(task, (one, two), (*rows, evidence("distance", (0, 1), apart * gsd)))
        else:
            raise AssertionError(f"no drafts for {task}")


@cache
def covering(task: str) -> tuple[int, ...]:
    """Few seeds that together draw every phrasing of every part of a task's texts, found on one class."""
    source = LEGENDS["worldcover"]
    first, second = source.display[0], source.display[1]
    seen: set[str] = set()
    chosen = []
    every = list(drafts(task, first, second))
    for seed in TRIED:
        fresh = set()
        for draft in every:
            text = TASKS[task].write(draft, Context(source, False, True, IMAGES), seed)
            for part in (text.question, *re.split(r"(?<=[.?]) ", text.chain), text.answer):
                shape = re.sub(r"[-\d.,]*\d", "#", part)
                fresh.add(shape)
        if fresh - seen:
            chosen.append(seed)
            seen |= fresh
    return tuple(chosen)


def texts(task: str, source: Legend, view: str) -> Iterator[tuple[Draft, Text, LandClass]]:
    entries = source.native if view == "native" else source.display
    for number, first in enumerate(entries):
        second = entries[(number + 5) % len(entries)]
        for draft in drafts(task, first, second):
            for seed in covering(task):
                context = Context(source, seed % 2 == 1, seed % 3 != 0, IMAGES)
                yield draft, TASKS[task].write(draft, context, seed), first


WINCE = re.compile(
    r"  | ,| \.|\.\.|,,|\bis are\b|\bare is\b|\b(\w+) \1\b|\ba [aeiou]|\ban [^aeiou]|(?<![\d,.])1 pixels|^\s|\s$|"
    r"None|\bnan\b|\binf\b|\bcover covers?\b|[{}]|-0\.0+(?!\d)|\b(centre|middle) (lies|of) the \2"
)
SINGULAR = "is|was|has|does|covers|fills|takes|makes|shows|contains|lies|stands|differs|accounts|holds|its|belongs"
PLURAL = "are|were|have|do|cover|fill|take|make|show|contain|lie|stand|differ|account|hold|their|belong"


@cache
def agreement(noun: str, plural: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """(where the noun is no subject or has its verb already; the noun before a wrong verb; a wrong verb before it)."""
    wrong, ahead = (SINGULAR, "is|does|has") if plural else (PLURAL, "are|do|have")
    own = re.escape(noun)
    return (
        re.compile(
            rf"\b(?:do|does|can|make|makes|of|and|is|are) (?:the |any )?{own}(?: (?:Image: t\d )?\[SEG\])?", re.I
        ),
        re.compile(rf"\b{own}(?: (?:Image: t\d )?\[SEG\],?)? (?:{wrong})\b", re.I),
        re.compile(rf"\b(?:{ahead}) (?:the |any |no )?{own}\b(?! and the )", re.I),
    )


def disagrees(text: str, noun: str, plural: bool) -> bool:
    """Whether a verb beside the noun has the other number."""
    skipped, behind, ahead = agreement(noun, plural)
    return bool(behind.search(skipped.sub("", text)) or ahead.search(text))


@pytest.mark.parametrize("task", SIMPLE)
@pytest.mark.parametrize(("source", "view"), LAND, ids=[f"{source.name}-{view}" for source, view in LAND])
def test_every_text_of_every_class_reads_well(task: str, source: Legend, view: str) -> None:
    """All phrasings, all classes, with and without what sensors add, negatives included."""
    questions, openings = set(), set()
    for draft, text, entry in texts(task, source, view):
        questions.add(text.question.replace(entry.noun, "*"))
        openings.add(re.sub(r"[\d,.]*\d", "#", text.chain.lower().replace(entry.noun, "*")).split(". ")[0])
        for part in (text.question, text.chain, text.answer):
            assert not WINCE.search(part), part
            assert part.isascii(), part
            assert numbers.underived(part, draft.evidence) == [], part
            for target in draft.targets:
                noun = source.find(target.label)
                assert not disagrees(part, noun.noun, noun.plural), part
        assert text.question[0].isupper(), text.question
        assert text.question[-1] in "?.", text.question
        assert text.chain.endswith("."), text.chain
        assert "?" not in text.chain
        for sentence in re.split(r"(?<=[.?]) ", text.chain):
            assert sentence[0].isupper(), sentence
        assert text.chain.count(SEG) == len(draft.targets)
        assert text.options is None
        for target in draft.targets:
            assert source.find(target.label).noun in text.chain.lower()
    assert len(questions) >= 5, "several ways to ask"
    assert len(openings) >= 5, "several ways to begin"


@pytest.mark.parametrize(
    ("text", "noun", "plural"),
    [
        ("The pastures [SEG] takes up 5 pixels.", "pastures", True),
        ("The water [SEG] cover 5 pixels.", "water", False),
        ("Where is the pastures?", "pastures", True),
        ("There are no water here.", "water", False),
        ("so the pastures stands out", "pastures", True),
    ],
)
def test_a_wrong_verb_would_be_seen(text: str, noun: str, plural: bool) -> None:
    assert disagrees(text, noun, plural)


@pytest.mark.parametrize("task", SIMPLE)
def test_every_date_is_named_where_several_are_shown(task: str) -> None:
    source = LEGENDS["worldcover"]
    for draft in drafts(task, source.display[0], source.display[1]):
        dated = TASKS[task].write(draft, Context(source, True, True, IMAGES), 0)
        plain = TASKS[task].write(draft, Context(source, False, True, IMAGES), 0)
        assert dated.chain.count("Image: t0 [SEG]") == len(draft.targets)
        assert dated.chain.replace("Image: t0 ", "") == plain.chain
        assert (dated.question, dated.answer) == (plain.question, plain.answer)


@pytest.mark.parametrize("task", SIMPLE)
def test_writing_is_pure(task: str) -> None:
    """Verification writes the text again from the row: nothing else may enter."""
    source = LEGENDS["corine-19"]
    for draft in drafts(task, source.native[3], source.native[8]):
        for seed in covering(task)[:6]:
            context = Context(source, False, True, IMAGES)
            copy = Draft(draft.task, tuple(draft.targets), tuple(draft.evidence))
            assert TASKS[task].write(draft, context, seed) == TASKS[task].write(
                copy, Context(source, False, True, IMAGES), seed
            )


def tile_view(label: np.ndarray, share: float = 1.0) -> TileView:
    vocabulary = LEGENDS["worldcover"].vocabulary("display")
    return TileView("tile", "t0", vocabulary, vocabulary.index(label), 10.0, share)


STRIPES = np.repeat(np.array([80, 30, 10, 40, 50], np.uint8), 20)[:, None].repeat(90, 1)


@pytest.mark.parametrize("task", SIMPLE)
def test_proposals_state_what_the_masks_measure(task: str) -> None:
    """The evidence of every draft is measured again from its masks, by the rule that verification uses."""
    from terra_cot.evidence import Ground, measure_fact

    view = tile_view(STRIPES)
    proposed = TASKS[task].propose(view, 7)
    assert proposed
    for draft in proposed:
        masks = [view.mask(target.label).to_array() for target in draft.targets]
        for item in draft.evidence:
            assert measure_fact(item, masks, Ground(STRIPES.size, 10.0)) == pytest.approx(item.value, rel=1e-12)
    assert list(TASKS[task].propose(tile_view(STRIPES), 7)) == list(proposed)


def test_yes_and_no_are_asked_alike() -> None:
    """A question whose answer is mostly yes teaches to say yes."""
    view = tile_view(STRIPES)
    answers = [draft.value("pixels", 0) > 0 for draft in TASKS["existence"].propose(view, 3)]
    assert sum(answers) * 2 == len(answers)
    touching = [draft.value("adjacent", 0, 1) > 0 for draft in TASKS["boundary"].propose(view, 3)]
    assert touching[:8] == [False, True] * 4


def test_borderline_cases_are_not_asked() -> None:
    """A centroid on the edge of a third, a distance of a pixel, thousands of regions: anyone may see it otherwise."""
    label = np.full((90, 90), 10, np.uint8)
    label[29:31, :] = 80  # centred on the edge of the upper third
    assert not [x for x in TASKS["localisation"].propose(tile_view(label), 0) if x.targets[0].label == "water"]
    assert TASKS["distance"].propose(tile_view(label), 0) == []
    noisy = np.where(np.random.default_rng(0).random((90, 90)) < 0.1, 80, 10).astype(np.uint8)
    assert not [x for x in TASKS["counting"].propose(tile_view(noisy), 0) if x.targets[0].label == "water"]


def test_small_classes_count_but_are_not_spoken_of() -> None:
    label = np.full((90, 90), 10, np.uint8)
    label[:2, :2] = 80
    view = tile_view(label)
    for task in TASKS.values():
        for draft in task.propose(view, 0):
            assert "water" not in {target.label for target in draft.targets}
    assert view.facts.valid_px == 8100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234 pixels", ["1,234"]),
        ("5, and 6.", ["5", "6"]),
        ("Sentinel-2 t0 B08 m2 km2", []),
        ("15m and -5 m", ["15", "-5"]),
        ("between 2-3", ["2", "3"]),
        ("3x3", ["3"]),
        (".5 or 0.5", [".5", "0.5"]),
        ("1,23", ["1", "23"]),
        ("1,234,567.8 (12)", ["1,234,567.8", "12"]),
        ("49.1 %, 49.1%", ["49.1", "49.1"]),
    ],
)
def test_every_number_of_a_text_is_seen(text: str, found: list[str]) -> None:
    assert numbers.numbers_in(text) == found


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1 m2"), (9999, "9,999 m2"), (10_000, "1.0 ha"), (9_949_999, "995.0 ha"), (10_000_000, "10.00 km2")],
)
def test_areas_are_in_the_unit_a_reader_would_choose(value: float, text: str) -> None:
    assert numbers.area(value) == text


@pytest.mark.parametrize(("value", "text"), [(1, "1.0 m"), (42.43, "42.4 m"), (99.96, "100 m"), (1234.5, "1,234 m")])
def test_metres_keep_what_the_pixels_resolve(value: float, text: str) -> None:
    assert numbers.metres(value) == text


def test_a_changed_digit_is_underived() -> None:
    rows = (evidence("share", (0,), 49.13), evidence("pixels", (0,), 7075))
    assert numbers.underived("It fills 7,075 pixels, 49.1 %.", rows) == []
    assert numbers.underived("It fills 7,076 pixels, 49.2 %.", rows) == ["7,076 px", "49.2 %"]
    assert numbers.underived("It fills 7,075 m2, 49.1 percent.", rows) == ["7,075 m2"], "a number has its unit"
    assert numbers.underived("It fills 7,075 of 49.1 %.", rows) == ["7,075"]
    dark = (evidence("backscatter_vv", (0,), -19.84), evidence("backscatter_vh", (0,), -26.5))
    assert numbers.underived("VV -19.8 dB, VH -26.5 dB; -19.8 and -26.5 dB", dark) == []
    assert numbers.underived("VV 19.8 dB", dark) == ["19.8 dB"], "a sign is part of it"
    assert numbers.underived("It fills 7,075 pixels: 3 fields.", rows) == ["3"]
