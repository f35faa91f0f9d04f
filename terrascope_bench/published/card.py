"""The card of an imported benchmark tells what was published, what was restored, and what was made again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from terra_cot.store.shards import Part
from terrascope_bench.card import front
from terrascope_bench.tasks import TASKS

_NAME = "TerraScope-Bench, imported"
_CARD = """
# {name}

{total} questions. {kept} of the {read} rows of the published file (SHA-256 `{sha256}`), with the published answers;
`dropped.jsonl` lists the others. Made by `terrascope-bench import`. The file does not state a licence: its
authors' terms hold, and those of the images' sources.

| task | published | regenerated | with evidence masks | answer follows from the map | does not |
|---|---|---|---|---|---|
{rows}

Evidence masks {restored}
{again}
Score a model: write one JSON object a line, `{{"question_id": ..., "response": ..., "masks": [...]}}`, then

    terrascope-bench validate predictions.jsonl --bench THIS_FOLDER
    terrascope-bench score predictions.jsonl --bench THIS_FOLDER -o scorecard.json

The options of the published file can give answers away. `blind.parquet` holds what solvers say that never see an image;
read accuracies on AQ and DM beside it.
"""

_AGAIN = """
Questions that are marked regenerated are not the published ones: xBD may not be passed on, so they are made again from
its test split by the published rule.
"""


def card(manifest: dict[str, Any], parts: Iterable[Part]) -> str:
    """README.md of an imported folder."""
    told = manifest["import"]
    labels = told["labels"]
    again = told["regenerated"]
    rows = []
    for code, task in TASKS.items():
        entry = labels["tasks"][code] if labels else None
        made = again["questions"] if again and code == "BCE" else 0
        known = (entry["restored"] if entry else 0) + made
        yes, no = (entry["agree"], entry["disagree"]) if entry and entry["restored"] else ("-", "-")
        published = told["tasks"][code]
        rows.append(f"| {code} {task.name} | {published} | {made} | {known} | {yes} | {no} |")
    restored = (
        f"are restored from {labels['maps']['used']} label maps; `disagreements.jsonl` lists the questions whose\n"
        "published answer does not follow from them."
        if labels
        else "are not known: import with `--labels ROOT` to restore them."
    )
    return front(_NAME, manifest, parts) + _CARD.format(
        name=_NAME,
        total=sum(entry["questions"] for entry in manifest["tasks"].values()),
        kept=told["rows"]["kept"],
        read=told["rows"]["read"],
        sha256=told["file"]["sha256"],
        rows="\n".join(rows),
        restored=restored,
        again=_AGAIN if again else "",
    )
