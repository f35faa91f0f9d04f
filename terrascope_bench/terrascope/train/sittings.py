"""A sitting is one tile, shown once, with a question of each task that it can ask: pictures are encoded once for all.

A label map costs more to read than a question does to ask, and a picture more to see than to be asked about, so lessons
come tile by tile. Tiles come part by part, each epoch in its own order and with its own questions; which ones is
decided by (seed, epoch, tile), whatever else is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot.draw import draw, seed_of, shuffled
from terra_cot.legend import legend
from terra_cot.store.manifest import recorded_parts
from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import TileRecord, decode_label
from terrascope_bench.build.propose import tile_view
from terrascope_bench.tasks import TASKS, Candidate
from terrascope_bench.terrascope.images import Shown, read_picture, shrinkage
from terrascope_bench.terrascope.measured import BoolMask
from terrascope_bench.terrascope.sequence import Asked, Told
from terrascope_bench.terrascope.train.forms import Form, formed
from terrascope_bench.terrascope.train.questions import JITTER, Lesson, lesson_of, shown
from terrascope_bench.terrascope.train.seen import COLUMNS

Window = tuple[slice, slice]
Eye = tuple[int, int]
"""What the mask encoder sees at once: side of a window in px, and at most so many windows a side."""
CHANGES = 2
"""Questions of one pair of dates: of as many forms as there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Sitting:
    """Lessons that show the same `images`; masks of all are compared in one `window` (rows, columns) of the tile.

    `named` are the classes of each lesson's masks, where they are known.
    """

    images: list[Shown]
    lessons: list[Told]
    named: list[list[str]]
    window: Window


def sittings(
    folder: Path,
    split: str | None,
    how: tuple[Sequence[str], Form, float, Eye],
    seed: int,
    rank: int,
    processes: int,
) -> Callable[[int, int], Iterator[Sitting]]:
    """Labelled tiles of a dataset as sittings; `how`: sensors, form of the reply, share told, eye."""

    def opened(epoch: int, passed: int) -> Iterator[Sitting]:
        parts = [path.relative_to(folder).as_posix() for path in recorded_parts(folder, TILES.name)]
        number = 0
        for name in shuffled(parts, seed, "parts", epoch)[rank::processes]:
            rows = [row for row in read_rows(folder / name, TILES, COLUMNS) if _taught(row, split)]
            for row in shuffled(rows, seed, "rows", epoch, name):
                number += 1
                if number > passed:
                    yield sitting(row, folder / name, how, seed_of(seed, "epoch", epoch))

    return opened


def _taught(row: dict[str, Any], split: str | None) -> bool:
    return row["label_frame"] is not None and split in (None, row["split"])


def sitting(row: dict[str, Any], path: Path, how: tuple[Sequence[str], Form, float, Eye], seed: int) -> Sitting:
    """The sitting of a labelled tile; without lessons where nothing can be asked of it, or shown."""
    sensors, form, share, eye = how
    tile = TileRecord.from_row(row)
    assert tile.legend is not None
    labels = tile.labels()
    date = sorted(labels)[draw(len(labels), seed, "date", tile.tile_id)]
    view = replace(tile_view(row, "display", path), label=decode_label(labels[date]), label_frame=date)
    change = legend(tile.legend).kind == "damage"
    frames = shown(tile, date, change, sensors, seed, (tile.tile_id,))
    found: list[tuple[Lesson, bool]] = []
    for code, task in TASKS.items():
        if not frames or task.legend_kind != legend(tile.legend).kind:
            continue
        candidates = [item for item in task.propose(view, seed) if isinstance(item, Candidate)]
        drawn = shuffled(candidates, seed, "ask", tile.tile_id, code)
        for number, item in enumerate(drawn[: CHANGES if change else 1]):
            turns = (item, *item.turns)
            name = (tile.tile_id, code, number)
            turn = turns[draw(len(turns), seed, "turn", *name)]
            measured = draw(1000, seed, "told", *name) < 1000 * share
            # A model that is told what its masks measure has to meet masks that miss.
            lesson = lesson_of(tile, view, turn, date, seed, name, JITTER if measured else 0.0)
            if lesson is not None:
                found.append((lesson, measured))
    images = [Shown(frame.frame, frame.modality, read_picture(frame.image)) for frame in frames]
    lessons = [formed(told(lesson, images, (seed, n), measured), form) for n, (lesson, measured) in enumerate(found)]
    named = [[look.label for look in lesson.looks] if form == "masks" else [] for lesson, _ in found]
    masks = [look.truth for lesson, _ in found for look in lesson.looks]
    return Sitting(images, lessons, named, window(masks, view.label.shape, eye, seed, tile.tile_id))


def alone(lesson: Told, eye: Eye, seed: int) -> Sitting:
    """A sample as a sitting of its own."""
    images = lesson.asked.images
    shape = images[0].size if images else (eye[0], eye[0])
    return Sitting(images, [lesson], [[]], window(lesson.masks, shape, eye, seed, lesson.asked.name))


def told(lesson: Lesson, images: list[Shown], place: tuple[int, int], measured: bool = False) -> Told:
    """A lesson with pictures as a question and its reply; what its masks measure is not in the chain."""
    name = f"{place[0]}-{lesson.tile_id}-{place[1]}"
    asked = Asked(images, lesson.question, lesson.options, lesson.gsd_m, name, measured)
    chain = "".join(f"{look.lead}[SEG]" for look in lesson.looks) + lesson.ending
    right, looked = [look.truth for look in lesson.looks], [look.mask for look in lesson.looks]
    return Told(asked, chain, lesson.answer, right, looked)


def window(masks: Sequence[BoolMask], shape: tuple[int, ...], eye: Eye, seed: int, name: str) -> Window:
    """What the eye sees at once, around a pixel of one of the masks; anywhere if there is none."""
    side = eye[0] * shrinkage(shape, *eye)
    there = [mask for mask in masks if mask.any()]
    if there:
        places = np.argwhere(there[draw(len(there), seed, "mask", name)])
        row, column = (int(at) for at in places[draw(len(places), seed, "pixel", name)])
    else:
        row, column = draw(shape[0], seed, "row", name), draw(shape[1], seed, "column", name)
    top = min(max(row - side // 2, 0), max(shape[0] - side, 0))
    left = min(max(column - side // 2, 0), max(shape[1] - side, 0))
    return slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))
