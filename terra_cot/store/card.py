"""The dataset card: README.md whose YAML makes `load_dataset(DIR, "samples")` and `(DIR, "tiles")` work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from terra_cot.store.atomic import write_bytes
from terra_cot.store.counts import by_reason, frames_left_out
from terra_cot.store.hub import table_config
from terra_cot.store.licence import hub_licence
from terra_cot.store.shards import Part

NAME = "README.md"
# A part holds places of any split, so the Hub is told of one whole; the column `split` tells its rows apart.
_WHOLE = "full"


def write_card(folder: Path, body: dict[str, Any], parts: Sequence[Part]) -> None:
    """Write the card of a dataset from the body of its manifest and its parts."""
    write_bytes(folder / NAME, card_text(body, parts).encode())


def card_text(body: dict[str, Any], parts: Sequence[Part]) -> str:
    """The card of a dataset: a function of its manifest, so that an altered card shows."""
    counts = body["counts"]
    tables = ["samples", "tiles"] if counts.get("samples", {}).get("kept") else ["tiles"]
    front: dict[str, Any] = {
        **hub_licence(entry["licence"] for entry in body["sources"]),
        "pretty_name": f"Terra-CoT ({body['recipe']['name']})",
        "task_categories": ["visual-question-answering", "image-segmentation"],
        "tags": ["remote-sensing", "satellite", "chain-of-thought", "segmentation"],
        "configs": [
            table_config(name, _WHOLE, f"{name}/part-*.parquet", parts, default=name == tables[0]) for name in tables
        ],
    }
    return _head(front) + _body(body, tables)


def _head(front: dict[str, Any]) -> str:
    return f"---\n{yaml.safe_dump(front, sort_keys=True)}---\n\n"


def _body(body: dict[str, Any], tables: list[str]) -> str:
    counts = body["counts"]
    lines = [
        f"# Terra-CoT: {body['recipe']['name']}",
        "",
        "Chain-of-thought samples on satellite imagery in which every step carries a mask and every number its",
        "evidence. `terra-cot verify` recomputes all of it.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        *(f'{name} = load_dataset("path/to/this/folder", "{name}", split="{_WHOLE}")' for name in tables),
        "```",
        "",
        "`full` is all of it. The column `split` is the split of the place (train, validation or test);",
        '`filters=[("split", "==", "train")]` reads one alone. `tile_id` joins samples to tiles.',
        "",
        "| what | read | kept | dropped |",
        "|---|---:|---:|---|",
    ]
    for name in ("scenes", "tiles", "annotated_tiles"):
        if name in counts:
            stage = counts[name]
            why = by_reason(stage["dropped"]) or "none"
            lines.append(f"| {name.replace('_', ' ')} | {stage['read']} | {stage['kept']} | {why} |")
    left_out = [f"{what.capitalize()}: {by_reason(numbers)}." for what, numbers in frames_left_out(counts)]
    lines += ["", " ".join(left_out)] if left_out else []
    if "samples" in counts:
        lines += ["", "| task | samples |", "|---|---:|"]
        lines += [f"| {task} | {number} |" for task, number in counts["samples"]["by_task"].items()]
    lines += ["", "| source | licence | scenes |", "|---|---|---:|"]
    lines += [f"| {entry['source']} | {entry['licence']} | {entry['scenes']} |" for entry in body["sources"]]
    lines += ["", f"Recipe sha256 `{body['recipe_sha256']}`, seed {body['seed']}.", ""]
    lines += ["Everything dropped is in `dropped.jsonl`, with its reason.", ""]
    return "\n".join(lines)
