"""An ordering is decided only where seeds and questions agree, and every number follows from the verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

pytest.importorskip("torch", reason="the stages of an arm are those of the reference model: extra [model]")

from pipelines.recipes import ABLATIONS
from terrascope_bench.ablate.page import page
from terrascope_bench.ablate.picture import draw_ablation
from terrascope_bench.ablate.recipe import AblationRecipe, load_ablation
from terrascope_bench.ablate.table import student, tabulate, verdict
from terrascope_bench.verdicts import SCHEMA, verdicts_beside, write_verdicts

ABOVE, BELOW, ACROSS = {"low": 0.1, "high": 0.2}, {"low": -0.2, "high": -0.1}, {"low": -0.1, "high": 0.2}
STAGE = {"name": "q", "teaches": "questions", "trains": ["language"], "lr": 1e-3, "steps": 1}


@pytest.mark.parametrize(
    ("seeds", "questions", "told"),
    [
        (ABOVE, ABOVE, "holds"),
        (BELOW, BELOW, "reversed"),
        (ABOVE, ACROSS, "undecided"),
        (ACROSS, ABOVE, "undecided"),
        (ABOVE, BELOW, "undecided"),
        (None, ABOVE, "undecided"),
        ({"low": 0.0, "high": 0.0}, {"low": 0.0, "high": 0.0}, "undecided"),
    ],
)
def test_both_intervals_decide(seeds: dict[str, float] | None, questions: dict[str, float], told: str) -> None:
    assert verdict(seeds, questions) == told


def test_the_interval_over_seeds_is_that_of_student() -> None:
    values = [0.31, 0.44, 0.40]
    low, high = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert student(values) == {"low": pytest.approx(low, abs=1e-6), "high": pytest.approx(high, abs=1e-6)}
    assert student([0.4]) is None


def card(folder: Path, name: str, right: dict[str, list[bool]], variant: str = "opt") -> Path:
    """A scorecard's verdicts: of each task which questions are right, with masks of IoU one half."""
    rows = [
        {
            "question_id": f"{task}-{number}-{variant}",
            "task": task,
            "outcome": "correct" if ok else "wrong",
            "iou": 500_000_000,
            "predicted_px": 4,
        }
        for task, values in right.items()
        for number, ok in enumerate(values)
    ]
    path = folder / name / "scorecard.json"
    path.parent.mkdir(parents=True)
    write_verdicts(verdicts_beside(path), pa.Table.from_pylist(rows, schema=SCHEMA))
    return path


def recipe(**values: object) -> AblationRecipe:
    body = {
        "name": "test",
        "model": "terrascope-nano",
        "seeds": [0, 1, 2],
        "arms": {"good": {"stages": [STAGE]}, "bad": {"stages": [STAGE], "shown": "opt+sar"}},
        "groups": {
            "one": {
                "title": "One",
                "tasks": ["CA", "CR"],
                "reported": {"good": [80.0, 60.0], "bad": 50.0},
                "orderings": [["good", "bad"], ["bad", "good"]],
            }
        },
    }
    return AblationRecipe.model_validate({**body, **values})


def test_a_table_counts_pairs_and_decides(tmp_path: Path) -> None:
    """Good is right on all but one question a seed, bad on one of four; the variants share their stems."""
    cards = {}
    for seed in range(3):
        good = {"CA": [number != seed for number in range(20)], "CR": [True] * 10}
        bad = {"CA": [number % 4 == 0 for number in range(20)], "CR": [number % 5 == seed for number in range(10)]}
        cards["good", seed] = card(tmp_path, f"good{seed}", good)
        cards["bad", seed] = card(tmp_path, f"bad{seed}", bad, "opt+sar")
    table = tabulate(recipe(), cards)
    group = table["groups"]["one"]
    good, bad = group["arms"]
    assert (good["macro"], bad["macro"]) == (0.975, 0.225)
    assert good["by_seed"] == [0.975] * 3
    assert good["tasks"] == {"CA": 0.95, "CR": 1.0}
    assert (good["reported"], bad["reported"]) == (0.7, 0.5)
    assert good["giou"] == 0.5
    assert good["questions"]["low"] < 0.975 < good["questions"]["high"] + 1e-9
    first, second = group["orderings"]
    assert (first["verdict"], second["verdict"]) == ("holds", "reversed")
    assert first["difference"] == -second["difference"] == 0.75
    assert first["reported"] == pytest.approx(0.2)
    assert first["n"] == 30
    told = page({"recipe": "test", "benchmark": {"asked": {"opt": 30, "opt+sar": 30}}, **table})
    assert "| good > bad | +20.0 | +75.0 |" in told
    assert "| good | 97.5 | [97.5, 97.5] |" in told
    assert "is reversed" in told
    draw_ablation({**table}, tmp_path / "table.png")
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")


def test_a_task_that_was_not_asked_is_null(tmp_path: Path) -> None:
    cards = {
        ("good", 0): card(tmp_path, "a", {"CA": [True, False]}),
        ("bad", 0): card(tmp_path, "b", {"CA": [True, True]}),
    }
    (group,) = tabulate(recipe(seeds=[0]), cards)["groups"].values()
    assert group["arms"][0]["tasks"] == {"CA": 0.5, "CR": None}
    assert group["arms"][0]["macro"] == 0.5
    assert group["arms"][0]["seeds"] is None
    assert [entry["verdict"] for entry in group["orderings"]] == ["undecided", "undecided"]


def test_the_shipped_recipe_repeats_the_orderings_of_the_paper() -> None:
    """Every pair that is said to be an ordering is one, by the reported numbers."""
    shipped = load_ablation(ABLATIONS)
    assert len(shipped.seeds) == 3
    for group in shipped.groups.values():
        assert group.orderings
        for better, worse in group.orderings:
            above, below = group.reported_macro(better), group.reported_macro(worse)
            assert above is not None
            assert below is not None
            assert above > below, (better, worse)
