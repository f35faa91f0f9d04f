"""Large arrays are made once and written over: on fresh memory the page faults cost more than the arithmetic."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


class Scratch:
    """Arrays by name. What `array` gave is overwritten by the next user of the name: it must not be kept."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, size: int, dtype: type[Scalar]) -> NDArray[Scalar]:
        """A flat array of `size` elements with whatever was in it."""
        wanted = size * np.dtype(dtype).itemsize
        held = self._held.get(name)
        if held is None or held.size < wanted:
            # A little more than asked, so that chunks of nearly one size do not each make it anew.
            held = self._held[name] = np.empty(wanted + wanted // 4, np.uint8)
        given: NDArray[Any] = held[:wanted].view(dtype)
        return given
