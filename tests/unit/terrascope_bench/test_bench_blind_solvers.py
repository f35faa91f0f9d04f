"""Blind solvers find what is planted, are silent where nothing is, and never learn a riddle's answer from itself."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from terra_cot.errors import DataError
from terrascope_bench.blind import NAME, SOLVERS, blind_report, read_blind, solve, write_blind
from terrascope_bench.blind.class_prior import classes_in
from terrascope_bench.blind.folds import FOLDS, convincing, fold_of
from terrascope_bench.blind.learned import guesses
from terrascope_bench.blind.riddle import numbers, riddles
from terrascope_bench.question import Question

CLASSES = ("water", "tree cover", "cropland", "grass", "developed area", "shrubland")
Made = tuple[str, list[str], int]
"""Text, options, number of the right one."""


def question(number: int, made: Made, task: str = "AQ", variant: str = "opt", tile: str | None = None) -> Question:
    text, options, right = made
    return Question(
        question_id=f"{task.lower()}-{number:06d}-{variant}",
        task=task,
        question=text,
        options=tuple(options),
        option_values=None,
        answer="ABCD"[right],
        frames=(),
        masks=None,
        evidence=(),
        tile_id=tile or f"tile-{number // 2}",
        legend=None,
        view=None,
        label_frame=None,
        split="test",
        width=64,
        height=64,
        gsd_m=10.0,
        source="test",
        source_id=str(number),
        licence="CC0-1.0",
    )


def many(make: Callable[[random.Random], Made], n: int = 400, task: str = "AQ", seed: int = 0) -> list[Question]:
    rng = random.Random(seed)
    return [question(number, make(rng), task) for number in range(n)]


def ladder(rng: random.Random) -> list[str]:
    """Four numbers that tell nothing."""
    base = rng.uniform(3, 9) * 10 ** rng.randint(1, 5)
    return [f"{base * 1.37**k:.4g} m²" for k in range(4)]


def honest(rng: random.Random) -> Made:
    return f"How large is the {rng.choice(CLASSES)} in this image?", ladder(rng), rng.randrange(4)


def published(rng: random.Random) -> Made:
    truth = rng.randrange(20, 4000) * 10
    factors = rng.choice([(0.7, 1, 1.2, 1.4), (0.1, 0.5, 1, 2), (0.7, 1, 1.3, 1.5)])
    options = [f"{truth * factor:.0f}" for factor in factors]
    order = rng.sample(range(4), 4)
    return "How far apart?", [options[k] for k in order], order.index(factors.index(1))


def odd(rng: random.Random) -> Made:
    right = rng.randrange(4)
    values = sorted(rng.sample(range(500, 4900), 4))
    return "How many?", [f"{2 * value + (k == right)}" for k, value in enumerate(values)], right


def longer(rng: random.Random) -> Made:
    right = rng.randrange(4)
    words = ["north", "south", "lower", "upper", "inner", "outer", "left", "right", "centre"]
    options = [" ".join(rng.sample(words, 2)) for _ in range(4)]
    options[right] += " part of it"
    return "Where does it lie?", options, right


def by_class(rng: random.Random) -> Made:
    number = rng.randrange(4)
    return (
        f"What is the area of {CLASSES[number]} here?",
        ladder(rng),
        (2 * number + 1) % 4 if number < 2 else number - 2,
    )


def by_wording(rng: random.Random) -> Made:
    wordings = ["Give the area.", "State how large it is.", "Which size fits best?", "Estimate its extent."]
    number = rng.randrange(4)
    return wordings[number], ladder(rng), number


def share(questions: Sequence[Question], solver: str) -> float | None:
    letters = solve(questions)[solver].to_pylist()
    if all(letter is None for letter in letters):
        return None
    return sum(letter == q.answer for letter, q in zip(letters, questions, strict=True)) / len(questions)


@pytest.mark.parametrize(
    ("make", "solver", "least"),
    [
        (published, "round-ratio", 0.99),
        (published, "learned", 0.9),
        (odd, "learned", 0.9),
        (longer, "longest-option", 0.99),
        (longer, "learned", 0.9),
        (by_class, "learned", 0.9),
        (by_class, "class-prior", 0.9),
        (by_wording, "learned", 0.9),
        (lambda rng: ("?", ladder(rng), 1), "k-th-smallest", 0.99),
        (lambda rng: ("?", ladder(rng), int(rng.random() < 0.6)), "majority", 0.5),
    ],
)
def test_what_is_planted_is_found(make: Callable[[random.Random], Made], solver: str, least: float) -> None:
    found = share(many(make), solver)
    assert found is not None
    assert found >= least


def test_a_weak_leak_is_found_too() -> None:
    """One in five questions gives itself away."""
    found = share(many(lambda rng: (odd if rng.random() < 0.2 else honest)(rng), 1500), "learned")
    assert found is not None
    assert found > 0.25 + 0.06


def test_honest_questions_teach_nothing() -> None:
    questions = many(honest, 1200)
    table, summary = blind_report(questions)
    for learner in ("majority", "k-th-smallest", "learned"):
        assert table[learner].null_count == len(questions), learner
    entry = summary["tasks"]["AQ"]
    for name, value in entry["solvers"].items():
        assert value is None or abs(value["value"] - 0.25) <= 0.03, name
    assert entry["above_chance"] == []
    assert entry["needs_no_image"]["low"] == 0.0


def test_two_options_of_a_pair_are_learned_by_the_pair() -> None:
    """Whichever of the two stands first; the pairs contradict what is common on Earth."""

    def rarer(rng: random.Random) -> Made:
        pair = sorted(rng.sample(range(len(CLASSES)), 2))
        shown = rng.sample(pair, 2)
        right = shown.index(max(pair, key=lambda k: (k * 7) % 5))
        return f"Which is larger: {CLASSES[shown[0]]}, or {CLASSES[shown[1]]}?", [CLASSES[k] for k in shown], right

    questions = many(rarer, 600, "CR")
    assert share(questions, "class-prior") == pytest.approx(1.0, abs=0.05)
    learned = share(questions, "learned")
    assert learned is not None
    assert learned > 0.85


@pytest.mark.parametrize("make", [by_wording, odd, by_class])
def test_its_own_answer_never_informs_a_guess(make: Callable[[random.Random], Made]) -> None:
    """Whatever the answers of a tile are, and those of its questions' variants, the guesses about it are the same."""
    questions = many(make, 240)
    questions += [
        replace(q, question_id=q.question_id + "-pair", question="Second image. " + q.question) for q in questions
    ]
    before = solve(questions)
    for tile in ("tile-0", "tile-7", "tile-58"):
        other = [
            replace(q, answer="ABCD"[("ABCD".index(q.answer) + 1) % 4]) if q.tile_id == tile else q for q in questions
        ]
        after = solve(other)
        for number, entry in enumerate(questions):
            if entry.tile_id == tile:
                assert before.slice(number, 1).equals(after.slice(number, 1))


def test_variants_are_one_riddle_and_one_fold() -> None:
    first = question(1, ("?", ["1", "2", "3", "4"], 0))
    again = replace(first, question_id="aq-000001-sar")
    pair = replace(first, question_id="aq-000001-opt-pair", question="Second image: ?")
    asked, places = riddles([first, again, pair])
    assert places == [0, 0, 1]
    assert fold_of(asked[0]) == fold_of(asked[1])
    assert {fold_of(entry) for entry in riddles(many(honest, 60))[0]} == set(range(FOLDS))


def test_saying_nothing_is_counted_as_guessing() -> None:
    questions = [question(n, ("?", ["a", "bb"], n % 2), "BRD") for n in range(40)]
    questions += [question(n, ("?", ["aa", "bb"], n % 2), "BRD") for n in range(40, 80)]
    _, summary = blind_report(questions)
    assert summary["tasks"]["BRD"]["solvers"]["longest-option"]["value"] == 0.5
    assert summary["tasks"]["BRD"]["solvers"]["round-ratio"] is None
    assert summary["overall"]["n"] == 80


def test_what_needs_no_image_is_the_way_from_chance_to_all() -> None:
    _, summary = blind_report(many(lambda rng: (published if rng.random() < 0.5 else honest)(rng), 800))
    entry = summary["tasks"]["AQ"]
    value = entry["solvers"][entry["best"]]["value"]
    assert entry["needs_no_image"]["value"] == pytest.approx((value - 0.25) / 0.75, abs=1e-6)
    assert entry["needs_no_image"]["value"] > 0.4
    assert "round-ratio" in entry["above_chance"]


def test_the_same_questions_give_the_same_bytes(tmp_path: Path) -> None:
    questions = many(by_wording, 200)
    entries = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        entries.append(write_blind(tmp_path / name, solve(questions)))
    assert entries[0] == entries[1]
    table = read_blind(tmp_path / "a")
    assert table is not None
    assert table.schema.names == ["question_id", *SOLVERS]
    assert table["question_id"].to_pylist() == [q.question_id for q in questions]


def test_threads_of_the_machine_decide_nothing(tmp_path: Path) -> None:
    """The same bytes where OpenMP and BLAS are told to use one thread or four."""
    code = (
        "import sys; from pathlib import Path; import test_bench_blind_solvers as here\n"
        "questions = here.many(here.by_class, 200) + here.many(here.odd, 200, 'DM')\n"
        "here.write_blind(Path(sys.argv[1]), here.solve(questions))"
    )
    written = []
    for threads in ("1", "4"):
        folder = tmp_path / threads
        folder.mkdir()
        paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
        more = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": paths}
        subprocess.run([sys.executable, "-c", code, str(folder)], env={**os.environ, **more}, check=True)
        written.append((folder / NAME).read_bytes())
    assert written[0] == written[1]
    table = read_blind(tmp_path / "1")
    assert table is not None
    assert table["learned"].null_count == 0


def test_absurd_numbers_are_numbers() -> None:
    def absurd(rng: random.Random) -> Made:
        right = rng.randrange(4)
        options = [f"{rng.choice([1, 2])}e{rng.choice([-90, 0, 90])}" for _ in range(4)]
        options[right] = "7e90"
        return "How many?", options, right

    assert share(many(absurd), "learned") == pytest.approx(1.0, abs=0.05)


def test_a_folder_without_a_table_and_one_with_another_file(tmp_path: Path) -> None:
    assert read_blind(tmp_path) is None
    (tmp_path / NAME).write_bytes(b"PAR1 not at all")
    with pytest.raises(DataError, match=r"blind\.parquet.*not a readable Parquet file"):
        read_blind(tmp_path)


def test_numbers_and_classes_of_texts() -> None:
    assert numbers(["1,230,000 m²", "1.2 km²", "3 ha", "40"]) == (1_230_000, 1_200_000, 30_000, 40)
    assert numbers(["12.5%", "about 20 %"]) == (12.5, 20)
    assert numbers(["900 m", "1.2 km"]) == (900, 1200)
    assert numbers(["Yes", "1"]) is None
    assert numbers(["1e400", "2"]) is None
    assert classes_in("Is mixed forest larger than tree cover?") == {"mixed forest", "tree cover"}
    assert classes_in("How large is the developed area?") == {"developed area"}


def test_convincing_is_two_standard_errors() -> None:
    assert not convincing(0, 0, 0.25)
    assert convincing(60, 100, 0.5)
    assert not convincing(59, 100, 0.5)


def test_few_riddles_are_no_matter_for_learning() -> None:
    assert all(guess.option is None for guess in guesses(riddles(many(odd, 60))[0]))
    assert solve([]).num_rows == 0
    assert blind_report([])[1]["tasks"] == {}
