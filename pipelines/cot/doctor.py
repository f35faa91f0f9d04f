"""`doctor`: what this machine has of what the project needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Json, Quiet

_COLOURS = {"ok": "green", "warn": "yellow", "missing": "red"}


def doctor(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where data is to be written.")] = Path(),
    torch: Annotated[bool, typer.Option("--torch", help="Also load torch, to see its devices.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Versions, extras, GDAL drivers, disk and memory, and what to do. Exit code 1 if the core lacks something."""
    from dataclasses import asdict

    from terra_cot.doctor import examine, healthy

    with console.progress("doctor", "checks", quiet) as on_step:
        checks = examine(folder, load_torch=torch, on_check=lambda done: on_step(done, 0))
        on_step(len(checks), len(checks))
    fine = healthy(checks)
    if json:
        console.print_json({"healthy": fine, "checks": [asdict(check) for check in checks]})
    elif not quiet:
        rows = [[check.state, check.name, check.found, check.needed_by] for check in checks]
        colours = [_COLOURS[check.state] for check in checks]
        console.print_table("what this machine has", ["state", "what", "found", "needed by"], rows, colours)
        for check in checks:
            if check.fix:
                console.say(f"{check.state} {check.name}: {check.fix}")
        told = {state: sum(check.state == state for check in checks) for state in _COLOURS}
        console.say(", ".join(f"{number} {state}" for state, number in told.items()))
    if not fine:
        lacking = [check for check in checks if check.state == "missing" and check.needed_by == "core"]
        console.fail([] if json else [f"{check.name}: {check.fix}" for check in lacking])
