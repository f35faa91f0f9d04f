"""`leaderboard`: scorecards as a ranked table and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.bench.arguments import Seed
from pipelines.console import Force, Json, Quiet
from terra_cot.counted import counted
from terra_cot.visible import visible

_NAME_CHARACTERS = 30
_BESIDE_TASKS = ("difference to first [95 %]", "gIoU", "grounded")


def leaderboard(
    scorecards: Annotated[list[Path], typer.Argument(metavar="SCORECARDS...", help="Scorecards that `score` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: open its index.html.", metavar="SITE")],
    bench: Annotated[
        Path | None, typer.Option("--bench", "-b", help="Benchmark with the pictures; else where the scorecards say.")
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="Worst questions shown in each list.")] = 6,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Rank scorecards; write page, CSV and JSON. Exit code 1 if a scorecard does not add up: it is refused by name."""
    from terrascope_bench.leaderboard import write_leaderboard

    console.need_folder(out)
    with console.progress("leaderboard", "rankings", quiet) as on_step:
        board = write_leaderboard(scorecards, out, bench=bench, show=worst, seed=seed, force=force, on_step=on_step)
    if json:
        console.print_json(board)
    elif csv:
        from terrascope_bench.leaderboard.sheet import sheet

        typer.echo(sheet(board), nl=False)
    elif not quiet:
        for title, columns, rows in leaderboard_tables(board):
            console.print_table(title, columns, rows, least=least_of(columns))
        for ranking in board["rankings"]:
            for note in ranking["notes"]:
                console.say(f"note: {note}")
        left = [f"{row['name']} ({row['reason']})" for row in board["refused"] if row["origin"] == "reported"]
        if left:
            console.say(f"of the paper, not listed: {'; '.join(left)}")
        console.say(f"open {out / 'index.html'}")
    refused = [entry for entry in board["refused"] if entry["origin"] == "scored"]
    if refused:
        console.fail([f"refused: {entry['name']}: {entry['reason']}" for entry in refused])


def leaderboard_tables(board: dict[str, Any]) -> list[tuple[str, list[str], list[list[object]]]]:
    """(title, columns, rows) of each ranking, then of the reported rows, for a terminal. Percent."""
    out = []
    for ranking in board["rankings"]:
        codes = list(ranking["rows"][0]["tasks"])
        rows: list[list[object]] = []
        for row in ranking["rows"]:
            macro = row["overall"]["macro"]
            rows.append(
                [
                    f"{row['rank']}. {visible(row['model'], limit=_NAME_CHARACTERS)}",
                    *(_share(row["tasks"][code]["accuracy"]) for code in codes),
                    _interval(macro["accuracy"]),
                    _interval(row["to_first"], sign="+"),
                    *(_share(macro[name]) for name in ("giou", "grounded_accuracy")),
                ]
            )
        asked = ranking["benchmark"]
        title = f"{asked['sha256'][:12]}, {counted(asked['n'], 'row')}, {ranking['extractor']}"
        out.append((title, ["model", *codes, "macro [95 %]", *_BESIDE_TASKS], rows))
    paper = board["reported"]
    codes = list(paper["rows"][0]["tasks"])
    reported: list[list[object]] = [
        [row["model"], *(_percent(row["tasks"][code]) for code in codes), _percent(row["macro"])]
        for row in paper["rows"]
    ]
    title = f"reported in {paper['source']['title']}, not reproduced; another benchmark version"
    return [*out, (title, ["model", *codes, "macro"], reported)]


def least_of(columns: list[str]) -> list[str]:
    """Columns that go first where there is little room: what rows are ranked by stays."""
    codes = [name for name in columns[1:] if name not in _BESIDE_TASKS and not name.startswith("macro")]
    return [*reversed(_BESIDE_TASKS), *reversed(codes)]


def _share(value: dict[str, float] | None) -> str:
    return "-" if value is None else _percent(value["value"])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _interval(value: dict[str, float] | None, sign: str = "") -> str:
    if value is None:
        return "-"
    middle, low, high = (f"{100 * value[name]:{sign}.1f}" for name in ("value", "low", "high"))
    return f"{middle} [{low}, {high}]"
