"""The six rules on maps made by hand, and on random ones: evidence is what the masks say, the option follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot.evidence import Ground, measure_fact
from terra_cot.legend import legend
from terra_cot.sample import ShownFrame
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS, Candidate, Dropped, TileView

WATER, BUILT, GRASS, CROP, TREE = 80, 50, 30, 40, 10


def view(
    label: NDArray[np.integer], legend_name: str = "worldcover", tile_id: str = "t", gsd_m: float = 10.0
) -> TileView:
    damage = legend_name == "xbd-damage"
    frames = (ShownFrame("t0", "optical"), ShownFrame("t1", "optical")) if damage else (ShownFrame("t0", "optical"),)
    return TileView(
        tile_id, frames, label.astype(np.uint16), "t1" if damage else "t0", legend(legend_name), "display", gsd_m
    )


def propose(code: str, tile: TileView, seed: int = 0) -> list[Candidate | Dropped]:
    return list(TASKS[code].propose(tile, seed))


def filters(items: list[Candidate | Dropped]) -> list[str]:
    return [item.filter for item in items if isinstance(item, Dropped)]


def halves(share: float) -> NDArray[np.uint8]:
    """100 x 100: crop in the first columns, tree in the rest."""
    label = np.full((100, 100), TREE, np.uint8)
    label[:, : round(100 * share)] = CROP
    return label


def question(tile: TileView, candidate: Candidate) -> Question:
    masks, evidence = TASKS[candidate.task].prove(tile, candidate)
    return Question(
        question_id="q",
        task=candidate.task,
        question=candidate.question,
        options=candidate.options,
        option_values=candidate.values,
        answer=candidate.answer,
        frames=(),
        masks=masks,
        evidence=evidence,
        tile_id=tile.tile_id,
        legend=tile.legend.name,
        view="display",
        label_frame=tile.label_frame,
        split="test",
        width=tile.label.shape[1],
        height=tile.label.shape[0],
        gsd_m=tile.gsd_m,
        source="test",
        source_id="0",
        licence="CC0-1.0",
    )


def every_question(tile: TileView, seed: int) -> Iterator[Question]:
    for code, task in TASKS.items():
        if task.legend_kind == tile.legend.kind:
            for item in propose(code, tile, seed):
                if isinstance(item, Candidate):
                    yield question(tile, item)


def test_coverage_counts_valid_pixels_only() -> None:
    label = halves(0.3)
    label[50:] = 0
    tile = view(label)
    found = [item for item in propose("CA", tile) if isinstance(item, Candidate)]
    crop = question(tile, found[0])
    assert crop.value_of("share") == 30.0
    assert crop.value_of("valid_pixels") == 5000
    assert "cropland" in crop.question


def test_coverage_drops_small_classes() -> None:
    assert "share_below_5_pct" in filters(propose("CA", view(halves(0.04))))
    assert "share_below_5_pct" not in filters(propose("CA", view(halves(0.05))))


def test_area_drops_invisible_classes_and_stays_inside_the_image() -> None:
    label = halves(0.0)
    label[0, :50] = CROP
    assert "share_below_1_pct" in filters(propose("AQ", view(label)))
    for seed in range(40):
        for item in propose("AQ", view(halves(0.3)), seed):
            if isinstance(item, Candidate):
                assert item.values is not None
                assert max(item.values) <= 100 * 100 * 100.0
                assert all(text.endswith(" m²") for text in item.options)


def test_ranking_needs_a_visible_difference() -> None:
    assert filters(propose("CR", view(halves(0.48)))) == ["areas_within_10_pct"]
    assert filters(propose("CR", view(halves(0.04)))) == ["share_below_5_pct"]
    (item,) = propose("CR", view(halves(0.3)))
    assert isinstance(item, Candidate)
    assert item.options["AB".index(item.answer)] == "tree cover"
    # Exactly 10 % of the larger area is not more than 10 %.
    label = np.zeros((19, 100), np.uint8)
    label[:9], label[9:] = CROP, TREE
    assert filters(propose("CR", view(label))) == ["areas_within_10_pct"]


def test_boundary_sees_corners_and_refuses_clutter() -> None:
    label = np.full((30, 30), GRASS, np.uint8)
    label[:10, :10], label[10:20, 10:20] = CROP, TREE
    answers = {item.names: item for item in propose("BRD", view(label)) if isinstance(item, Candidate)}
    touching = answers["crop", "tree"]
    assert touching.options["AB".index(touching.answer)] == "Yes"
    label[10:20, 10:20] = GRASS
    label[11:21, 11:21] = TREE
    answers = {item.names: item for item in propose("BRD", view(label)) if isinstance(item, Candidate)}
    apart = answers["crop", "tree"]
    assert apart.options["AB".index(apart.answer)] == "No"
    dots = np.full((30, 30), GRASS, np.uint8)
    dots[::5, ::5] = CROP
    assert filters(propose("BRD", view(dots))) == ["more_than_5_components"]
    assert filters(propose("BRD", view(halves(0.02)))) == ["share_below_3_pct"]


def test_boundary_speaks_of_one_or_many() -> None:
    label = np.full((40, 40), 231, np.uint16)
    label[:20] = 211
    tile = TileView("t", (ShownFrame("t0", "optical"),), label, "t0", legend("corine-19"), "native", 10.0)
    (item,) = propose("BRD", tile)
    assert isinstance(item, Candidate)
    assert item.question.startswith("Does arable land share a boundary with pastures")


def test_distance_ignores_isolated_pixels() -> None:
    label = np.full((60, 60), GRASS, np.uint8)
    label[:10], label[40:] = CROP, TREE
    label[12, 30] = TREE
    tile = view(label)
    for seed in range(20):
        for item in propose("DM", tile, seed):
            if isinstance(item, Candidate):
                assert item.names == ("crop", "tree")
                assert question(tile, item).value_of("distance") == 310.0
    assert "distance_up_to_10_px" in filters(propose("DM", tile))
    label[:] = GRASS
    label[::2, ::2] = TREE
    assert filters(propose("DM", view(label))) == ["nothing_left_after_opening"]


def damaged(total: int, destroyed: int) -> NDArray[np.uint8]:
    label = np.zeros((120, 120), np.uint8)
    for number in range(total):
        row, column = divmod(number, 12)
        label[row * 10 : row * 10 + 5, column * 10 : column * 10 + 5] = 4 if number < destroyed else 1
    return label


def test_building_change_rules() -> None:
    def outcome(total: int, destroyed: int) -> list[str]:
        return filters(propose("BCE", view(damaged(total, destroyed), "xbd-damage")))

    assert outcome(9, 5) == ["fewer_than_10_buildings"]
    assert outcome(20, 2) == ["fewer_than_3_destroyed"]
    tile = view(damaged(60, 20), "xbd-damage")
    assert filters(propose("BCE", replace(tile, frames=tile.frames[:1]))) == ["not_a_pair"]
    seen = set()
    for number in range(60):
        tile = view(damaged(60, 20), "xbd-damage", tile_id=f"t{number}", gsd_m=0.5)
        for item in propose("BCE", tile):
            if isinstance(item, Candidate):
                asked = question(tile, item)
                assert asked.masks is not None
                assert [mask.frame for mask in asked.masks] == ["t1", "t0"]
                right = asked.options["ABCD".index(asked.answer)]
                seen.add(item.names)
                if item.names == ("count",):
                    assert right == "20"
                    assert int(asked.options[-1]) <= 60
                    assert int(asked.options[0]) >= 3
    assert seen == {("count",), ("percent",)}


def random_map(seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    coarse = rng.choice([0, WATER, BUILT, GRASS, CROP, TREE], size=(6, 6), p=[0.05, 0.2, 0.15, 0.2, 0.2, 0.2])
    label = np.kron(coarse, np.ones((12, 12), np.uint8)).astype(np.uint8)
    noise = rng.random(label.shape) < 0.02
    label[noise] = rng.choice([WATER, CROP, TREE], size=int(noise.sum()))
    return label


@pytest.mark.parametrize("seed", range(12))
def test_every_evidence_value_is_what_its_masks_say_and_the_option_follows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tiles = [view(random_map(seed)), view(damaged(int(rng.integers(12, 130)), 11), "xbd-damage", f"t{seed}", 0.5)]
    asked = 0
    for tile in tiles:
        valid = int((tile.index > 0).sum()) if tile.legend.kind == "land_cover" else tile.label.size
        for entry in every_question(tile, seed):
            asked += 1
            assert entry.masks is not None
            arrays = [mask.to_array() for mask in entry.masks]
            for item in entry.evidence:
                assert measure_fact(item, arrays, Ground(valid, tile.gsd_m)) == item.value, item
            option = TASKS[entry.task].follow(entry, list(map(Region.of, arrays)))
            assert option is not None
            assert entry.letters[option] == entry.answer
            assert entry.option_values is None or list(entry.option_values) == sorted(set(entry.option_values))
            assert len(set(entry.options)) == len(entry.options)
    assert asked


def test_nothing_follows_from_empty_or_equal_masks() -> None:
    tile = view(halves(0.3))
    empty = np.zeros((100, 100), bool)
    half = halves(0.5) == CROP
    by_task = {entry.task: entry for seed in range(8) for entry in every_question(tile, seed)}
    assert TASKS["CR"].follow(by_task["CR"], [Region.of(half), Region.of(~half)]) is None
    assert TASKS["BRD"].follow(by_task["BRD"], [Region.of(half), Region.of(empty)]) is None
    assert TASKS["CA"].follow(by_task["CA"], [Region.of(empty)]) == 0
