"""A sample as the page reads it: a short row that the list filters and searches, and an object with the rest.

Columns pass through as they are: the page shows what the dataset says, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terra_cot.palette import class_color
from terra_cot.view.read import FRAME, TILE, Row

FACETS = ("tier", "task", "modality", "split", "label")
"""What the list filters by; of a row all but the last have one value."""


class Words:
    """The values of each facet, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
        self.counts: dict[str, list[int]] = {facet: [] for facet in FACETS}

    def number(self, facet: str, value: str) -> int:
        known, counts = self._numbers[facet], self.counts[facet]
        number = known.setdefault(value, len(known))
        if number == len(counts):
            counts.append(0)
        counts[number] += 1
        return number

    def lists(self) -> dict[str, list[str]]:
        return {facet: list(known) for facet, known in self._numbers.items()}


def list_row(sample: Row, words: Words, picture: str) -> list[Any]:
    """[id, tier, task, modality, split, labels, dates, question, answer, chain, picture]; words as numbers."""
    modality = "+".join(sorted({shown["modality"] for shown in sample["frames"]}))
    labels = dict.fromkeys(mask["label"] for mask in sample["masks"])
    return [
        sample["sample_id"],
        words.number("tier", sample["tier"]),
        words.number("task", sample["task"]),
        words.number("modality", modality),
        words.number("split", sample["split"]),
        [words.number("label", label) for label in labels],
        len({shown["frame"] for shown in sample["frames"]}),
        sample["question"],
        sample["answer"],
        sample["chain"],
        picture,
    ]


def shown(sample: Row, tile: Row, pictures: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """What the page shows of a sample beside its list row: frames, masks, evidence, options, origin.

    Args:
        pictures: path of the picture of each (frame, modality) that is written.
    """
    records = {(record["frame"], record["modality"]): record for record in tile["frames"]}
    frames = []
    for entry in sample["frames"]:
        key = entry["frame"], entry["modality"]
        about = {name: records[key][name] for name in FRAME} if key in records else {}
        frames.append({"frame": key[0], "modality": key[1], "picture": pictures.get(key), **about})
    return {
        "frames": frames,
        "options": sample["options"],
        "masks": [{**mask, "color": class_color(tile["legend"], mask["label"])} for mask in sample["masks"]],
        "evidence": sample["evidence"],
        "writer": sample["writer"],
        "seed": str(sample["seed"]),  # 63 bits: more than a number of JavaScript holds
        "tile": {name: tile[name] for name in TILE},
    }
