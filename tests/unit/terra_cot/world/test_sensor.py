"""The sensor: a shift is band-limited and exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terra_cot.world.config import MARGIN_PX
from terra_cot.world.sensor import observe


@settings(max_examples=25, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.sampled_from([1, 2]))
def test_a_ramp_is_sampled_where_the_grid_lies(down: float, right: float, step: int) -> None:
    """Law: cells whose value encodes their position are seen at the centre of the pixel, to 0.01 px."""
    size = 2 * (32 + 2 * MARGIN_PX)
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    # Position of the centre of a cell on the optical grid, in 10 m pixels.
    field = 1000 * ((rows + 0.5) / 2 - MARGIN_PX) + ((columns + 0.5) / 2 - MARGIN_PX)
    seen = observe(field, 32 // step, down, right, step=step)
    centres = (np.arange(32 // step) + 0.5) * step
    expected = 1000 * (centres[:, None] + down) + (centres[None, :] + right)
    assert np.abs(seen - expected).max() / 1000 == pytest.approx(0, abs=0.01)
