"""PNG bytes are kept, everything else is written without loss, and no size is trusted before it is read."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import publishedfactory as factory
import pytest
from PIL import Image

from terra_cot.errors import DataError
from terrascope_bench.published.picture import read_picture

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (24, 40, 3)).astype(np.uint8)


def test_a_png_is_kept_byte_for_byte() -> None:
    data = factory.png(COLOUR)
    found = read_picture(data, "a.png")
    assert found.png is data
    assert (found.height, found.width, found.modality, found.variant) == (24, 40, "optical", "opt")
    assert found.frame().bands == ("R", "G", "B")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "BMP"])
def test_other_formats_become_png_of_the_same_pixels(kind: str) -> None:
    buffer = BytesIO()
    Image.fromarray(COLOUR).save(buffer, kind)
    found = read_picture(buffer.getvalue(), None)
    assert found.png.startswith(b"\x89PNG")
    with Image.open(BytesIO(buffer.getvalue())) as image:
        assert np.array_equal(np.asarray(Image.open(BytesIO(found.png))), np.asarray(image.convert("RGB")))
    assert read_picture(buffer.getvalue(), None) == found


def test_what_a_picture_shows() -> None:
    vv, vh = COLOUR[..., 0].astype(int), COLOUR[..., 1].astype(int)
    radar = np.stack([vv, vh, (vv + vh) // 2], axis=-1).astype(np.uint8)
    grey = np.repeat(COLOUR[..., :1], 3, axis=2)
    cases = {
        ("s2_images/a.png", "colour"): ("optical", "opt"),
        (None, "colour"): ("optical", "opt"),
        (None, "radar"): ("sar", "sar"),
        (None, "grey"): ("optical", None),
        ("s1_images/vv/a.png", "grey"): ("sar", "sar"),
        ("S1A_IW_GRDH_1SDV.png", "grey"): ("sar", "sar"),
        ("S2A_MSIL2A_2017.png", "colour"): ("optical", "opt"),
    }
    pictures = {"colour": COLOUR, "radar": radar, "grey": grey}
    for (path, name), (modality, variant) in cases.items():
        found = read_picture(factory.png(pictures[name]), path)
        assert (found.modality, found.variant) == (modality, variant), (path, name)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(row["image"]["bytes"], reason) for reason, row in factory.faults({"image": {"path": None}})
     if reason.startswith(("image_", "unreadable"))],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DataError) as refused:
        read_picture(data, None)
    assert refused.value.reason == reason
    assert "0x" not in str(refused.value)
