"""A task proposes candidates from a tile's label map by its published rule; every refusal is a named filter.

A candidate is light (texts and numbers): pass 1 of a build holds candidates, pass 2 makes their masks. Adding a task is
one file with a `Task` and one line in the registry (`tasks/__init__.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from terra_cot.draw import draw
from terra_cot.legend import LandClass, Legend, View, Vocabulary
from terra_cot.mask import Mask
from terra_cot.sample import Evidence, ShownFrame
from terrascope_bench.ladder import LETTERS, RUNGS, Ladder, Scale

if TYPE_CHECKING:
    from terra_cot.facts import LabelFacts
    from terrascope_bench.question import Question
    from terrascope_bench.region import Region
    from terrascope_bench.stated import Quantity


@dataclass(frozen=True)
class TileView:
    """A tile as tasks see it: names of its frames and its label map (HW uint16 codes of `legend`), no pictures."""

    tile_id: str
    frames: tuple[ShownFrame, ...]
    label: NDArray[np.uint16]
    label_frame: str
    legend: Legend
    view: View
    gsd_m: float

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The classes asked about: the chosen view of a land-cover legend, the native classes of a damage legend."""
        return self.legend.vocabulary(self.view if self.legend.kind == "land_cover" else "native")

    @cached_property
    def index(self) -> NDArray[np.uint8]:
        """HW uint8 index map: 0 void, 1..K classes of the vocabulary."""
        return self.vocabulary.index(self.label)

    @cached_property
    def facts(self) -> LabelFacts:
        from terra_cot.facts import measure

        return measure(self.index, len(self.vocabulary.classes))

    @property
    def valid_px(self) -> int:
        return int(self.facts.valid_px)

    @property
    def dates(self) -> tuple[str, ...]:
        """Dates in order, without repetition."""
        return tuple(dict.fromkeys(shown.frame for shown in self.frames))

    @property
    def diagonal_px(self) -> float:
        return float(np.hypot(*self.label.shape))

    def land_class(self, number: int) -> LandClass:
        """Class `number` (1..K) of the vocabulary."""
        return self.vocabulary.classes[number - 1]

    def present(self) -> list[int]:
        """Numbers of the classes that have at least one pixel."""
        return [number for number in range(1, len(self.vocabulary.classes) + 1) if self.facts.pixels[number] > 0]

    def share_pct(self, number: int) -> float:
        """Share of the valid pixels in percent, of a class that is present."""
        from terra_cot.facts import share_pct

        share = share_pct(int(self.facts.pixels[number]), self.valid_px)
        assert share is not None
        return share

    def class_mask(self, number: int) -> Mask:
        """The mask of class `number` on the date that the label map describes."""
        return Mask.from_array(self.label_frame, self.land_class(number).name, self.index == number)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that could be asked. `names` are the classes (or the form) that tell it from the tile's others.

    `cells` go from narrow to wide: a selection in which every letter is right equally often within a cell gives a
    reader of the texts nothing to go by.
    """

    task: str
    tile_id: str
    names: tuple[str, ...]
    question: str
    options: tuple[str, ...]
    values: tuple[float, ...] | None
    answer: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that a rule refused: the name of the rule."""

    filter: str


@dataclass(frozen=True, slots=True)
class Task:
    """A sub-task: `code` of the contract, `name` as published, `size` as published.

    `propose` gives candidates and refusals; `prove` gives the masks and evidence of a candidate of the same tile;
    `measure` gives the task's quantity on masks (in the order of the evidence masks), in the unit of the options, by
    the same rule, or None where it cannot be measured; `option` the index of the option that follows from a quantity,
    or None. `stated` says how a reply writes the quantity; None where it is no number.
    """

    code: str
    name: str
    size: int
    legend_kind: Literal["land_cover", "damage"]
    filters: tuple[str, ...]
    propose: Callable[[TileView, int], Iterator[Candidate | Dropped]]
    prove: Callable[[TileView, Candidate], tuple[tuple[Mask, ...], tuple[Evidence, ...]]]
    measure: Callable[[Question, Sequence[Region]], float | None]
    option: Callable[[Question, float], int | None]
    stated: Callable[[Question], Quantity] | None = None

    def follow(self, question: Question, regions: Sequence[Region]) -> int | None:
        """Index of the option that follows from masks; None where nothing follows."""
        value = self.measure(question, regions)
        return None if value is None else self.option(question, value)


LADDER_FILTERS = ("ladder_out_of_range", "options_collide")


def on_ladder(
    view: TileView,
    seed: int,
    task: str,
    names: tuple[str, ...],
    scale: Scale,
    truth: float,
    present: Callable[[float], float],
    text: Callable[[float], str],
    question: str,
) -> Candidate | Dropped:
    """A four-option candidate: rung drawn, ladder climbed, options shown through `present` (units and rounding).

    Balanced within names and anchor, then anchor, then anchors within one step, then the whole task.
    """
    rung = draw(RUNGS, seed, "rung", task, view.tile_id, *names)
    ladder = scale.climb(truth, rung)
    if ladder is None:
        return Dropped("ladder_out_of_range")
    values = tuple(present(value) for value in ladder.values)
    options = tuple(text(value) for value in values)
    if len(set(options)) < RUNGS:
        return Dropped("options_collide")
    cells = _cells("+".join(names), f"{scale.step:.3f}", ladder, scale.marks)
    return Candidate(task, view.tile_id, names, question, options, values, ladder.letter, cells)


def _cells(subject: str, step: str, ladder: Ladder, marks: int) -> tuple[str, ...]:
    return f"{subject} {step} {ladder.anchor}", f"{step} {ladder.anchor}", f"{step} ~{ladder.anchor // marks}", "any"


def either(
    view: TileView, task: str, names: tuple[str, str], texts: tuple[str, str], right: int, question: str
) -> Candidate:
    """A two-option candidate; {0} and {1} of `question` are its options in the order in which they will be shown.

    Balanced within names: whatever pair of classes is asked about, each option is right equally often. Which option
    stands first is drawn by the selection, for two questions at a time.
    """
    return Candidate(task, view.tile_id, names, question, texts, None, LETTERS[right], ("+".join(names),))


def number_text(value: float, unit: str) -> str:
    """`1,230,000 m²`: thousands separated, no more decimals than the value has."""
    return f"{value:,.10g} {unit}" if abs(value) < 1e10 else f"{value:,.0f} {unit}"


def metres(gsd_m: float) -> str:
    return f"{gsd_m:.6g} m"


def pairs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Unordered pairs, the lower number first."""
    for i, first in enumerate(numbers):
        for second in numbers[i + 1 :]:
            yield first, second
