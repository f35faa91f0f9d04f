"""From a measured value to the right letter, taught by text alone: drills first, then whole replies among them.

Two skills fail for reasons of their own in a small language model: finding the nearest of four values, and looking up
the letter that stands before it. Drills teach both with many letters a row; whole replies of training tiles
(`questions`) use them. No picture is shown: a few random tokens stand where visual ones will, after [SEG] as many as
the mask would select, so that a reply which is told no number can learn it from how much it looks at. Where the mask
model has learnt a prompt a class, the projection of the state at [SEG] learns to be the prompt of the class just named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from terra_cot.draw import draw, seed_of
from terra_cot.store.manifest import recorded_parts
from terra_cot.store.shards import TILES
from terrascope_bench.ladder import RUNGS, Scale, count_scale, odds_scale, ratio_scale, significant
from terrascope_bench.tasks import TASKS
from terrascope_bench.tasks.task import number_text
from terrascope_bench.terrascope import prompt
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.loss import text_loss
from terrascope_bench.terrascope.measured import rounded
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sequence import IGNORED, Row, pad
from terrascope_bench.terrascope.tokens import Words, magnitude_of
from terrascope_bench.terrascope.train.questions import Lesson, lessons_of, tiles_of
from terrascope_bench.terrascope.train.seen import COLUMNS

SEEN = 12
"""At most so many random tokens stand for an image."""
NOISE = 0.5
TILES_MOST = 240


@dataclass(frozen=True, slots=True)
class Drill:
    """A text; what stands in its pieces at odd places is learnt."""

    pieces: tuple[str, ...]


def replies(folders: Sequence[Path], split: str | None, seed: int) -> dict[str, list[Lesson]]:
    """Lessons of the training tiles, by task; without masks and pictures, which text does not need.

    Of more than `TILES_MOST` tiles about so many are drawn: text repeats itself sooner than pictures do.
    """
    out: dict[str, list[Lesson]] = {code: [] for code in TASKS}
    labelled = sum(1 for _ in _rows(folders, split, ("split", "label_frame")))
    for row, path in _rows(folders, split):
        if draw(labelled, seed, "reply", row["tile_id"]) < TILES_MOST:
            each = 6 if row["width"] > 512 else 1
            for lesson in lessons_of(row, path, seed, each=each):
                out[lesson.task].append(_light(lesson))
    return {code: found for code, found in out.items() if found}


def _rows(
    folders: Sequence[Path], split: str | None, columns: Sequence[str] | None = None
) -> Iterator[tuple[dict[str, Any], Path]]:
    """Labelled tiles of a split, with the part that each lies in."""
    for folder in folders:
        for row, path in tiles_of(recorded_parts(folder, TILES.name), columns or COLUMNS):
            if split in (None, row["split"]):
                yield row, path


def _light(lesson: Lesson) -> Lesson:
    """A lesson as text: pictures and masks of thousands are too much to hold."""
    frames = tuple(replace(frame, image=b"", raster=None, cloud=None) for frame in lesson.frames)
    # Not a slice of the mask: that would hold the whole of it.
    nothing = np.zeros((0, 0), np.bool_)
    looks = tuple(replace(look, mask=nothing, truth=nothing) for look in lesson.looks)
    return replace(lesson, frames=frames, looks=looks)


def spoken(found: dict[str, list[Lesson]]) -> list[str]:
    """What a tokenizer is made from: some questions of each task with their replies."""
    return [
        text
        for lessons in found.values()
        for lesson in lessons[:800]
        for text in (
            prompt.asked(lesson.question, lesson.options),
            "".join(look.lead + look.told for look in lesson.looks) + lesson.ending,
        )
    ]


def text_lessons(
    found: dict[str, list[Lesson]], alone: int, share: float, seed: int, rank: int, processes: int
) -> Callable[[int, int], Iterator[Lesson | Drill]]:
    """An endless stream: `alone` drills, then replies with a `share` of drills among them, tasks equally often."""
    codes = sorted(found)

    def opened(epoch: int, passed: int) -> Iterator[Lesson | Drill]:
        for number in count(passed):
            at = number * processes + rank
            if at < alone or draw(1000, seed, "drill", at) < 1000 * share:
                yield drill(seed_of(seed, "drill", at))
            else:
                lessons = found[codes[draw(len(codes), seed, "task", at)]]
                yield lessons[draw(len(lessons), seed, "lesson", at)]

    return opened


_SHARE, _BUILT = odds_scale(5.0, 95.0), odds_scale(2.0, 98.0)


def drill(seed: int) -> Drill:
    """Nearest of four values, larger of two, or the field that a question asks for; several in one text."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(10)
    if kind < 6:
        return _nearest(rng)
    return _larger(rng) if kind < 8 else _fields(rng)


def _nearest(rng: np.random.Generator) -> Drill:
    """Four options of a ladder, then values, each with the option nearest to it and its letter."""
    pieces: list[str] = []
    for _ in range(2):
        scale, value_text, option_text = _ladder(rng)
        low, high = scale.forward(scale.low), scale.forward(scale.high)
        ladder = None
        while ladder is None:
            middle = scale.inverse(float(rng.uniform(low, high)))
            ladder = scale.climb(middle, int(rng.integers(RUNGS)))
        options = [option_text(value) for value in ladder.values]
        listed = "".join(f"\n{letter}. {text}" for letter, text in zip("ABCD", options, strict=True))
        spoken = listed
        for _ in range(4):
            rung = int(rng.integers(RUNGS))
            off = float(rng.uniform(-0.36, 0.36))
            if rng.random() < 0.25:
                # A mask that fails measures what no option is near to: the first or the last is nearest.
                rung = int(rng.integers(2)) * (RUNGS - 1)
                off = float(rng.uniform(0.36, 6.0)) * (1 if rung else -1)
            at = scale.forward(ladder.values[rung]) + off * scale.step
            value = scale.inverse(at)
            pieces += [f"{spoken} So {rounded(value_text(value))}, nearest", f" {options[rung]} ({'ABCD'[rung]})"]
            spoken = "."
    return Drill(tuple(pieces))


def _ladder(rng: np.random.Generator) -> tuple[Scale, Callable[[float], str], Callable[[float], str]]:
    """A scale, and how values and options are written on it."""
    kind = int(rng.integers(5))
    if kind == 0:
        return _SHARE, lambda x: f"{x:.1f} %", lambda x: f"{round(x, 1):.1f}%"
    if kind == 1:
        return _BUILT, lambda x: f"{x:.1f} %", lambda x: f"{round(x, 1):.1f}%"
    if kind == 2:
        # Areas stand on the scale of shares of an image of some size.
        whole = float(rng.choice([65536.0, 262144.0, 1048576.0])) * float(rng.choice([0.25, 100.0, 100.0, 100.0]))
        inner = odds_scale(1.0, 95.0)
        area = Scale(
            lambda x: inner.forward(100 * x / whole),
            lambda at: inner.inverse(at) * whole / 100,
            inner.step,
            inner.marks,
            0.01 * whole,
            0.95 * whole,
        )
        return area, lambda x: f"{x:,.0f} m²", lambda x: number_text(significant(x), "m²")
    if kind == 3:
        return ratio_scale(100.0, 3620.0), lambda x: f"{x:,.0f} m", lambda x: number_text(significant(x), "m")
    step = int(rng.choice([3, 5, 8, 12, 20]))
    counts = count_scale(step, 3, 3 + step * int(rng.integers(RUNGS, 8)))
    return counts, lambda x: f"{max(0, round(x))} destroyed", lambda x: f"{x:.0f}"


def _larger(rng: np.random.Generator) -> Drill:
    pieces: list[str] = []
    for number in range(6):
        first = float(np.exp(rng.uniform(np.log(500), np.log(60_000))))
        # Far enough apart to differ in two digits.
        second = first * float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.15, 2.0)))
        which = int(second > first)
        spoken = rounded(f"{'.' if number else ''} So {first:,.0f} px and {second:,.0f} px,")
        pieces += [spoken, f" {('first', 'second')[which]} larger ({'AB'[which]})"]
    return Drill(tuple(pieces))


def _fields(rng: np.random.Generator) -> Drill:
    """The field of a measurement that the words before it ask for."""
    pieces: list[str] = []
    for _ in range(3):
        pixels, parts = int(np.exp(rng.uniform(5, 11))), int(rng.integers(1, 90))
        own = [f"{pixels:,} px", f"{pixels / 655.36:.1f} %", f"{pixels * 100:,} m²", f"{parts} parts"]
        apart = rng.random() < 0.5
        away = f"{int(np.exp(rng.uniform(4.6, 8.2))):,} m" if apart else f"{int(rng.choice([0, 0, 10, 14])):,} m"
        word, portion = ("apart" if apart else "touching"), f"{np.exp(rng.uniform(0.7, 4.6)):.1f} %"
        text = rounded(f" ({', '.join(own)}; from the last: {away}, {word}, {portion} of its parts)")
        cues = [
            ("What percentage of the valid pixels of this image", own[1]),
            ("How many square metres of this image", own[2]),
            ("How many metres apart are", away),
            ("How many buildings of the first image are destroyed", f"{parts} destroyed"),
            ("What percentage of the buildings of the first image", portion),
            ("share a boundary", f"{word}, {'No' if apart else 'Yes'}"),
        ]
        cue, value = cues[int(rng.integers(len(cues)))]
        pieces += [f"{cue}: {text} So", f" {rounded(value)}"]
    return Drill(tuple(pieces))


def lay_text(
    words: Words, item: Lesson | Drill, config: TerraScopeConfig, measured: bool = True
) -> tuple[Row, list[str]]:
    """The row of a drill or of a whole reply, and the class of each [SEG]; random tokens stand for visual ones.

    Unless `measured`, nothing is told, and the number that a mask measures is the reply's own.
    """
    ids: list[int] = []
    labels: list[int] = []

    def say(part: list[int], learnt: bool) -> None:
        ids.extend(part)
        labels.extend(part if learnt else [IGNORED] * len(part))

    if isinstance(item, Drill):
        for number, text in enumerate(item.pieces):
            say(words.encode(text, special=False), bool(number % 2))
        return Row(ids, labels, torch.zeros(0, config.hidden), [], []), []
    shown = [(frame.frame, frame.modality) for frame in item.frames]
    seen = [int(torch.randint(1, SEEN + 1, ())) for _ in shown]
    start, _ = words.encode_pieces(prompt.pieces(shown, seen, item.question, item.options))
    say(start, False)
    segs: list[int] = []
    for number, look in enumerate(item.looks):
        opening = prompt.THINK_OPEN if number == 0 else ""
        say(words.encode(opening + look.lead + prompt.SEG), True)
        segs.append(len(ids) - 1)
        say([words.image] * min(round(look.share * config.grid_side**2), config.tokens_max), False)
        if measured:
            say(words.encode(look.told, special=False), False)
    answer = f"{prompt.THINK_CLOSE}{prompt.ANSWER_OPEN}{item.answer}{prompt.ANSWER_CLOSE}"
    say(words.encode(item.ending + answer), True)
    say([words.end], True)
    visual = torch.randn(ids.count(words.image), config.hidden) * NOISE
    return Row(ids, labels, visual, segs, []), [look.label for look in item.looks]


class TextLearner(nn.Module):
    """Rows of text in, losses out. `prompts` (name -> C) are those that the mask model learnt, or none.

    `told`: share of the replies that are told what their masks measure.
    """

    def __init__(self, model: TerraScope, words: Words, prompts: dict[str, Any], told: float = 1.0) -> None:
        super().__init__()
        self.model, self.words, self.prompts, self.told = model, words, prompts, told

    def forward(self, batch: Sequence[Lesson | Drill]) -> tuple[Any, Any, Any, Any]:
        """(loss, text, distance of projected states from prompts, nan)."""
        made = [
            lay_text(self.words, item, self.model.config, bool(draw_told < self.told))
            for item, draw_told in zip(batch, torch.rand(len(batch)).tolist(), strict=True)
        ]
        rows = [row for row, _ in made]
        padded = pad(self.model, self.words, rows)
        states = self.model.read(padded.embeds, mask=padded.mask, positions=padded.positions)
        text = text_loss(self.model, states, padded.labels)
        nothing = text.new_full((), float("nan"))
        at = [
            (number, place, name)
            for number, (row, names) in enumerate(made)
            for place, name in zip(row.segs, names, strict=True)
        ]
        if not self.prompts or not at:
            return text, text, nothing, nothing
        told = torch.stack([states[number, place] for number, place, _ in at])
        wanted = torch.stack([self.prompts[name] for _, _, name in at]).to(told.device)
        apart = functional.mse_loss(self.model.text_hidden_fcs(told), wanted)
        return text + apart, text, apart, nothing


def begun(model: TerraScope, words: Words) -> None:
    """The start that a small language model learns to look up from; draws nothing.

    Keys as queries in every layer; two heads of the first layer that look one and two tokens back; number tokens as
    sines and cosines of the logarithm of their value.
    """
    core = model.vlm.model.language_model
    config = core.config
    heads, theta = config.num_attention_heads, float(config.rope_parameters["rope_theta"])
    width = config.hidden_size // heads
    with torch.no_grad():
        for layer in core.layers:
            layer.self_attn.k_proj.weight.copy_(layer.self_attn.q_proj.weight)
        first = core.layers[0].self_attn
        half = width // 2
        turns = theta ** (-torch.arange(half) / half)  # radians a place, of each pair of channels
        # Beyond the sixth pair a step turns too little to tell neighbours apart.
        size = torch.where(torch.arange(half) < 6, 6.0, 0.0)
        for head, back in ((0, 1), (1, 2)):
            at = slice(head * width, (head + 1) * width)
            first.q_proj.bias[at] = torch.cat((size, torch.zeros(half)))
            first.k_proj.bias[at] = torch.cat((size * torch.cos(back * turns), size * torch.sin(back * turns)))
        table = model.embedding.weight
        std = float(config.initializer_range)
        pairs = table.shape[1] // 2
        rates = torch.exp(torch.linspace(np.log(0.2), np.log(25.0), pairs))
        for token, number in words.tokenizer.get_vocab(with_added_tokens=True).items():
            value = magnitude_of(token)
            if value is not None:
                angle = rates * float(np.log(value + 0.1))
                table[number] = std * 2**0.5 * torch.cat((torch.sin(angle), torch.cos(angle)))
