"""What a model sees of a frame: the stored bytes as they are, or the same picture at another size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from terra_cot.errors import DataError
from terrascope_bench.question import Question

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""What every endpoint is known to take; a picture of another format is sent as PNG."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image as it is shown: of frame `frame`, `width` x `height` px."""

    frame: str
    width: int
    height: int
    kind: str
    data: bytes

    @classmethod
    def of_size(cls, frame: str, width: int, height: int) -> Picture:
        """A picture without pixels, where only its size matters."""
        return cls(frame, width, height, "image/png", b"")

    def url(self) -> str:
        return f"data:{self.kind};base64,{b64encode(self.data).decode('ascii')}"

    def name(self) -> str:
        """What tells it from every other picture."""
        return f"sha256:{sha256(self.data).hexdigest()}"


def pictures(question: Question, longer_px: int | None = None) -> Iterator[Picture]:
    """One picture a frame; `longer_px` is the longer side that they are brought to (bicubic).

    Raises:
        DataError: a frame holds no readable image.
    """
    from PIL import Image, UnidentifiedImageError

    for frame in question.frames:
        try:
            with Image.open(BytesIO(frame.image)) as stored:
                kind = _KINDS.get(stored.format or "")
                image: Pixels = stored
                width, height = image.size
                if longer_px is not None and longer_px != max(width, height):
                    factor = longer_px / max(width, height)
                    width, height = max(1, round(width * factor)), max(1, round(height * factor))
                    image, kind = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC), None
                data = frame.image if kind else _png(image)
        except (UnidentifiedImageError, OSError) as error:
            raise DataError("no readable image", file=question.question_id, field=frame.frame, got=error) from None
        yield Picture(frame.frame, width, height, kind or "image/png", data)


def _png(image: Pixels) -> bytes:
    buffer = BytesIO()
    image.convert("RGB").save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
