"""What is trained alike is trained once, and what differs in anything is trained apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchfactory import write_dataset

pytest.importorskip("torch", reason="the stages of an arm are those of the reference model: extra [model]")

from terra_cot.errors import ConfigError, DataError
from terrascope_bench.ablate.plan import plan
from terrascope_bench.ablate.recipe import AblationRecipe, load_ablation
from terrascope_bench.ablate.subset import subset
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.build import build_benchmark

QUESTIONS = {"name": "q", "teaches": "questions", "trains": ["language"], "lr": 1e-3, "steps": 8}
SHARED = {"name": "sight", "teaches": "sight", "trains": ["vision"], "lr": 1e-3, "steps": 4}
BENCHES: Any = {"opt": (Path("opt"), "one", 40), "opt+sar": (Path("both"), "two", 40)}


def recipe(**values: object) -> AblationRecipe:
    body: dict[str, object] = {
        "name": "test",
        "model": "terrascope-nano",
        "seeds": [0, 1],
        "shared": [SHARED],
        "arms": {
            "mask": {"stages": [QUESTIONS]},
            "the same": {"stages": [QUESTIONS]},
            "at test": {"stages": [QUESTIONS], "test_rules": {"fusion": "optical"}, "shown": "opt+sar"},
            "box": {"stages": [QUESTIONS], "rules": {"evidence": "box"}},
            "fresh": {"stages": [QUESTIONS], "fresh": ["mask_decoder"]},
        },
        "groups": {"one": {"title": "One", "reported": {"mask": 1.0, "box": None}}},
    }
    return AblationRecipe.model_validate({**body, **values})


def test_pieces_are_shared_by_what_they_follow_from() -> None:
    made = plan(recipe(), Path("out"), ["data"], BENCHES)
    kinds = [piece.kind for piece in made.pieces]
    assert [kinds.count(kind) for kind in ("shared", "trained", "scored")] == [2, 6, 8]
    assert made.scored["mask", 0] is made.scored["the same", 0]
    assert made.scored["mask", 0].after == made.scored["at test", 0].after
    assert made.scored["mask", 0].folder != made.scored["at test", 0].folder
    assert made.scored["mask", 0].folder != made.scored["mask", 1].folder
    assert made.cost == 2 * 4 + 6 * 8 + 8 * 10
    before: set[Path] = set()
    for piece in made.pieces:
        assert piece.after is None or piece.after in before
        before.add(piece.folder)


@pytest.mark.parametrize(
    "change",
    [{"shared": [{**SHARED, "steps": 5}]}, {"rules": {"tokens_max": 9}}, {"vocabulary": 1500}, {"split": None}],
)
def test_a_change_at_the_start_changes_every_piece(change: dict[str, object]) -> None:
    folders = [
        {piece.folder for piece in plan(made, Path("o"), ["d"], BENCHES).pieces}
        for made in (recipe(), recipe(**change))
    ]
    assert not folders[0] & folders[1]


def test_arms_can_train_longer_and_what_is_shared_does_not() -> None:
    made = plan(recipe(longer=2.5), Path("o"), ["d"], BENCHES)
    steps = {kind: {piece.cost for piece in made.pieces if piece.kind == kind} for kind in ("shared", "trained")}
    assert steps == {"shared": {4}, "trained": {20}}


def test_other_data_or_questions_are_other_pieces() -> None:
    one, other = plan(recipe(), Path("o"), ["d"], BENCHES), plan(recipe(), Path("o"), ["e"], BENCHES)
    assert not {piece.folder for piece in one.pieces} & {piece.folder for piece in other.pieces}
    benches: Any = {**BENCHES, "opt": (Path("opt"), "changed", 40)}
    asked = plan(recipe(), Path("o"), ["d"], benches)
    assert asked.scored["mask", 0].folder != one.scored["mask", 0].folder
    assert asked.scored["mask", 0].after == one.scored["mask", 0].after
    assert asked.scored["at test", 0].folder == one.scored["at test", 0].folder


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"groups": {"one": {"title": "One", "reported": {"masc": 1.0}}}}, "no arm 'masc'"),
        (
            {"groups": {"one": {"title": "One", "reported": {"mask": 1.0}, "orderings": [["mask", "box"]]}}},
            "both must be",
        ),
        ({"groups": {"one": {"title": "One", "tasks": ["XX"], "reported": {"mask": 1.0}}}}, "no task 'XX'"),
        ({"seeds": [1, 1]}, "named twice"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recipe(**values)


def test_a_recipe_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: a\nseeds: [x]\n")
    with pytest.raises(ConfigError, match="model: field required") as caught:
        load_ablation(path)
    assert "\n" not in str(caught.value)


def test_a_subset_is_a_benchmark_of_one_variant_with_so_many_of_a_task(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", 24, 12)
    build_benchmark([data], tmp_path / "bench", per_task=6)
    source = open_benchmark(tmp_path / "bench")
    folder, sha256, count = subset(source, tmp_path / "opt", "opt", 3)
    found = list(open_benchmark(folder).questions())
    assert len(found) == count
    assert {question.variant for question in found} <= {"opt", "opt-pair"}
    per_task = [sum(question.task == code for question in found) for code in {question.task for question in found}]
    assert max(per_task) == 3
    assert {question.question_id for question in found} < set(source.question_ids())
    assert subset(source, tmp_path / "opt", "opt", 3)[1] == sha256
    with pytest.raises(DataError, match="no question is shown as none"):
        subset(source, tmp_path / "none", "none", 3)
