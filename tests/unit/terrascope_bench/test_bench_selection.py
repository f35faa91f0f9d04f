"""Selection: every letter equally often in every cell, few a tile, nothing asked twice, order does not matter."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from terrascope_bench.selection import PER_TILE, Pool
from terrascope_bench.tasks import Candidate


def candidate(number: int, letter: str, cell: str = "a", tile: int | None = None, options: int = 4) -> Candidate:
    return Candidate(
        task="CA",
        tile_id=f"tile-{number if tile is None else tile}",
        names=(f"class-{number}",),
        question="?",
        options=tuple("wxyz"[:options]),
        values=None,
        answer=letter,
        cell=cell,
    )


def pool_of(candidates: list[Candidate], target: int) -> Pool:
    pool = Pool(seed=0, target=target)
    for entry in candidates:
        pool.add(entry)
    return pool


def test_letters_are_equal_within_narrow_cells_first() -> None:
    entries = [candidate(n, "ABCD"[n % 4], "ab"[n % 8 // 4]) for n in range(80)]
    chosen = pool_of(entries, 32).select(set()).chosen
    assert len(chosen) == 32
    assert set(Counter((entry.cell, entry.answer) for entry in chosen).values()) == {4}


def test_a_scarce_letter_limits_its_cell_and_nothing_is_taken_from_another() -> None:
    entries = [candidate(n, "ABC"[n % 3], "a") for n in range(30)]
    entries += [candidate(100 + n, "D", "b") for n in range(10)]
    entries += [candidate(200 + n, "ABCD"[n % 4], "c") for n in range(10)]
    selection = pool_of(entries, 40).select(set())
    assert selection.levels == (8, 0)
    assert {entry.cell for entry in selection.chosen} == {"c"}
    assert selection.left["letters_unbalanced"] == 42


def test_a_candidate_is_turned_to_the_rung_that_completes_a_set() -> None:
    """Four candidates that all have A drawn make a set, each on another rung, none twice."""
    entries = [
        replace(candidate(n, "A", "mine"), turns=tuple(candidate(n, letter, "a") for letter in "ABCD"))
        for n in range(6)
    ]
    selection = pool_of(entries, 8).select(set())
    assert Counter(entry.answer for entry in selection.chosen) == Counter("ABCD")
    assert {entry.cell for entry in selection.chosen} == {"a"}
    assert len({entry.tile_id for entry in selection.chosen}) == 4
    assert selection.left == {"letters_unbalanced": 2, "not_needed": 0, "asked_in_another_task": 0}
    assert all(entry.turns == () for entry in selection.chosen)


def test_a_number_that_is_no_multiple_ends_with_different_letters() -> None:
    entries = [candidate(n, "ABCD"[n % 4]) for n in range(40)]
    selection = pool_of(entries, 11).select(set())
    counts = Counter(entry.answer for entry in selection.chosen)
    assert sum(counts.values()) == 11
    assert max(counts.values()) - min(counts.values()) == 1
    assert selection.levels == (8, 3)


def test_few_questions_a_tile() -> None:
    entries = [candidate(n, "ABCD"[n % 4], tile=n % 3) for n in range(60)]
    selection = pool_of(entries, 40).select(set())
    assert max(Counter(entry.tile_id for entry in selection.chosen).values()) <= PER_TILE
    assert len(selection.chosen) + sum(selection.left.values()) == 60


def test_what_another_task_asked_is_not_asked_again() -> None:
    entries = [candidate(n, "ABCD"[n % 4]) for n in range(8)]
    asked = {("tile-0", "class-0")}
    selection = pool_of(entries, 8).select(asked)
    assert all(entry.tile_id != "tile-0" for entry in selection.chosen)
    assert selection.left["asked_in_another_task"] == 1
    assert len(asked) == 1 + len(selection.chosen)


def test_order_of_arrival_does_not_matter() -> None:
    entries = [candidate(n, "ABCD"[n * 7 % 4], "abc"[n % 3]) for n in range(200)]
    first = pool_of(entries, 40).select(set()).chosen
    random.Random(1).shuffle(entries)
    assert pool_of(entries, 40).select(set()).chosen == first


def test_memory_is_bounded_and_the_rest_is_counted() -> None:
    entries = [candidate(n, "A" if n % 2 else "B", options=2) for n in range(4000)]
    pool = pool_of(entries, 10)
    assert sum(len(shelf) for shelf in pool.kept.values()) < 300
    selection = pool.select(set())
    assert len(selection.chosen) == 10
    assert len(selection.chosen) + sum(selection.left.values()) == 4000


def test_nothing_gives_nothing() -> None:
    selection = Pool(seed=0, target=5).select(set())
    assert selection.chosen == ()


def test_two_options_are_shown_in_an_order_drawn_for_each_set() -> None:
    entries = []
    for number in range(400):
        plain = candidate(number, "AB"[number % 2], cell=f"pair-{number % 5}", options=2)
        entries.append(replace(plain, question="{0} or {1}?"))
    truth = {entry.names: entry.options["AB".index(entry.answer)] for entry in entries}
    chosen = pool_of(entries, 200).select(set()).chosen
    assert len(chosen) == 200
    assert Counter(entry.answer for entry in chosen) == {"A": 100, "B": 100}
    for first, second in zip(chosen[::2], chosen[1::2], strict=True):
        assert first.options == second.options
        assert first.cell == second.cell
    orders = Counter(entry.options for entry in chosen)
    assert 60 <= orders["w", "x"] <= 140
    for entry in chosen:
        assert entry.question == f"{entry.options[0]} or {entry.options[1]}?"
        assert entry.options["AB".index(entry.answer)] == truth[entry.names]


def test_what_was_kept_too_long_is_not_chosen_from() -> None:
    """With one cell known many are kept, with forty few: whatever came first, the choice is the same."""
    entries = [candidate(n, "ABCD"[n % 4], "early") for n in range(3000)]
    entries += [candidate(3000 + n, "ABCD"[n % 4], f"late-{n % 40}") for n in range(1600)]
    one, other = pool_of(entries, 400), pool_of(entries[::-1], 400)
    assert sum(map(len, one.kept.values())) != sum(map(len, other.kept.values()))
    assert one.select(set()) == other.select(set())
    assert sum(map(len, one.kept.values())) <= 64 * len(one.kept)
