"""A sample as a picture: the images it shows, then each step's mask drawn on its frame, with the chain in words."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from terra_cot.errors import DataError, did_you_mean
from terra_cot.palette import class_color
from terra_cot.sample import SEG, Sample, ShownFrame
from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import FrameRecord, TileRecord
from terra_cot.typeset import Color, Font, font, wrap, write

_PANEL_PX, _GAP_PX, _TEXT_PX = 320, 16, 15
_LINE_PX = _TEXT_PX + 10
_INK, _SOFT, _PAPER, _RIGHT = (28, 33, 40), (98, 108, 120), (255, 255, 255), (10, 107, 63)
_ACROSS = 4  # panels of a row
_CLOUDY = 0.5  # from this share of cloud on, masks are drawn on the SAR image of the date
_Panel = tuple[NDArray[np.uint8], str]


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
    inner, outer = mask, mask
    for _ in range(max(1, round(max(mask.shape) / _PANEL_PX * 2))):
        inner, outer = _all_round(inner, False), ~_all_round(~outer, True)
    picture[outer & ~mask] *= 0.4
    picture[mask & ~inner] = color
    return np.clip(picture, 0, 255).astype(np.uint8)


def _all_round(mask: NDArray[np.bool_], beyond: bool) -> NDArray[np.bool_]:
    """Pixels of a mask whose four neighbours are in it; `beyond` says whether what lies beyond the image is."""
    padded = np.pad(mask, 1, constant_values=beyond)
    return mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


def sample_picture(sample: Sample, tile: TileRecord) -> Image.Image:
    """RGB picture: question on top, the images, then the masks of the steps, chain and answer below."""
    found = panels(sample, tile)
    shown, steps = found[: len(sample.frames)], found[len(sample.frames) :]
    rows = [*_rows(shown), *_rows(steps)] if len(shown) > 1 and len(found) > _ACROSS else _rows(found)
    marks = [class_color(tile.legend, mask.label) for mask in sample.masks]
    width = max(3, *map(len, rows)) * (_PANEL_PX + _GAP_PX) + _GAP_PX
    above, below = _texts(sample, width - 2 * _GAP_PX)
    heights = [max(pixels.shape[0] for pixels, _ in row) + _LINE_PX + 10 for row in rows]
    canvas = Image.new("RGB", (width, (len(above) + len(below)) * _LINE_PX + sum(heights) + 4 * _GAP_PX), _PAPER)
    pen = ImageDraw.Draw(canvas)
    y = _put(pen, above, _GAP_PX, marks) + _GAP_PX // 2
    for row, height in zip(rows, heights, strict=True):
        for column, (pixels, title) in enumerate(row):
            x = _GAP_PX + column * (_PANEL_PX + _GAP_PX)
            canvas.paste(Image.fromarray(pixels), (x, y))
            line = wrap(title, font(_TEXT_PX - 1), _PANEL_PX)[0]
            write(pen, (x, y + pixels.shape[0] + 6), line, font(_TEXT_PX - 1), _SOFT, marks)
        y += height
    _put(pen, below, y + _GAP_PX // 2, marks)
    return canvas


def panels(sample: Sample, tile: TileRecord, side_px: int = _PANEL_PX) -> list[_Panel]:
    """(HW3 uint8, title) of each image that the sample shows, then of each step's mask on its image.

    The longer side of a panel is `side_px`. A mask lies on the optical image of its date, or on the SAR image where
    that is the only one shown or where most of the optical image is cloud.
    """
    dated = len({entry.frame for entry in sample.frames}) > 1
    found = []
    for entry in sample.frames:
        record = _record(tile, entry)
        found.append((_sized(_pixels(record), side_px), _title(record)))
    for number, mask in enumerate(sample.masks, start=1):
        base = _sized(_pixels(_base(sample, tile, mask.frame)), side_px)
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
    facts = [f"{record.frame} {record.modality}"]
    if record.datetime:
        facts.append(record.datetime[:10])
    if record.cloud_fraction:
        facts.append(f"{100 * record.cloud_fraction:.0f} % cloud")
    return ", ".join(facts)


def _pixels(record: FrameRecord) -> NDArray[np.uint8]:
    with Image.open(BytesIO(record.image)) as image:
        return np.asarray(image.convert("RGB"))


def _sized(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """The image with `side_px` on its longer side: pixels stay pixels where it grows."""
    scale = side_px / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize(size, way))


def _rows(found: list[_Panel]) -> list[list[_Panel]]:
    """Rows of panels, as even as they can be."""
    count = -(-len(found) // _ACROSS)
    across = -(-len(found) // count) if count else 0
    return [found[start : start + across] for start in range(0, len(found), across)] if count else []


_Line = tuple[str, Font, Color]


def _texts(sample: Sample, width_px: int) -> tuple[list[_Line], list[_Line]]:
    """Lines above the panels (question, options) and below (chain, answer, name)."""
    face, large = font(_TEXT_PX), font(_TEXT_PX + 4)

    def lines(text: str, size: Font, ink: Color) -> list[_Line]:
        return [(line, size, ink) for line in wrap(text, size, width_px)]

    above = lines(sample.question, large, _INK)
    if sample.options:
        above += lines(" / ".join(sample.options), face, _SOFT)
    below = lines(numbered(sample.chain), face, _INK) + lines(sample.answer, large, _RIGHT)
    name = " · ".join((sample.tier, sample.task, sample.split, sample.sample_id))
    return above, below + lines(name, face, _SOFT)


def _put(pen: ImageDraw.ImageDraw, lines: list[_Line], y: int, marks: list[Color]) -> int:
    for line, face, ink in lines:
        write(pen, (_GAP_PX, y), line, face, ink, marks)
        y += _LINE_PX
    return y


def numbered(chain: str) -> str:
    """A chain with its masks numbered as the panels are: `[SEG]` becomes `[1]`, `[2]`, ..."""
    count = iter(range(1, chain.count(SEG) + 1))
    return re.sub(re.escape(SEG), lambda _: f"[{next(count)}]", chain)
