"""Made submissions on a real benchmark, and their real scorecards: right as often as wanted, masks moved as far."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot.mask import encode
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.question import Question
from terrascope_bench.score import score, write_scorecard


def reply(question: Question, rng: random.Random, skill: float, shift_px: int, masks: bool) -> dict[str, Any]:
    """One line of a submission."""
    right = rng.random() < skill
    letter = question.answer if right else rng.choice([x for x in question.letters if x != question.answer])
    row: dict[str, Any] = {
        "question_id": question.question_id,
        "response": f"<think>[SEG] I see it.</think><answer>{letter}</answer>",
        "confidence": round(rng.random(), 3),
    }
    if masks:
        row["masks"] = [
            {
                "frame": mask.frame,
                "label": mask.label,
                "size": list(mask.size),
                "counts": encode(np.roll(mask.to_array(), rng.randint(0, shift_px), axis=1)),
            }
            for mask in question.masks or ()
        ]
    return row


def submit(
    bench: Path, path: Path, *, skill: float = 0.5, shift_px: int = 20, masks: bool = True, seed: int = 0
) -> Path:
    """Write a submission for every question of `bench`."""
    rng = random.Random(seed)
    questions = open_benchmark(bench).questions(images=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(reply(q, rng, skill, shift_px, masks)) + "\n" for q in questions))
    return path


def scorecard(bench: Path, predictions: Path, path: Path, **options: Any) -> Path:
    """Score as the command does; returns the scorecard's path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scorecard(path, score(predictions, bench, **options), predictions, bench)
    return path


def change(path: Path, *keys: str, to: Any) -> None:
    """Set one value of a JSON file, written as the project writes JSON."""
    from terra_cot.store.atomic import write_json

    body = json.loads(path.read_text())
    entry = body
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = to
    write_json(path, body)
