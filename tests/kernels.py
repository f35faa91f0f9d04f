"""Facts of a map have two kernels, of numpy and of numba; a test module that imports `kernel` runs with both."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from terra_cot.facts import labels


@pytest.fixture(autouse=True, scope="module", params=["numpy", "numba"])
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "numba":
        if importlib.util.find_spec("numba") is None:
            pytest.skip('pip install "terra-cot[fast]"')
        assert labels._compiled() is not None
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "_compiled", lambda: None)
        yield
