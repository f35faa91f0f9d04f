"""A reply grows token by token; at [SEG] the model looks: mask, tokens, and on from the same cache (Sec. 4).

Rows of a batch reach [SEG] at different steps. Each step feeds every row what it has: one word, or the visual tokens
of its mask; shorter rows are filled with holes that nobody looks at and that are no position. So a row's numbers are
those it would have alone. A row that is done is fed holes.

A question may bring the opening of its reply: it is said token by token as if the model had chosen it, looks included.

Events stream as they happen: `Text`, `Looked`, `Done`. Sampling draws from (seed, name of the question) and is the
same in any batch. Limits end a row cleanly, and `Done` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from terra_cot.draw import seed_of
from terrascope_bench.terrascope import prompt
from terrascope_bench.terrascope.mask_head import decode, mask_image, mask_of, prompts
from terrascope_bench.terrascope.measured import measurement
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.select import Selection
from terrascope_bench.terrascope.sequence import Asked, Prompt, embed, look, make_prompt, positions
from terrascope_bench.terrascope.tokens import Words
from terrascope_bench.terrascope.vision import Features, encode

Reason = Literal["end", "tokens", "masks", "positions"]
"""The model ended its reply; or a limit did: new tokens, masks, or the positions that the language model knows."""

Eye = Callable[[int, str, Any], NDArray[np.bool_]]
"""(row, date, prompt (C)) -> mask HW of the same ground as the images of the row, at any number of pixels.

It stands in for the mask decoder where the pictures of a question are an overview of something larger.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """`temperature` 0 takes the likeliest token; above 0 it samples among the likeliest that make up `top_p`."""

    new_tokens: int = 512
    masks: int = 16
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.new_tokens < 1 or self.masks < 0 or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"{self}: at least one token, no negative number, 0 < top_p <= 1")


@dataclass(frozen=True, slots=True)
class Text:
    """Row `row` wrote `text`."""

    row: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Row `row` stopped at a [SEG]: HW bool `mask` on `date`, and the visual tokens it selected."""

    row: int
    date: str
    mask: NDArray[np.bool_]
    selection: Selection


@dataclass(frozen=True, slots=True)
class Done:
    """Row `row` is finished; `ids` are all tokens it wrote, visual ones not among them."""

    row: int
    reason: Reason
    ids: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Reply:
    """A finished row."""

    text: str = ""
    ids: tuple[int, ...] = ()
    looked: list[Looked] = field(default_factory=list)
    reason: Reason = "tokens"


@dataclass(slots=True, eq=False)
class _Row:
    """One row under way: what it will be fed next (k, D), what it wrote, and the draws that are its own."""

    prompt: Prompt
    dates: list[str]
    gsd_m: float | None
    feed: Any
    draws: Any
    forced: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    said: int = 0
    since_seg: int = 0
    at_seg: bool = False
    masks: int = 0
    mask: NDArray[np.bool_] | None = None
    date: str | None = None
    length: int = 0
    done: bool = False


def generate(
    model: TerraScope, words: Words, asked: Sequence[Asked], limits: Limits | None = None, eye: Eye | None = None
) -> list[Reply]:
    """The replies to several questions."""
    replies = [Reply() for _ in asked]
    for event in stream(model, words, asked, limits, eye):
        reply = replies[event.row]
        if isinstance(event, Text):
            reply.text += event.text
        elif isinstance(event, Looked):
            reply.looked.append(event)
        else:
            reply.reason, reply.ids = event.reason, event.ids
    return replies


def stream(
    model: TerraScope, words: Words, asked: Sequence[Asked], limits: Limits | None = None, eye: Eye | None = None
) -> Iterator[Text | Looked | Done]:
    """The replies to several questions as they come into being; masks are those of `eye`, else of the decoder."""
    limits = limits or Limits()
    with torch.inference_mode():
        yield from _Writer(model, words, asked, limits, eye).run()


class _Writer:
    """The loop over steps. `mask` (B, everything fed) tells holes from what stands."""

    def __init__(
        self, model: TerraScope, words: Words, asked: Sequence[Asked], limits: Limits, eye: Eye | None = None
    ) -> None:
        self.model, self.words, self.limits, self.eye = model, words, limits, eye
        self.cache = DynamicCache(config=model.vlm.config.text_config)
        self.positions_max = int(model.config.internvl["text_config"].get("max_position_embeddings", 32_768))
        self.mask = torch.zeros(len(asked), 0, dtype=torch.bool, device=model.device)
        images = encode(model, [entry.images for entry in asked], masks=eye is None)
        self.sights: dict[Any, tuple[tuple[int, int], Features]] = {}
        self.rows = [self._row(entry, shown) for entry, shown in zip(asked, images, strict=True)]

    def _row(self, asked: Asked, images: list[Any]) -> _Row:
        at = make_prompt(self.model, self.words, asked, images)
        visual = torch.cat([image.prompt for image in images]) if images else torch.zeros(0, self.model.config.hidden)
        draws = torch.Generator().manual_seed(seed_of(self.limits.seed, "reply", asked.name))
        forced = self.words.encode(asked.opening)
        return _Row(at, asked.dates, asked.gsd_m, embed(self.model, self.words, at.ids, visual), draws, forced)

    def run(self) -> Iterator[Text | Looked | Done]:
        while not all(row.done for row in self.rows):
            states = self._advance()
            yield from self._react(states)

    def _advance(self) -> Any:
        """Feed every row what it has; returns the state (B, D) of the last thing each row was fed."""
        counts = [len(row.feed) for row in self.rows]
        width = max(counts)
        part = torch.zeros(len(self.rows), width, self.model.config.hidden, dtype=self.model.dtype)
        part = part.to(self.model.device)
        stands = torch.zeros(len(self.rows), width, dtype=torch.bool, device=self.model.device)
        for number, row in enumerate(self.rows):
            part[number, : counts[number]] = row.feed
            stands[number, : counts[number]] = True
            row.length += counts[number]
        self.mask = torch.cat((self.mask, stands), dim=1)
        places = positions(self.mask)[:, -width:]
        states = self.model.read(part, mask=self.mask, positions=places, cache=self.cache)
        last = torch.tensor([max(count - 1, 0) for count in counts], device=states.device)
        return states[torch.arange(len(self.rows), device=states.device), last]

    def _react(self, states: Any) -> Iterator[Text | Looked | Done]:
        """What each row does next with its state: look, or write a token."""
        looking = [n for n, row in enumerate(self.rows) if row.at_seg and not row.done]
        writing = [n for n, row in enumerate(self.rows) if not row.at_seg and not row.done]
        for row in self.rows:
            row.feed = row.feed[:0]
        if looking:
            yield from self._look(looking, states[looking])
            # Where a mask appends nothing, the state at [SEG] is the one that the next word is told by.
            writing += [n for n in looking if not len(self.rows[n].feed) and not self.rows[n].done]
        if writing:
            logits = self.model.logits(states[writing]).cpu()
            for number, scores in zip(writing, logits, strict=True):
                yield from self._write(number, scores)

    def _look(self, numbers: list[int], states: Any) -> Iterator[Text | Looked | Done]:
        """Decode the masks of the rows that stand at [SEG], and line up the tokens they select."""
        for number in numbers:
            row = self.rows[number]
            row.date = prompt.named_date(self.words.decode(row.ids[row.since_seg : -1]), row.dates, row.date)
        for number, mask in zip(numbers, self._masks(numbers, prompts(self.model, states)), strict=True):
            row = self.rows[number]
            assert row.date is not None
            row.feed, selection = look(self.model, row.prompt, row.date, mask)
            row.at_seg, row.since_seg, row.masks = False, len(row.ids), row.masks + 1
            yield Looked(number, row.date, mask, selection)
            if self.model.config.measured:
                yield from self._measure(number, mask)
            row.mask = mask
            if row.length + len(row.feed) >= self.positions_max:
                yield from self._said(number, finished=True)
                yield self._done(number, "positions")

    def _masks(self, numbers: list[int], sparse: Any) -> Iterator[NDArray[np.bool_]]:
        """The mask of each row from its prompt (R, C)."""
        if self.eye is not None:
            for number, own in zip(numbers, sparse, strict=True):
                yield self.eye(number, str(self.rows[number].date), own)
            return
        found = [self._seen(self.rows[number]) for number in numbers]
        logits = decode(self.model, [features for _, features in found], sparse)
        for (size, _), scores in zip(found, logits, strict=True):
            yield mask_of(self.model, scores, size)

    def _seen(self, row: _Row) -> tuple[tuple[int, int], Features]:
        """What a mask on the date of a row is decoded on; steps and rows that look at the same share it."""
        images, date = row.prompt.images, str(row.date)
        shown = tuple((image.frame, image.modality, id(image.features[-1])) for image in images)
        if (shown, date) not in self.sights:
            self.sights[shown, date] = mask_image(self.model, images, date)
        return self.sights[shown, date]

    def _measure(self, number: int, mask: NDArray[np.bool_]) -> Iterator[Text]:
        """Line up what the mask measures behind its tokens, as text that the row did not have to write."""
        row = self.rows[number]
        ids = self.words.encode(measurement(mask, row.mask, row.gsd_m), special=False)
        told = self.model.embedding(torch.tensor(ids, device=self.model.device))
        row.feed = torch.cat((row.feed, told))
        row.ids += ids
        row.since_seg = len(row.ids)
        yield from self._said(number, finished=False)

    def _write(self, number: int, scores: Any) -> Iterator[Text | Done]:
        row = self.rows[number]
        token = self._choose(row, scores)
        if token in (self.words.end, self.words.pad):
            yield from self._said(number, finished=True)
            yield self._done(number, "end")
            return
        row.ids.append(token)
        # A visual token is not a word: should the model name its placeholder, it stands in the text and no more.
        row.feed = self.model.embedding(torch.tensor([token], device=self.model.device))
        row.at_seg = token == self.words.seg and bool(row.dates)
        reason = self._limit(row)
        yield from self._said(number, finished=reason is not None)
        if reason:
            yield self._done(number, reason)

    def _limit(self, row: _Row) -> Reason | None:
        """The limit that a row has reached by writing, if any."""
        if row.at_seg and row.masks == self.limits.masks:
            return "masks"
        if len(row.ids) >= self.limits.new_tokens:
            return "tokens"
        return "positions" if row.length + 1 >= self.positions_max else None

    def _choose(self, row: _Row, scores: Any) -> int:
        """The next token of a row: of its opening, else from its scores (V)."""
        if row.forced:
            return row.forced.pop(0)
        scores = scores[: self.words.size]
        if self.limits.temperature == 0:
            return int(scores.argmax())
        share = torch.softmax(scores / self.limits.temperature, dim=-1)
        ordered, order = share.sort(descending=True, stable=True)
        # The likeliest token always stays; a token goes where those before it make up top_p already.
        share[order[ordered.cumsum(dim=-1) - ordered >= self.limits.top_p]] = 0.0
        # Drawn in the order of the vocabulary: two tokens as likely would change places with the size of the batch.
        return int(torch.multinomial(share, 1, generator=row.draws))

    def _said(self, number: int, finished: bool) -> Iterator[Text]:
        """New text. A number that may go on, or half a character, waits: more digits change how it is written."""
        row = self.rows[number]
        text = self.words.decode(row.ids)
        if len(text) > row.said and (finished or not (text[-1].isdigit() or text[-1] in ",\ufffd")):
            yield Text(number, text[row.said :])
            row.said = len(text)

    def _done(self, number: int, reason: Reason) -> Done:
        row = self.rows[number]
        row.done, row.feed = True, row.feed[:0]
        return Done(number, reason, tuple(row.ids))
