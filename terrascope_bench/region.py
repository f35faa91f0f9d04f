"""A region is a mask as measures need it: its area costs no decoding, its pixels are decoded when asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from terra_cot.mask import encode


class Region:
    """One checked mask of a model, or of the truth: `size` (height, width) px, `counts` compressed RLE text."""

    def __init__(self, size: tuple[int, int], counts: str, px: int | None = None) -> None:
        """Take `px`, the foreground pixels, from whoever has counted them already."""
        self.size, self.counts = size, counts
        if px is not None:
            self.px = px

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Region:
        """The region of a bool HW array."""
        return cls((int(mask.shape[0]), int(mask.shape[1])), encode(mask))

    @cached_property
    def px(self) -> int:
        """Foreground pixels."""
        from terra_cot.mask import area

        return area(self.counts)

    @cached_property
    def array(self) -> NDArray[np.bool_]:
        """Bool HW."""
        from terra_cot.mask import decode

        return decode(self.size, self.counts)
