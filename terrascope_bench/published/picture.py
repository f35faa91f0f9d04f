"""A published image is kept byte for byte if it is a PNG, else written as one without loss; its size is asked first.

What the picture shows is told by its pixels and its name alone. A radar picture is one named after Sentinel-1, or one
whose third channel is the mean of the other two (VV, VH, mean, as TerraScope shows radar). Three channels that differ
are optical. A picture of one grey is optical as the published file is, but its question's id names no variant.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.tile import FrameRecord, Modality

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 4096 * 4096
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_MODES = ("1", "L", "P", "LA", "RGB", "RGBA")
_RADAR = {"s1", "s1a", "s1b", "s1c", "sar", "vv", "vh", "sentinel1"}
FRAME = "t0"


@dataclass(frozen=True, slots=True)
class Picture:
    """`png` bytes, what they show, and the ending of the question's id (None where it is not known for sure)."""

    png: bytes
    height: int
    width: int
    modality: Modality
    variant: str | None
    phash: str | None

    def frame(self) -> FrameRecord:
        """The only frame of a published question; an 8-bit picture names no pixel that holds no data."""
        return FrameRecord(
            frame=FRAME,
            modality=self.modality,
            datetime=None,
            image=self.png,
            raster=None,
            bands=("R", "G", "B") if self.variant == "opt" else (),
            cloud_fraction=None,
            nodata_fraction=0.0,
            shift_px=(0.0, 0.0),
            shift_score=None,
            shift_found_px=None,
            shift_status="alone",
        )


def read_picture(data: bytes, path: str | None) -> Picture:
    """Decode foreign image bytes.

    Raises:
        DataError: no picture of `FORMATS`, more than `MAX_PIXELS`, several frames, a kind of pixel that is no 8-bit
            picture, or cut off; `reason` tells which.
    """
    from PIL import Image

    from terra_cot.balance.duplicates import perceptual_hash

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked below; odd metadata is no fault of the picture
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                _check(image)
                image.load()
                kept = data if image.format == "PNG" else None
                pixels = np.asarray(image.convert("RGB"))
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders of foreign bytes fail in many ways; this is one question
        # Its message may name a place in memory: the same file must give the same bytes.
        raise DataError(type(error).__name__, field="image", reason="unreadable_image") from None
    if kept is None:
        from terra_cot.pixels.encode import png

        kept = png(pixels)
    modality, variant = _shown(pixels, path)
    height, width = pixels.shape[:2]
    return Picture(kept, height, width, modality, variant, perceptual_hash(pixels))


def _check(image: Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DataError(
            "too many pixels",
            field="image",
            got=f"{image.height} x {image.width} px",
            expected=f"up to {MAX_PIXELS} px",
            reason="image_too_large",
        )
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise DataError("several frames", got=f"{frames} frames", reason="image_of_many_frames")
    if image.mode not in _MODES:
        raise DataError(
            "no 8-bit picture", field="image", got=image.mode, expected=", ".join(_MODES), reason="image_not_8_bit"
        )


def _shown(pixels: NDArray[np.uint8], path: str | None) -> tuple[Modality, str | None]:
    """Modality, and the variant of the question's id."""
    first, second, third = (pixels[..., k].astype(np.int16) for k in range(3))
    grey = bool((first == second).all() and (second == third).all())
    words = set(re.split(r"[^a-z0-9]+", PurePosixPath(path or "").as_posix().casefold()))
    if words & _RADAR or (not grey and bool((np.abs(2 * third - first - second) <= 2).all())):
        return "sar", "sar"
    return "optical", None if grey else "opt"
