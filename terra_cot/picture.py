"""A sample as a picture: the images it shows, then each step's mask drawn on its frame, with the chain in words."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.errors import DataError, did_you_mean
from terra_cot.palette import class_color
from terra_cot.sample import SEG, Sample, ShownFrame
from terra_cot.sheet import RIGHT, SOFT, Panel, Sheet, Text, sized
from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import FrameRecord, TileRecord
from terra_cot.typeset import Color

_PANEL_PX = 320
_SHEET = Sheet(_PANEL_PX, text_px=15, gap_px=16, across=3, least=2)
_LOOK = re.compile(rf"Image: t\d+ {re.escape(SEG)}")
RIM = 0.4
"""What is left of the light in the dark rim around an outline."""
_CLOUDY = 0.5  # from this share of cloud on, masks are drawn on the SAR image of the date


def find(folder: Path, sample_id: str) -> tuple[Sample, TileRecord]:
    """A sample of a dataset and its tile.

    Raises:
        DataError: no such sample; names the nearest id.
    """
    known: list[str] = []
    for path in SAMPLES.parts(folder):
        for row in read_rows(path, SAMPLES):
            if row["sample_id"] != sample_id:
                known.append(row["sample_id"])
                continue
            for tile in read_rows(folder / "tiles" / path.name, TILES):
                if tile["tile_id"] == row["tile_id"]:
                    return Sample.from_row(row), TileRecord.from_row(tile)
    hint = did_you_mean(sample_id, known) or (f"; the first is {known[0]}" if known else "; there are no samples")
    raise DataError(f"no sample {sample_id}{hint}", file=folder)


def overlay(image: NDArray[np.uint8], mask: NDArray[np.bool_], color: Color) -> NDArray[np.uint8]:
    """HW3 uint8 image with a mask: the rest dimmed, the region tinted and outlined in `color`, with a dark rim."""
    picture = image.astype(np.float32)
    picture[~mask] = picture[~mask] * 0.5 + 10
    picture[mask] = picture[mask] * 0.65 + np.array(color, np.float32) * 0.35
    inside, outside = outline(mask, max(1, round(max(mask.shape) / _PANEL_PX * 2)))
    picture[outside] *= RIM
    picture[inside] = color
    return np.clip(picture, 0, 255).astype(np.uint8)


def outline(mask: NDArray[np.bool_], width_px: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(inside, outside) of a mask's border, both bool HW and `width_px` wide: the line in its colour, its dark rim."""
    inner, outer = mask, mask
    for _ in range(width_px):
        inner, outer = _all_round(inner, False), ~_all_round(~outer, True)
    return mask & ~inner, outer & ~mask


def _all_round(mask: NDArray[np.bool_], beyond: bool) -> NDArray[np.bool_]:
    """Pixels of a mask whose four neighbours are in it; `beyond` says whether what lies beyond the image is."""
    padded = np.pad(mask, 1, constant_values=beyond)
    return mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


def sample_picture(sample: Sample, tile: TileRecord) -> Image.Image:
    """RGB picture: question on top, the images, then the masks of the steps, chain and answer below."""
    found = panels(sample, tile)
    rows = _SHEET.rows(found[: len(sample.frames)], found[len(sample.frames) :])
    above = [Text(sample.question, more_px=4), Text(" / ".join(sample.options or ()), SOFT)]
    name = " · ".join((sample.tier, sample.task, sample.split, sample.sample_id))
    below = [Text(numbered(sample.chain)), Text(sample.answer, RIGHT, more_px=4), Text(name, SOFT)]
    return _SHEET.draw(above, rows, below, [class_color(tile.legend, mask.label) for mask in sample.masks])


def panels(sample: Sample, tile: TileRecord, side_px: int = _PANEL_PX) -> list[Panel]:
    """(HW3 uint8, title) of each image that the sample shows, then of each step's mask on its image.

    The longer side of a panel is `side_px`. A mask lies on the optical image of its date, or on the SAR image where
    that is the only one shown or where most of the optical image is cloud.
    """
    dated = len({entry.frame for entry in sample.frames}) > 1
    found = []
    for entry in sample.frames:
        record = _record(tile, entry)
        found.append((sized(_pixels(record), side_px), _title(record)))
    for number, mask in enumerate(sample.masks, start=1):
        base = sized(_pixels(_base(sample, tile, mask.frame)), side_px)
        inside = Image.fromarray(mask.to_array().astype(np.uint8) * 255)
        region = np.asarray(inside.resize((base.shape[1], base.shape[0]), Image.Resampling.BOX)) > 127
        title = f"[{number}] {mask.label}{f', {mask.frame}' if dated else ''}{'' if region.any() else ' (empty mask)'}"
        found.append((overlay(base, region, class_color(tile.legend, mask.label)), title))
    return found


def _base(sample: Sample, tile: TileRecord, frame: str) -> FrameRecord:
    """The image that masks of a date are drawn on: optical where it shows enough of the ground."""
    records = [_record(tile, entry) for entry in sample.frames if entry.frame == frame]
    if not records:
        raise DataError("a mask on a date that the sample does not show", row=sample.sample_id, got=frame)
    clear = [record for record in records if record.modality == "sar" or (record.cloud_fraction or 0) < _CLOUDY]
    return min(clear or records, key=lambda record: record.modality)


def _record(tile: TileRecord, entry: ShownFrame) -> FrameRecord:
    for record in tile.frames:
        if (record.frame, record.modality) == (entry.frame, entry.modality):
            return record
    raise DataError("no such frame", row=tile.tile_id, got=f"{entry.frame} {entry.modality}")


def _title(record: FrameRecord) -> str:
    facts = [f"{record.frame} {'SAR' if record.modality == 'sar' else record.modality}"]
    if record.datetime:
        facts.append(record.datetime[:10])
    if record.cloud_fraction:
        facts.append(f"{100 * record.cloud_fraction:.0f} % cloud")
    return ", ".join(facts)


def _pixels(record: FrameRecord) -> NDArray[np.uint8]:
    with Image.open(BytesIO(record.image)) as image:
        return np.asarray(image.convert("RGB"))


def numbered(chain: str) -> str:
    """A chain to read beside the panels: `[SEG]` becomes `[1]`, `[2]`, ... as they are numbered.

    `Image: t1` right before a mask goes: it tells a model which image to look at; the panel's title tells a reader.
    """
    chain = _LOOK.sub(SEG, chain)
    count = iter(range(1, chain.count(SEG) + 1))
    return re.sub(re.escape(SEG), lambda _: f"[{next(count)}]", chain)
