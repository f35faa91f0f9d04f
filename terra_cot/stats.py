"""What a dataset holds, in numbers: tasks, classes, answers, lengths, cloud and alignment."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot.manifest import read_manifest
from terra_cot.shards import SAMPLES, TILES, read_rows

_FRAME_COLUMNS = [f"frames.list.element.{name}" for name in ("modality", "cloud_fraction", "shift_px", "shift_status")]


def stats(folder: Path) -> dict[str, Any]:
    """Counts and histograms of a finished dataset; one row group in memory at a time."""
    manifest = read_manifest(folder, "dataset")
    classes: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    words: list[int] = []
    for path in SAMPLES.parts(folder):
        for row in read_rows(path, SAMPLES, ["chain", "frames", "masks.list.element.label"]):
            classes.update(mask["label"] for mask in row["masks"])
            shown["+".join(sorted({frame["modality"] for frame in row["frames"]}))] += 1
            words.append(len(row["chain"].split()))
    cloud, moved, status = [], [], Counter[str]()
    for path in TILES.parts(folder):
        for row in read_rows(path, TILES, _FRAME_COLUMNS):
            for frame in row["frames"]:
                if frame["cloud_fraction"] is not None:
                    cloud.append(frame["cloud_fraction"])
                status[f"{frame['modality']} {frame['shift_status']}"] += 1
                if frame["shift_status"] == "removed":
                    moved.append(float(np.hypot(*frame["shift_px"])))
    return {
        "counts": manifest["counts"],
        "masks_by_class": dict(classes.most_common()),
        "samples_by_modality": dict(sorted(shown.items())),
        "chain_words": _spread(words),
        "cloud_fraction": _spread(cloud),
        "alignment": dict(sorted(status.items())),
        "removed_shift_px": _spread(moved),
    }


def _spread(values: list[int] | list[float]) -> dict[str, float] | None:
    """Minimum, quartiles and maximum; None where there is nothing to measure."""
    if not values:
        return None
    marks = np.percentile(np.array(values, np.float64), [0, 25, 50, 75, 100])
    return dict(zip(("min", "q1", "median", "q3", "max"), (round(float(mark), 4) for mark in marks), strict=True))
