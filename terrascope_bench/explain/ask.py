"""The chain is written once, on an overview of the scene; each mask it asks for is looked up on the tiles.

So the words see the whole scene and the masks every pixel of it. What a step measures, and what its mask shows the
language model next, comes from the whole mask. The looks of a task come first, each a reply of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terrascope_bench.explain.change import Look, Task
from terrascope_bench.explain.look import TiledEye, shown
from terrascope_bench.explain.model import Loaded
from terrascope_bench.explain.tiles import Layout
from terrascope_bench.explain.views import View, Views
from terrascope_bench.models.terrascope import labels
from terrascope_bench.terrascope.generate import Limits, Looked, Text, stream
from terrascope_bench.terrascope.images import shrinkage
from terrascope_bench.terrascope.prompt import ANSWER_CLOSE, ANSWER_OPEN, SEG, THINK_CLOSE, THINK_OPEN
from terrascope_bench.terrascope.sequence import Asked


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `words` None asks nothing beyond the looks of a `task`."""

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
    """`steps` are the masks of `chain`, in the order of its [SEG]s, those of a task's looks first.

    `reply` is the answer as the model wrote it, and `ended` why it stopped: end, tokens, masks or positions; None where
    nothing was asked.
    """

    question: str
    chain: str
    steps: list[Step]
    reply: str | None
    ended: str | None
    tiles: Layout

    @property
    def answer(self) -> str | None:
        """What stands between the marks of the answer; None where there is nothing."""
        marks = f"{re.escape(ANSWER_OPEN)}(.*?){re.escape(ANSWER_CLOSE)}"
        found = re.search(marks, self.reply or "", re.DOTALL)
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
        tile_px: side of a tile; None takes that of the ground which the model's mask encoder is taught to see at once.
        on_tile: called with the tiles looked at so far, and the tiles of the steps begun so far.

    Raises:
        DataError: more images than the language model has positions for.
    """
    layout = Layout(views.grid.shape, tile_px or own_tile_px(model, question.task))
    looked = 0

    def tick() -> None:
        nonlocal looked
        looked += 1
        if on_tile:
            on_tile(looked, -(-looked // layout.count) * layout.count)

    asker = _Asker(model, views, overview, TiledEye(model.network, views, layout, tick))
    first, last = views.dates[0], views.dates[-1]
    chains: list[str] = []
    steps: list[Step] = []
    for look in question.task.looks(first, last) if question.task else ():
        text, found = asker.look(look)
        chains.append(text)
        steps += found
    reply = ended = None
    if question.words is not None:
        reply, ended, found = asker.ask(question)
        chains.append(_thought(reply))
        steps += found
    words = question.words or (question.task.asked(first, last) if question.task else "")
    return Explanation(words, "\n".join(chains), steps, reply, ended, layout)


def own_tile_px(model: Loaded, task: Task | None) -> int:
    """What the mask encoder sees at once, in pixels of the pictures that it is taught with: the finest of aerial
    images are shrunk where they have more pixels than it shows."""
    config = model.network.config
    picture = task.picture_px if task else None
    times = shrinkage((picture, picture), config.mask_px, config.mask_windows) if picture else 1
    return int(config.mask_px * times)


def _thought(reply: str) -> str:
    """The chain of a reply without its marks; all that stands before the answer where it has none."""
    chain = reply.partition(THINK_CLOSE if THINK_CLOSE in reply else ANSWER_OPEN)[0]
    return chain.removeprefix(THINK_OPEN).strip()


class _Asker:
    """Asks one question after another about one scene."""

    def __init__(self, model: Loaded, views: Views, overview: Sequence[View], eye: TiledEye) -> None:
        self._model, self._views, self._overview, self._eye = model, views, overview, eye

    def look(self, look: Look) -> tuple[str, list[Step]]:
        """The chain of a task's look, and its steps: as soon as they are there nothing more is written."""
        asked = self._asked(look.question, look.options, look.dates, look.opening)
        measured = self._model.network.config.measured
        text, found = "", list[Looked]()
        for event in stream(self._model.network, self._model.words, [asked], Limits(1024), self._eye):
            if isinstance(event, Looked):
                found.append(event)
            elif isinstance(event, Text):
                text += event.text
            # What a mask measures is told right after it.
            if len(found) == len(look.looks) and not (measured and text.endswith(SEG)):
                break
        if len(found) < len(look.looks):
            raise DataError("the language model has no positions left to look at all dates", fix="give fewer images")
        chain = _thought(text)
        named = f"Image: {look.dates[0]} {chain}" if len(look.dates) == 1 else chain
        return named, [self._step(event, label) for event, (_, label) in zip(found, look.looks, strict=True)]

    def ask(self, question: Question) -> tuple[str, str, list[Step]]:
        """(reply, why it ended, steps) of the question that a person asks."""
        assert question.words is not None
        asked = self._asked(question.words, question.options, tuple(self._views.dates), "")
        text, found, ended = "", list[Looked](), "tokens"
        limits = Limits(question.max_tokens)
        for event in stream(self._model.network, self._model.words, [asked], limits, self._eye):
            if isinstance(event, Looked):
                found.append(event)
            elif isinstance(event, Text):
                text += event.text
            else:
                ended = event.reason
        if ended == "positions" and not text:
            raise DataError("the images fill all positions that the language model has", fix="give fewer images")
        named = labels(text)
        steps = [
            self._step(event, named[number] if number < len(named) else None) for number, event in enumerate(found)
        ]
        return text, ended, steps

    def _step(self, event: Looked, label: str | None) -> Step:
        return Step(label, event.date, event.mask, self._eye.valid(event.date))

    def _asked(self, words: str, options: tuple[str, ...] | None, dates: Sequence[str], opening: str) -> Asked:
        images = [shown(view) for view in self._overview if view.frame in dates]
        return Asked(images, words, options, self._views.grid.gsd_m, "explain", opening=opening)
