"""A shift between two images of one modality is estimated twice and believed only when both estimates agree.

Phase correlation (Kuglin & Hines 1975) on low-passed intensity and on its gradient magnitude, both under a Hann
window, invalid pixels filled with the valid mean and eroded away. Optical is compared as the logarithm of
reflectance, SAR in dB. Accepted when the estimates agree within 0.75 px, the peak-to-sidelobe ratio is at least 5 and
the peak lies inside the search radius.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from terra_cot.frame import Frame, Shift

AGREE_PX = 0.75
PSR_MIN = 5.0
SMALLEST_PX = 0.05  # below the method's own error: resampling would only blur
_PREFERRED = {"optical": ("B08", "B8A", "B04", "B03", "B02"), "sar": ("VV", "VH")}
_LOWPASS_CYCLES = 0.2  # cycles per pixel: above it lie noise and the blur of resampling
_CLEAR_MIN = 0.35  # share of pixels that must be clear in both frames


@dataclass(frozen=True, slots=True)
class Peak:
    """Where two images match best: content of the second lies at [dy, dx] px of the first; peak-to-sidelobe ratio."""

    dy: float
    dx: float
    psr: float


def estimate_shift(reference: Frame, moving: Frame, max_shift_px: float = 8.0) -> Shift:
    """How far the content of `moving` lies from that of `reference`, both on one grid.

    Returns:
        status "removed" when trustworthy (the caller then reads again with the shift taken out), else "refused".
    """
    clear = reference.clear() & moving.clear()
    if clear.mean() < _CLEAR_MIN:
        return Shift(None, None, "refused")
    band = next(name for name in (*_PREFERRED[moving.modality], *moving.bands) if name in moving.bands)
    if band not in reference.bands:
        return Shift(None, None, "refused")
    first, second = _intensity(reference, band), _intensity(moving, band)
    soft = _soft(clear)
    level = correlate(_windowed(first, soft), _windowed(second, soft), max_shift_px)
    edges = correlate(_windowed(_gradient(first), soft), _windowed(_gradient(second), soft), max_shift_px)
    if not np.isfinite([level.psr, edges.psr]).all():  # a featureless image correlates with nothing
        return Shift(None, None, "refused")
    found = (round((level.dy + edges.dy) / 2, 4), round((level.dx + edges.dx) / 2, 4))
    score = round(min(level.psr, edges.psr), 3)
    apart = max(abs(level.dy - edges.dy), abs(level.dx - edges.dx))
    inside = max(abs(found[0]), abs(found[1])) < max_shift_px - 1
    trusted = apart <= AGREE_PX and score >= PSR_MIN and inside
    return Shift(found, score, "removed" if trusted else "refused")


def correlate(first: NDArray[np.float32], second: NDArray[np.float32], max_shift_px: float) -> Peak:
    """Phase correlation of two HW images, the peak refined by a parabola in each direction; psr nan without a peak."""
    height, width = first.shape
    # Sides that factor well make the transform fast; zeros beyond the Hann window change nothing.
    shape = (fft.next_fast_len(height, True), fft.next_fast_len(width, True))
    cross = fft.rfft2(second, shape) * np.conj(fft.rfft2(first, shape))
    strength = np.abs(cross)
    if not strength.max() > 0:
        return Peak(0.0, 0.0, float("nan"))
    cross /= strength + 1e-9 * strength.max()
    frequency = fft.fftfreq(shape[0])[:, None] ** 2 + fft.rfftfreq(shape[1])[None, :] ** 2
    surface = fft.irfft2(cross * np.exp(-frequency / (2 * (_LOWPASS_CYCLES / 2) ** 2)), shape)
    radius = int(max_shift_px)
    near = np.roll(surface, (radius, radius), axis=(0, 1))[: 2 * radius + 1, : 2 * radius + 1]
    row, column = np.unravel_index(int(np.argmax(near)), near.shape)
    peak = near[row, column]
    side = surface[(np.abs(surface - peak) > 0.5 * abs(peak))]
    psr = float((peak - side.mean()) / (side.std() + 1e-12))
    dy = _vertex(near[:, column], int(row)) - radius
    dx = _vertex(near[row, :], int(column)) - radius
    return Peak(float(dy), float(dx), psr)


def _vertex(line: NDArray[np.float32], at: int) -> float:
    """Sub-pixel maximum of a line near index `at`: log-parabola, since a low-passed peak is a Gaussian."""
    if at in (0, len(line) - 1) or min(line[at - 1], line[at + 1]) <= 0:
        return float(at)
    before, peak, after = np.log(line[at - 1 : at + 2].astype(np.float64))
    bend = before - 2 * peak + after
    return float(at) if bend >= 0 else at + 0.5 * float(before - after) / float(bend)


def _intensity(frame: Frame, band: str) -> NDArray[np.float32]:
    values = frame.band(band).astype(np.float32)
    return np.log(np.maximum(values, 1.0)) if frame.modality == "optical" else values


def _gradient(image: NDArray[np.float32]) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(np.nan_to_num(image), (0, 0), 1.0)
    down, across = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((0, 1), (1, 0)))
    return np.hypot(down, across).astype(np.float32)


def _soft(clear: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Weights 0..1: clear pixels away from masked ones, tapered, under a Hann window."""
    weight = cv2.erode(clear.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    if not clear.all():
        weight = cv2.GaussianBlur(weight, (0, 0), 2.0) * weight
    return weight * np.outer(np.hanning(clear.shape[0]), np.hanning(clear.shape[1])).astype(np.float32)


def _windowed(image: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zero-mean where it counts: the window must not become the strongest structure."""
    inside = weight > 0
    mean = float(np.average(np.nan_to_num(image), weights=weight)) if inside.any() else 0.0
    return np.where(inside, np.nan_to_num(image) - mean, 0).astype(np.float32) * weight
