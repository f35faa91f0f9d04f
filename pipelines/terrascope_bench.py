"""`terrascope-bench`: parse, call one function of the package, print. Scores answers and masks of any model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet

if TYPE_CHECKING:
    from terra_cot.legend import View

app = typer.Typer(
    name="terrascope-bench",
    help="Build the benchmark, check and score predictions, run models. Exit codes: 0 done, 1 failed, 2 wrong usage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Bench = Annotated[Path, typer.Option("--bench", "-b", help="Benchmark folder.", metavar="BENCH")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="All randomness comes from it.")]


@app.command(epilog="Example: terrascope-bench build out/dataset -o out/bench --per-task 100")
def build(
    datasets: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Dataset folders with tiles.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Benchmark folder to write.", metavar="BENCH")],
    per_task: Annotated[
        int | None, typer.Option("--per-task", min=1, help="Questions a task at most; else the published numbers.")
    ] = None,
    classes: Annotated[
        Literal["native", "display"], typer.Option("--classes", help="Publisher's classes, or the benchmark's few.")
    ] = "display",
    split: Annotated[
        Literal["all", "train", "validation", "test"] | None,
        typer.Option("--split", help="Tiles to use; else test where any tile has it, and all where none has."),
    ] = None,
    rasters: Annotated[bool, typer.Option("--rasters", help="Keep GeoTIFFs of all bands beside the pictures.")] = False,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Questions of the six sub-tasks from tiles, with options that cannot be guessed, and evidence masks."""
    from terrascope_bench.build import build_benchmark

    view: View = classes
    with console.progress("build", "tiles", quiet or json) as on_step:
        manifest = build_benchmark(
            datasets,
            out,
            seed=seed,
            per_task=per_task,
            view=view,
            split=split,
            rasters=rasters,
            on_step=on_step,
            force=force,
        )
    if json:
        console.print_json(manifest)
    elif not quiet:
        rows = [
            [
                code,
                entry["questions"],
                " ".join(f"{letter}:{n}" for letter, n in entry["letters"].items()),
                entry["candidates"],
                sum(entry["refused"].values()),
                sum(entry["left"].values()),
            ]
            for code, entry in manifest["tasks"].items()
        ]
        columns = ["task", "questions", "letters", "candidates", "refused", "left over"]
        console.print_table(f"{out} (split: {manifest['split']})", columns, rows)


@app.command(epilog="Example: terrascope-bench validate predictions.jsonl --bench out/bench")
def validate(
    predictions: Annotated[Path, typer.Argument(help="JSONL or Parquet.", metavar="PREDICTIONS")],
    bench: Bench,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Defects printed at most; all are counted.")] = 10_000,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Every defect of a submission with its line number. Exit code 1 if there is any."""
    from dataclasses import asdict
    from itertools import islice

    from terrascope_bench.benchmark import open_benchmark
    from terrascope_bench.prediction import Expected
    from terrascope_bench.submission import find_defects

    questions = {q.question_id: Expected.of(q) for q in open_benchmark(bench).questions(images=False)}
    found = find_defects(predictions, questions)
    shown = list(islice(found, limit))
    more = sum(1 for _ in found)
    if json:
        console.print_json({"defects": [asdict(defect) for defect in shown], "n": len(shown) + more})
        raise typer.Exit(1 if shown else 0)
    if shown:
        lines = [f"{predictions}: {defect}" for defect in shown]
        if more:
            lines.append(f"... and {more} more")
        console.fail(lines, limit=len(lines))
    console.say(f"{predictions}: no defect", quiet)


@app.command(epilog="Example: terrascope-bench score predictions.jsonl --bench out/bench -o scorecard.json")
def score(
    predictions: Annotated[Path, typer.Argument(help="JSONL or Parquet.", metavar="PREDICTIONS")],
    bench: Bench,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Scorecard to write.")] = None,
    extractor: Annotated[
        str, typer.Option("--extractor", help="strict, paper, official-infer or official-eval.")
    ] = "strict",
    model: Annotated[str | None, typer.Option("--model", help="Name in the scorecard; else the file's.")] = None,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Answers and masks against the truth: per task and overall, with 95 % intervals."""
    from terra_cot.errors import ConflictError
    from terra_cot.store.atomic import write_json
    from terrascope_bench.score import score as make_scorecard

    if out is not None and out.exists() and not force:
        raise ConflictError(f"{out}: is there already; use --force to replace it")
    with console.progress("score", "predictions", quiet or json) as on_step:
        card = make_scorecard(predictions, bench, extractor=extractor, seed=seed, model=model, on_step=on_step)
    if out is not None:
        write_json(out, card)
    if json:
        console.print_json(card)
    elif not quiet:
        console.print_table(f"{card['model']} ({extractor})", *scorecard_table(card))


@app.command(epilog="Example: terrascope-bench run random --bench out/bench -o random.jsonl")
def run(
    model: Annotated[str, typer.Argument(help="random, majority, blind or gold.", metavar="MODEL")],
    bench: Bench,
    out: Annotated[Path, typer.Option("--out", "-o", help="Predictions to write (JSONL).")],
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Let a model answer every question; run again after a crash and it goes on."""
    from terrascope_bench.run import run_model

    with console.progress(model, "questions", quiet) as on_step:
        report = run_model(model, bench, out, seed=seed, on_step=on_step, force=force)
    resumed = f", {report.resumed} were there" if report.resumed else ""
    console.say(f"{out}: {report.answered} of {report.questions} questions answered{resumed}", quiet)
    if report.errors:
        console.fail([f"{kind}: {n} questions have no answer" for kind, n in report.errors.items()])


def scorecard_table(card: dict[str, Any]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of a scorecard, for a terminal."""
    metrics = ("giou", "ciou", "boundary_iou", "grounded_accuracy", "faithfulness")

    def cells(values: dict[str, Any]) -> list[object]:
        return [_interval(values["accuracy"]), *(_number(values[name]) for name in metrics)]

    rows: list[list[object]] = []
    for code, entry in card["tasks"].items():
        rows.append([code, entry["n"], entry["unparsed"], entry["missing"], entry["error"], *cells(entry)])
    for name, values in card["overall"].items():
        rows.append([name, card["benchmark"]["n"], "", "", "", *cells(values)])
    head = ["accuracy (95 %)", "gIoU", "cIoU", "bIoU", "grounded", "faithful"]
    return ["task", "n", "unparsed", "missing", "error", *head], rows


def _interval(value: dict[str, float] | None) -> str:
    """`0.500 (0.460-0.541)`."""
    return "-" if value is None else f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"


def _number(value: dict[str, float] | None) -> object:
    return "-" if value is None else f"{value['value']:.3f}"


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
