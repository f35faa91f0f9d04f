"""Counts of a dataset: at every stage what was read is what was kept plus what was dropped, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

SAMPLE_KEYS = ("tier", "task", "split", "writer")
"""The fields of a sample that are counted by value."""

_FRAMES = {"scan": "frames dropped", "tile": "frames dropped from tiles"}


def dataset_counts(
    *, scenes: int, tiles: Mapping[str, int], samples: Mapping[str, Mapping[str, int]] | None, drops: Iterable[Any]
) -> dict[str, Any]:
    """The `counts` of a manifest.

    Args:
        scenes: scenes kept by the scan.
        tiles: tiles kept, by split.
        samples: samples kept, by each of SAMPLE_KEYS; None where none were generated yet.
        drops: rows of dropped.jsonl.
    """
    by_stage: dict[tuple[str, str], Counter[str]] = {}
    for drop in drops:
        by_stage.setdefault((drop["stage"], drop["level"]), Counter())[drop["reason"]] += 1

    def dropped(stage: str, level: str) -> dict[str, int]:
        return _sorted(by_stage.get((stage, level), {}))

    def stage(kept: int, reasons: dict[str, int]) -> dict[str, Any]:
        return {"read": kept + sum(reasons.values()), "kept": kept, "dropped": reasons}

    cut = sum(tiles.values())
    counts: dict[str, Any] = {
        "scenes": stage(scenes, dropped("scan", "scene")),
        "frames_dropped": {name: dropped(name, "frame") for name in ("scan", "tile")},
        "tiles": {**stage(cut, dropped("tile", "tile")), "by_split": _sorted(tiles)},
    }
    if samples is not None:
        unused = dropped("generate", "tile")
        counts["annotated_tiles"] = {"read": cut, "kept": cut - sum(unused.values()), "dropped": unused}
        counts["samples"] = {
            "kept": sum(samples[SAMPLE_KEYS[0]].values()),
            **{f"by_{key}": _sorted(samples[key]) for key in SAMPLE_KEYS},
        }
        accepted = sum(number for name, number in samples["writer"].items() if name.startswith("llm:"))
        if accepted or dropped("llm", "sample"):
            counts["llm_texts"] = stage(accepted, dropped("llm", "sample"))
    return counts


def frames_left_out(counts: Mapping[str, Any]) -> list[tuple[str, dict[str, int]]]:
    """(what, numbers by reason) of dropped frames, with their label maps and cloud masks: of scenes, then of tiles.

    A scene or a tile that lost one frame is kept, and no other count tells of it.
    """
    dropped = counts.get("frames_dropped", {})
    return [(what, dropped[stage]) for stage, what in _FRAMES.items() if dropped.get(stage)]


def by_reason(numbers: Mapping[str, int]) -> str:
    """`3 unreadable, 1 no_date`, the most frequent first."""
    return ", ".join(f"{number} {reason}" for reason, number in sorted(numbers.items(), key=_most_first))


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
