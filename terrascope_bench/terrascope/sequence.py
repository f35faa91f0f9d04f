"""A question and its reply as one row of embeddings: words from the table, visual tokens where a place is held.

Generation and training lay a row out in the same way, so that a reply written by the model and the same reply
teacher-forced are the same numbers: prompt, reply; after each [SEG] the visual tokens that its mask selects; after the
tokens, in a measured model, the measurements as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from terrascope_bench.terrascope import prompt
from terrascope_bench.terrascope.evidence import evidence
from terrascope_bench.terrascope.fuse import step_tokens
from terrascope_bench.terrascope.images import Shown
from terrascope_bench.terrascope.measured import measurement
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.select import Selection
from terrascope_bench.terrascope.tokens import Words
from terrascope_bench.terrascope.vision import Encoded, of_date, token_counts

IGNORED = -100
"""The label of a position that the language model is not asked about."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question: its images, its words, its options or None. `name` seeds its draws and is not shown.

    `measured`: whether its reply is told what masks measure; None as the model's configuration says.
    `opening` is what its reply begins with, put into the model's mouth; it may hold [SEG]s.
    """

    images: list[Shown]
    question: str
    options: tuple[str, ...] | None = None
    gsd_m: float | None = None
    name: str = ""
    measured: bool | None = None
    opening: str = ""

    @property
    def dates(self) -> list[str]:
        """Dates in order, without repetition."""
        return list(dict.fromkeys(image.frame for image in self.images))


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A question with the reply to learn: `chain` with one [SEG] a mask, masks (HW bool) in their order.

    `looked`: masks whose tokens and measurements the reply is told, where those are not the right ones.
    """

    asked: Asked
    chain: str
    answer: str
    masks: list[NDArray[np.bool_]]
    looked: list[NDArray[np.bool_]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """`ids` of the prompt, the places of its question's tokens; its images are encoded in `images`.

    `name` is that of the question, by which draws are seeded.
    """

    ids: list[int]
    question: list[int]
    images: list[Encoded]
    name: str


@dataclass(slots=True, eq=False)
class Row:
    """One laid-out row: `ids` (T), `labels` (T) with IGNORED where nothing is learnt.

    `visual` (n, D) fills the held places in order; `segs` are the places of the [SEG]s, `seg_dates` their dates.
    """

    ids: list[int]
    labels: list[int]
    visual: Any
    segs: list[int]
    seg_dates: list[str]


def make_prompt(model: TerraScope, words: Words, asked: Asked, images: list[Encoded]) -> Prompt:
    """The prompt of a question whose images are encoded."""
    shown = [(image.frame, image.modality) for image in asked.images]
    counts = token_counts(model, asked.images)
    ids, question = words.encode_pieces(prompt.pieces(shown, counts, asked.question, asked.options))
    return Prompt(ids, question, images, asked.name)


def look(model: TerraScope, at: Prompt, date: str, mask: NDArray[np.bool_]) -> tuple[Any, Selection]:
    """The visual tokens (k, D) that a mask on `date` appends, and how they were selected."""
    images = of_date(at.images, date)
    rows, columns = images[0].grid.shape[:2]
    selection = evidence(mask, (rows, columns), model.config, at.name)
    question = model.embedding(torch.tensor([at.ids[place] for place in at.question], device=model.device))
    return step_tokens(images, selection, question, model.config.fusion), selection


def lay_out(model: TerraScope, words: Words, told: Told, images: list[Encoded]) -> Row:
    """The row of a question and its reply, with the tokens of its true masks in place (teacher forcing)."""
    at = make_prompt(model, words, told.asked, images)
    steps = told.chain.split(prompt.SEG)
    if len(steps) - 1 != len(told.masks):
        raise ValueError(f"{told.asked.name}: {len(steps) - 1} [SEG] for {len(told.masks)} masks")
    seen = told.masks if told.looked is None else told.looked
    ids, labels = list(at.ids), [IGNORED] * len(at.ids)
    visual = [image.prompt for image in images]
    segs: list[int] = []
    dates: list[str] = []
    date: str | None = None

    def say(text: str) -> None:
        part = words.encode(text)
        ids.extend(part)
        labels.extend(part)

    for number, step in enumerate(steps):
        opening = prompt.THINK_OPEN if number == 0 else ""
        last = number == len(steps) - 1
        if last:
            say(opening + step + prompt.THINK_CLOSE + prompt.ANSWER_OPEN + told.answer + prompt.ANSWER_CLOSE)
            break
        say(opening + step + prompt.SEG)
        date = prompt.named_date(step, told.asked.dates, date)
        segs.append(len(ids) - 1)
        dates.append(date)
        tokens, _ = look(model, at, date, seen[number])
        visual.append(tokens)
        ids += [words.image] * len(tokens)
        labels += [IGNORED] * len(tokens)
        if model.config.measured if told.asked.measured is None else told.asked.measured:
            before = seen[number - 1] if number else None
            text = words.encode(measurement(seen[number], before, told.asked.gsd_m), special=False)
            ids += text
            labels += [IGNORED] * len(text)
    ids.append(words.end)
    labels.append(words.end)
    return Row(ids, labels, torch.cat(visual), segs, dates)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows padded on the right to T: `embeds` (B, T, D), `labels` (B, T), `mask` (B, T) bool, `positions` (B, T)."""

    embeds: Any
    labels: Any
    mask: Any
    positions: Any


def embed(model: TerraScope, words: Words, ids: Sequence[int], visual: Any) -> Any:
    """(T, D): the table's rows, with `visual` (n, D) at the n places that are held for it."""
    numbers = torch.tensor(ids, device=model.device)
    held = numbers == words.image
    rows = model.embedding(numbers)
    if int(held.sum()) != len(visual):
        raise ValueError(f"{int(held.sum())} places for {len(visual)} visual tokens")
    return rows.masked_scatter(held[:, None], visual.to(rows.dtype))


def pad(model: TerraScope, words: Words, rows: Sequence[Row]) -> Batch:
    """Rows as one batch; a hole is no position, and nobody looks at it."""
    length = max(len(row.ids) for row in rows)
    embeds = [embed(model, words, row.ids, row.visual) for row in rows]
    holes = [length - len(row.ids) for row in rows]
    mask = torch.tensor([[True] * len(row.ids) + [False] * hole for row, hole in zip(rows, holes, strict=True)])
    labels = torch.tensor([row.labels + [IGNORED] * hole for row, hole in zip(rows, holes, strict=True)])
    padded = torch.nn.utils.rnn.pad_sequence(embeds, batch_first=True)  # (B, T, D)
    mask = mask.to(model.device)
    return Batch(padded, labels.to(model.device), mask, positions(mask))


def positions(mask: Any) -> Any:
    """Positions (B, T) that count what stands, not the holes; a hole has that of what stood before it."""
    return (mask.long().cumsum(dim=1) - 1).clamp(min=0)
