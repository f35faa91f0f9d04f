"""Temporal generation: one tile of several dates in, its temporal samples out, the same ones whatever came before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from terra_cot.chains.draft import Draft, Target
from terra_cot.chains.temporal import SERIES_TASKS
from terra_cot.chains.temporal.series import Maps, SeriesView, usable_dates
from terra_cot.chains.temporal.shown import series_frames
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.change import parse_change
from terra_cot.draw import draw, happens, pick, seed_of, shuffled
from terra_cot.legend import View, legend
from terra_cot.pixels.images import TileImages
from terra_cot.sample import ShownFrame
from terra_cot.tile import TileRecord


def series_view(tile: TileRecord, view: View, min_share_pct: float, images: TileImages | None) -> SeriesView | None:
    """The tile as a series; None where fewer than two of its dates can be shown."""
    dates = usable_dates(tile)
    if len(dates) < 2 or tile.legend is None:
        return None
    return SeriesView(Maps(tile), dates, legend(tile.legend).vocabulary(view), min_share_pct, images)


def temporal_drafts(
    view: SeriesView, least: int, most: int, negative_share: float, seed: int
) -> Iterator[tuple[SeriesTask, Draft]]:
    """Between `least` and `most` drafts, of different tasks, decisions over the series and measured changes by turns.

    Each place is drawn to be a negative (the change did not happen) with the chance `negative_share`; a place that is
    not, stays empty where nothing changed, so that quiet tiles do not fill a dataset with "nothing happened".
    """
    kind = legend(view.tile.legend or "").kind
    tasks = [task for task in SERIES_TASKS.values() if kind in task.kinds]
    wanted = least + draw(most - least + 1, seed, view.tile_id, "temporal")
    decisions = shuffled([task for task in tasks if task.tier != "l1"], seed, view.tile_id, "series tasks")
    measured = shuffled([task for task in tasks if task.tier == "l1"], seed, view.tile_id, "pair tasks")
    queues = [decisions, measured] if draw(2, seed, view.tile_id, "temporal first") else [measured, decisions]
    for place in range(wanted):
        negative = happens(negative_share, seed, view.tile_id, "temporal negative", place)
        for queue in (queues[place % 2], queues[(place + 1) % 2]):
            found = _next(queue, view, negative, seed)
            if found is not None:
                yield found
                break


def _next(queue: list[SeriesTask], view: SeriesView, negative: bool, seed: int) -> tuple[SeriesTask, Draft] | None:
    """The first task of the queue with such a draft, taken out of it."""
    for task in queue:
        own = seed_of(seed, view.tile_id, task.name)
        drafts: Sequence[Draft] = (task.unchanged if negative else task.propose)(view, own)
        if drafts:
            queue.remove(task)
            return task, pick(drafts, seed, view.tile_id, task.name, "draft")
    return None


def dates_of(task: SeriesTask, targets: Sequence[Target], tile: TileRecord) -> tuple[str, ...]:
    """The dates that a sample shows: all of a series, or the two of a pair (of its masks, or that a change names)."""
    if task.span == "series":
        return usable_dates(tile)
    changes = (parse_change(target.label) for target in targets)
    named = {target.frame for target in targets} | {change.since for change in changes if change}
    return tuple(name for name in tile.frame_names() if name in named)


def temporal_frames(task: SeriesTask, targets: Sequence[Target], tile: TileRecord, seed: int) -> tuple[ShownFrame, ...]:
    """The images that the sample of this task, masks and seed shows."""
    return series_frames(tile, dates_of(task, targets, tile), seed, task.modes)
