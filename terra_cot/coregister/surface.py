"""How alike two images are at every displacement, counting only pixels that both know.

Masked normalised cross-correlation by FFT after Padfield (IEEE TIP 2012), of descriptors with several channels at once,
with soft weights in place of masks. The peak is refined on the surface itself, interpolated by a Lanczos kernel: a
parabola through three samples leans to whole pixels by up to 0.05 px.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

F32 = NDArray[np.float32]
_MARGIN_PX = 4  # displacements computed beyond the search, so that the kernel has samples at its border
_STEPS = 16  # interpolated samples per pixel


@dataclass(frozen=True, slots=True)
class Peak:
    """Where two images match best: content of the second lies at [dy, dx] px of the first, similarity -1 to 1."""

    dy: float
    dx: float
    score: float
    on_border: bool

    def apart(self, other: Peak) -> float:
        """The larger of the differences in row and column, px."""
        return max(abs(self.dy - other.dy), abs(self.dx - other.dx))


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Similarity at each displacement: side 2 * (radius + margin) + 1, no displacement in the middle."""

    values: F32
    radius: int

    def plus(self, other: Surface, weight: float) -> Surface:
        return Surface(self.values + np.float32(weight) * other.values, self.radius)

    def peak(self) -> Peak | None:
        """The best displacement within the radius; None where nothing can be compared."""
        inner = self.values[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
        if not np.isfinite(inner).all() or not inner.max() > 0:
            return None
        row, column = (int(at) for at in np.unravel_index(int(np.argmax(inner)), inner.shape))
        score, last = float(inner[row, column]), 2 * self.radius
        around = self.values[row : row + 2 * _MARGIN_PX + 1, column : column + 2 * _MARGIN_PX + 1]
        fine = _lanczos() @ around.astype(np.float64) @ _lanczos().T
        down, across = (int(at) for at in np.unravel_index(int(np.argmax(fine)), fine.shape))
        dy = row - self.radius + (_vertex(fine[:, across], down) / _STEPS - 1)
        dx = column - self.radius + (_vertex(fine[down], across) / _STEPS - 1)
        return Peak(float(dy), float(dx), score, row in (0, last) or column in (0, last))


def similarity(first: F32, second: F32, first_weight: F32, second_weight: F32, radius: int) -> Surface:
    """Weighted normalised cross-correlation of two CHW descriptors at displacements up to `radius` px.

    Each channel is centred once, over all of its weight: its mean over an overlap hardly depends on the displacement.
    """
    height, width = first_weight.shape
    reach = radius + _MARGIN_PX
    # Zeros as far as the longest displacement keep what leaves at one edge from coming in at the other.
    shape = (fft.next_fast_len(height + reach, True), fft.next_fast_len(width + reach, True))
    one, two = _centred(first, first_weight), _centred(second, second_weight)
    energy = [np.einsum("chw,chw->hw", image, image) for image in (one, two)]
    planes_one = np.concatenate([one * first_weight, [energy[0] * first_weight, first_weight]])
    planes_two = np.concatenate([two * second_weight, [second_weight, energy[1] * second_weight]])
    spectra = np.conj(fft.rfft2(planes_one, shape)), fft.rfft2(planes_two, shape)
    channels = np.einsum("chw,chw->hw", spectra[0][:-2], spectra[1][:-2])
    cross, *energies = fft.irfft2(np.concatenate([channels[None], spectra[0][-2:] * spectra[1][-2:]]), shape)
    if not min(plane[0, 0] for plane in energies) > 0:
        return Surface(np.full((2 * reach + 1, 2 * reach + 1), np.nan, np.float32), radius)
    near = [
        np.roll(plane, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1] for plane in (cross, *energies)
    ]
    floor = 1e-3 * float(energies[0][0, 0]) * float(energies[1][0, 0])  # an overlap of next to nothing proves nothing
    return Surface(near[0] / np.sqrt(np.maximum(near[1] * near[2], floor)), radius)


def _centred(image: F32, weight: F32) -> F32:
    total = max(float(weight.sum()), 1e-6)
    mean = np.einsum("chw,hw->c", image, weight) / total
    return np.asarray(image - mean[:, None, None].astype(np.float32), np.float32)


@cache
def _lanczos() -> NDArray[np.float64]:
    """Weights of the samples around a peak at each of the interpolated places from -1 to 1 px."""
    at = np.arange(-_STEPS, _STEPS + 1)[:, None] / _STEPS - np.arange(-_MARGIN_PX, _MARGIN_PX + 1)[None, :]
    weights = np.sinc(at) * np.sinc(at / _MARGIN_PX) * (np.abs(at) < _MARGIN_PX)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _vertex(line: NDArray[np.float64], at: int) -> float:
    """Index of the maximum of a line near index `at`, by the parabola through three samples."""
    if at in (0, len(line) - 1):
        return float(at)
    before, peak, after = line[at - 1 : at + 2]
    bend = before - 2 * peak + after
    return float(at) if bend >= 0 else at + 0.5 * float(before - after) / float(bend)
