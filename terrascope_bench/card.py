"""The dataset card tells Hugging Face where the questions are, and a reader what they are and how to be scored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from terra_cot.store.hub import table_config
from terra_cot.store.licence import hub_licence
from terra_cot.store.shards import Part
from terrascope_bench.question import QUESTIONS, told_total
from terrascope_bench.tasks import TASKS

NAME = "TerraScope-Bench, rebuilt"

_CARD = """
# {name}

{total} about satellite images in the six sub-tasks of TerraScope-Bench, each with the masks that its answer
is measured from. Made by `terrascope-bench build` from {tiles} tiles (split: {split}, classes: {view}, seed {seed}).

| task | questions | letters | chance | best without the image |
|---|---|---|---|---|
{rows}

Shown as {shown}. A question has a row for each way that it is shown; its rows differ in the ending of `question_id`:
`opt` optical, `sar` radar, `opt+sar` both, `-pair` on two dates. Scores count rows.

```python
from datasets import load_dataset
questions = load_dataset("PATH/TO/THIS/FOLDER", split="test")   # images arrive as images
```

Score a model: write one JSON object a line, `{{"question_id": ..., "response": ..., "masks": [...]}}`,
each mask with the `label` of the class that the question names (on destroyed buildings: `building` on the date before
the disaster, `destroyed building` on the date after it), then

    terrascope-bench validate predictions.jsonl --bench THIS_FOLDER
    terrascope-bench score predictions.jsonl --bench THIS_FOLDER -o scorecard.json

Options are ladders of equal steps, in sets of questions about the same classes with the same options, in each of which
another one is true; of two options each is true equally often for every pair of classes. `manifest.json` counts every
candidate that a rule refused, and how many questions programs answer that see no image; their letters are in
`blind.parquet`.

Sources and licences:
{sources}
"""


def front(name: str, manifest: dict[str, Any], parts: Iterable[Part]) -> str:
    """Tells Hugging Face where the questions are, whose licences they carry, and what to call them."""
    return yaml_front(
        {
            **hub_licence(entry["licence"] for entry in manifest["sources"]),
            "pretty_name": name,
            "task_categories": ["visual-question-answering", "image-segmentation"],
            "tags": ["remote-sensing", "satellite", "terrascope-bench"],
        },
        parts,
    )


def yaml_front(told: dict[str, Any], parts: Iterable[Part]) -> str:
    """What is told of a benchmark, and where its questions are: these `parts`."""
    configs = [table_config("questions", "test", f"{QUESTIONS.name}/*.parquet", parts, default=True)]
    return f"---\n{yaml.safe_dump(told | {'configs': configs}, sort_keys=True, allow_unicode=True)}---\n"


def card(manifest: dict[str, Any], parts: Iterable[Part]) -> str:
    """README.md of a benchmark folder."""
    tasks, blind = manifest["tasks"], manifest["blind"]["tasks"]
    rows = "\n".join(
        f"| {code} {TASKS[code].name} | {entry['questions']} | "
        f"{' '.join(f'{letter} {n}' for letter, n in entry['letters'].items()) or '-'} | {_blind(blind.get(code))} |"
        for code, entry in tasks.items()
    )
    sources = "\n".join(f"- {entry['source']}: {entry['licence']}" for entry in manifest["sources"]) or "- none"
    return front(NAME, manifest, parts) + _CARD.format(
        name=NAME,
        total=told_total(sum(entry["questions"] for entry in tasks.values()), sum(manifest["rows"].values())),
        tiles=manifest["tiles"]["read"],
        split=manifest["split"],
        view=manifest["view"],
        seed=manifest["seed"],
        rows=rows,
        shown=", ".join(f"{ending} ({n} rows)" for ending, n in manifest["rows"].items()),
        sources=sources,
    )


def _blind(entry: dict[str, Any] | None) -> str:
    """Chance, and the best of the blind solvers, as two cells."""
    if entry is None:
        return "- | -"
    best = entry["best"]
    reached = "-" if best is None else f"{entry['solvers'][best]['value']:.3f} ({best})"
    return f"{entry['chance']:.3f} | {reached}"
