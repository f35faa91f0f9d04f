"""`stats`: a dataset in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Folder
from pipelines.cot.summary import say_frames
from terra_cot.store.counts import by_reason


def stats(
    folder: Folder,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page with plots.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json to count tokens with; default: words, numbers and marks.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Counts, balance of tiers, tasks and classes, token lengths, cloud and alignment."""
    from terra_cot.stats import stats as measure
    from terra_cot.stats import write_page

    if html:
        console.need_file(html, force, "stats.html")
    with console.progress("stats", "parts", quiet) as on_step:
        found = measure(folder, tokenizer, on_step)
    if html:
        write_page(html, found)
    if json:
        console.print_json(found)
    elif not quiet:
        _say_stats(found, folder)
        if html:
            console.say(f"open {html}")


def _say_stats(found: dict[str, Any], folder: Path) -> None:
    """Counts and balance, then spreads, then histograms, as tables."""
    counts, samples = found["counts"], found["counts"].get("samples")
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            why = by_reason(counts[stage]["dropped"]) or "none"
            console.say(
                f"{stage.replace('_', ' ')}: {counts[stage]['read']} read, {counts[stage]['kept']} kept, dropped: {why}"
            )
    say_frames(counts, folder)
    if samples:
        for key in ("tier", "task", "split"):
            _say_balance(f"samples by {key}", key, "samples", samples[f"by_{key}"])
        _say_balance("samples by modality", "shown", "samples", found["samples_by_modality"])
        _say_balance("samples by dates", "dates", "samples", found["samples_by_dates"])
        _say_balance("masks by class", "class", "masks", found["masks_by_class"])
    names = ["question_tokens", "chain_tokens", "answer_tokens", "chain_words", "masks_a_sample"]
    names += ["cloud_fraction", "removed_shift_px", "shift_score"]
    spreads = [[name.replace("_", " "), *map(_three, found[name].values())] for name in names if found[name]]
    title = f"spread (tokens are {found['tokens_are']})"
    console.print_table(title, ["what", "min", "q1", "median", "q3", "max"], spreads)
    for name in ("chain_tokens", "cloud_fraction", "removed_shift_px"):
        _say_histogram(name.replace("_", " "), found["histograms"][name])
    _say_balance("alignment of frames", "frames", "number", found["alignment"])


def _three(value: float) -> float:
    """Three significant digits; whole numbers stay whole."""
    return round(value) if isinstance(value, int) or abs(value) >= 100 else float(f"{value:.3g}")


def _say_balance(title: str, what: str, of: str, numbers: dict[str, int]) -> None:
    total = sum(numbers.values())
    rows = [[name, number, round(100 * number / total, 1)] for name, number in numbers.items() if total]
    console.print_table(title, [what, of, "%"], rows)


def _say_histogram(title: str, histogram: dict[str, Any]) -> None:
    low, width, counts = histogram["low"], histogram["width"], histogram["counts"]
    most = max(counts, default=0)
    rows = [
        [f"{low + number * width:g} to {low + (number + 1) * width:g}", count, "\u2588" * round(32 * count / most)]
        for number, count in enumerate(counts)
        if most
    ]
    if rows:
        console.print_table(title, ["from, to", "number", ""], rows)
