"""`review`: experts check the questions of a benchmark in a local web page."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from terra_cot.counted import counted


def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a benchmark.")],
    reviewers: Annotated[
        list[str], typer.Option("--reviewer", "-r", help="Name of an expert. Repeatable; a new one later needs --add.")
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    add: Annotated[
        bool, typer.Option("--add", help="Take new names into a review that has begun; they cannot be taken out again.")
    ] = False,
    per_question: Annotated[
        int | None, typer.Option("--per-question", min=1, help="Reviews per question, at first 2; then fixed.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Others than this machine's need a password.")
    ] = ("127.0.0.1"),
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="0 takes a free one; unset, the one of last time if it is free."),
    ] = None,
    names: Annotated[
        list[str], typer.Option("--name", help="Another host name that reviewers type, such as a proxy's. Repeatable.")
    ] = [],  # noqa: B006
    password_env: Annotated[
        str | None, typer.Option("--password-env", help="Environment variable with a password that the page asks for.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the consensus as JSONL and stop; for `terrascope-bench keep`."),
    ] = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="Print progress and agreement and stop; also with --json.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Experts grade mask, answer, distractors and clarity of every question in a local page, blind to each other."""
    if export is not None:
        console.need_file(export, force, "consensus.jsonl")
    if export is None and not stats and not as_json:
        _serve(folder, reviewers, add, per_question, host, port, names, password_env, quiet)
        return
    from terrascope_bench.review import export_consensus, open_ledger, progress
    from terrascope_bench.review.items import open_items

    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256, create=False) as ledger:
        counts = export_consensus(items, ledger, export) if export else None
        found = progress(items, ledger)
    if as_json:
        console.print_json(found)
        return
    if counts is not None:
        gone = ", ".join(f"{n} {reason}" for reason, n in counts.items() if reason != "kept" and n)
        console.say(
            f"{export}: {counted(sum(counts.values()), 'row')}, {counts['kept']} kept; dropped: {gone or 'none'}", quiet
        )
    if stats and not quiet:
        _tables(found)


def _serve(
    folder: Path,
    reviewers: list[str],
    add: bool,
    per_question: int | None,
    host: str,
    port: int | None,
    names: list[str],
    password_env: str | None,
    quiet: bool,
) -> None:
    from terra_cot.errors import ConfigError
    from terrascope_bench.review.serve import serve

    password = os.environ.get(password_env) if password_env else None
    if password_env and not password:
        raise ConfigError(f"--password-env {password_env}: there is no such environment variable, or it is empty")

    def ready(links: dict[str, str], taken: int | None) -> None:
        width = max(map(len, links))
        if taken is not None:
            console.say(
                f"Port {taken}, which this review had last, is taken: what browsers hold for it stays there.", quiet
            )
        console.say("Each expert has a link of their own; it works until this command stops (Ctrl-C):", quiet)
        for name, link in links.items():
            console.say(f"{name:<{width}}  {link}")  # also where all else is quiet: there is no other way in
        sys.stdout.flush()

    with suppress(KeyboardInterrupt):  # how one stops a server
        serve(
            folder,
            reviewers=reviewers,
            add=add,
            per_question=per_question,
            host=host,
            port=port,
            names=names,
            password=password,
            on_ready=ready,
        )


def _tables(found: dict[str, Any]) -> None:
    verdicts = [[reason.replace("_", " "), n] for reason, n in found["verdicts"].items()]
    console.print_table("questions", ["consensus", "questions"], verdicts)
    people = [[name, *entry.values()] for name, entry in found["reviewers"].items()]
    console.print_table("reviewers", ["name", "given", "of", "drafts", "repaired"], people)
    rows = []
    for check, entry in found["agreement"].items():
        rows.append([check, "all", entry["n"], _number(entry["observed"]), "Fleiss", _kappa(entry, "fleiss")])
        for pair in entry["pairs"]:
            both = " and ".join(pair["reviewers"])
            rows.append([check, both, pair["n"], _number(pair["observed"]), "Cohen", _kappa(pair, "cohen")])
    console.print_table("agreement, of blind answers", ["check", "reviewers", "n", "equal", "", "kappa"], rows)


def _kappa(entry: dict[str, Any], name: str) -> object:
    """A kappa, or why there is none."""
    if entry[name] is None and entry["n"]:
        return "undefined: only one grade was used"
    return _number(entry[name])


def _number(value: float | None) -> object:
    return "-" if value is None else round(value, 3)
