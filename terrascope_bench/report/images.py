"""Pictures of a page: written beside it under numbers, never under a name that came from outside."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.palette import class_color
from terra_cot.picture import overlay
from terra_cot.store.atomic import write_bytes
from terrascope_bench.question import Question

PANEL_PX = 256
Picture = NDArray[np.uint8]
"""HW3."""


class Images:
    """Pictures of one page, in the order in which they are added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0

    def add(self, pixels: Picture, title: str) -> dict[str, str]:
        """Write a picture, its longer side PANEL_PX; returns the `src` and `title` that the page shows."""
        scale = PANEL_PX / max(pixels.shape[:2])
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
        buffer = BytesIO()
        Image.fromarray(pixels).resize(size, way).save(buffer, "PNG")
        name = f"images/{self.count:03d}.png"
        self.count += 1
        write_bytes(self._folder / name, buffer.getvalue())
        return {"src": name, "title": title}


def pixels(data: bytes) -> Picture:
    """HW3 of an encoded image."""
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def shown(question: Question) -> dict[tuple[str, str], Picture]:
    """The images of a question by frame and modality, in its order."""
    return {(frame.frame, frame.modality): pixels(frame.image) for frame in question.frames}


def question_panels(question: Question) -> Iterator[tuple[Picture, str]]:
    """The images of a question, then each evidence mask on its image, with titles."""
    pictures = shown(question)
    yield from ((picture, f"{frame} {modality}") for (frame, modality), picture in pictures.items())
    for mask in question.masks or ():
        picture = on_image(pictures, question.legend, mask.frame, mask.label, mask.to_array())
        yield picture, f"evidence: {mask.label} ({mask.frame})"


def on_image(
    pictures: dict[tuple[str, str], Picture], legend: str | None, frame: str, label: str, mask: NDArray[np.bool_]
) -> Picture:
    """A bool HW mask in the colour of its class, on the first image of its frame."""
    base = next(picture for (name, _), picture in pictures.items() if name == frame)
    if base.shape[:2] != mask.shape:
        base = np.asarray(Image.fromarray(base).resize((mask.shape[1], mask.shape[0]), Image.Resampling.BILINEAR))
    return overlay(base, mask, class_color(legend, label))
