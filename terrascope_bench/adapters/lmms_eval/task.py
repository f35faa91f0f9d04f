"""What the YAML of the task names: documents without pixels, pictures on demand, our verdict, its means.

lmms-eval resolves `!function MODULE.NAME` to any attribute of a module, so `PARTS` is the list of the benchmark's
files at the moment the task is loaded. A document is a light row of the questions table; everything else is read from
the benchmark by its `question_id`, one row group at a time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terra_cot.errors import ConfigError
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import open_part, read_group
from terrascope_bench.adapters.prompt import prompt_text, read_reply
from terrascope_bench.adapters.verdict import shares, verdict
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import QUESTIONS, Question

if TYPE_CHECKING:
    from PIL.Image import Image

VARIABLE = "TERRASCOPE_BENCH"
COLUMNS = ["question_id", "task", "question", "options", "answer"]
_FAILED = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
Doc = dict[str, Any]


def __getattr__(name: str) -> Any:
    """`PARTS` is looked up when a task is loaded, not when this module is: the environment names the benchmark."""
    if name == "PARTS":
        benchmark = _benchmark()
        return [str((benchmark.folder / part.path).resolve()) for part in manifest_parts(benchmark.manifest)]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def doc_to_visual(doc: Doc) -> list[Image]:
    """The question's pictures in the order of its frames, RGB."""
    from PIL import Image

    part, group = _places()[doc["question_id"]]
    shown = _group(part, group)[doc["question_id"]]
    return [Image.open(BytesIO(frame.image)).convert("RGB") for frame in shown.frames]


def doc_to_text(doc: Doc) -> str:
    return prompt_text(_questions()[doc["question_id"]])


def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """The whole verdict once, for the log of samples, and a number (or a task's) for each metric that it counts in."""
    question = _questions()[doc["question_id"]]
    text = results[0]
    if text.startswith(_FAILED):
        prediction = Prediction(question.question_id, None, None, error=text)
    else:
        prediction = read_reply(question, text)
    row = verdict(question, prediction)
    right = int(row["outcome"] == Outcome.CORRECT)
    out = {"verdict": row, "macro": _of(row, right), "micro": right, row["task"]: right}
    if row["iou"] is not None:
        out |= {"giou": _of(row, row["iou"]), "grounded": _of(row, int(row["grounded"]))}
    return out | {name.value: int(row["outcome"] == name) for name in (Outcome.UNPARSED, Outcome.ERROR)}


def _of(row: dict[str, Any], score: float) -> dict[str, Any]:
    return {"task": row["task"], "score": score}


def macro(items: Sequence[dict[str, Any]]) -> float:
    """Mean over the tasks of their means."""
    return shares((item["task"], item["score"]) for item in items)["macro"]


def total(items: Sequence[int]) -> int:
    return sum(items)


@cache
def _benchmark() -> Benchmark:
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise ConfigError(
            f"the environment variable {VARIABLE} must name a benchmark folder: {VARIABLE}=bench/ lmms-eval ..."
        )
    return open_benchmark(Path(folder))


@cache
def _questions() -> dict[str, Question]:
    """All questions by name, without pictures."""
    return {question.question_id: question for question in _benchmark().questions(images=False)}


@cache
def _places() -> dict[str, tuple[Path, int]]:
    """Part and row group of each question."""
    out = {}
    for entry in manifest_parts(_benchmark().manifest):
        path = _benchmark().folder / entry.path
        with open_part(path, QUESTIONS.schema) as part:
            for group in range(part.num_row_groups):
                for row in read_group(part, group, ["question_id"], path):
                    out[row["question_id"]] = (path, group)
    return out


@lru_cache(maxsize=4)
def _group(path: Path, group: int) -> dict[str, Question]:
    """The questions of one row group, with their pictures: a few megabytes."""
    with open_part(path, QUESTIONS.schema) as part:
        rows = read_group(part, group, None, path)
    return {row["question_id"]: Question.from_row(row) for row in rows}
