"""2,000 questions about land whose classes have habits: who does not see the image is at chance, whatever he knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from math import exp, log, sqrt
from pathlib import Path

import pytest
from benchfactory import tiles

from terra_cot.legend import legend
from terra_cot.tile import decode_label
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.blind import SOLVERS, read_blind, report_of, summarise
from terrascope_bench.blind.learned import guesses
from terrascope_bench.blind.riddle import riddles
from terrascope_bench.build import build_benchmark
from terrascope_bench.question import Question
from terrascope_bench.tasks import TASKS, TileView
from terrascope_bench.tasks.building_change import Buildings

Make = Callable[..., Path]
POINTS = 0.03


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_dataset: Make) -> Path:
    """2,000 questions and more, as the published mix has them; some classes are usually large, others small."""
    place = tmp_path_factory.mktemp("big")
    data = make_dataset(place / "dataset", 520, 130, seed=1, habits=1.0)
    build_benchmark([data], place / "bench", per_task=440)
    return place / "bench"


@pytest.fixture(scope="module")
def big(folder: Path) -> list[Question]:
    return list(open_benchmark(folder).questions(images=False))


def test_letters_are_balanced_and_so_are_class_pairs(big: list[Question]) -> None:
    assert len(big) >= 2000
    winners: dict[tuple[str, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
    asked: Counter[tuple[str, ...]] = Counter()
    for code in TASKS:
        letters = Counter(question.answer for question in big if question.task == code)
        assert max(letters.values()) - min(letters.values()) <= 1, code
    for question in big:
        assert question.masks is not None
        labels = tuple(sorted(mask.label for mask in question.masks))
        if question.task in ("CR", "BRD"):
            winners[question.task, labels][question.options["AB".index(question.answer)]] += 1
        if question.task != "BCE":
            asked[question.tile_id, *labels] += 1
    odd = sum(abs(first - second) for first, second in (_both(counts) for counts in winners.values()))
    assert odd <= 2
    assert max(asked.values()) == 1


def _both(counts: Counter[str]) -> tuple[int, int]:
    values = [*counts.values(), 0]
    return values[0], values[1]


def test_built_in_solvers_are_at_chance(folder: Path, big: list[Question]) -> None:
    """Overall within 3 points; in each task within 3 points, or two standard errors of guessing where that is more."""
    summary = report_of(open_benchmark(folder))
    table = read_blind(folder)
    assert table is not None
    assert summarise(big, table) == summary
    assert summary["overall"]["n"] == len(big) >= 2000
    assert set(summary["tasks"]) == set(TASKS)
    for name in SOLVERS:
        overall = summary["overall"]["solvers"][name]
        assert overall is None or abs(overall["value"] - summary["overall"]["chance"]) <= POINTS, name
        for code, entry in summary["tasks"].items():
            value = entry["solvers"][name]
            assert value is None or abs(value["value"] - entry["chance"]) <= allowed(entry["n"], entry["chance"]), (
                name,
                code,
            )
    assert summary["overall"]["above_chance"] == []


def allowed(n: int, chance: float) -> float:
    return max(POINTS, 2 * sqrt(chance * (1 - chance) / n))


def test_the_learned_solver_finds_nothing_even_where_it_does_not_believe_itself(big: list[Question]) -> None:
    """One-sided: in complete sets the other three letters mislead whoever learns from them."""
    asked, _ = riddles(big)
    right: dict[str, list[bool]] = defaultdict(list)
    for entry, guess in zip(asked, guesses(asked), strict=True):
        assert not guess.believed
        right[entry.task].append(guess.option == entry.answer)
        right["all"].append(guess.option == entry.answer)
    chance = sum(entry.chance for entry in asked) / len(asked)
    assert sum(right["all"]) / len(asked) <= chance + POINTS
    for code in TASKS:
        chance = 0.5 if code in ("CR", "BRD") else 0.25
        assert sum(right[code]) / len(right[code]) <= chance + allowed(len(right[code]), chance), code


Known = dict[tuple[str, ...], list[float]]


def measured(count: int) -> Iterator[tuple[tuple[str, ...], float]]:
    """(task and classes, quantity) of tiles that no question was made from."""
    for tile in tiles(count, 77, count // 2, "train", 1.0):
        assert tile.label is not None
        assert tile.legend is not None
        view = TileView(tile.tile_id, (), decode_label(tile.label), "t1", legend(tile.legend), "display", tile.gsd_m)
        if view.legend.kind == "damage":
            buildings = Buildings(view)
            yield ("BCE", "count"), buildings.destroyed_n
            yield ("BCE", "percent"), 100.0 * buildings.destroyed_n / buildings.total_n
            continue
        for first in view.present():
            yield ("share", view.land_class(first).name), view.share_pct(first)
            for second in view.present():
                apart = float(view.facts.distance_px[first, second])
                if first < second and apart > 10:
                    names = (view.land_class(first).name, view.land_class(second).name)
                    yield ("DM", *names), apart * tile.gsd_m


def test_knowing_how_common_each_value_is_does_not_help(big: list[Question]) -> None:
    """Takes the option near which most truths of the same classes lie in other land of the same kind."""
    known: Known = defaultdict(list)
    for name, value in measured(300):
        if value > 0:
            known[name].append(log(value))
    right: dict[str, list[bool]] = defaultdict(list)
    for question in big:
        values = question.option_values
        if values is None or question.masks is None:
            continue
        labels = [mask.label for mask in question.masks]
        if question.task == "AQ":
            valid, gsd_m = question.value_of("valid_pixels"), question.gsd_m
            assert valid
            assert gsd_m
            values = tuple(100 * value / (valid * gsd_m**2) for value in values)
        name = {
            "DM": ("DM", *labels),
            "BCE": ("BCE", "percent" if "%" in question.options[0] else "count"),
        }.get(question.task, ("share", labels[0]))
        crowd = [sum(exp(-(((x - log(value)) / 0.15) ** 2)) for x in known[name]) for value in values]
        right[question.task].append("ABCD"[crowd.index(max(crowd))] == question.answer)
    for code, hits in right.items():
        assert abs(sum(hits) / len(hits) - 0.25) <= POINTS, code
    assert set(right) == {"CA", "AQ", "DM", "BCE"}


def test_options_that_read_alike_are_right_equally_often(big: list[Question]) -> None:
    """All a reader has is the text: of questions with one text and one set of options each letter is right as often."""
    seen: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for question in big:
        if question.option_values is not None and question.task != "AQ":
            seen[question.question, *question.options][question.answer] += 1
    broken = [letters for letters in seen.values() if len(set(letters.values())) > 1 or len(letters) < 4]
    assert broken == []


def test_rounding_marks_no_option(big: list[Question]) -> None:
    """Digits, zeros at the end and lengths of the right option are those of the others."""
    looks: dict[str, Callable[[str], int]] = {
        "zeros": lambda text: len(text) - len(text.rstrip("0m² %")),
        "short": lambda text: -len(text),
        "long": len,
        "few digits": lambda text: -len(set(filter(str.isdigit, text))),
    }
    for name, look in looks.items():
        for code in ("CA", "AQ", "DM", "BCE"):
            group = [question for question in big if question.task == code]
            credit = 0.0
            for question in group:
                marks = [look(option) for option in question.options]
                best = [letter for letter, mark in zip("ABCD", marks, strict=True) if mark == max(marks)]
                credit += (question.answer in best) / len(best)
            assert abs(credit / len(group) - 0.25) <= allowed(len(group), 0.25), (name, code)


def test_random_is_within_chance(big: list[Question]) -> None:
    from terrascope_bench.answer import strict
    from terrascope_bench.models.baselines import Random

    model = Random(0)
    for options in (2, 4):
        group = [question for question in big if len(question.options) == options]
        right = sum(strict(model.answer(q).response, None, q.options) == q.answer for q in group)
        spread = (len(group) * (1 / options) * (1 - 1 / options)) ** 0.5
        assert abs(right - len(group) / options) < 4 * spread
