"""s2cloudless sees cloud where all of its ten Sentinel-2 L1C bands are there; bands are never made up.

The gradient-boosted trees of Sentinel Hub (Zupanc 2017; Skakun et al. 2022, CMIX), from the package of that name
(extra `[cloud]`), imported only when used. B10 (cirrus) is among its bands: L2A products do not have it. It knows no
cloud shadow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.cloud import CloudOptions, S2cloudlessOptions
from terra_cot.cloud.reflectance import reflectances
from terra_cot.errors import ConfigError, DataError
from terra_cot.frame import Frame

BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")


def find(frame: Frame, options: CloudOptions) -> NDArray[np.bool_]:
    """Bool HW: cloud, on top-of-atmosphere reflectance of its ten bands, by name.

    Raises:
        ConfigError: the extra is not installed.
        DataError: a band is missing, or values are no reflectance.
    """
    assert options.reflectance is not None
    missing = [name for name in BANDS if name not in frame.bands]
    if missing:
        raise DataError(
            f"no {', '.join(missing)}: s2cloudless needs all of its ten Sentinel-2 L1C bands",
            got=list(frame.bands),
            fix="set tile.cloud.method to given or spectral",
            reason="cloud_bands_missing",
        )
    values = reflectances(frame, BANDS, options.reflectance)
    trees = detector(options.s2cloudless)
    # One thread: parts are what runs in parallel.
    probability = trees.get_cloud_probability_maps(np.moveaxis(values, 0, -1)[None], num_threads=1)
    return np.asarray(trees.get_mask_from_prob(probability)[0] > 0)


@lru_cache(maxsize=1)
def detector(options: S2cloudlessOptions) -> Any:
    """The detector with its model, loaded once a process."""
    try:
        from s2cloudless.cloud_detector import S2PixelCloudDetector
    except ImportError as error:
        raise ConfigError(
            f'tile.cloud.method s2cloudless needs an extra ({error}): pip install "terra-cot[cloud]"'
        ) from None
    return S2PixelCloudDetector(
        threshold=options.threshold, average_over=options.average_px, dilation_size=options.dilate_px
    )
