"""A series is one tile on several dates as chains see it: label maps by date, and regions of classes and of changes.

Of a legend of land cover or objects, its dates are those that have a label map and an image that can carry a question.
A damage map describes the buildings that stood before the event: its series is the last such date before it, on which
only groups of classes ("building") can be shown, and its own date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from terra_cot import facts
from terra_cot.chains.draft import Draft, Target
from terra_cot.change import Kind, changed, parse_change
from terra_cot.errors import DataError
from terra_cot.evidence import Ground, evidence, measure_fact
from terra_cot.filters import shown_modalities
from terra_cot.legend import LandClass, Vocabulary, legend
from terra_cot.mask import Mask
from terra_cot.pixels.images import TileImages
from terra_cot.sample import Evidence
from terra_cot.tile import TileRecord

Index = NDArray[np.uint8]

KNOWN_SHARE = 0.95
"""Two dates are compared if at least this share of the pixels known on either is known on both."""


def usable_dates(tile: TileRecord) -> tuple[str, ...]:
    """Dates that a series of the tile shows, in order; fewer than two where it is none."""
    if tile.legend is None:
        return ()
    clear = [name for name in tile.frame_names() if shown_modalities(tile, name)]
    if legend(tile.legend).kind != "damage":
        labelled = tile.labels()
        return tuple(name for name in clear if name in labelled)
    if tile.label_frame not in clear:
        return ()
    return tuple(clear[: clear.index(tile.label_frame) + 1][-2:])


@dataclass(frozen=True, eq=False)
class Maps:
    """The label maps of a tile as regions: what a class or a change label means on a date.

    Verification and generation ask the same object, so that a mask can be made again from its name and date.
    """

    tile: TileRecord
    _index: dict[tuple[str, str], Index] = field(default_factory=dict, repr=False)
    _codes: dict[str, NDArray[np.uint16]] = field(default_factory=dict, repr=False)

    def codes(self, frame: str) -> NDArray[np.uint16]:
        """HW codes of the label map of a date.

        Raises:
            DataError: the date has none.
        """
        if frame not in self._codes:
            self._codes[frame] = self.tile.label_array(frame)
        return self._codes[frame]

    def index(self, frame: str, vocabulary: Vocabulary) -> Index:
        """HW index map of a date."""
        key = (frame, vocabulary.view)
        if key not in self._index:
            self._index[key] = vocabulary.index(self.codes(frame))
        return self._index[key]

    def region(self, frame: str, label: str) -> NDArray[np.bool_]:
        """HW: the pixels that a label names on a date.

        Raises:
            DataError: no such class, or no label map of that date (or of the one that the change looks back to).
        """
        assert self.tile.legend is not None
        source = legend(self.tile.legend)
        entry = source.find(label)
        change = parse_change(label)
        if change is not None:
            vocabulary = source.vocabulary(source.view_of(change.name))
            number = vocabulary.number(change.name)
            return changed(change.kind, self.index(change.since, vocabulary), self.index(frame, vocabulary), number)
        if source.kind == "damage" and frame != self.tile.label_frame:
            if entry not in source.groups or frame not in self.tile.frame_names():
                raise DataError(f"{label} is not told by the date before the event", field="label", got=frame)
            frame = self.tile.label_frame or frame
        return source.mask(self.codes(frame), label)


@dataclass(frozen=True, eq=False)
class SeriesView:
    """A tile over its `dates`, in the classes of one vocabulary; `images` where rasters may be asked."""

    maps: Maps
    dates: tuple[str, ...]
    vocabulary: Vocabulary
    min_share_pct: float
    images: TileImages | None = None
    _regions: dict[Target, NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _transitions: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict, repr=False)

    @property
    def tile(self) -> TileRecord:
        return self.maps.tile

    @property
    def tile_id(self) -> str:
        return self.tile.tile_id

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs of dates to compare: each with the one before it and with the first."""
        rest = range(1, len(self.dates))
        pairs = [(self.dates[at], self.dates[n]) for n in rest for at in (0, n - 1)]
        return tuple(pair for pair in dict.fromkeys(pairs) if self.comparable(*pair))

    def comparable(self, before: str, after: str) -> bool:
        table = self.transitions(before, after)
        either, both = int(table.sum() - table[0, 0]), int(table[1:, 1:].sum())
        return either > 0 and both >= KNOWN_SHARE * either

    def entry(self, number: int) -> LandClass:
        return self.vocabulary.classes[number - 1]

    def numbers(self, names: Sequence[str] | None = None) -> list[int]:
        """Numbers of the classes that texts speak of, or of those that are in `names`."""
        entries = enumerate(self.vocabulary.classes, start=1)
        return [number for number, entry in entries if entry.subject and (names is None or entry.name in names)]

    def index(self, frame: str) -> Index:
        return self.maps.index(frame, self.vocabulary)

    def transitions(self, before: str, after: str) -> NDArray[np.int64]:
        """(K+1, K+1) pixels by class on both dates."""
        key = (before, after)
        if key not in self._transitions:
            classes = len(self.vocabulary.classes)
            self._transitions[key] = facts.transitions(self.index(before), self.index(after), classes)
        return self._transitions[key]

    def pixels(self, number: int, frame: str) -> int:
        return int(np.count_nonzero(self.index(frame) == number))

    def changed_px(self, kind: Kind, number: int, before: str, after: str) -> int:
        """Pixels of a class that came or went, of those known on both dates."""
        table = self.transitions(before, after)
        line = table[1:, number] if kind == "new" else table[number, 1:]
        return int(line.sum() - table[number, number])

    def share(self, pixels: int, frame: str) -> float:
        """Percent of the pixels known on a date."""
        return facts.share_pct(pixels, int(np.count_nonzero(self.index(frame)))) or 0.0

    def region(self, target: Target) -> NDArray[np.bool_]:
        if target not in self._regions:
            self._regions[target] = self.maps.region(target.frame, target.label)
        return self._regions[target]

    def mask(self, target: Target) -> Mask:
        return Mask.from_array(target.frame, target.label, self.region(target))

    def measured(self, targets: Sequence[Target], *wanted: tuple[str, tuple[int, ...]]) -> tuple[Evidence, ...] | None:
        """Evidence rows of (fact, indices of targets) as verification will measure them; None if one has no value."""
        masks = [self.region(target) for target in targets]
        ground = Ground(0, self.tile.gsd_m, tuple(target.frame for target in targets), self.images)
        rows = []
        for fact, indices in wanted:
            value = measure_fact(evidence(fact, indices, 0.0), masks, ground)
            if value is None:
                return None
            rows.append(evidence(fact, indices, value))
        return tuple(rows)

    def draft(self, task: str, targets: Sequence[Target], *wanted: tuple[str, tuple[int, ...]]) -> Draft | None:
        """A draft of these facts; None if one has no value."""
        rows = self.measured(targets, *wanted)
        return None if rows is None else Draft(task, tuple(targets), rows)
