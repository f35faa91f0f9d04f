"""The model that ships answers at once, and sees: on a world that it never saw, far above chance, with its masks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

pytest.importorskip("torch", reason="the extra [model]")

Cli = Callable[..., subprocess.CompletedProcess[str]]
CHANCE = {"CA": 0.25, "AQ": 0.25, "CR": 0.5}
"""Tasks of which three places have enough questions to tell."""


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory, cot: Cli, cli: Cli) -> Path:
    """A benchmark of two places of a world of another seed than the one of training."""
    room = tmp_path_factory.mktemp("unseen")
    steps = (
        (cot, "world", room / "world", "--seed", 77, "--scenes", 3, "--pairs", 0),
        (cot, "run", "demo", "-o", room / "data", "--set", f"source.root={room / 'world'}"),
        (cli, "build", room / "data", "-o", room / "bench", "--split", "all", "--per-task", 24),
    )
    for command, *arguments in steps:
        done = command(*arguments, timeout=1000)
        assert done.returncode == 0, done.stderr
    return room


@pytest.fixture(scope="module")
def cards(unseen: Path, cli: Cli) -> dict[str, dict[str, Any]]:
    found = {}
    for name in ("terrascope-nano", "terrascope-nano+measured"):
        answers, card = unseen / f"{name}.jsonl", unseen / f"{name}.json"
        done = cli("run", name, "--bench", unseen / "bench", "-o", answers, timeout=1000)
        assert done.returncode == 0, done.stderr
        done = cli("score", answers, "--bench", unseen / "bench", "-o", card)
        assert done.returncode == 0, done.stderr
        found[name] = orjson.loads(card.read_bytes())
    return found


def test_it_runs_by_name_and_both_names_stand_in_the_table(cards: dict[str, dict[str, Any]]) -> None:
    assert [card["model"] for card in cards.values()] == ["terrascope-nano", "terrascope-nano+measured"]


def test_it_sees_what_it_says(cards: dict[str, dict[str, Any]]) -> None:
    """No task at chance; masks and words that go together. The model card has the numbers of a whole benchmark."""
    tasks = cards["terrascope-nano+measured"]["tasks"]
    found = {code: tasks[code]["accuracy"]["value"] for code in CHANCE}
    assert [tasks[code]["n"] for code in CHANCE] == [24, 24, 24]
    assert sum(found[code] - chance for code, chance in CHANCE.items()) / len(CHANCE) > 0.2, found
    assert sum(tasks[code]["giou"]["value"] for code in CHANCE) / len(CHANCE) > 0.45
    assert sum(tasks[code]["faithfulness"]["value"] for code in CHANCE) / len(CHANCE) > 0.6


def test_masks_are_the_same_whoever_writes_the_numbers(cards: dict[str, dict[str, Any]]) -> None:
    """What is told comes after the first mask of a chain, so of questions with one mask nothing differs."""
    first, second = (card["tasks"]["CA"]["giou"]["value"] for card in cards.values())
    assert first == second
