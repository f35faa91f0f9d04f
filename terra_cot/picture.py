"""A sample as a picture: the images it shows, then each step's mask drawn on its frame, with the chain in words."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from terra_cot.errors import DataError, did_you_mean
from terra_cot.legend import legend
from terra_cot.sample import SEG, Sample
from terra_cot.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import TileRecord

_PANEL_PX, _GAP_PX, _TEXT_PX = 320, 16, 15
_INK, _SOFT, _PAPER = (28, 33, 40), (98, 108, 120), (255, 255, 255)


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


def overlay(image: NDArray[np.uint8], mask: NDArray[np.bool_], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    """HW3 uint8 image with a mask: the rest dimmed, the region tinted and outlined in `color`."""
    picture = image.astype(np.float32)
    picture[~mask] = picture[~mask] * 0.55 + 24
    picture[mask] = picture[mask] * 0.62 + np.array(color, np.float32) * 0.38
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    picture[mask & ~inside] = color
    return np.clip(picture, 0, 255).astype(np.uint8)


def sample_picture(sample: Sample, tile: TileRecord) -> Image.Image:
    """RGB picture: question on top, images and steps side by side, chain and answer below."""
    return _compose(panels(sample, tile), sample)


def panels(sample: Sample, tile: TileRecord) -> list[tuple[NDArray[np.uint8], str]]:
    """(HW3 uint8, title) of each image that the sample shows, then of each step's mask on its image."""
    shown = [(_decode(tile, entry.frame, entry.modality), f"{entry.frame} {entry.modality}") for entry in sample.frames]
    base = {entry.frame: entry.modality for entry in reversed(sample.frames)}
    for number, mask in enumerate(sample.masks, start=1):
        image = _decode(tile, mask.frame, base[mask.frame])
        color = legend(tile.legend).find(mask.label).color if tile.legend else (255, 80, 0)
        shown.append((overlay(image, mask.to_array(), color), f"[{number}] {mask.label}"))
    return shown


def _decode(tile: TileRecord, frame: str, modality: str) -> NDArray[np.uint8]:
    for record in tile.frames:
        if record.frame == frame and record.modality == modality:
            with Image.open(BytesIO(record.image)) as image:
                return np.asarray(image.convert("RGB"))
    raise DataError("no such frame", row=tile.tile_id, got=f"{frame} {modality}")


def _compose(panels: list[tuple[NDArray[np.uint8], str]], sample: Sample) -> Image.Image:
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    width = max(columns, 3) * (_PANEL_PX + _GAP_PX) + _GAP_PX
    font, bold = ImageFont.load_default(_TEXT_PX), ImageFont.load_default(_TEXT_PX + 4)
    chain = numbered(sample.chain)
    texts = (
        [(line, bold, _INK) for line in wrap(sample.question, bold, width - 2 * _GAP_PX)],
        [(line, font, _INK) for line in wrap(chain, font, width - 2 * _GAP_PX)]
        + [(line, bold, (0, 110, 60)) for line in wrap(sample.answer, bold, width - 2 * _GAP_PX)]
        + [(f"{sample.tier} / {sample.task}   {sample.sample_id}", font, _SOFT)],
    )
    line_px = _TEXT_PX + 9
    panel_px = _PANEL_PX + line_px + 4
    height = (len(texts[0]) + len(texts[1])) * line_px + rows * panel_px + 4 * _GAP_PX
    canvas = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(canvas)
    y = _GAP_PX
    for line, face, ink in texts[0]:
        pen.text((_GAP_PX, y), line, ink, face)
        y += line_px
    y += _GAP_PX // 2
    for number, (picture, title) in enumerate(panels):
        x = _GAP_PX + (number % columns) * (_PANEL_PX + _GAP_PX)
        top = y + (number // columns) * panel_px
        scale = _PANEL_PX / max(picture.shape[:2])
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        smooth = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
        canvas.paste(Image.fromarray(picture).resize(size, smooth), (x, top))
        pen.text((x, top + _PANEL_PX + 4), title, _SOFT, font)
    y += rows * panel_px + _GAP_PX // 2
    for line, face, ink in texts[1]:
        pen.text((_GAP_PX, y), line, ink, face)
        y += line_px
    return canvas


def numbered(chain: str) -> str:
    """A chain with its masks numbered as the panels are: `[SEG]` becomes `[1]`, `[2]`, ..."""
    count = iter(range(1, chain.count(SEG) + 1))
    return re.sub(re.escape(SEG), lambda _: f"[{next(count)}]", chain)


def wrap(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width_px: int) -> list[str]:
    """Lines of `text` no wider than `width_px` in `font`."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width_px:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
