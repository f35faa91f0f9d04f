"""`run`, `tile` and `generate` tell what they do in the same words: progress by stage, then what was read and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines import console
from terra_cot.counted import counted


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
        steps = [
            f"{counted(entry['scenes'], 'scene')} in {counted(entry['parts'], 'part')}"
            for entry in manifest["generations"]
        ]
        console.say(f"grown: {', then '.join(steps)}", quiet)
    for line in manifest.get("mix", {}).get("scarce", ()):
        console.say(f"scarce: {line}", quiet)
    console.say(f"done: {out}", quiet)
