"""What the YAML of the task names: documents without pixels, our prompt, our verdict, its means.

lmms-eval resolves `!function MODULE.NAME` to any attribute of a module, so `PARTS` is the list of the benchmark's
files at the moment the task is loaded. TERRASCOPE_BENCH names its folder, TERRASCOPE_MASKS how masks are asked for. A
document is a light row of the questions table; all else is read by its `question_id`, one row group at a time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terra_cot.errors import ConfigError, shorten
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import open_part, read_group
from terrascope_bench.adapters.asking import Parts, ask, failure, make_style, read, shown
from terrascope_bench.adapters.verdict import shares, verdict
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.models.pictures import Picture
from terrascope_bench.models.prompt import Style, system
from terrascope_bench.outcome import Outcome
from terrascope_bench.question import QUESTIONS, Question

if TYPE_CHECKING:
    from PIL.Image import Image

VARIABLE, MASKS_VARIABLE = "TERRASCOPE_BENCH", "TERRASCOPE_MASKS"
COLUMNS = ["question_id", "task", "question", "options", "answer"]
_FAILED = ("[LMMS_EVAL_REQUEST_FAILED", "[LMMS_EVAL_BUDGET_EXCEEDED")
Doc = dict[str, Any]


def __getattr__(name: str) -> Any:
    """What the YAML asks for when a task is loaded, not when this module is: the environment names the benchmark."""
    if name == "PARTS":
        benchmark = _benchmark()
        return [str((benchmark.folder / part.path).resolve()) for part in manifest_parts(benchmark.manifest)]
    if name == "METADATA":
        told = {"benchmark_sha256": _benchmark().sha256, "benchmark_n": _benchmark().size}
        return {"version": 1, **told, "masks": _style().masks, "prompt_sha256": _style().sha256()}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def doc_to_visual(doc: Doc) -> list[Image]:
    """The question's pictures in the order of its frames, RGB."""
    return [_opened(picture) for picture in shown(_asked(doc))]


def doc_to_text(doc: Doc) -> str:
    """All words of the prompt, for models that take their pictures first."""
    return "\n\n".join([system(_style()), *(part for part in _asked(doc) if isinstance(part, str))])


def doc_to_messages(doc: Doc) -> list[dict[str, Any]]:
    """The prompt as `run` sends it, for models that take a chat."""
    content: list[dict[str, Any]] = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image", "url": _opened(part)}
        for part in _asked(doc)
    ]
    rules = [{"type": "text", "text": system(_style())}]
    return [{"role": "system", "content": rules}, {"role": "user", "content": content}]


def process_results(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """The whole verdict once, for the log of samples, and a number (or a task's) for each metric that it counts in."""
    question = _questions()[doc["question_id"]]
    text = results[0]
    if text.startswith(_FAILED):
        prediction = failure(question, shorten(text, 300))
    else:
        seen = [] if _style().masks == "none" else shown(_asked(doc))
        prediction = read(question, seen, _style(), text, "stop")
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


def _asked(doc: Doc) -> Parts:
    part, group = _places()[doc["question_id"]]
    return ask(_group(part, group)[doc["question_id"]], _style())


def _opened(picture: Picture) -> Image:
    from PIL import Image

    return Image.open(BytesIO(picture.data)).convert("RGB")


def _style() -> Style:
    return make_style(os.environ.get(MASKS_VARIABLE, "none"))


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
