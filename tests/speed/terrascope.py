"""The reference model, side by side: `python tests/speed/terrascope.py MODEL BENCH [-n 64] [--threads 1] [--measured]`.

MODEL is a folder of weights, BENCH a benchmark; up to `n` questions about land cover, and up to a quarter of that about
building change, are taken in the order of the benchmark (in runs of one batch, from evenly spread places), and answered
in batches of 16. A pair of disaster tiles is 32 times as many pixels. Ways take turns in each round; medians of the
clock, the least CPU time beside it, since a busy machine stretches the clock.

chain: the reply with its masks decoded, their tokens appended, and what they measure told where the model is measured.
words: the same language model with the same pictures writes the same number of tokens, token by token; no mask is
    encoded, decoded or looked at. The goal: a chain costs at most 1.5 x as much. In the paper it is 2.9 x.
alone: the chain, each question by itself: what batching and shared pictures save.

Asserts that batched replies are those of questions alone, and counts what passes the encoders: each picture of a batch
once, whatever number of [SEG]s and questions look at it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from numpy.typing import NDArray

from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.models.terrascope import asked_of
from terrascope_bench.question import Question
from terrascope_bench.terrascope import generate as writing
from terrascope_bench.terrascope.generate import Limits, Reply, generate
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sequence import Asked
from terrascope_bench.terrascope.store import load
from terrascope_bench.terrascope.tokens import Words

BATCH = 16
LIMITS = Limits(new_tokens=160)


@dataclass
class Times:
    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, work: Callable[[], Any]) -> Any:
        clock, cpu = time.perf_counter(), time.process_time()
        out = work()
        self.clock.append(time.perf_counter() - clock)
        self.cpu.append(time.process_time() - cpu)
        return out


def blindfold(row: int, date: str, state: Any) -> NDArray[np.bool_]:
    """In place of the mask model, so that pictures do not pass its encoder."""
    raise AssertionError("nothing is looked at")


class Dictation(writing._Writer):  # the loop of generation itself
    """Writes given tokens, none of which makes it look."""

    def __init__(self, model: TerraScope, words: Words, asked: list[Asked], given: list[tuple[int, ...]]) -> None:
        super().__init__(model, words, asked, LIMITS, blindfold)
        self.given = given

    def _choose(self, row: Any, scores: Any) -> int:
        token = super()._choose(row, scores)  # chosen as ever, then the given one is written
        given = self.given[self.rows.index(row)]
        token = given[len(row.ids)] if len(row.ids) < len(given) else self.words.end
        # Not [SEG] itself: nothing is looked at.
        return self.words.seg - 1 if token == self.words.seg else token


def words_only(model: TerraScope, words: Words, asked: list[Asked], given: list[tuple[int, ...]]) -> int:
    """Tokens written."""
    with torch.inference_mode():
        ends = [event for event in Dictation(model, words, asked, given).run() if isinstance(event, writing.Done)]
    return sum(len(event.ids) for event in ends)


def batches(asked: list[Asked]) -> Iterator[slice]:
    for start in range(0, len(asked), BATCH):
        yield slice(start, start + BATCH)


def taken(questions: list[Question], n: int) -> list[Asked]:
    """Runs of neighbours from evenly spread places of the benchmark."""
    if len(questions) <= n:
        return [asked_of(question) for question in questions]
    runs = max(1, n // BATCH)
    starts = [k * (len(questions) - BATCH) // max(runs - 1, 1) for k in range(runs)]
    return [asked_of(question) for start in starts for question in questions[start : start + BATCH]]


def seen_by(model: TerraScope, count: dict[str, int]) -> list[Any]:
    """Hooks that count pictures of the tower and windows of the mask encoder."""

    def hook(name: str) -> Callable[..., None]:
        def counted(module: Any, args: Any, kwargs: Any) -> None:
            count[name] += len(kwargs["pixel_values"] if "pixel_values" in kwargs else args[0])

        return counted

    parts = {"tower": model.vlm.model.vision_tower, "masks": model.sam.vision_encoder}
    return [part.register_forward_pre_hook(hook(name), with_kwargs=True) for name, part in parts.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("bench", type=Path)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measured", action="store_true", help="what masks measure is told")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model, words = load(given.model)
    model.config = replace(model.config, measured=given.measured)
    mode = "numbers are told" if given.measured else "numbers are its own"
    print(f"{os.cpu_count()} cores, {given.threads} threads, batches of {BATCH}; {mode}")
    questions = list(open_benchmark(given.bench).questions())
    for name, n in (("land cover", given.n), ("building change", given.n // 4)):
        asked = taken([question for question in questions if (question.task == "BCE") == (name[0] == "b")], n)
        if asked:
            measure(name, model, words, asked, given.rounds)


def measure(name: str, model: TerraScope, words: Words, asked: list[Asked], rounds: int) -> None:
    count = {"tower": 0, "masks": 0}
    hooks = seen_by(model, count)
    replies: list[Reply] = [reply for part in batches(asked) for reply in generate(model, words, asked[part], LIMITS)]
    for one in hooks:
        one.remove()
    ids = [reply.ids for reply in replies]
    shown = sum(len(entry.images) for entry in asked)
    masks = sum(len(reply.looked) for reply in replies)
    tokens = sum(map(len, ids)) / len(ids)
    print(f"\n{name}: {len(asked)} questions show {shown} pictures; {masks} [SEG]s; {tokens:.1f} tokens a reply")
    print(f"the tower saw {count['tower']} pictures, the mask encoder {count['masks']} windows")
    ways: dict[str, Callable[[], Any]] = {
        "chain": lambda: [generate(model, words, asked[part], LIMITS) for part in batches(asked)],
        "words": lambda: sum(words_only(model, words, asked[part], ids[part]) for part in batches(asked)),
        "alone": lambda: [generate(model, words, [entry], LIMITS)[0] for entry in asked],
    }
    times = {way: Times() for way in ways}
    for _ in range(rounds):
        written = {way: times[way].take(work) for way, work in ways.items()}
    assert written["words"] == sum(map(len, ids)), (written["words"], sum(map(len, ids)))
    differ = sum(one.text != other.text for one, other in zip(written["alone"], replies, strict=True))
    assert not differ, f"{differ} replies alone are others than in a batch"
    for way, found in times.items():
        clock, cpu = statistics.median(found.clock), min(found.cpu)
        print(f"{way:6s} {clock:7.2f} s (CPU {cpu:6.2f})  {len(asked) / clock:6.1f} questions/s "
              f"({len(asked) / cpu:.1f} a CPU-second)")  # fmt: skip
    for other in ("words", "alone"):
        pairs = [a / b for a, b in zip(times["chain"].clock, times[other].clock, strict=True)]
        ratio = min(times["chain"].cpu) / min(times[other].cpu)
        print(f"chain / {other}: {statistics.median(pairs):.2f} by the clock (median of rounds), {ratio:.2f} by CPU")


if __name__ == "__main__":
    main()
