"""A view is one labelled tile as chains see it: classes, facts measured once, and masks encoded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from terra_cot import facts
from terra_cot.evidence import Ground
from terra_cot.facts import LabelFacts
from terra_cot.legend import LandClass, Vocabulary
from terra_cot.mask import Mask


@dataclass(frozen=True, eq=False)
class TileView:
    """Facts of the label map of date `frame`, in the classes of one vocabulary (class i is `classes[i - 1]`).

    `min_share_pct`: a class below it is too little to talk about, although its pixels count as valid.
    """

    tile_id: str
    frame: str
    vocabulary: Vocabulary
    index: NDArray[np.uint8]
    gsd_m: float
    min_share_pct: float
    _masks: dict[str, Mask] = field(default_factory=dict, repr=False)

    @cached_property
    def facts(self) -> LabelFacts:
        return facts.measure(self.index, len(self.vocabulary.classes))

    @property
    def ground(self) -> Ground:
        return Ground(self.facts.valid_px, self.gsd_m)

    @cached_property
    def present(self) -> list[int]:
        """Numbers of the classes worth talking about, in order of the vocabulary."""
        return [n for n in self.numbers if self.entry(n).subject and self.share(n) >= self.min_share_pct]

    @cached_property
    def absent(self) -> list[int]:
        """Numbers of the classes without a single pixel."""
        return [n for n in self.numbers if self.entry(n).subject and self.facts.pixels[n] == 0]

    @property
    def numbers(self) -> range:
        return range(1, len(self.vocabulary.classes) + 1)

    def entry(self, number: int) -> LandClass:
        return self.vocabulary.classes[number - 1]

    def pixels(self, number: int) -> int:
        return int(self.facts.pixels[number])

    def share(self, number: int) -> float:
        """Percent of the valid pixels; 0 where nothing is valid."""
        return facts.share_pct(self.pixels(number), self.facts.valid_px) or 0.0

    def region(self, label: str) -> NDArray[np.bool_]:
        """HW: where the class is."""
        return np.equal(self.index, self.vocabulary.number(label))

    def mask(self, label: str) -> Mask:
        """The class's mask on date `frame`, encoded once however many samples show it."""
        if label not in self._masks:
            self._masks[label] = Mask.from_array(self.frame, label, self.region(label))
        return self._masks[label]
