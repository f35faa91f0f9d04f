"""The numbers of a finished dataset, in one pass over its columns of text and metadata; no pixels are read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from math import hypot
from pathlib import Path
from typing import Any

from terra_cot.palette import class_color
from terra_cot.stats.tally import Tally
from terra_cot.stats.tokens import counter
from terra_cot.store.manifest import read_manifest
from terra_cot.store.shards import SAMPLES, TILES, read_rows

OnStep = Callable[[int, int], None]
_SAMPLE = ["tier", "question", "answer", "chain", "frames", "masks.list.element.label"]
_FRAME = [
    f"frames.list.element.{name}"
    for name in ("modality", "cloud_fraction", "shift_px", "shift_status", "shift_reason", "shift_score")
]
TEXTS = ("question", "chain", "answer")


def stats(folder: Path, tokenizer: Path | None = None, on_step: OnStep | None = None) -> dict[str, Any]:
    """Counts, spreads and histograms of a finished dataset; one row group in memory at a time.

    Args:
        tokenizer: a tokenizer.json to count tokens with.

    Returns:
        `counts` of the manifest; numbers of samples and masks by what they are; of `chain_words`, `*_tokens`,
        `masks_a_sample`, `cloud_fraction`, `removed_shift_px` and `shift_score` the spread, and the same names
        (but the first) under `histograms`.
    """
    manifest = read_manifest(folder, "dataset")
    texts, frames = _Texts(tokenizer), _Frames()
    parts = [(SAMPLES, path) for path in SAMPLES.parts(folder)] + [(TILES, path) for path in TILES.parts(folder)]
    for number, (table, path) in enumerate(parts, start=1):
        if table is SAMPLES:
            for row in read_rows(path, SAMPLES, _SAMPLE):
                texts.add(row)
        else:
            for row in read_rows(path, TILES, ["legend", *_FRAME]):
                frames.add(row)
        if on_step:
            on_step(number, len(parts))
    tallies = texts.tallies | frames.tallies
    return {
        "name": manifest["recipe"]["name"],
        "counts": manifest["counts"],
        "masks_by_class": dict(texts.classes.most_common()),
        "masks_by_tier_and_class": {tier: dict(found.most_common()) for tier, found in sorted(texts.by_tier.items())},
        "class_colors": {label: _color(label, frames.legends) for label in texts.classes},
        "samples_by_modality": _sorted(texts.modality),
        "samples_by_dates": _sorted(texts.dates),
        "tokens_are": texts.tokens_are,
        **{name: tally.spread() for name, tally in tallies.items()},
        "alignment": _sorted(frames.status),
        "alignment_refused": _sorted(frames.refused),
        "frames_without_cloud_mask": frames.cloud_unknown,
        "histograms": {
            **{name: tallies[name].histogram() for name in (*(f"{text}_tokens" for text in TEXTS), "masks_a_sample")},
            "cloud_fraction": tallies["cloud_fraction"].histogram(0.05, high=1.0),
            "removed_shift_px": tallies["removed_shift_px"].histogram(0.25),
            "shift_score": tallies["shift_score"].histogram(0.1, low=-1.0, high=1.0),
        },
    }


class _Texts:
    """What the samples say."""

    def __init__(self, tokenizer: Path | None) -> None:
        self._tokens, self.tokens_are = counter(tokenizer)
        self.classes: Counter[str] = Counter()
        self.by_tier: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.modality: Counter[str] = Counter()
        self.dates: Counter[int] = Counter()
        names = ("chain_words", *(f"{text}_tokens" for text in TEXTS), "masks_a_sample")
        self.tallies = {name: Tally() for name in names}

    def add(self, row: Mapping[str, Any]) -> None:
        labels = [mask["label"] for mask in row["masks"]]
        self.classes.update(labels)
        self.by_tier[row["tier"]].update(labels)
        self.modality["+".join(sorted({frame["modality"] for frame in row["frames"]}))] += 1
        self.dates[len({frame["frame"] for frame in row["frames"]})] += 1
        self.tallies["chain_words"].add(len(row["chain"].split()))
        self.tallies["masks_a_sample"].add(len(labels))
        for text in TEXTS:
            self.tallies[f"{text}_tokens"].add(self._tokens(row[text]))


class _Frames:
    """What the frames of the tiles are like."""

    def __init__(self) -> None:
        self.status: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.legends: dict[str, None] = {}
        self.cloud_unknown = 0
        self.tallies = {"cloud_fraction": Tally(4), "removed_shift_px": Tally(2), "shift_score": Tally(3)}

    def add(self, row: Mapping[str, Any]) -> None:
        if row["legend"]:
            self.legends[row["legend"]] = None
        for frame in row["frames"]:
            if frame["cloud_fraction"] is not None:
                self.tallies["cloud_fraction"].add(frame["cloud_fraction"])
            elif frame["modality"] == "optical":
                self.cloud_unknown += 1
            self.status[f"{frame['modality']} {frame['shift_status']}"] += 1
            if frame["shift_reason"]:
                self.refused[f"{frame['modality']} {frame['shift_reason']}"] += 1
            if frame["shift_status"] == "removed":
                self.tallies["removed_shift_px"].add(hypot(*frame["shift_px"]))
            if frame["shift_score"] is not None:
                self.tallies["shift_score"].add(frame["shift_score"])


def _color(label: str, legends: Mapping[str, None]) -> tuple[int, int, int]:
    """The colour of a class in the first legend of the dataset that has it."""
    other = class_color(None, label)
    return next((color for name in legends if (color := class_color(name, label)) != other), other)


def _sorted(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(key): counts[key] for key in sorted(counts)}
