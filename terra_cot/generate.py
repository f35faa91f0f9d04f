"""Generation: one labelled tile in, its samples out, the same ones whatever came before it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from pydantic import BaseModel, ConfigDict, Field, model_validator

from terra_cot.chains import TASKS
from terra_cot.chains.draft import Context, Draft, Target, Task
from terra_cot.chains.sensors import with_sensors
from terra_cot.chains.temporal import SERIES_TASKS
from terra_cot.chains.temporal.sensors import with_sensors as with_change_sensors
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.view import TileView
from terra_cot.change import parse_change
from terra_cot.draw import draw, happens, pick, seed_of, shuffled
from terra_cot.filters import annotation_reason, shown_modalities
from terra_cot.legend import View, legend
from terra_cot.pixels.images import Fetch, TileImages
from terra_cot.sample import Sample, ShownFrame
from terra_cot.scene import Drop
from terra_cot.temporal import series_view, temporal_drafts, temporal_frames
from terra_cot.tile import TileRecord


class GenerateOptions(BaseModel):
    """How many samples of each tier a tile gives. L1: a number of the six tasks drawn between `l1_min` and `l1_max`,
    as in the paper (2 to 4). L2: a number of compositions drawn between `l2_min` and `l2_max` (paper: 2 to 3), at least
    one spatial and one semantic where the tile allows both.

    `negative_share`: of RES and the L1 tasks, the share of samples that ask for a class of which there is not a single
    pixel, where the tile has one; half of the questions of existence do so anyway. Default: one in ten, about the
    share of no-target expressions in gRefCOCO (Liu et al. 2023).
    Temporal: a number of tasks drawn between `temporal_min` and `temporal_max`, of tiles with two dates or more;
    `negative_share` of them say that the change did not happen.
    `sensor_share`: of the tiles, the share whose rasters are read, so that RES, captions and L1 also say what the
    sensors measure (NDVI, NDWI, NBR, backscatter); 0 reads none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    view: View = "display"
    min_share_pct: float = Field(1.0, gt=0, le=100)
    res: int = Field(1, ge=0)
    caption: int = Field(1, ge=0, le=1)
    l1_min: int = Field(2, ge=0, le=6)
    l1_max: int = Field(4, ge=0, le=6)
    l2_min: int = Field(2, ge=0, le=8)
    l2_max: int = Field(3, ge=0, le=8)
    temporal_min: int = Field(1, ge=0, le=9)
    temporal_max: int = Field(3, ge=0, le=9)
    negative_share: float = Field(0.1, ge=0, le=1)
    sensor_share: float = Field(0.25, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> GenerateOptions:
        if self.l1_min > self.l1_max:
            raise ValueError(f"l1_min {self.l1_min} is above l1_max {self.l1_max}")
        if self.l2_min > self.l2_max:
            raise ValueError(f"l2_min {self.l2_min} is above l2_max {self.l2_max}")
        if self.temporal_min > self.temporal_max:
            raise ValueError(f"temporal_min {self.temporal_min} is above temporal_max {self.temporal_max}")
        if self.res == self.caption == self.l1_max == self.l2_max == self.temporal_max == 0:
            raise ValueError("res, caption, l1_max, l2_max and temporal_max are all 0: no sample is asked for")
        return self


@dataclass(frozen=True, slots=True)
class Outline:
    """What a sample will be, before words: its number within the tile and what mixtures count it by."""

    number: int
    tier: str
    task: str
    label: str
    modality: str
    split: str


def samples_of(
    tile: TileRecord,
    options: GenerateOptions,
    seed: int,
    only: Container[int] | None = None,
    fetch: Fetch | None = None,
) -> Iterator[Sample | Drop]:
    """Every sample of a tile (or those whose number is in `only`), or the reason why it gives none.

    `fetch` brings the rasters of a tile that came without them.
    """
    images = TileImages(tile, fetch)
    found = _drafts(tile, options, seed, images)
    if isinstance(found, Drop):
        yield found
        return
    measured = happens(options.sensor_share, seed, tile.tile_id, "sensors")
    number = -1
    for number, (view, task, draft) in enumerate(found):
        if only is None or number in only:
            yield _sample(view, task, draft, number, seed, images, measured)
    if number < 0:
        yield Drop("tile", tile.tile_id, "nothing_to_say", "no task has a question about it")


def outlines_of(tile: TileRecord, options: GenerateOptions, seed: int, fetch: Fetch | None = None) -> Iterator[Outline]:
    """What each sample of a tile will be, in the order of their numbers, without words and masks."""
    found = _drafts(tile, options, seed, TileImages(tile, fetch))
    if isinstance(found, Drop):
        return
    for number, (_, task, draft) in enumerate(found):
        frames = shown_by(task, draft.targets, tile, seed_of(seed, _sample_id(tile, number, task)))
        label = draft.targets[0].label if draft.targets else ""
        change = parse_change(label)
        modality = modality_of(frames)
        yield Outline(number, task.tier, task.name, change.name if change else label, modality, tile.split)


def modality_of(frames: Iterable[ShownFrame]) -> str:
    """ "optical", "sar" or "optical+sar": the modalities that a sample shows."""
    return "+".join(sorted({shown.modality for shown in frames}))


AnyTask = Task | SeriesTask
AnyView = TileView | SeriesView


def _drafts(
    tile: TileRecord, options: GenerateOptions, seed: int, images: TileImages
) -> Iterator[tuple[AnyView, AnyTask, Draft]] | Drop:
    """The drafts of a tile that are to be written (of its labelled date, then of its series), or why there are none."""
    source = legend(tile.legend) if tile.legend else None
    tasks = [task for task in TASKS.values() if source and source.kind in task.kinds]
    series = any(source and source.kind in task.kinds for task in SERIES_TASKS.values())
    # Only land cover has a short list of display classes.
    chosen: View = options.view if source and source.kind == "land_cover" else "native"
    view_classes = len(source.vocabulary(chosen).classes) if source and (tasks or series) else 0
    reason = annotation_reason(tile, view_classes)
    if reason:
        return Drop("tile", tile.tile_id, *reason)
    view = view_of(tile, chosen, options.min_share_pct)
    if not view.present:
        return Drop("tile", tile.tile_id, "nothing_to_say", f"no class reaches {options.min_share_pct:g} %")
    dated = series_view(tile, chosen, options.min_share_pct, images) if options.temporal_max else None
    return chain(
        ((view, task, draft) for task, draft in _chosen(view, tasks, options, seed)),
        ((dated, task, draft) for task, draft in _temporal(dated, options, seed)) if dated else (),
    )


def _temporal(view: SeriesView, options: GenerateOptions, seed: int) -> Iterator[tuple[SeriesTask, Draft]]:
    return temporal_drafts(view, options.temporal_min, options.temporal_max, options.negative_share, seed)


def view_of(tile: TileRecord, view: View, min_share_pct: float) -> TileView:
    """A labelled tile as chains see it."""
    assert tile.legend is not None
    assert tile.label_frame is not None
    vocabulary = legend(tile.legend).vocabulary(view)
    index = vocabulary.index(tile.label_array())
    return TileView(tile.tile_id, tile.label_frame, vocabulary, index, tile.gsd_m, min_share_pct)


def _chosen(view: TileView, tasks: Sequence[Task], options: GenerateOptions, seed: int) -> Iterator[tuple[Task, Draft]]:
    """Drafts to write: RES classes, the caption, then L1 tasks of which at least one needs pixels."""
    for task, most in ((TASKS["referring"], options.res), (TASKS["caption"], options.caption)):
        if task in tasks:
            found = shuffled(task.propose(view, seed), seed, view.tile_id, task.name)[:most]
            missing = shuffled(_absent(task, view, seed), seed, view.tile_id, task.name, "absent")
            for number, draft in enumerate(found):
                negative = happens(options.negative_share, seed, view.tile_id, task.name, "negative", number)
                yield task, missing.pop() if negative and missing else draft
    level1 = [task for task in tasks if task.tier == "l1"]
    proposals = {task.name: task.propose(view, seed_of(seed, view.tile_id, task.name)) for task in level1}
    possible = [task for task in level1 if proposals[task.name]]
    wanted = options.l1_min + draw(options.l1_max - options.l1_min + 1, seed, view.tile_id, "l1")
    order = shuffled(possible, seed, view.tile_id, "tasks")
    chosen = order[:wanted]
    if chosen and not any(task.needs_pixels for task in chosen):
        chosen[-1] = next((task for task in order if task.needs_pixels), chosen[-1])
    for task in chosen:
        drafts: Sequence[Draft] = proposals[task.name]
        if happens(options.negative_share, seed, view.tile_id, task.name, "negative"):
            drafts = _absent(task, view, seed) or drafts
        yield task, pick(drafts, seed, view.tile_id, task.name, "draft")
    yield from _level2(view, tasks, options, seed)


def _absent(task: Task, view: TileView, seed: int) -> Sequence[Draft]:
    """Drafts of a task that ask for what is not there; none where the task has no such question."""
    return task.absent(view, seed_of(seed, view.tile_id, task.name)) if task.absent else ()


def _level2(view: TileView, tasks: Sequence[Task], options: GenerateOptions, seed: int) -> Iterator[tuple[Task, Draft]]:
    """L2 drafts: spatial and semantic by turns, as far as each kind lasts; a task proposes only when its turn comes."""
    wanted = options.l2_min + draw(options.l2_max - options.l2_min + 1, seed, view.tile_id, "l2")
    left = {
        tier: shuffled([task for task in tasks if task.tier == tier], seed, view.tile_id, tier)
        for tier in ("l2_spatial", "l2_semantic")
    }
    turn = draw(2, seed, view.tile_id, "l2 first")
    while wanted and any(left.values()):
        queue = (left["l2_spatial"], left["l2_semantic"])[turn % 2]
        turn += 1
        while queue:
            task = queue.pop(0)
            drafts = task.propose(view, seed_of(seed, view.tile_id, task.name))
            if drafts:
                yield task, pick(drafts, seed, view.tile_id, task.name, "draft")
                wanted -= 1
                break


def _sample(
    view: AnyView, task: AnyTask, draft: Draft, number: int, seed: int, images: TileImages, measured: bool
) -> Sample:
    tile = images.tile
    sample_id = _sample_id(tile, number, task)
    own_seed = seed_of(seed, sample_id)
    frames = shown_by(task, draft.targets, tile, own_seed)
    if isinstance(view, SeriesView):
        assert isinstance(task, SeriesTask)
        draft = with_change_sensors(draft, task, view, frames, measured)
        masks = tuple(view.mask(target) for target in draft.targets)
    else:
        if isinstance(task, Task):
            read = task.sensors and measured  # tasks without readings still say that cloud makes them lean on radar
            regions = [view.region(target.label) for target in draft.targets] if task.sensors else []
            draft = with_sensors(draft, regions, frames, images, read, own_seed)
        masks = tuple(view.mask(target.label) for target in draft.targets)
    text = task.write(draft, context_of(tile, frames), own_seed)
    return Sample(
        sample_id=sample_id,
        tile_id=tile.tile_id,
        tier=task.tier,
        task=task.name,
        frames=frames,
        question=text.question,
        options=text.options,
        answer=text.answer,
        chain=text.chain,
        masks=masks,
        evidence=draft.evidence,
        writer=f"template:{task.name}",
        split=tile.split,
        seed=own_seed,
    )


def _sample_id(tile: TileRecord, number: int, task: AnyTask) -> str:
    return f"{tile.tile_id}-{number:02d}-{task.name}"


def shown_by(task: AnyTask, targets: Sequence[Target], tile: TileRecord, seed: int) -> tuple[ShownFrame, ...]:
    """The images that the sample of this task, masks and seed shows."""
    if isinstance(task, SeriesTask):
        return temporal_frames(task, targets, tile, seed)
    return frames_shown(tile, seed)


def frames_shown(tile: TileRecord, seed: int) -> tuple[ShownFrame, ...]:
    """The images of the labelled date that the sample of this seed shows."""
    assert tile.label_frame is not None
    modalities = pick(shown_modalities(tile), seed, "modalities")
    records = tile.shown(tile.label_frame)
    return tuple(ShownFrame(entry.frame, entry.modality) for entry in records if entry.modality in modalities)


def context_of(tile: TileRecord, frames: tuple[ShownFrame, ...]) -> Context:
    """What the words of a sample that shows `frames` of a tile depend on."""
    assert tile.legend is not None
    shown = {(entry.frame, entry.modality) for entry in frames}
    images = tuple(
        (entry.frame, entry.modality, entry.bands) for entry in tile.frames if (entry.frame, entry.modality) in shown
    )
    dates = {entry.frame for entry in frames}
    return Context(legend(tile.legend), len(dates) > 1, tile.crs is not None, images)
