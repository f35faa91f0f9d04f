"""How well an archive lies on itself: the shift of every frame against its reference, as a table and as a picture.

Shifts are measured by cutting tiles without keeping them; what is reported is what a run would find and remove.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.scene import Scene
from terra_cot.tile import TileRecord

_MEASURED = ("removed", "aligned")
_SIDE_PX, _PAD_PX, _TEXT_PX = 520, 60, 14
_INK, _SOFT, _LINE, _PAPER = (28, 33, 40), (98, 108, 120), (222, 227, 232), (255, 255, 255)
_COLORS = {"optical": (47, 111, 171), "sar": (196, 78, 32)}


@dataclass(frozen=True, slots=True)
class Offset:
    """One frame of one tile against its reference. `found_px` [dy, dx] in pixels; `status` as in the tiles table."""

    tile_id: str
    frame: str
    modality: str
    status: str
    found_px: tuple[float, float] | None
    score: float | None
    gsd_m: float

    @property
    def trusted(self) -> bool:
        return self.status in _MEASURED and self.found_px is not None

    def to_row(self) -> dict[str, Any]:
        return {
            "tile_id": self.tile_id,
            "frame": self.frame,
            "modality": self.modality,
            "status": self.status,
            "found_px": list(self.found_px) if self.found_px else None,
            "score": self.score,
            "gsd_m": self.gsd_m,
        }


def measure(
    scenes: Iterable[Scene], options: TileOptions, on_step: Callable[[int, int], None] | None = None
) -> Iterator[Offset]:
    """Offsets of every frame that has a reference, scene by scene."""
    light = options.model_copy(update={"raster": False})
    for number, scene in enumerate(scenes, start=1):
        for item in cut_scene(scene, light):
            if isinstance(item, TileRecord):
                yield from offsets_of(item)
        if on_step:
            on_step(number, 0)


def offsets_of(tile: TileRecord) -> Iterator[Offset]:
    """Offsets of the frames of one tile; references and frames without one are left out."""
    for frame in tile.frames:
        if frame.shift_status not in ("reference", "alone"):
            yield Offset(
                tile.tile_id,
                frame.frame,
                frame.modality,
                frame.shift_status,
                frame.shift_found_px,
                frame.shift_score,
                tile.gsd_m,
            )


def table(offsets: Iterable[Offset]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows by modality and date: frames, trusted ones, their median shift, its spread, and metres."""
    groups: dict[tuple[str, str], list[Offset]] = {}
    for offset in offsets:
        groups.setdefault((offset.modality, offset.frame), []).append(offset)
    columns = [
        "modality",
        "date",
        "frames",
        "trusted",
        "median dy px",
        "median dx px",
        "spread px",
        "median m",
        "worst m",
    ]
    rows: list[list[object]] = []
    for (modality, frame), found in sorted(groups.items()):
        trusted = [offset for offset in found if offset.trusted]
        head: list[object] = [modality, frame, len(found), len(trusted)]
        if not trusted:
            rows.append([*head, "-", "-", "-", "-", "-"])
            continue
        shifts = np.array([offset.found_px for offset in trusted], np.float64)
        metres = np.hypot(*shifts.T) * np.array([offset.gsd_m for offset in trusted])
        middle = np.median(shifts, axis=0)
        spread = float(np.median(np.hypot(*(shifts - middle).T)))
        rows.append(
            [
                *head,
                f"{middle[0]:+.2f}",
                f"{middle[1]:+.2f}",
                f"{spread:.2f}",
                f"{np.median(metres):.1f}",
                f"{metres.max():.1f}",
            ]
        )
    return columns, rows


def picture(offsets: Iterable[Offset], title: str) -> Image.Image:
    """Trusted shifts as points around the reference, one ring per pixel, one colour per modality."""
    points = [offset for offset in offsets if offset.trusted]
    shifts = np.array([offset.found_px for offset in points], np.float64).reshape(-1, 2)
    reach = max(2, int(np.ceil(np.abs(shifts).max(initial=0.0) + 0.25)))
    width = _SIDE_PX + 2 * _PAD_PX
    canvas = Image.new("RGB", (width, width + _PAD_PX), _PAPER)
    pen = ImageDraw.Draw(canvas)
    font, bold = ImageFont.load_default(_TEXT_PX), ImageFont.load_default(_TEXT_PX + 4)
    scale = _SIDE_PX / (2 * reach)
    middle_x, middle_y = _PAD_PX + _SIDE_PX / 2, 2 * _PAD_PX + _SIDE_PX / 2
    pen.text((_PAD_PX, 16), title, _INK, bold)
    pen.text(
        (_PAD_PX, 44), f"shift of {len(points)} trusted frames against their reference, one ring per pixel", _SOFT, font
    )
    for ring in range(1, reach + 1):
        radius = ring * scale
        pen.ellipse((middle_x - radius, middle_y - radius, middle_x + radius, middle_y + radius), outline=_LINE)
        pen.text((middle_x + 4, middle_y - radius + 2), f"{ring} px", _SOFT, font)
    pen.line((_PAD_PX, middle_y, _PAD_PX + _SIDE_PX, middle_y), _LINE)
    pen.line((middle_x, 2 * _PAD_PX, middle_x, 2 * _PAD_PX + _SIDE_PX), _LINE)
    for offset, (dy, dx) in zip(points, shifts, strict=True):
        x, y = middle_x + dx * scale, middle_y + dy * scale
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=_COLORS.get(offset.modality, _INK), outline=_PAPER)
    x = float(_PAD_PX)
    for modality in sorted({offset.modality for offset in points}):
        pen.ellipse((x, width + 24, x + 10, width + 34), fill=_COLORS.get(modality, _INK))
        pen.text((x + 16, width + 20), modality, _INK, font)
        x += 110
    pen.text((_PAD_PX + _SIDE_PX - 190, width + 20), "right: +dx, down: +dy", _SOFT, font)
    return canvas
