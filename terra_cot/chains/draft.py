"""A draft is a sample before words: the regions it speaks of and the evidence measured on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from terra_cot.chains.view import TileView
from terra_cot.legend import LandClass, Legend
from terra_cot.sample import Evidence
from terra_cot.tile import Modality


@dataclass(frozen=True, slots=True)
class Target:
    """A region to point at: class `label` on date `frame`."""

    frame: str
    label: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a sample says: one [SEG] a target, in order; evidence indices count targets."""

    task: str
    targets: tuple[Target, ...]
    evidence: tuple[Evidence, ...]

    def value(self, fact: str, *masks: int) -> float:
        """The value of the evidence row `fact` on the given masks."""
        for item in self.evidence:
            if item.fact == fact and item.masks == masks:
                return item.value
        raise KeyError(f"{self.task}: no evidence {fact} on masks {masks}")


@dataclass(frozen=True, slots=True)
class Context:
    """What words depend on beside the draft: the legend, whether several dates are shown, whether north is known, and
    the images shown: date, modality and the names of their bands."""

    legend: Legend
    dated: bool
    compass: bool
    images: tuple[tuple[str, Modality, tuple[str, ...]], ...] = ()

    def bands(self, frame: str, modality: Modality) -> tuple[str, ...]:
        """Names of the bands of an image that the sample shows; none where it does not show it."""
        return next((bands for at, kind, bands in self.images if (at, kind) == (frame, modality)), ())

    def subject(self, target: Target) -> LandClass:
        return self.legend.find(target.label)


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a sample; `options` only where the question offers a choice."""

    question: str
    chain: str
    answer: str
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of sample.

    `propose(view, seed)` gives every draft the tile allows, in a fixed order (seed decides among equals, such as which
    absent class is asked for). `write(draft, context, seed)` puts one into words. `needs_pixels`: the answer cannot be
    told without measuring masks. `kinds`: the kinds of legend that it can be asked of. `absent`, where a task has one,
    gives the drafts that ask for a class of which there is not a single pixel.
    `sensors`: its chains take up what `sensors.py` measures on the images shown, or only that they lean on SAR.
    """

    name: str
    tier: str
    needs_pixels: bool
    propose: Callable[[TileView, int], Sequence[Draft]]
    write: Callable[[Draft, Context, int], Text]
    kinds: tuple[str, ...] = ("land_cover",)
    absent: Callable[[TileView, int], Sequence[Draft]] | None = None
    sensors: bool = False
