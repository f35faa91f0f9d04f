"""`score`: a submission becomes a scorecard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import completion, console
from pipelines.bench.arguments import Bench, Seed
from pipelines.bench.scorecard_text import LEAST, scorecard_lines, scorecard_table
from pipelines.console import Force, Json, Quiet


def score(
    predictions: Annotated[
        Path, typer.Argument(help="JSONL (also .gz), Parquet, or the official scripts' JSON.", metavar="PREDICTIONS")
    ],
    bench: Bench,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Scorecard to write.")] = None,
    extractor: Annotated[
        str,
        typer.Option(
            "--extractor", help="strict, paper, official-infer or official-eval.", autocompletion=completion.extractors
        ),
    ] = "strict",
    model: Annotated[str | None, typer.Option("--model", help="Name in the scorecard; else the file's.")] = None,
    resize: Annotated[
        bool, typer.Option("--resize", help="Bring masks of another size to the images' (nearest pixel).")
    ] = False,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Answers and masks against the truth: per task and overall, with 95 % intervals."""
    from terra_cot.visible import visible
    from terrascope_bench.question import told_rows
    from terrascope_bench.score import score as score_submission
    from terrascope_bench.score import write_scorecard

    if out is not None:
        console.need_file(out, force, "scorecard.json")
    with console.progress("score", "predictions", quiet) as on_step:
        scored = score_submission(
            predictions, bench, extractor=extractor, seed=seed, model=model, resize=resize, on_step=on_step
        )
    if not quiet:
        for doubt in scored.doubts.lines():
            typer.echo(f"{visible(str(predictions))}: warning: {doubt}", err=True)
    card = scored.card if out is None else write_scorecard(out, scored, predictions, bench)
    if json:
        console.print_json(card)
    elif not quiet:
        asked = told_rows(scored.verdicts["question_id"].to_pylist())
        console.print_table(f"{card['model']} ({extractor}): {asked}", *scorecard_table(card), least=LEAST)
        for line in scorecard_lines(card):
            console.say(line)
