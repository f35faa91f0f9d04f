"""Questions of the benchmark's form, made from training tiles, each with the chain that a measured model learns.

Questions, options and evidence are those that the tasks themselves propose; which option is right is what a task's own
`measure` and `option` say of the masks that the chain is told. Masks are jittered as a decoder would miss them, and the
letter follows the jittered mask: the model learns to follow its evidence, whatever it is.

    <think>forest: [SEG] (9,800 px, 15.0 %, 980,000 m², 3 parts) So 15.0 %, nearest 14.4% (B).</think><answer>B</answer>

A model that writes its numbers itself (the paper's mode) says the same, but for what is told.

    <think>forest: [SEG] So 980,000 m², nearest 944,000 m² (B).</think><answer>B</answer>
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot.draw import draw, seed_of
from terra_cot.legend import legend
from terra_cot.mask import decode
from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import FrameRecord, TileRecord, decode_label
from terrascope_bench.build.propose import tile_view
from terrascope_bench.build.variants import showings
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS, Candidate
from terrascope_bench.tasks.task import TileView
from terrascope_bench.terrascope.measured import BoolMask, jittered, measurement, spoilt

SENSORS = ("optical", "sar", "optical+sar")
JITTER = 0.08
"""Masks grow or shrink by at most this share of their radius."""
SPOILT = 0.25
"""Share of lessons one of whose masks fails altogether, where masks are jittered at all."""
_FIELD = {
    "CA": re.compile(r"([\d,.]+ %)"),
    "AQ": re.compile(r"([\d,]+ m²)"),
    "CR": re.compile(r"([\d,]+ px)"),
    "DM": re.compile(r"from the last: ([\d,]+ m),"),
    "BRD": re.compile(r"(touching|apart)"),
    "count": re.compile(r"([\d,]+) parts?"),
    "percent": re.compile(r"([\d,.]+ %) of its parts"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One step of a chain: what stands before its [SEG], the class and date it looks at, what its mask measures.

    `mask` is the one that is measured, `truth` the one that is right; `share` of the image is what `mask` covers.
    """

    lead: str
    label: str
    date: str
    mask: BoolMask
    told: str
    truth: BoolMask
    share: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question with its reply: `looks`, then `ending`, then the letter. `frames` are what it is shown with."""

    task: str
    tile_id: str
    question: str
    options: tuple[str, ...]
    frames: tuple[FrameRecord, ...]
    looks: tuple[Look, ...]
    ending: str
    answer: str
    gsd_m: float


def lessons_of(
    row: dict[str, Any], path: Path, seed: int, *, each: int = 1, jitter: float = JITTER
) -> Iterator[Lesson]:
    """Lessons of a tile: of every date that has a label map, `each` of every candidate, its turns among them."""
    tile = TileRecord.from_row(row)
    assert tile.legend is not None
    for date, label in tile.labels().items():
        view = replace(tile_view(row, "display", path), label=decode_label(label), label_frame=date)
        for code, task in TASKS.items():
            if task.legend_kind != legend(tile.legend).kind:
                continue
            for item in task.propose(view, seed):
                if not isinstance(item, Candidate):
                    continue
                asked = (item, *item.turns)
                for number in range(each):
                    name = (tile.tile_id, date, code, *item.names, number)
                    drawn = asked[draw(len(asked), seed, "turn", *name)]
                    lesson = lesson_of(tile, view, drawn, date, seed, name, jitter)
                    if lesson is not None:
                        yield lesson


def lesson_of(
    tile: TileRecord,
    view: TileView,
    candidate: Candidate,
    date: str,
    seed: int,
    name: tuple[Any, ...],
    jitter: float = 0.0,
) -> Lesson | None:
    """The lesson of a candidate; None where its masks, jittered, measure nothing."""
    options, answer = candidate.options, candidate.answer
    if len(options) == 2 and draw(2, seed, "first", *name):
        options, answer = options[::-1], "BA"["AB".index(answer)]
    asked = replace(candidate, question=candidate.question.format(*options), options=options, answer=answer)
    task = TASKS[candidate.task]
    masks, evidence = task.prove(view, asked)
    rng = np.random.default_rng(seed_of(seed, "jitter", *name))
    change = task.legend_kind == "damage"
    # Buildings are looked at before what became of them.
    order = (1, 0) if change else range(len(masks))
    true = [decode(mask.size, mask.counts) for mask in masks]
    drawn = [jittered(mask, jitter, rng) for mask in true]
    if jitter and rng.random() < SPOILT:
        which = int(rng.integers(len(drawn)))
        drawn[which] = spoilt(true[which], rng)
    question = Question(
        *("lesson-opt", asked.task, asked.question, options, asked.values, answer, (), masks, evidence),
        *(tile.tile_id, tile.legend, "display", date, tile.split, tile.width, tile.height, tile.gsd_m),
        *(tile.source, tile.source_id, tile.licence),
    )
    follows = task.follow(question, [Region.of(mask) for mask in drawn])
    if follows is None:
        return None
    frames = shown(tile, date, change, SENSORS, seed, name)
    several = len({frame.frame for frame in frames}) > 1
    looks: list[Look] = []
    for number in order:
        mask = masks[number]
        last = looks[-1].mask if looks else None
        lead = f"{f'Image: {mask.frame} ' if several else ''}{mask.label}: "
        told = measurement(drawn[number], last, tile.gsd_m)
        share = float(drawn[number].mean())
        looks.append(Look(lead, mask.label, mask.frame, drawn[number], told, true[number], share))
    ending = ended(asked.task, candidate.names, options, [look.told for look in looks], follows)
    if ending is None:
        return None
    return Lesson(
        asked.task, tile.tile_id, asked.question, options, frames, tuple(looks), ending, "ABCD"[follows], tile.gsd_m
    )


def shown(
    tile: TileRecord, date: str, change: bool, sensors: Sequence[str], seed: int, name: tuple[Any, ...]
) -> tuple[FrameRecord, ...]:
    """The frames of one variant among `sensors`, drawn; none where the tile has none of them."""
    made = [item.frames for item in showings(tile.frames, date, change, sensors) if item.frames and item.reason is None]
    return made[draw(len(made), seed, "variant", *name)] if made else ()


def ended(task: str, names: tuple[str, ...], options: Sequence[str], told: Sequence[str], follows: int) -> str | None:
    """What the chain says after its last measurement; None where that does not hold what the task asks for."""
    letter, option = "ABCD"[follows], options[follows]
    if task == "CR":
        pixels = [_FIELD["CR"].search(text) for text in told]
        assert pixels[0]
        assert pixels[1]
        return f" So {pixels[0][1]} and {pixels[1][1]}, {('first', 'second')[follows]} larger ({letter})."
    form = names[0] if task == "BCE" else task
    found = _FIELD[form].search(told[-1])
    if found is None:
        return None
    if task == "BRD":
        return f" So {found[1]}, {option} ({letter})."
    value = f"{found[1]} destroyed" if form == "count" else found[1]
    return f" So {value}, nearest {option} ({letter})."


def tiles_of(paths: Sequence[Path], columns: Sequence[str] | None = None) -> Iterator[tuple[dict[str, Any], Path]]:
    """Labelled tiles of the parts of a dataset."""
    for path in paths:
        for row in read_rows(path, TILES, list(columns) if columns else None):
            if row["label_frame"] is not None:
                yield row, path
