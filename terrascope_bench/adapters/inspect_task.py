"""The inspect-ai task asks a benchmark's questions with their images; every sample has one verdict of our scorer.

    inspect eval terrascope_bench/terrascope_bench -T bench=bench/ --model openai/NAME

Accuracy is the log's `macro` (the paper's), `micro` and one value a task. A sample that failed is scored as an error,
so that it stays in the denominator. `terrascope-bench from-log` makes a submission of the log.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, ContentImage, ContentText
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    NOANSWER,
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    metric,
    scorer,
    stderr,
    value_to_float,
)
from inspect_ai.solver import TaskState, generate

from terra_cot.errors import ConfigError
from terrascope_bench.adapters.asking import ask, failure, make_style, read, shown
from terrascope_bench.adapters.verdict import check_extractor, shares, verdict
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.models.pictures import Picture
from terrascope_bench.models.prompt import Style, system
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

_VALUES = {Outcome.CORRECT: CORRECT, Outcome.WRONG: INCORRECT}
_REASONS = {Outcome.UNPARSED: "invalid_response_format", Outcome.ERROR: "no_response"}
_FINISHES = {"max_tokens": "length", "model_length": "length"}


@task
def terrascope_bench(
    bench: str,
    extractor: str = "strict",
    masks: str = "none",
    confidence: bool = False,
    variant: str | None = None,
    tasks: str | list[str] | None = None,
) -> Task:
    """Questions of a benchmark folder.

    Args:
        bench: benchmark folder.
        extractor: strict, paper, official-infer or official-eval.
        masks: ask for masks as text: none, rle, polygons or boxes.
        confidence: ask how sure the model is.
        variant: opt, sar, opt+sar, or one of them with -pair; None for all.
        tasks: of CA, AQ, CR, BRD, DM and BCE; None for all.
    """
    check_extractor(extractor)
    style = make_style(masks, confidence)
    benchmark = open_benchmark(Path(bench))
    wanted = [tasks] if isinstance(tasks, str) else tasks
    samples = [
        sample(question, style)
        for question in benchmark.questions()
        if (variant is None or question.variant == variant) and (wanted is None or question.task in wanted)
    ]
    if not samples:
        raise ConfigError(f"{bench}: no question has variant {variant or 'any'} and task {wanted or 'any'}")
    return Task(
        dataset=MemoryDataset(samples, name=f"terrascope-bench {benchmark.sha256[:12]}", location=bench),
        solver=generate(),
        scorer=replies(bench, extractor, masks, confidence),
        fail_on_error=False,
        score_on_error=True,
        metadata={
            "benchmark_sha256": benchmark.sha256,
            "benchmark_n": benchmark.size,
            "prompt_sha256": style.sha256(),
        },
    )


def sample(question: Question, style: Style) -> Sample:
    """A question as inspect's sample; its pictures as data URLs, their sizes in the metadata."""
    parts = ask(question, style)
    content = [ContentText(text=part) if isinstance(part, str) else ContentImage(image=part.url()) for part in parts]
    return Sample(
        id=question.question_id,
        input=[ChatMessageSystem(content=system(style)), ChatMessageUser(content=content)],
        target=question.answer,
        metadata={
            "task": question.task,
            "variant": question.variant,
            "shown": [[picture.frame, picture.width, picture.height] for picture in shown(parts)],
        },
    )


@metric
def accuracy_by_task() -> Metric:
    """`macro` (mean over the tasks), `micro` (over all samples) and one value a task that has samples."""
    to_float = value_to_float()

    def measure(scores: list[SampleScore]) -> dict[str, float]:
        return shares((_task(entry), to_float(entry.score.value)) for entry in scores)

    return measure


@metric
def masks_by_task() -> Metric:
    """`giou` and `grounded`, macro averages over the tasks whose questions have evidence masks."""

    def measure(scores: list[SampleScore]) -> dict[str, float]:
        out = {}
        for name, field in (("giou", "iou"), ("grounded", "grounded")):
            values = [(_task(entry), _metadata(entry)[field]) for entry in scores]
            means = shares((code, None if value is None else float(value)) for code, value in values)
            if means:
                out[name] = means["macro"]
        return out

    return measure


@metric
def not_answered() -> Metric:
    """How many samples were `unparsed` or an `error`."""

    def measure(scores: list[SampleScore]) -> dict[str, int]:
        counts = Counter(_metadata(entry)["outcome"] for entry in scores)
        return {name.value: counts[name.value] for name in (Outcome.UNPARSED, Outcome.ERROR)}

    return measure


def _metadata(entry: SampleScore) -> dict[str, Any]:
    return entry.score.metadata or {}


def _task(entry: SampleScore) -> str:
    return str(_metadata(entry)["task"])


@scorer(metrics=[accuracy_by_task(), masks_by_task(), not_answered(), stderr()])
def replies(bench: str, extractor: str = "strict", masks: str = "none", confidence: bool = False) -> Scorer:
    """Our verdict on a reply: `answer` the letter, `explanation` why, `metadata` the whole verdict."""
    style = make_style(masks, confidence)
    questions = {question.question_id: question for question in open_benchmark(Path(bench)).questions(images=False)}

    async def score(state: TaskState, target: Target) -> Score:
        question = questions[str(state.sample_id)]
        row = verdict(question, _prediction(question, style, state), extractor)
        outcome = Outcome(row["outcome"])
        return Score(
            value=_VALUES.get(outcome, NOANSWER),
            answer=row["letter"],
            explanation=row["why"],
            reason=_REASONS.get(outcome),
            metadata=row,
        )

    return score


def _prediction(question: Question, style: Style, state: TaskState) -> Prediction:
    if state.output.empty:
        return failure(question, state.output.error or "the sample failed")
    seen = [Picture.of_size(*size) for size in state.metadata["shown"]]
    finish = str(state.output.stop_reason)
    return read(question, seen, style, whole_reply(state.output.message), _FINISHES.get(finish, finish))


def whole_reply(message: ChatMessage) -> str:
    """All that a model wrote: inspect takes <think> out of a reply, and the submission is the reply with it."""
    if isinstance(message.content, str):
        return message.content
    return "".join(block.text for block in message.content if block.type in ("text", "reasoning"))
