"""Temporal chains follow from dated masks: true of every pixel, grammatical for every class, decided by their rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from geofactory import mosaic
from numpy.typing import NDArray
from seriesfactory import plain, series_tile, with_block

from terra_cot.chains.draft import Context, Draft, Text
from terra_cot.chains.numbers import underived
from terra_cot.chains.temporal import SERIES_TASKS
from terra_cot.chains.temporal.permanence import OPEN, PERMANENT, SEASONAL, TEMPORARY
from terra_cot.chains.temporal.series import SeriesView, usable_dates
from terra_cot.chains.temporal.shown import series_frames
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.legend import LEGENDS, View
from terra_cot.pixels.images import TileImages
from terra_cot.sample import SEG, Sample
from terra_cot.temporal import dates_of, series_view
from terra_cot.tile import TileRecord

TREE, BARE, CROP, WATER, BUILT = "tree", "bare land", "crop", "water", "developed area"
BLOCK = (slice(4, 14), slice(6, 26))  # 200 of 1600 pixels
WINCE = re.compile(
    r"  | ,| \.|\.\.|,,|"
    r"\bis are\b|\bare is\b|\b(\w+) \1\b|\ba [aeiou]|(?<![.\d])1 pixels|^\s|\s$|\bNone\b(?! of)|\bnan\b|[{}]"
)


def view_of(tile: TileRecord, view: View = "display") -> SeriesView:
    kind = LEGENDS[str(tile.legend)].kind
    found = series_view(tile, view if kind == "land_cover" else "native", 1.0, TileImages(tile))
    assert found is not None
    return found


def told(tile: TileRecord, task: str, *, negative: bool = False, seed: int = 5) -> list[tuple[Draft, Text]]:
    view, kind = view_of(tile), SERIES_TASKS[task]
    context = Context(LEGENDS[str(tile.legend)], True, True)
    drafts = (kind.unchanged if negative else kind.propose)(view, seed)
    return [(draft, kind.write(draft, context, seed)) for draft in drafts]


def event(base: str, name: str, states: str) -> list[NDArray[np.str_]]:
    """A series of one class with a block that is `name` on the dates marked x."""
    land = plain(base)
    return [with_block(land, name, *BLOCK) if state == "x" else land for state in states]


@pytest.mark.parametrize(
    ("task", "before", "after"),
    [
        ("flood_extent", CROP, WATER),
        ("clearing", TREE, BARE),
        ("urban_growth", CROP, BUILT),
    ],
)
def test_a_change_between_two_dates_is_measured(task: str, before: str, after: str) -> None:
    tile = series_tile(event(before, after, ".x"))
    ((draft, text),) = told(tile, task)
    assert text.answer == "2.0 ha"
    assert draft.value("pixels", 2) == 200
    assert draft.value("shared_area", 2, 3) == 20_000
    assert [target.frame for target in draft.targets] == ["t0", "t1", "t1", "t0" if after != BARE else "t1"]
    assert told(tile, task, negative=True) == []


@pytest.mark.parametrize(("task", "base"), [("flood_extent", WATER), ("clearing", TREE), ("urban_growth", BUILT)])
def test_where_nothing_changed_the_answer_is_that(task: str, base: str) -> None:
    tile = series_tile(event(base, CROP, "xx"))
    ((draft, text),) = told(tile, task, negative=True)
    assert text.answer.startswith("No ")
    assert draft.value("pixels", 2) == 0
    assert told(tile, task) == []


def test_what_recedes_is_no_flood() -> None:
    assert told(series_tile(event(CROP, WATER, "x.")), "flood_extent") == []


def test_what_the_map_does_not_tell_neither_came_nor_went() -> None:
    """A void in one date's map is no clearing; with too much of it two dates are not compared at all."""
    trees = plain(TREE)
    hole = with_block(trees, "", slice(0, 1), slice(0, 30))
    assert told(series_tile([trees, hole]), "clearing") == []
    assert len(told(series_tile([trees, hole]), "clearing", negative=True)) == 1
    blind = with_block(trees, "", slice(0, 20), slice(0, 40))
    assert view_of(series_tile([trees, blind])).pairs == ()


def test_roads_of_two_dates() -> None:
    ground = plain("background")
    roads = with_block(ground, "road", slice(10, 12), slice(0, 40))
    more = with_block(roads, "road", slice(0, 40), slice(30, 32))
    ((draft, text),) = told(series_tile([roads, more], "deepglobe-road"), "road_change")
    assert draft.value("pixels", 2) == (more != roads).sum()
    assert text.answer == "7,600 m2"
    ((_, none),) = told(series_tile([roads, roads], "deepglobe-road"), "road_change", negative=True)
    assert none.answer == "No new roads appear between t0 and t1."


def damage_tile(*grades: str) -> TileRecord:
    """A pair whose damage map of t1 has one building a grade."""
    post = plain("background")
    for number, grade in enumerate(grades):
        post = with_block(post, grade, slice(2 + 6 * number, 6 + 6 * number), slice(4, 12))
    tile = series_tile([plain("background"), post], "xbd-damage", main=1)
    return replace(tile, label_series=())


DESTROYED, WHOLE, MINOR = "destroyed building", "undamaged building", "building with minor damage"


def test_damage_is_counted_on_the_date_after_and_buildings_on_the_date_before() -> None:
    tile = damage_tile(DESTROYED, WHOLE, MINOR, DESTROYED)
    (count, one), (share, two) = told(tile, "building_damage")
    assert [(target.frame, target.label) for target in count.targets] == [("t0", "building"), ("t1", DESTROYED)]
    assert (one.answer, two.answer) == ("2", "50.0 %")
    assert share.value("component_share", 1, 0) == 50.0
    ((_, grades),) = told(tile, "damage_grades")
    assert grades.answer == "1 undamaged, 1 with minor damage and 2 destroyed"


def test_no_building_destroyed() -> None:
    tile = damage_tile(WHOLE, MINOR)
    assert told(tile, "building_damage") == []
    assert [text.answer for _, text in told(tile, "building_damage", negative=True)] == ["0", "0.0 %"]
    ((_, grades),) = told(tile, "damage_grades")
    assert grades.answer == "1 undamaged, 1 with minor damage and 0 destroyed"


def test_a_class_of_the_damage_map_is_not_told_of_the_date_before() -> None:
    view = view_of(damage_tile(DESTROYED))
    draft = told(view.tile, "building_damage")[0][0]
    with pytest.raises(Exception, match="not told by the date before"):
        view.region(replace(draft.targets[1], frame="t0"))


@pytest.mark.parametrize(("states", "first"), [(".x", None), ("..x.", "t2"), (".xxx", "t1"), ("....", "none of them")])
def test_when_it_happened(states: str, first: str | None) -> None:
    land = with_block(plain(CROP), WATER, slice(30, 40), slice(0, 40))
    maps = [with_block(land, WATER, *BLOCK) if state == "x" else land for state in states]
    found = told(series_tile(maps), "first_seen", negative=first == "none of them")
    if first is None:
        assert found == []  # two dates are no series: which of one later image is no question
        return
    ((draft, text),) = [item for item in found if item[0].targets[0].label == WATER]
    assert text.answer == first
    assert text.options == (*(f"t{n}" for n in range(1, len(states))), "none of them")
    assert len(draft.targets) == len(states)


def test_the_class_that_gained_most() -> None:
    land = plain(CROP)
    later = with_block(with_block(land, WATER, *BLOCK), BUILT, slice(30, 33), slice(0, 20))
    ((_, text),) = told(series_tile([land, later]), "what_changed")
    assert text.answer == "water"
    half = with_block(land, WATER, slice(0, 20), slice(0, 40))
    ((_, none),) = told(series_tile([half, half]), "what_changed", negative=True)
    assert none.answer == "none of them"
    assert told(series_tile([land, later]), "what_changed", negative=True) == []


SWINGS = (0.2, 0.7, 0.3, 0.6)


@pytest.mark.parametrize(
    ("states", "ndvi", "answer"),
    [
        ("....", SWINGS, SEASONAL),
        ("....", (0.5, 0.6, 0.55, 0.5), None),  # nothing lost and nothing moves: no question
        ("....", None, None),  # without images no season can be told
        (".xxx", SWINGS, PERMANENT),
        (".xxx", None, PERMANENT),
        ("..xx", SWINGS, PERMANENT),
        (".x..", SWINGS, TEMPORARY),
        (".xx.", None, TEMPORARY),
        (".x.x", SWINGS, None),  # it came back and went again: neither
        ("...x", SWINGS, OPEN),
        (".x", SWINGS, None),  # two dates are no series
    ],
)
def test_season_or_change(states: str, ndvi: Sequence[float] | None, answer: str | None) -> None:
    """The same look, four answers: what decides is the class on every date of the series."""
    tile = series_tile(event(CROP, WATER, states), ndvi=ndvi)
    found = [item for item in told(tile, "permanence") if item[0].targets[0].label == CROP]
    assert [text.answer for _, text in found] == ([answer] if answer else [])
    for draft, text in found:
        assert len(draft.targets) == len(states)
        if ndvi:
            assert [item.fact for item in draft.evidence if item.fact.startswith("ndvi")] == [
                f"ndvi@t{number}" for number in range(len(states))
            ]
            assert text.chain.count(" in t") >= len(states)


def test_a_loss_that_half_returns_is_not_asked_about() -> None:
    land = plain(CROP)
    whole = with_block(land, WATER, *BLOCK)
    half = with_block(land, WATER, slice(4, 9), slice(6, 26))
    assert told(series_tile([land, whole, half]), "permanence") == []


@pytest.mark.parametrize("dates", [12, 60])
def test_long_series(dates: int) -> None:
    """Twelve dates and sixty: a mask on every one, and the decision hangs on the last."""
    growing = event(TREE, BARE, "." * 5 + "x" * (dates - 5))
    swing = [0.3 + 0.3 * (number % 2) for number in range(dates)]
    tile = series_tile(growing, ndvi=swing)
    ((draft, text),) = told(tile, "permanence")
    assert (text.answer, len(draft.targets)) == (PERMANENT, dates)
    back = series_tile([*growing[:-1], growing[0]], ndvi=swing)
    assert [other.answer for _, other in told(back, "permanence")] == [TEMPORARY]
    ((_, first),) = told(tile, "first_seen")
    assert first.answer == "t5"
    for _, entry in ((draft, text), (None, first)):
        assert re.findall(r"Image: (t\d+) \[SEG\]", entry.chain) == [f"t{number}" for number in range(dates)]


def test_images_shown_are_radar_optical_or_both_and_cloud_leans_on_radar() -> None:
    maps = event(CROP, WATER, ".x.")
    tile = series_tile(maps, sar=(0, 1, 2), cloud={0: 0.0, 1: 0.6, 2: 0.1})
    shown = {series_frames(tile, ("t0", "t1", "t2"), seed) for seed in range(40)}
    assert {tuple((frame.frame, frame.modality[0]) for frame in entry) for entry in shown} == {
        (("t0", "o"), ("t1", "s"), ("t2", "o")),
        (("t0", "s"), ("t1", "s"), ("t2", "s")),
        (("t0", "o"), ("t0", "s"), ("t1", "o"), ("t1", "s"), ("t2", "o"), ("t2", "s")),
    }


def test_a_date_that_nothing_can_show_is_no_part_of_the_series() -> None:
    maps = event(CROP, WATER, ".x.x")
    tile = series_tile(maps, cloud={1: 0.6}, sar=(0, 2))
    assert usable_dates(tile) == ("t0", "t2", "t3")
    assert usable_dates(series_tile(maps, optical=(), sar=(0, 1, 2, 3))) == ("t0", "t1", "t2", "t3")
    assert series_view(series_tile(maps[:1]), "display", 1.0, None) is None


def test_every_sample_shows_its_dates_and_names_them_before_each_mask() -> None:
    options = GenerateOptions(res=0, caption=0, l1_min=0, l1_max=0, l2_min=0, l2_max=0, temporal_min=9, temporal_max=9)
    found: set[str] = set()
    for number in range(12):
        tile = series_tile(event(TREE, (BARE, WATER, BUILT)[number % 3], ".xx."), sar=(0, 1, 2, 3), tile_id=str(number))
        for item in samples_of(tile, options, number):
            assert isinstance(item, Sample)
            found.add(item.task)
            assert item.chain.count(SEG) == len(re.findall(r"Image: t\d+ \[SEG\]", item.chain)) == len(item.masks)
            assert re.findall(r"Image: (t\d+) \[SEG\]", item.chain) == [mask.frame for mask in item.masks]
            targets = [replace(told(tile, "what_changed")[0][0].targets[0], frame=m.frame, label=m.label)
                       for m in item.masks]  # fmt: skip
            dates = dates_of(SERIES_TASKS[item.task], targets, tile)
            assert tuple(dict.fromkeys(frame.frame for frame in item.frames)) == dates
            assert len(dates) == (4 if item.task in ("first_seen", "permanence") else 2)
    assert found >= {"flood_extent", "clearing", "urban_growth", "what_changed", "first_seen", "permanence"}


def test_negatives_come_in_their_share() -> None:
    """Of places that could be either, the stated share is negative."""
    given = {"res": 0, "caption": 0, "l1_min": 0, "l1_max": 0, "l2_min": 0, "l2_max": 0}
    options = GenerateOptions(**given, temporal_min=1, temporal_max=1, negative_share=0.3)
    land = with_block(plain(TREE), WATER, slice(30, 40), slice(0, 40))
    maps = [land, with_block(land, BARE, *BLOCK), with_block(land, BARE, *BLOCK)]
    answers = []
    for number in range(300):
        tile = series_tile(maps, tile_id=f"tile{number}")
        answers += [item.answer for item in samples_of(tile, options, 1) if isinstance(item, Sample)]
    negative = sum(answer.startswith(("No ", "none")) for answer in answers) / len(answers)
    assert abs(negative - 0.3) < 0.1


LAND = [(name, view) for name in ("worldcover", "corine-19") for view in ("native", "display")]


@pytest.mark.parametrize(("name", "view"), LAND)
def test_every_phrasing_reads_well_for_every_class(name: str, view: View) -> None:
    """All seeds' phrasings of all tasks, over tiles that change every class into every other."""
    source = LEGENDS[name]
    classes = [entry.name for entry in source.vocabulary(view).classes if entry.subject]
    context = Context(source, True, True)
    rendered: dict[str, int] = {}
    for number in range(len(classes) * 2):
        rng = np.random.default_rng(number)
        one, two = classes[number % len(classes)], classes[int(rng.integers(len(classes)))]
        land = np.array([one, two, one], dtype="<U60")[mosaic(number, 40, 40, range(3))]
        gone = with_block(land, str(rng.choice(classes)), *BLOCK)
        maps = [land, gone, [gone, land, gone][number % 3], [gone, land, land][number % 3]]
        tile = series_tile(maps, name, ndvi=SWINGS)
        dated = series_view(tile, view, 1.0, TileImages(tile))
        assert dated is not None
        for task in SERIES_TASKS.values():
            if source.kind not in task.kinds:
                continue
            for draft in (*task.propose(dated, number), *task.unchanged(dated, number)):
                for seed in range(6):
                    text = task.write(draft, context, seed)
                    rendered[task.name] = rendered.get(task.name, 0) + 1
                    for part in (text.question, text.chain, text.answer):
                        assert part
                        assert not WINCE.search(part), part
                        assert not underived(part, draft.evidence), part
                    assert text.options is None or text.answer in text.options
    assert set(rendered) >= {"clearing", "flood_extent", "urban_growth", "what_changed", "first_seen", "permanence"}
