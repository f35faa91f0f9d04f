"""What the model card of terrascope-nano says is made here: the weights, and every number, by the commands of a user.

    python docs/make/nano.py weights WORK    # world, dataset, training; the weights into the package
    python docs/make/nano.py numbers WORK    # two worlds that it never saw; tables as Markdown, on the screen

Each step that is finished stays; the same line goes on after a crash.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.terrascope.shipped import ROOM, SHIPPED

TASKS = ("CA", "AQ", "CR", "DM", "BRD", "BCE")
CHANCE = {"CA": 0.25, "AQ": 0.25, "CR": 0.5, "DM": 0.25, "BRD": 0.5, "BCE": 0.25}
VARIANTS = "optical,sar,optical+sar"
PER_TASK = 100
WORLDS = {
    "train": ("--seed", "102", "--scenes", "48", "--pairs", "160"),
    "clear": ("--seed", "900", "--scenes", "20", "--pairs", "180"),
    "cloudy": ("--seed", "901", "--scenes", "16", "--pairs", "0", "--cloud-cover", "0.75", "--cloudy-first"),
}


def call(program: str, *arguments: object) -> None:
    line = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    print("+", program, *line[1:], flush=True)
    subprocess.run(line, check=True)


def dataset(work: Path, name: str) -> Path:
    """The world `name` and the dataset of it."""
    world, data = work / f"{name}-world", work / f"{name}-data"
    if not (data / "manifest.json").is_file():
        if not (world / "world.json").is_file():
            call("terra-cot", "world", world, *WORLDS[name], "--force")
        call("terra-cot", "run", "demo", "-o", data, "--set", f"source.root={world}", "--workers", 2)
    return data


def weights(work: Path) -> None:
    data = dataset(work, "train")
    start = time.monotonic()
    call("terrascope-bench", "train", SHIPPED[0], "-o", work / "train", "--data", data, "--set", "split=null")
    print(f"trained in {(time.monotonic() - start) / 60:.1f} min")
    shutil.copytree(work / "train" / "model", ROOM / SHIPPED[0], dirs_exist_ok=True)


def numbers(work: Path) -> None:
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    clouds: dict[str, dict[str, float | None]] = {}
    for name in ("clear", "cloudy"):
        bench = work / f"{name}-bench"
        if not (bench / "manifest.json").is_file():
            call(
                "terrascope-bench", "build", dataset(work, name), "-o", bench, "--split", "all", "--variants", VARIANTS
            )
        for model in SHIPPED:
            answers, card = work / f"{name}-{model}.jsonl", work / f"{name}-{model}.json"
            if not card.is_file():
                call("terrascope-bench", "run", model, "--bench", bench, "-o", answers)
                call("terrascope-bench", "score", answers, "--bench", bench, "-o", card)
            rows.setdefault(name, {})[model] = orjson.loads(card.read_bytes())
            if name == "cloudy":
                clouds[model] = under_cloud(bench, card)
    print(*tables(rows["clear"], work), "", *cloud_table(clouds), sep="\n")


def verdicts(card: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(card.with_name(f"{card.stem}.verdicts.parquet")).to_pylist()
    return rows


def mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return sum(kept) / len(kept) if kept else None


def macro(found: list[dict[str, Any]]) -> float | None:
    """Mean over tasks of the share right."""
    by_task = defaultdict(list)
    for row in found:
        by_task[row["task"]].append(row["outcome"] == "correct")
    return mean(sum(kept) / len(kept) for kept in by_task.values())


def tables(cards: dict[str, dict[str, Any]], work: Path) -> list[str]:
    """Accuracy by task and showing, then what masks and numbers are worth."""
    out = [f"| model | shown | n | {' | '.join(TASKS)} | macro |", f"|---|---|---|{'---|' * 7}"]
    chance = [100 * CHANCE[code] for code in TASKS]
    out.append(f"| chance | | | {' | '.join(f'{value:.0f}' for value in chance)} | {sum(chance) / 6:.1f} |")
    for model in cards:
        found = verdicts(work / f"clear-{model}.json")
        for shown in ("opt", "sar", "opt+sar"):
            own = [row for row in found if row["variant"] in (shown, f"{shown}-pair")]
            by_task = {code: [row for row in own if row["task"] == code] for code in TASKS}
            shares = [mean(row["outcome"] == "correct" for row in kept) for kept in by_task.values()]
            whole = mean(value for value in shares if value is not None)
            cells = ["-" if value is None else f"{100 * value:.1f}" for value in (*shares, whole)]
            out.append(f"| {model} | {shown} | {len(own)} | {' | '.join(cells)} |")
    out += ["", "| model | macro | gIoU | cIoU | grounded | faithful | number faithful |", f"|---|{'---|' * 6}"]
    names = ("accuracy", "giou", "ciou", "grounded_accuracy", "faithfulness", "number_faithfulness")
    for model, card in cards.items():
        values = [card["overall"]["macro"][name] for name in names]
        cells = ["-" if value is None else f"{100 * value['value']:.1f}" for value in values]
        out.append(f"| {model} | {' | '.join(cells)} |")
    return out


def under_cloud(bench: Path, card: Path) -> dict[str, float | None]:
    """Macro accuracy on the questions whose optical frame is 60 to 90 % cloud, by what is shown."""
    covered = {
        question.stem
        for question in open_benchmark(bench).questions(images=False)
        for frame in question.frames
        if frame.modality == "optical" and frame.cloud_fraction is not None and 0.6 <= frame.cloud_fraction <= 0.9
    }
    found = [row for row in verdicts(card) if str(row["question_id"]).rsplit("-", 1)[0] in covered]
    out = {shown: macro([row for row in found if row["variant"] == shown]) for shown in ("opt", "sar", "opt+sar")}
    return {**out, "n": len(found) / 3}


def cloud_table(clouds: dict[str, dict[str, float | None]]) -> list[str]:
    out = ["| model, 60 to 90 % cloud | questions | opt | sar | opt+sar |", "|---|---|---|---|---|"]
    for model, found in clouds.items():
        shares = [found[name] for name in ("opt", "sar", "opt+sar")]
        cells = ["-" if value is None else f"{100 * value:.1f}" for value in shares]
        out.append(f"| {model} | {found['n']:.0f} | {' | '.join(cells)} |")
    return out


if __name__ == "__main__":
    {"weights": weights, "numbers": numbers}[sys.argv[1]](Path(sys.argv[2]))
