"""`verify`: a dataset recomputed."""

from __future__ import annotations

from pipelines import console
from pipelines.console import Json, Quiet, Workers
from pipelines.cot.arguments import Folder
from terra_cot.counted import counted


def verify(
    folder: Folder,
    workers: Workers = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Recompute every number, mask, text and checksum; exit 1 lists what differs."""
    from dataclasses import asdict

    from terra_cot.verify import verify as check

    with console.progress("verify", "parts", quiet) as on_step:
        report = check(folder, workers=workers, on_step=on_step)
    totals = {name: getattr(report, name) for name in ("tiles", "samples", "masks", "evidence")}
    if json:
        console.print_json({**totals, "problems": [asdict(problem) for problem in report.problems]})
    else:
        checked = ", ".join(counted(number, name.removesuffix("s"), name) for name, number in totals.items())
        console.say(f"{folder}: {checked} checked, {counted(len(report.problems), 'problem')}", quiet)
    if report.problems:
        console.fail([] if json else [str(problem) for problem in report.problems])
