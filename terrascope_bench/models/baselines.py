"""Baselines that look at nothing: what they score is the floor that sight has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from terra_cot.draw import draw
from terrascope_bench.benchmark import Benchmark
from terrascope_bench.blind.letters import majority_letter
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Random:
    """A letter drawn uniformly from the seed and the name of the question. No masks."""

    seed: int

    def answer(self, question: Question) -> Prediction:
        letter = question.letters[draw(len(question.letters), self.seed, "random", question.question_id)]
        return reply(question, letter)


@dataclass(frozen=True, slots=True)
class Majority:
    """The letter that is right most often in the question's task, the first of equals. It has seen the answers."""

    letters: dict[str, str]

    @classmethod
    def of(cls, benchmark: Benchmark) -> Majority:
        answers: dict[str, list[str]] = {}
        for question in benchmark.questions(images=False):
            answers.setdefault(question.task, []).append(question.answer)
        return cls({task: majority_letter(right) for task, right in answers.items()})

    def answer(self, question: Question) -> Prediction:
        return reply(question, self.letters[question.task])


@dataclass(frozen=True, slots=True)
class Gold:
    """The truth as a submission: letter and evidence masks. Whatever it does not score 1.0 on is a bug of ours."""

    def answer(self, question: Question) -> Prediction:
        from terrascope_bench.prediction import PredictedMask

        masks = tuple(PredictedMask(m.frame, m.label, m.size, m.counts) for m in question.masks or ())
        steps = [f"{mask.label} [SEG]." for mask in masks]
        task = TASKS[question.task]
        value = task.measure(question, [Region(m.size, m.counts) for m in masks]) if masks else None
        if value is not None and task.stated is not None:
            steps.append(f"Measured: {task.stated(question).write(value)}.")
        text = f"<think>{' '.join(steps)}</think><answer>{question.answer}</answer>"
        return Prediction(question.question_id, text, None, masks)


def reply(question: Question, letter: str) -> Prediction:
    """A reply that is nothing but a letter."""
    return Prediction(question.question_id, f"<answer>{letter}</answer>", None)
