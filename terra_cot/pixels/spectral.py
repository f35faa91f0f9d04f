"""What an image says about a region, beyond its shape: mean index, mean backscatter, each from bands by name.

| quantity | modality | rule per pixel |
|---|---|---|
| ndvi | optical | (nir - red) / (nir + red) (Rouse et al. 1974) |
| ndwi | optical | (green - nir) / (green + nir) (McFeeters 1996) |
| nbr | optical | (nir - swir2) / (nir + swir2) (Key and Benson 2006) |
| backscatter_vv, backscatter_vh | sar | power, whose mean over the region is given in dB |

An index is measured on reflectance, a backscatter on dB, by the scale, offset and unit that the raster itself carries
(GDAL's band scale, offset and unit type); a raster that does not say has neither. Reflectance below zero, which
corrections of the air leave over dark water, counts as zero. Pixels without data and pixels under the date's cloud mask
are left out, and so are pixels whose two bands are both zero. A region has a value only if at least half of its pixels,
and 9 of them, are left. Where an archive only says that there is cloud, not where, the image has no indices.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.tile import FrameRecord, Modality

Band = NDArray[np.float64]

# Names of Sentinel-2, and names in words; other sensors number their bands otherwise, so those go by the words.
BANDS = {
    "green": ("B03", "green"),
    "red": ("B04", "red"),
    "nir": ("B08", "B8A", "nir"),
    "swir2": ("B12", "swir2", "swir22"),
}
INDICES = {"ndvi": ("nir", "red"), "ndwi": ("green", "nir"), "nbr": ("nir", "swir2")}
"""Index -> the two bands (a, b) of (a - b) / (a + b)."""
POLARISATIONS = {"backscatter_vv": "VV", "backscatter_vh": "VH"}
MODALITY: dict[str, Modality] = {**dict.fromkeys(INDICES, "optical"), **dict.fromkeys(POLARISATIONS, "sar")}

LEAST_SHARE, LEAST_PX = 0.5, 9
DECIBEL, REFLECTANCE = "dB", "reflectance"
"""Unit types of bands: power in dB; values that times scale plus offset are reflectance."""


def band_names(quantity: str, bands: tuple[str, ...]) -> tuple[str, ...] | None:
    """The image's own names of the bands that a quantity is made of, in the order of its formula; None without them."""
    known = {name.lower(): name for name in bands}
    if quantity in POLARISATIONS:
        wanted: tuple[tuple[str, ...], ...] = ((POLARISATIONS[quantity],),)
    else:
        wanted = tuple(BANDS[meaning] for meaning in INDICES[quantity])
    found = [next((known[name.lower()] for name in names if name.lower() in known), None) for names in wanted]
    return tuple(name for name in found if name is not None) if None not in found else None


def formula(quantity: str, bands: tuple[str, ...]) -> str:
    """`(B08 - B04) / (B08 + B04)`, in the image's own names."""
    named = band_names(quantity, bands)
    if named is None or quantity not in INDICES:
        raise DataError(f"no formula of {quantity} from these bands", field="bands", got=list(bands))
    first, second = named
    return f"({first} - {second}) / ({first} + {second})"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A quantity of a whole image: `values` (HW float64: index, or linear power; 0 where not usable), `usable` HW, and
    the sum and number of those that are."""

    values: Band
    usable: NDArray[np.bool_]
    total: float
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """The stored raster of one image of a tile, and where it can be used: read once, each quantity worked out once."""

    record: FrameRecord
    _layers: dict[str, Layer | None] = field(default_factory=dict, repr=False)
    _opened: list[tuple[dict[str, Band], NDArray[np.bool_]] | None] = field(default_factory=list, repr=False)

    def mean(self, quantity: str, mask: NDArray[np.bool_]) -> float | None:
        """Mean of a quantity over a mask (HW): an index, or dB; None by the rule of the module."""
        layer = self._layer(quantity)
        if layer is None:
            return None
        total, left, all_px = _within(layer, mask)
        return _mean(quantity, total, left, all_px)

    def contrast(self, quantity: str, mask: NDArray[np.bool_]) -> float | None:
        """The mean over a mask (HW) less that over the rest of the image; None where either has none."""
        layer = self._layer(quantity)
        if layer is None:
            return None
        total, left, all_px = _within(layer, mask)
        inside = _mean(quantity, total, left, all_px)
        outside = _mean(quantity, layer.total - total, layer.count - left, mask.size - all_px)
        return None if inside is None or outside is None else inside - outside

    def _layer(self, quantity: str) -> Layer | None:
        if quantity not in self._layers:
            self._layers[quantity] = self._measured(quantity)
        return self._layers[quantity]

    def _measured(self, quantity: str) -> Layer | None:
        names = band_names(quantity, self.record.bands)
        if names is None or self.record.raster is None or self.record.modality != MODALITY[quantity]:
            return None
        if not self._opened:
            self._opened.append(self._bands())
        read = self._opened[0]
        if read is None:
            return None
        bands, usable = read
        if quantity in POLARISATIONS:
            values = np.exp(bands[names[0]] * (np.log(10) / 10))
        else:
            first, second = bands[names[0]], bands[names[1]]
            total = first + second
            usable = usable & (total > 0)
            values = (first - second) / np.where(total > 0, total, 1.0)
        values = np.where(usable, values, 0.0)
        return Layer(values, usable, float(values.sum()), int(np.count_nonzero(usable)))

    def _bands(self) -> tuple[dict[str, Band], NDArray[np.bool_]] | None:
        """The bands of all quantities of this modality by name, in dB or reflectance (not below zero), and where they
        are usable; None where the raster does not say that it holds such values, or cloud cannot be placed."""
        quantities = [name for name, modality in MODALITY.items() if modality == self.record.modality]
        found = [band_names(name, self.record.bands) for name in quantities]
        names = sorted({name for own in found if own for name in own}, key=self.record.bands.index)
        sar = self.record.modality == "sar"
        if not sar and self.record.cloud is None and self.record.cloud_flag:
            return None  # cloud that nobody can place may lie on any region
        read = _read(self.record, tuple(names), DECIBEL if sar else REFLECTANCE)
        if read is None:
            return None
        bands, usable = read
        if sar:
            return dict(zip(names, bands, strict=True)), usable
        if self.record.cloud is not None:
            usable = usable & ~_decoded(self.record.cloud)
        return {name: np.maximum(band, 0) for name, band in zip(names, bands, strict=True)}, usable


def _within(layer: Layer, mask: NDArray[np.bool_]) -> tuple[float, int, int]:
    """(sum of the usable values in a mask, their number, pixels of the mask)."""
    total = float((layer.values * mask).sum())  # a dot product would start the threads of BLAS
    return total, int(np.count_nonzero(mask & layer.usable)), int(np.count_nonzero(mask))


def _mean(quantity: str, total: float, left: int, all_px: int) -> float | None:
    if left < LEAST_PX or left < LEAST_SHARE * all_px:
        return None
    if quantity in INDICES:
        return total / left
    return float(10 * np.log10(total / left)) if total > 0 else None


def _read(record: FrameRecord, names: tuple[str, ...], unit: str) -> tuple[list[Band], NDArray[np.bool_]] | None:
    """(bands scaled to `unit`, HW valid), or None where the raster does not say that they are in that unit."""
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.io import MemoryFile

    numbers = [record.bands.index(name) + 1 for name in names]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(record.raster) as memory, memory.open() as dataset:
                if dataset.count != len(record.bands):
                    raise DataError("another number of bands than the row says", field="raster", got=dataset.count)
                scales = [(dataset.scales[at - 1], dataset.offsets[at - 1]) for at in numbers]
                if any(dataset.units[at - 1] != unit for at in numbers):
                    return None
                raw, nodata = dataset.read(numbers), dataset.nodata
                valid = np.asarray(dataset.dataset_mask() > 0 if nodata is None else np.ones(raw.shape[1:], np.bool_))
    except RasterioError as error:
        raise DataError(f"cannot be read ({error})", field="raster") from None
    if nodata is not None:
        valid = np.asarray((~np.isnan(raw) if np.isnan(nodata) else np.not_equal(raw, nodata)).all(axis=0), np.bool_)
    pairs = zip(raw, scales, strict=True)
    return [np.where(valid, band, 0) * float(scale) + float(offset) for band, (scale, offset) in pairs], valid


def _decoded(png: bytes) -> NDArray[np.bool_]:
    """HW bool of a cloud mask's PNG."""
    from PIL import Image as Picture

    with Picture.open(BytesIO(png)) as picture:
        return np.asarray(picture) > 0
