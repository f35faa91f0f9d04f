"""A feature is drawn only in the window it can reach."""

import numpy as np

from terra_cot.world.noise import F32

Window = tuple[slice, slice]


def around(row: float, column: float, reach: float, size: int) -> Window:
    """Return the window of half side `reach` cells about a cell, clipped to a `size` x `size` map."""
    return (
        slice(max(0, int(row - reach)), max(0, min(size, int(row + reach) + 1))),
        slice(max(0, int(column - reach)), max(0, min(size, int(column + reach) + 1))),
    )


def offsets(window: Window, row: float, column: float) -> tuple[F32, F32]:
    """Return (down, right) of each cell of the window from a cell, float32."""
    down = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] - np.float32(row)
    right = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] - np.float32(column)
    y, x = np.broadcast_arrays(down, right)
    return y, x


def turned(y: F32, x: F32, angle: float) -> tuple[F32, F32]:
    """Return (across, along) of offsets seen from a direction turned by `angle` radians."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return y * cos - x * sin, x * cos + y * sin
