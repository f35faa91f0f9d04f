"""Everything recomputed: checksums of files, masks from label maps, evidence from masks, words from evidence.

Nothing that was written is trusted. A sample is right when its masks are what the tile's label map says, its evidence
is what the masks measure, every number in its text is an evidence row's, and a template's text, written again from the
row, is the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from terra_cot.atomic import sha256_file, sha256_json
from terra_cot.chains import TASKS
from terra_cot.chains.draft import Draft, Target
from terra_cot.chains.numbers import underived
from terra_cot.engine import work
from terra_cot.errors import DataError
from terra_cot.evidence import FACTS, BoolMask, Ground, measure_fact
from terra_cot.generate import context_of
from terra_cot.legend import Legend, legend
from terra_cot.manifest import NAME as MANIFEST
from terra_cot.manifest import manifest_parts, read_manifest
from terra_cot.mask import check_counts
from terra_cot.sample import Sample
from terra_cot.shards import SAMPLES, TILES, Part, Table, read_rows
from terra_cot.tile import TileRecord

_TOLERANCE = (
    1e-9  # relative: the same formula gives the same float, a file of another machine's may differ in the last bit
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that differs: the file, the row (or None), the field, and what is wrong with it."""

    file: str
    row: str | None
    field: str
    message: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.file, self.row, self.field) if part) + f": {self.message}"


@dataclass(slots=True)
class Report:
    """What was checked and what differs."""

    tiles: int = 0
    samples: int = 0
    masks: int = 0
    evidence: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        self.tiles += other.tiles
        self.samples += other.samples
        self.masks += other.masks
        self.evidence += other.evidence
        self.problems += other.problems
        for key, counter in other.counts.items():
            self.counts.setdefault(key, Counter()).update(counter)


def verify(folder: Path, *, workers: int = 1, on_step: Callable[[int, int], None] | None = None) -> Report:
    """Check a whole dataset.

    Raises:
        DataError, SchemaError: `folder` is not a finished dataset of this format.
    """
    manifest = read_manifest(folder, "dataset")
    parts = {part.path: part for part in manifest_parts(manifest)}
    report = Report()
    report.problems += _files(folder, manifest, parts)
    # An altered part is still looked into, so that rows are named; a missing one cannot be.
    there = {path for path in parts if (folder / path).is_file()}
    names = sorted({path.rsplit("/", 1)[1] for path in there})
    jobs = [
        (folder, [path if (path := f"{table.name}/{name}") in there else None for table in (TILES, SAMPLES)])
        for name in names
    ]
    if on_step:
        on_step(0, len(jobs))
    for done, part in enumerate(work(_verify_part, jobs, min(workers, max(1, len(jobs)))), start=1):
        report.add(part)
        if on_step:
            on_step(done, len(jobs))
    report.problems += _counts(manifest, report)
    report.problems.sort(key=lambda problem: (problem.file, problem.row or "", problem.field))
    return report


def _files(folder: Path, manifest: dict[str, Any], parts: dict[str, Part]) -> Iterator[Problem]:
    """Every file the manifest names is there with its bytes, and no part is there that it does not name."""
    listed = [
        *parts.values(),
        *(Part(entry["path"], 0, entry["bytes"], entry["sha256"]) for entry in manifest["files"]),
    ]
    for part in listed:
        path = folder / part.path
        if not path.is_file():
            yield Problem(part.path, None, "", "is missing; run the recipe again, it makes what is missing")
        elif path.stat().st_size != part.bytes:
            yield Problem(part.path, None, "bytes", f"has {path.stat().st_size} bytes, the manifest says {part.bytes}")
        elif sha256_file(path) != part.sha256:
            yield Problem(part.path, None, "sha256", "checksum differs: its bytes were altered")
    for table in (TILES, SAMPLES):
        for path in table.parts(folder):
            name = path.relative_to(folder).as_posix()
            if name not in parts:
                yield Problem(name, None, "", "is not in the manifest")
    if sha256_json(manifest["recipe"]) != manifest["recipe_sha256"]:
        yield Problem(MANIFEST, None, "recipe_sha256", "does not follow from the recipe")


def _verify_part(job: tuple[Path, list[str | None]]) -> Report:
    folder, (tile_file, sample_file) = job
    report = Report()
    count = {key: Counter[str]() for key in ("tier", "task", "split", "tiles_split")}
    report.counts = count
    tiles: dict[str, TileRecord] = {}
    seen: set[str] = set()
    try:
        for row in _rows(folder, tile_file, TILES):
            report.tiles += 1
            count["tiles_split"][row["split"]] += 1
            record = TileRecord.from_row(row)
            assert tile_file is not None
            where = _Where(tile_file, record.tile_id, report)
            if record.tile_id in tiles:
                where.say("tile_id", "appears twice")
            _check_tile(record, where)
            tiles[record.tile_id] = _without_pixels(record)
        for row in _rows(folder, sample_file, SAMPLES):
            report.samples += 1
            for key in ("tier", "task", "split"):
                count[key][row[key]] += 1
            assert sample_file is not None
            where = _Where(sample_file, row["sample_id"], report)
            if row["sample_id"] in seen:
                where.say("sample_id", "appears twice")
            seen.add(row["sample_id"])
            _check_sample(row, tiles, where)
    except (DataError, KeyError, TypeError, ValueError) as error:
        report.problems.append(Problem(sample_file or tile_file or "", None, "", f"cannot be read: {error}"))
    return report


def _rows(folder: Path, name: str | None, table: Table) -> Iterator[dict[str, Any]]:
    return read_rows(folder / name, table) if name else iter(())


@dataclass(frozen=True, slots=True)
class _Where:
    """The row under examination: collects its problems."""

    file: str
    row: str
    report: Report

    def say(self, field_: str, message: str) -> None:
        self.report.problems.append(Problem(self.file, self.row, field_, message))


def _without_pixels(record: TileRecord) -> TileRecord:
    """A tile kept for its samples: label and names, no images."""
    from dataclasses import replace

    return replace(record, frames=tuple(replace(frame, image=b"", raster=None) for frame in record.frames))


def _check_tile(tile: TileRecord, where: _Where) -> None:
    size = (tile.width, tile.height)
    for frame in tile.frames:
        name = f"frames.{frame.frame}.{frame.modality}"
        if _picture_size(frame.image) != size:
            where.say(f"{name}.image", f"is not a picture of {tile.width} x {tile.height} px")
        if frame.raster is not None:
            _check_raster(frame.raster, frame.bands, size, f"{name}.raster", where)
    if tile.label is None:
        return
    try:
        label = tile.label_array()
        if label.shape != (tile.height, tile.width):
            where.say("label", f"is {label.shape[1]} x {label.shape[0]} px, the tile {tile.width} x {tile.height}")
        if tile.legend is None:
            where.say("legend", "a label map without a legend")
        else:
            legend(tile.legend).vocabulary("native").index(label)
    except (DataError, UnidentifiedImageError, OSError) as error:
        where.say("label", str(error))
    if tile.label_frame not in tile.frame_names():
        where.say("label_frame", f"{tile.label_frame} is no frame of the tile")


def _picture_size(data: bytes) -> tuple[int, int] | None:
    try:
        with Image.open(BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (UnidentifiedImageError, OSError, SyntaxError):
        return None


def _check_raster(data: bytes, bands: tuple[str, ...], size: tuple[int, int], name: str, where: _Where) -> None:
    import warnings

    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.io import MemoryFile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(data) as memory, memory.open() as dataset:
                dataset.read()
                if (dataset.width, dataset.height) != size or dataset.descriptions != bands:
                    where.say(name, f"holds {dataset.descriptions} of {dataset.width} x {dataset.height} px")
    except RasterioError as error:
        where.say(name, f"cannot be read ({error})")


def _check_sample(row: dict[str, Any], tiles: dict[str, TileRecord], where: _Where) -> None:
    tile = tiles.get(row["tile_id"])
    if tile is None or tile.label is None or tile.legend is None:
        where.say("tile_id", f"no labelled tile {row['tile_id']} in the tiles of this part")
        return
    try:
        sample = Sample.from_row(row)
    except (ValueError, TypeError, KeyError) as error:
        where.say("chain", str(error))
        return
    if sample.split != tile.split:
        where.say("split", f"is {sample.split}, the tile's is {tile.split}")
    present = {(frame.frame, frame.modality) for frame in tile.frames}
    if any((shown.frame, shown.modality) not in present for shown in sample.frames):
        where.say("frames", "shows an image that the tile does not have")
    source = legend(tile.legend)
    masks = _check_masks(sample, tile, source, where)
    if masks is None:
        return
    _check_evidence(sample, masks, tile, source, where)
    _check_text(sample, tile, where)


def _check_masks(sample: Sample, tile: TileRecord, source: Legend, where: _Where) -> list[BoolMask] | None:
    """Bool masks of the sample when all can be decoded; problems where one is not what the label map says."""
    label = tile.label_array()
    masks: list[BoolMask] = []
    for number, mask in enumerate(sample.masks):
        where.report.masks += 1
        name = f"masks[{number}]"
        if mask.size != (tile.height, tile.width):
            where.say(f"{name}.size", f"is {mask.size}, the tile {(tile.height, tile.width)}")
            return None
        try:
            check_counts(mask.size, mask.counts)
            expected: NDArray[np.bool_] = source.mask(label, mask.label)
        except DataError as error:
            where.say(name, str(error))
            return None
        found = mask.to_array()
        if mask.frame != tile.label_frame:
            where.say(f"{name}.frame", f"is {mask.frame}, the label map describes {tile.label_frame}")
        if not np.array_equal(found, expected):
            differ = int((found != expected).sum())
            where.say(name, f"differs from {mask.label} in the label map in {differ} pixels")
        masks.append(found)
    return masks


def _check_evidence(sample: Sample, masks: list[BoolMask], tile: TileRecord, source: Legend, where: _Where) -> None:
    ground = Ground(_valid_px(sample, tile, source), tile.gsd_m)
    for number, item in enumerate(sample.evidence):
        where.report.evidence += 1
        name = f"evidence[{number}].{item.fact}"
        try:
            value = measure_fact(item, masks, ground)
        except DataError as error:
            where.say(name, str(error))
            continue
        if value is None or not np.isclose(item.value, value, rtol=_TOLERANCE, atol=0):
            where.say(name, f"says {item.value}, the masks give {value}")
        if item.unit != FACTS[item.fact].unit:
            where.say(name, f"unit is {item.unit}, expected {FACTS[item.fact].unit}")


def _valid_px(sample: Sample, tile: TileRecord, source: Legend) -> int:
    """Valid pixels of the view that the sample's labels belong to."""
    labels = {mask.label for mask in sample.masks}
    native = labels <= {entry.name for entry in source.native}
    vocabulary = source.vocabulary("native" if native else "display")
    return int(np.count_nonzero(vocabulary.index(tile.label_array())))


def _check_text(sample: Sample, tile: TileRecord, where: _Where) -> None:
    for name in ("question", "chain", "answer"):
        strange = underived(getattr(sample, name), sample.evidence)
        if strange:
            where.say(name, f"states {', '.join(strange)}, which no evidence gives")
    kind, _, template = sample.writer.partition(":")
    if kind != "template":
        return
    task = TASKS.get(template)
    if task is None or task.name != sample.task or task.tier != sample.tier:
        where.say("writer", f"{sample.writer} does not write {sample.tier}/{sample.task}")
        return
    targets = tuple(Target(mask.frame, mask.label) for mask in sample.masks)
    try:
        text = task.write(Draft(sample.task, targets, sample.evidence), context_of(tile, sample.frames), sample.seed)
    except (KeyError, ValueError, DataError) as error:
        where.say("evidence", f"the text cannot be written from it ({error})")
        return
    for name in ("question", "chain", "answer", "options"):
        if getattr(sample, name) != getattr(text, name):
            where.say(name, f'is not what {sample.writer} writes: "{getattr(text, name)}"')


def _counts(manifest: dict[str, Any], report: Report) -> Iterator[Problem]:
    """Counts of the manifest are those of the parts, and read = kept + dropped."""
    counts = manifest["counts"]
    expected: list[tuple[str, Any, Any]] = [
        ("tiles.kept", counts["tiles"]["kept"], report.tiles),
        ("tiles.by_split", counts["tiles"]["by_split"], _plain(report, "tiles_split")),
    ]
    if "samples" in counts:
        expected.append(("samples.kept", counts["samples"]["kept"], report.samples))
        expected += [
            (f"samples.by_{key}", counts["samples"][f"by_{key}"], _plain(report, key))
            for key in ("tier", "task", "split")
        ]
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            total = counts[stage]["kept"] + sum(counts[stage]["dropped"].values())
            expected.append((f"{stage}.read", counts[stage]["read"], total))
    for name, stated, found in expected:
        if stated != found:
            yield Problem(MANIFEST, None, f"counts.{name}", f"says {stated}, the parts hold {found}")


def _plain(report: Report, key: str) -> dict[str, int]:
    return dict(sorted(report.counts.get(key, Counter()).items()))
