"""The numbers of a dataset as one page: plots with their numbers beside, nothing fetched, opens from disk.

Bars are of one colour and labelled, so that no reading depends on telling colours apart. Names are escaped by the
template engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from terra_cot import __version__
from terra_cot.stats.measure import TEXTS
from terra_cot.store.atomic import write_bytes
from terra_cot.store.counts import by_reason, frames_left_out

_BALANCE = (
    ("Tiers", "by_tier"),
    ("Tasks", "by_task"),
    ("Splits", "by_split"),
)
_WIDE, _HIGH = 460, 130  # of a histogram's bars, in units of its drawing


def write_page(path: Path, found: Mapping[str, Any]) -> None:
    """Write what `stats` found as a page at `path`."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8"))
    samples = found["counts"].get("samples", {})
    balance = [(title, _bars(samples[key])) for title, key in _BALANCE if samples.get(key)]
    balance.append(("Images shown", _bars(found["samples_by_modality"])))
    balance.append(("Dates shown", _bars(found["samples_by_dates"])))
    page = template.render(
        version=__version__,
        name=found["name"],
        counts=found["counts"],
        stages=[name for name in ("scenes", "tiles", "annotated_tiles") if name in found["counts"]],
        frames=[(what, by_reason(numbers)) for what, numbers in frames_left_out(found["counts"])],
        masks=sum(found["masks_by_class"].values()),
        balance=[(title, bars) for title, bars in balance if bars],
        classes=_classes(found),
        alignment=_bars(found["alignment"]),
        refused=_bars(found["alignment_refused"]),
        lengths=[_plot(found, f"{text}_tokens", f"Tokens of the {text}") for text in TEXTS]
        + [_plot(found, "masks_a_sample", "Masks of a sample")],
        ground=[
            _plot(found, "cloud_fraction", "Cloud and shadow of an optical image", 100, " %"),
            _plot(found, "removed_shift_px", "Shift found and removed", 1, " px"),
            _plot(found, "shift_score", "Self-similarity after alignment"),
        ],
        tokens_are=found["tokens_are"],
        unknown=found["frames_without_cloud_mask"],
    )
    write_bytes(path, page.encode("utf-8"))


def _bars(numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Rows of a bar chart: name, number, share of all (0 to 100) and length (0 to 100 of the longest)."""
    total, most = sum(numbers.values()), max(numbers.values(), default=0)
    return [
        {"name": name, "number": number, "share": 100 * number / total, "length": 100 * number / most}
        for name, number in sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
        if most
    ]


def _classes(found: Mapping[str, Any]) -> dict[str, Any]:
    """Bars of the classes, each with its colour and its number in every tier."""
    tiers = found["masks_by_tier_and_class"]
    most = {tier: max(numbers.values(), default=1) for tier, numbers in tiers.items()}
    rows = _bars(found["masks_by_class"])
    for row in rows:
        row["color"] = "rgb({}, {}, {})".format(*found["class_colors"][row["name"]])
        row["tiers"] = [
            {"number": numbers.get(row["name"], 0), "shade": round(100 * numbers.get(row["name"], 0) / most[tier])}
            for tier, numbers in tiers.items()
        ]
    return {"tiers": list(tiers), "rows": rows}


def _plot(found: Mapping[str, Any], name: str, title: str, scale: float = 1, unit: str = "") -> dict[str, Any]:
    """A histogram in units of its drawing, with the numbers of its bins and its quartiles."""
    histogram, spread = found["histograms"][name], found[name]
    counts, width, low = histogram["counts"], histogram["width"] * scale, histogram["low"] * scale
    most, step = max(counts, default=0), _WIDE / max(1, len(counts))
    whole = float(width).is_integer() and float(low).is_integer()
    bins = []
    for number, count in enumerate(counts):
        first, last = low + number * width, low + (number + 1) * width
        named = f"{first:g}" if whole and width == 1 else f"{first:g} to {last:g}"
        height = _HIGH * count / most if most else 0
        bins.append(
            {
                "name": named + unit,
                "count": count,
                "x": round(number * step + step * 0.06, 2),
                "width": round(step * 0.88, 2),
                "y": round(_HIGH - height, 2),
                "height": round(height, 2),
            }
        )
    every = max(1, -(-len(counts) // 6))
    ticks = [
        {"x": round(number * step + (step / 2 if width == 1 and whole else 0), 2), "name": f"{low + number * width:g}"}
        for number in range(0, len(counts) + (0 if width == 1 and whole else 1), every)
    ]
    marks = {key: f"{value * scale:g}" for key, value in spread.items()} if spread else {}
    return {"title": title, "unit": unit, "bins": bins, "ticks": ticks, "most": most, "n": sum(counts), "marks": marks}
