"""The one prompt: what every model that is asked in words is told, and the protocol that its reply is read by.

System: the rules of a reply. User: each image after a line that names it (frame, sensor, date, size, metres a pixel),
then the question and its lettered options. The reply is

    <think>...</think><masks>[...]</masks><confidence>0.8</confidence><answer>B</answer>

with `<masks>` only where masks are asked for (`marks` states their forms), `<confidence>` only where it is.
The hash of all this stands in the record of a run: another wording is another run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from terra_cot.store.atomic import sha256_json
from terra_cot.tile import FrameRecord
from terrascope_bench.models.pictures import Picture
from terrascope_bench.question import Question

MaskForm = Literal["none", "rle", "polygons", "boxes"]

SYSTEM = """You answer multiple-choice questions about satellite images.
Look at the images and reason step by step inside <think> and </think>.{masks}{confidence}
Then write the letter of the one right option, and nothing else, inside <answer> and </answer>."""

BLIND = "The images are not shown to you: answer from the question and the options alone."

MASKS = """
Then write the region of each class that your answer rests on as one JSON list inside <masks> and </masks>: \
one object a region, `frame` the frame that it lies in, `label` the class as the question names it, and {form}. \
Where destroyed buildings are asked for: all buildings in the frame before the disaster with the label "building", \
and those destroyed in the frame after it with the label "destroyed building". \
Example: <masks>{example}</masks>"""

FORMS: dict[str, tuple[str, str]] = {
    "rle": (
        "`size` the [height, width] that the question states and `counts` the region as COCO run-length encoding, "
        "compressed text or a list of whole numbers (column by column, starting with background)",
        '[{"frame": "t0", "label": "water", "size": [4, 4], "counts": [5, 2, 9]}]',
    ),
    "polygons": (
        "`polygons` a list of outlines [x0, y0, x1, y1, ...] of at least three points in pixels of the image, "
        "x to the right and y down from the upper left corner",
        '[{"frame": "t0", "label": "water", "polygons": [[10, 12, 90, 12, 90.5, 80, 10, 80]]}]',
    ),
    "boxes": (
        "`boxes` a list of boxes [x0, y0, x1, y1] in pixels of the image, "
        "x to the right and y down from the upper left corner, x0 < x1 and y0 < y1",
        '[{"frame": "t0", "label": "water", "boxes": [[10, 12, 90, 80]]}]',
    ),
}

CONFIDENCE = """
Then write how sure you are of your answer, a number from 0 to 1, inside <confidence> and </confidence>."""


@dataclass(frozen=True, slots=True)
class Style:
    """What is shown and what is asked for besides the letter."""

    masks: MaskForm = "none"
    confidence: bool = False
    images: bool = True
    image_px: int | None = None

    def sha256(self) -> str:
        """Hash of the prompt in this style, by what it says of a made-up question."""
        frames = (_example("optical", "2024-05-01T10:20:30Z"), _example("sar", None))
        question = Question(
            "example-opt", "CA", "What share is water?", ("10 %", "20 %"), None, "A", frames, None, (),
            None, None, None, None, "test", 64, 48, 10.0, "", "", "",
        )  # fmt: skip
        shown = [Picture.of_size(frame.frame, 64, 48) for frame in frames] if self.images else []
        parts = [part if isinstance(part, str) else "[image]" for part in user(question, shown, self)]
        return sha256_json([system(self), parts])


def system(style: Style) -> str:
    """The rules of a reply."""
    masks = ""
    if style.masks != "none":
        form, example = FORMS[style.masks]
        masks = MASKS.format(form=form, example=example)
    return SYSTEM.format(masks=masks, confidence=CONFIDENCE if style.confidence else "")


def user(question: Question, shown: Sequence[Picture], style: Style) -> Iterator[str | Picture]:
    """What is asked, texts and pictures in turn; `shown` has one picture a frame of the question."""
    if style.images:
        for frame, picture in zip(question.frames, shown, strict=True):
            # A picture shown larger has finer pixels.
            yield _caption(frame, picture, question.gsd_m and question.gsd_m * question.width / picture.width)
            yield picture
    options = "\n".join(f"{letter}) {text}" for letter, text in zip(question.letters, question.options, strict=True))
    blind = "" if style.images else f"{BLIND}\n"
    size = f"\nMasks have size [{question.height}, {question.width}]." if style.masks == "rle" else ""
    yield f"{blind}Question: {question.question}\n{options}{size}"


def _caption(frame: FrameRecord, picture: Picture, gsd_m: float | None) -> str:
    sensor = {"sar": "SAR"}.get(frame.modality, frame.modality)
    parts = [f"Frame {frame.frame}", f"{sensor} image", *([frame.datetime[:10]] if frame.datetime else [])]
    parts.append(f"{picture.width} x {picture.height} pixels")
    if gsd_m is not None:
        parts.append(f"{gsd_m:.4g} m a pixel")
    return f"{', '.join(parts)}:"


def _example(modality: Literal["optical", "sar"], datetime: str | None) -> FrameRecord:
    return FrameRecord(
        frame="t0", modality=modality, datetime=datetime, image=b"", raster=None, bands=(), cloud_fraction=None,
        nodata_fraction=0.0, shift_px=(0.0, 0.0), shift_score=None, shift_found_px=None, shift_status="alone",
    )  # fmt: skip
