"""A mask file says cloud by codes or by bits; the common formats are known by name, so that nobody types them wrong.

Snow, water and cloud-free classes are never among them: a mask means cloud or cloud shadow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError


@dataclass(frozen=True, slots=True)
class MaskFormat:
    """Masked is a pixel whose value is one of `codes`, or that has one of `bits` (0 is the lowest) set."""

    codes: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()


FORMATS = {
    # Sentinel-2 L2A scene classification: shadow, cloud of medium and high probability, thin cirrus (Sen2Cor ATBD).
    "scl": MaskFormat(codes=(3, 8, 9, 10)),
    # Sentinel-2 QA60: opaque and cirrus cloud; it knows no shadow, and is empty from 2022-01 to 2024-02.
    "qa60": MaskFormat(bits=(10, 11)),
    # Landsat Collection 2 QA_PIXEL: dilated cloud, cirrus, cloud, cloud shadow (USGS LSDS-1619).
    "qa_pixel": MaskFormat(bits=(1, 2, 3, 4)),
    # Landsat Collection 1 BQA: cloud; shadow and cirrus of medium or high confidence, which share their upper bit.
    "bqa": MaskFormat(bits=(4, 8, 12)),
    # Harmonized Landsat Sentinel-2 Fmask: cirrus, cloud, next to cloud, cloud shadow (HLS user guide 2.0).
    "fmask": MaskFormat(bits=(0, 1, 2, 3)),
}


def masked(values: NDArray[np.generic], how: MaskFormat) -> NDArray[np.bool_]:
    """Bool of the shape of `values`: what a mask file calls cloud or shadow.

    Raises:
        DataError: bits of something that is not a whole number, or bits that its dtype does not have.
    """
    found: NDArray[np.bool_] = np.isin(values, how.codes) if how.codes else np.zeros(values.shape, np.bool_)
    if how.bits:
        if not np.issubdtype(values.dtype, np.integer):
            raise DataError("a bit mask holds whole numbers", got=str(values.dtype), reason="bad_cloud_mask")
        if max(how.bits) >= 8 * values.dtype.itemsize:
            raise DataError(
                f"bit {max(how.bits)} of a mask of {values.dtype} asked for",
                fix="another cloud_format or cloud_bits",
                reason="bad_cloud_mask",
            )
        found |= values.astype(np.int64) & sum(1 << bit for bit in set(how.bits)) != 0
    return found
