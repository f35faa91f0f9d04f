"""Every natural irregularity is filtered white noise of unit deviation."""

from typing import Any

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
Bool = NDArray[np.bool_]


def fractal(rng: np.random.Generator, size: int, scale: float, beta: float, coarse: int = 1) -> F32:
    """Return a fractal field: flat spectrum above `scale`, power falling as k**-beta below it.

    Args:
        rng: Source of the white noise.
        size: Side of the square field, in cells.
        scale: Largest feature size, in cells.
        beta: Spectral slope; 2 is ragged, 4 is smooth.
        coarse: Draw at 1/coarse of the resolution and enlarge; for smooth fields only.

    Returns:
        HW float32, mean 0, standard deviation 1.
    """
    n = -(-size // coarse)
    m = scipy.fft.next_fast_len(n + int(min(n, scale / coarse)), real=True)
    k_y = np.fft.fftfreq(m).astype(np.float32)[:, None]
    k_x = np.fft.rfftfreq(m).astype(np.float32)[None, :]
    k_0 = np.float32(coarse / scale)
    gain = ((k_y * k_y + k_x * k_x) + k_0 * k_0) ** np.float32(-beta / 4)
    spectrum = scipy.fft.rfft2(rng.standard_normal((m, m), dtype=np.float32))
    field: F32 = scipy.fft.irfft2(spectrum * gain, s=(m, m)).astype(np.float32)[:n, :n]
    if coarse > 1:
        field = resize(field, size, cv2.INTER_CUBIC)
    field = field - np.float32(field.mean())
    return np.ascontiguousarray(field / np.float32(field.std() + 1e-9))


def grain(rng: np.random.Generator, size: int, sigma: float) -> F32:
    """Return blurred white noise of unit deviation, HW float32; `sigma` in cells."""
    white = rng.standard_normal((size, size), dtype=np.float32)
    soft = blur(white, sigma)
    return soft / np.float32(soft.std() + 1e-9)


def wander(rng: np.random.Generator, count: int, scale: float) -> F32:
    """Return a smooth one-dimensional random walk of unit deviation, float32 of length `count`."""
    knots = rng.standard_normal(int(count / scale) + 4)
    line = np.interp(np.arange(count) / scale, np.arange(knots.size), knots)
    width = max(1, int(scale))
    soft = np.convolve(np.pad(line, width, mode="edge"), np.hanning(2 * width + 1), mode="valid")[:count]
    return np.asarray(soft / np.hanning(2 * width + 1).sum() / 0.6, dtype=np.float32)


def blur(field: F32, sigma: float) -> F32:
    """Return the field under a Gaussian of `sigma` cells."""
    return _f32(cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def resize(field: F32, size: int, how: int = cv2.INTER_LINEAR) -> F32:
    """Return the field resampled to size x size cells."""
    return _f32(cv2.resize(field, (size, size), interpolation=how))


def smoothstep(low: float, high: float, field: F32) -> F32:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return _f32(t * t * (3 - 2 * t))


def level(field: F32, share: float) -> float:
    """Return the value below which `share` of the field lies."""
    return float(np.quantile(field[::4, ::4], share))


def scramble(*keys: Any) -> NDArray[np.uint32]:
    """Return a well-mixed 32-bit hash of integer arrays of one shape, element by element."""
    mixed: Any = np.uint32(0x9E3779B9)
    for key in keys:
        mixed = (np.asarray(key).astype(np.uint32) ^ mixed) * np.uint32(0x85EBCA6B)
        mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        mixed = mixed ^ (mixed >> np.uint32(16))
    return np.asarray(mixed, dtype=np.uint32)


def unit(hashes: NDArray[np.uint32], turn: int = 0) -> F32:
    """Return a number in [0, 1) for each hash; another `turn` gives an independent number."""
    again = scramble(hashes, np.uint32(turn)) if turn else hashes
    return ((again >> np.uint32(8)).astype(np.float32)) * np.float32(1 / (1 << 24))


def _f32(array: Any) -> F32:
    return np.asarray(array, dtype=np.float32)
