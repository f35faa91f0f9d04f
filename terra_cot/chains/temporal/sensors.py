"""What the images of two dates measure on the ground that changed, and where cloud makes the chain go by the radar.

A reading compares like with like: the same quantity, on the same mask, from images of one modality on both dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.words import listing, phrase, sentences
from terra_cot.evidence import evidence
from terra_cot.filters import CLOUD_MAX_OPTICAL
from terra_cot.pixels.spectral import INDICES, MODALITY, band_names, formula
from terra_cot.sample import Evidence, ShownFrame

_NAMES = {"ndvi": "NDVI", "ndwi": "NDWI", "nbr": "NBR", "backscatter_vv": "VV", "backscatter_vh": "VH"}
_GROUND = (
    "Over that ground the mean {name} of the {sensor} images {moves}.",
    "Measured there on the {sensor} images, the mean {name} {moves}.",
    "The {sensor} images show how that ground looks: its mean {name} {moves}.",
)
_CLOUD = (
    "Cloud or its shadow hides part of the optical image{s} ({parts}), so there I rely on the radar.",
    "With cloud or its shadow over the optical image{s} ({parts}), the radar has to carry the evidence there.",
)
_MANY = 6


def with_sensors(
    draft: Draft, task: SeriesTask, view: SeriesView, frames: Sequence[ShownFrame], measured: bool
) -> Draft:
    """The draft with cloud and readings of the images shown, as far as the task has any and they have values.

    `measured` False reads no raster.
    """
    rows = [*_clouds(view, frames), *(_readings(draft, task, view, frames) if measured else ())]
    return replace(draft, evidence=(*draft.evidence, *rows))


def _clouds(view: SeriesView, frames: Sequence[ShownFrame]) -> list[Evidence]:
    shown = {(entry.frame, entry.modality) for entry in frames}
    rows = []
    for record in view.tile.frames:
        both = (record.frame, "optical") in shown and (record.frame, "sar") in shown
        if record.modality == "optical" and both and (record.cloud_fraction or 0.0) > CLOUD_MAX_OPTICAL:
            rows.append(evidence(f"cloud@{record.frame}", (), 100.0 * (record.cloud_fraction or 0.0)))
    return rows


def _readings(draft: Draft, task: SeriesTask, view: SeriesView, frames: Sequence[ShownFrame]) -> list[Evidence]:
    """Mean of one quantity a modality on both dates, on the last target that names a change."""
    ground = [at for at, target in enumerate(draft.targets) if " since " in target.label]
    if not ground or view.images is None:
        return []
    at = ground[0]
    dates = (draft.targets[0].frame, draft.targets[at].frame)
    rows: list[Evidence] = []
    for modality, quantity in task.reading:
        if any((date, modality) not in {(entry.frame, entry.modality) for entry in frames} for date in dates):
            continue
        found = view.measured(draft.targets, *((f"{quantity}@{date}", (at,)) for date in dates))
        rows += found or ()
    return rows


def clouded(draft: Draft, seed: int) -> str:
    """Where cloud hides optical images beside which radar is shown; nothing where there is none."""
    rows = [item for item in draft.evidence if item.fact.startswith("cloud@")]
    if not rows:
        return ""
    parts = [f"{numbers.percent(item.value)} of {item.fact.partition('@')[2]}" for item in rows[:_MANY]]
    if len(rows) > _MANY:
        parts.append("more dates")
    return phrase(_CLOUD, seed, "cloud", s="" if len(rows) == 1 else "s", parts=listing(parts))


def readings(draft: Draft, context: Context, seed: int) -> str:
    """What the sensors say of the ground that changed; nothing without evidence of it."""
    parts = []
    for quantity in MODALITY:
        rows = [item for item in draft.evidence if item.fact.startswith(f"{quantity}@")]
        if len(rows) != 2:
            continue
        first, second = (numbers.WRITTEN[quantity](item.value) for item in rows)
        dates = [item.fact.partition("@")[2] for item in rows]
        moves = f"stays at {first}" if first == second else _moves(first, second, dates, rows)
        name = _NAMES[quantity]
        if quantity in INDICES:
            bands = [context.bands(date, "optical") for date in dates]
            same = {band_names(quantity, names) for names in bands}
            name = f"{name}, {formula(quantity, bands[0])}," if len(same) == 1 else name
        sensor = "radar" if MODALITY[quantity] == "sar" else "optical"
        parts.append(phrase(_GROUND, seed, quantity, name=name, sensor=sensor, moves=moves))
    return sentences(*parts)


def _moves(first: str, second: str, dates: Sequence[str], rows: Sequence[Evidence]) -> str:
    word = "rises" if rows[1].value > rows[0].value else "falls"
    return f"{word} from {first} in {dates[0]} to {second} in {dates[1]}"
