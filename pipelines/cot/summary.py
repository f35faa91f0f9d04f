"""`run`, `tile` and `generate` tell what they do in the same words: progress by stage, then what was read and kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines import console


def stages(quiet: bool) -> Any:
    """One progress bar a stage of a run."""
    return console.stages({"scan": "scenes", "tile": "tiles", "count": "tiles", "generate": "tiles"}, quiet)


def summary(out: Path, manifest: dict[str, Any], json: bool, quiet: bool) -> None:
    """Counts of a manifest: read, kept, dropped by reason; samples by task."""
    counts = manifest["counts"]
    if json:
        console.print_json(counts)
        return
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            found = counts[stage]
            why = ", ".join(f"{number} {reason}" for reason, number in found["dropped"].items())
            console.say(
                f"{stage.replace('_', ' ')}: {found['read']} read, {found['kept']} kept"
                + (f", dropped {why}" if why else ""),
                quiet,
            )
    if "samples" in counts:
        tasks = ", ".join(f"{number} {task}" for task, number in counts["samples"]["by_task"].items())
        console.say(f"samples: {counts['samples']['kept']} ({tasks})", quiet)
    if len(manifest["generations"]) > 1:
        console.say(f"grown: {', '.join(_generations(manifest['generations']))}", quiet)
    for line in manifest.get("mix", {}).get("scarce", ()):
        console.say(f"scarce: {line}", quiet)
    console.say(f"done: {out}", quiet)


def _generations(found: list[dict[str, int]]) -> Iterator[str]:
    """Each generation in words: what the first run made, then what later ones added."""
    for number, entry in enumerate(found):
        gone = f" ({_counted(entry['gone'], 'scene')} gone)" if entry["gone"] else ""
        told = f"{_counted(entry['parts'], 'part')} of {_counted(entry['scenes'], 'scene')}"
        yield f"{told} {'added' if number else 'at first'}{gone}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
