"""The chain is written once, on an overview of the scene; each mask it asks for is looked up on the tiles.

So the words see the whole scene and the masks every pixel of it. What a step measures, and what its mask shows the
language model next, comes from the whole mask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terrascope_bench.explain.change import Task
from terrascope_bench.explain.look import Eye, shown
from terrascope_bench.explain.model import Loaded
from terrascope_bench.explain.tiles import Layout
from terrascope_bench.explain.views import View, Views
from terrascope_bench.models.terrascope import labels
from terrascope_bench.terrascope.generate import Done, Limits, Looked, Text, stream
from terrascope_bench.terrascope.prompt import ANSWER_CLOSE, ANSWER_OPEN, THINK_CLOSE, THINK_OPEN
from terrascope_bench.terrascope.sequence import Asked


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `words` None asks nothing beyond the looks of a task."""

    words: str | None
    options: tuple[str, ...] | None = None
    task: Task | None = None
    max_tokens: int = 512


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One [SEG] of the chain: `label` None where it does not name a class; `mask`, `valid` bool HW of the scene."""

    label: str | None
    date: str
    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """`text` is the reply as it was written; `ended` says why it stopped: end, tokens, masks, positions, or looks."""

    question: str
    text: str
    steps: list[Step]
    ended: str
    tiles: Layout

    @property
    def chain(self) -> str:
        """The chain without its marks; all of a reply that has none."""
        chain = self.text.partition(THINK_CLOSE)[0] if THINK_CLOSE in self.text else self.text.partition(ANSWER_OPEN)[0]
        return chain.removeprefix(THINK_OPEN).strip()

    @property
    def answer(self) -> str | None:
        """What stands between the marks of the answer; None where there is nothing."""
        found = re.search(f"{re.escape(ANSWER_OPEN)}(.*?){re.escape(ANSWER_CLOSE)}", self.text, re.DOTALL)
        return (found[1].strip() or None) if found else None


def explain(
    model: Loaded,
    views: Views,
    overview: Sequence[View],
    question: Question,
    tile_px: int | None = None,
    on_tile: Callable[[int, int], None] | None = None,
) -> Explanation:
    """What the model says of a scene.

    Args:
        tile_px: side of a tile; None takes the side of the picture that the model's mask encoder sees.
        on_tile: called with the tiles looked at so far, and the tiles of the steps begun so far.

    Raises:
        DataError: more images than the language model has positions for.
    """
    layout = Layout(views.grid.shape, tile_px or model.network.config.mask_px)
    looked = 0

    def tick() -> None:
        nonlocal looked
        looked += 1
        if on_tile:
            on_tile(looked, -(-looked // layout.count) * layout.count)

    eye = Eye(model.network, views, layout, tick)
    asked = _asked(views, overview, question)
    forced = asked.opening.count("[SEG]")
    limits = Limits(question.max_tokens)
    text, found, ended = "", list[Looked](), "tokens"
    for event in stream(model.network, model.words, [asked], limits, eye):
        if isinstance(event, Text):
            text += event.text
        elif isinstance(event, Looked):
            found.append(event)
            if question.words is None and len(found) == forced and not model.network.config.measured:
                ended = "looks"
                break
        else:
            assert isinstance(event, Done)
            ended = event.reason
        if question.words is None and len(found) == forced and text.endswith(")"):
            ended = "looks"
            break
    if ended == "positions" and not text:
        raise DataError("the images fill all positions that the language model has", fix="give fewer images")
    if len(found) < forced:
        raise DataError(f"the reply ended ({ended}) before both dates were looked at", fix="raise --max-tokens")
    named = labels(text)
    steps = [
        Step(named[number] if number < len(named) else None, event.date, event.mask, eye.valid(event.date))
        for number, event in enumerate(found)
    ]
    return Explanation(asked.question, text, steps, ended, layout)


def _asked(views: Views, overview: Sequence[View], question: Question) -> Asked:
    dates = views.dates
    words, opening = question.words, ""
    if question.task is not None:
        opening = question.task.opening(dates[0], dates[-1])
        words = words or question.task.question.format(t=dates[0], u=dates[-1])
    assert words is not None
    images = [shown(view) for view in overview]
    return Asked(images, words, question.options, views.grid.gsd_m, "explain", opening)
