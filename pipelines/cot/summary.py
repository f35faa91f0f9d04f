"""`run`, `tile` and `generate` tell what they do in the same words: progress by stage, then what was read and kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines import console
from terra_cot.counted import counted
from terra_cot.store.counts import by_reason, frames_left_out


def stages(quiet: bool) -> Any:
    """One progress bar a stage of a run."""
    return console.stages({"scan": "scenes", "tile": "tiles", "count": "tiles", "generate": "tiles"}, quiet)


def summary(out: Path, manifest: dict[str, Any], json: bool, quiet: bool) -> None:
    """Counts of a manifest: read, kept, dropped by reason; samples by task. Without a single sample exit code 1."""
    counts = manifest["counts"]
    if json:
        console.print_json(counts)
    else:
        _say(out, manifest, quiet)
    if "samples" in counts and not counts["samples"]["kept"]:
        console.fail([_no_sample(out, counts)])


def _say(out: Path, manifest: dict[str, Any], quiet: bool) -> None:
    counts = manifest["counts"]
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            found = counts[stage]
            why = by_reason(found["dropped"])
            console.say(
                f"{stage.replace('_', ' ')}: {found['read']} read, {found['kept']} kept"
                + (f", dropped {why}" if why else ""),
                quiet,
            )
    say_frames(counts, out, quiet)
    if "samples" in counts:
        tasks = ", ".join(f"{number} {task}" for task, number in counts["samples"]["by_task"].items())
        console.say(f"samples: {counts['samples']['kept']}" + (f" ({tasks})" if tasks else ""), quiet)
    if len(manifest["generations"]) > 1:
        console.say(f"grown: {', '.join(_generations(manifest['generations']))}", quiet)
    for line in manifest.get("mix", {}).get("scarce", ()):
        console.say(f"scarce: {line}", quiet)
    console.say(f"done: {out}", quiet)


def _no_sample(out: Path, counts: dict[str, Any]) -> str:
    """Why a dataset has no sample: the most frequent reason of its tiles. A mixture may take none of what they give."""
    dropped, maps = counts["annotated_tiles"]["dropped"], counts["frames_dropped"]["scan"].get("missing_label")
    if not dropped:
        return f"{out}: no sample was made: the recipe's `mix` takes none of what its tiles give; loosen its shares"
    reason = max(sorted(dropped), key=lambda name: dropped[name])
    why = f"{reason} for {dropped[reason]} of {counted(counts['annotated_tiles']['read'], 'tile')}"
    if reason == "no_label":
        why += f" ({counted(maps, 'scene')} without a label map)" if maps else " (the source gives no label map)"
    return f"{out}: no sample was made: {why}; see why each in {out / 'dropped.jsonl'}; the tiles are kept"


def say_frames(counts: dict[str, Any], folder: Path, quiet: bool = False) -> None:
    """Frames that were dropped: their scenes and tiles are kept, so that no other line tells of them."""
    for what, numbers in frames_left_out(counts):
        console.say(f"{what}: {by_reason(numbers)} ({folder / 'dropped.jsonl'})", quiet)


def _generations(found: list[dict[str, int]]) -> Iterator[str]:
    """Each generation in words: what the first run made, then what later ones added."""
    for number, entry in enumerate(found):
        gone = f" ({counted(entry['gone'], 'scene')} gone)" if entry["gone"] else ""
        told = f"{counted(entry['parts'], 'part')} of {counted(entry['scenes'], 'scene')}"
        yield f"{told} {'added' if number else 'at first'}{gone}"
