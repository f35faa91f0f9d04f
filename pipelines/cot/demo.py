"""`demo`: every step on the built-in world, in the order a user would take them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console, extras
from pipelines.console import Force, Json, Quiet, Seed, Workers

BASELINES = ("random", "majority", "blind", "gold")


def demo(
    out: Annotated[Path, typer.Argument(help="Folder to fill.")],
    seed: Seed = 0,
    workers: Workers = 2,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """World, tiles, samples, verification, benchmark, baselines scored, report: all of it, in minutes.

    With the extra [model] the reference model that ships here is one of the baselines.
    """
    import orjson

    from pipelines.recipes import recipe_path
    from terra_cot import curate
    from terra_cot.engine import Crew
    from terra_cot.recipe import load_recipe
    from terra_cot.verify import verify
    from terra_cot.world import WorldConfig, write_world
    from terrascope_bench.build import build_benchmark
    from terrascope_bench.report import write_report
    from terrascope_bench.terrascope.shipped import SHIPPED

    start = time.monotonic()
    console.need_free(out, force)
    world, dataset, bench = out / "world", out / "dataset", out / "bench"
    for folder in (world, dataset, bench, out / "predictions", out / "scorecards", out / "report"):
        if folder.exists():
            shutil.rmtree(folder)
    with console.progress("world", "files", quiet) as on_step:
        write_world(world, WorldConfig(seed=seed), on_step=on_step, workers=workers)
    recipe = load_recipe(recipe_path("demo"), [f"source.root={world}", f"seed={seed}"])
    with console.stages({"scan": "scenes", "tile": "tiles", "generate": "tiles"}, quiet) as stage:
        curate.run(recipe, dataset, crew=Crew(workers), on_step=stage)
    with console.progress("verify", "parts", quiet) as on_step:
        checked = verify(dataset, workers=workers, on_step=on_step)
    if checked.problems:
        console.fail([str(problem) for problem in checked.problems])
    with console.progress("build", "tiles", quiet) as on_step:
        build_benchmark([dataset], bench, seed=seed, split="all", on_step=on_step)
    lacking = extras.model_lacks()
    names = BASELINES if lacking else (*BASELINES, *SHIPPED)
    cards = [_baseline(name, bench, out, seed, quiet) for name in names]
    totals = {name: getattr(checked, name) for name in ("tiles", "samples", "masks", "evidence")}
    page = write_report(out / "report", dataset, bench, cards, totals)
    read = [orjson.loads(path.read_bytes()) for path in cards]
    if json:
        scores = {card["model"]: card["overall"]["macro"] for card in read}
        console.print_json({"out": str(out), "page": str(page), "checked": totals, "macro": scores})
        return
    if not quiet:
        _print_scores(read)
        if lacking:
            console.say(f"{SHIPPED[0]} was not run, it needs {', '.join(lacking)}: pip install 'terra-cot[model]'")
        console.say(f"checked: {totals['masks']:,} masks and {totals['evidence']:,} facts recomputed, none differs")
    console.say(f"done in {time.monotonic() - start:.0f} s; open {page}", quiet)


def _baseline(name: str, bench: Path, out: Path, seed: int, quiet: bool) -> Path:
    """Run and score one baseline; returns its scorecard's path."""
    from terrascope_bench.run import run_model
    from terrascope_bench.score import score, write_scorecard

    predictions, card = out / "predictions" / f"{name}.jsonl", out / "scorecards" / f"{name}.json"
    predictions.parent.mkdir(parents=True, exist_ok=True)
    with console.progress(f"run {name}", "questions", quiet) as on_step:
        run_model(name, bench, predictions, seed=seed, on_step=on_step)
    with console.progress(f"score {name}", "questions", quiet) as on_step:
        write_scorecard(card, score(predictions, bench, seed=seed, model=name, on_step=on_step), predictions, bench)
    return card


def _print_scores(read: list[dict[str, Any]]) -> None:
    tasks = list(read[0]["tasks"])
    rows = [
        [
            card["model"],
            *(_share(card["tasks"][code]["accuracy"]) for code in tasks),
            *(_share(card["overall"]["macro"][metric]) for metric in ("accuracy", "giou", "grounded_accuracy")),
        ]
        for card in read
    ]
    console.print_table("accuracy by task, macro averages", ["model", *tasks, "macro", "gIoU", "grounded"], rows)


def _share(value: dict[str, float] | None) -> str:
    return "-" if value is None else f"{100 * value['value']:.1f}"
