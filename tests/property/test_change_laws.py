"""Facts of change are what numpy counts on any two maps; temporal samples of any series pass verification untouched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from seriesfactory import series_tile

from terra_cot import facts
from terra_cot.chains.temporal.series import Maps
from terra_cot.change import Change, changed, parse_change
from terra_cot.evidence import Ground, evidence, measure_fact
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.sample import Sample
from terra_cot.verify.report import Report, Where
from terra_cot.verify.sample import Labels, check_sample

K = 5
SHAPE = (13, 17)
INDEX = arrays(np.uint8, SHAPE, elements=st.integers(0, K))
NAMES = ("", "tree", "crop", "water", "developed area", "bare land", "grass")


@settings(max_examples=150, deadline=None)
@given(INDEX, INDEX)
def test_transitions_and_changes_are_what_numpy_counts(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    table = facts.transitions(before, after, K)
    assert table.sum() == before.size
    for one in range(K + 1):
        for two in range(K + 1):
            assert table[one, two] == ((before == one) & (after == two)).sum()
    for number in range(1, K + 1):
        came, went = changed("new", before, after, number), changed("lost", before, after, number)
        assert np.array_equal(came, changed("lost", after, before, number))
        assert not (came & went).any()
        assert came.sum() == table[1:, number].sum() - table[number, number]
        assert went.sum() == table[number, 1:].sum() - table[number, number]
        known = (before > 0) & (after > 0)
        assert (((after == number) & known).sum() - ((before == number) & known).sum()) == came.sum() - went.sum()


@settings(max_examples=150, deadline=None)
@given(arrays(np.bool_, SHAPE), arrays(np.bool_, SHAPE), st.sampled_from([0.3, 10.0, 30.0]))
def test_facts_of_two_masks_are_what_numpy_counts(one: NDArray[np.bool_], two: NDArray[np.bool_], gsd: float) -> None:
    ground = Ground(one.size, gsd)

    def value(fact: str) -> float | None:
        return measure_fact(evidence(fact, (0, 1), 0.0), [one, two], ground)

    both = int((one & two).sum())
    assert value("shared_pixels") == both
    assert value("shared_area") == pytest.approx(both * gsd**2)
    assert value("area_change") == pytest.approx((int(two.sum()) - int(one.sum())) * gsd**2)
    if not one.any():
        assert value("inside_share") is None
        assert value("size_change") is None
    else:
        assert value("inside_share") == pytest.approx(100 * both / one.sum())
        assert value("size_change") == pytest.approx(100 * (int(two.sum()) - int(one.sum())) / one.sum())


@given(st.sampled_from(["new", "lost"]), st.sampled_from(NAMES[1:]), st.integers(0, 99))
def test_a_change_label_is_read_as_it_was_written(kind: str, name: str, number: int) -> None:
    change = Change("new" if kind == "new" else "lost", name, f"t{number}")
    assert parse_change(change.label()) == change
    assert parse_change(name) is None


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 7),
    st.integers(0, 10_000),
    st.sampled_from(["worldcover", "corine-19"]),
    st.booleans(),
    st.integers(0, 2**62),
)
def test_any_series_gives_samples_that_verify(dates: int, seed: int, name: str, looks: bool, own: int) -> None:
    rng = np.random.default_rng(seed)
    maps = [np.full((48, 48), "crop", dtype="<U60")]
    maps[0][:20] = "tree"
    for _ in range(dates - 1):
        after = maps[-1].copy() if rng.random() < 0.7 else maps[0].copy()
        if rng.random() < 0.6:
            row, column = rng.integers(0, 36, 2)
            after[row : row + 12, column : column + 12] = rng.choice(NAMES[1:])
        if rng.random() < 0.2:
            after[:2, :2] = ""
        maps.append(after)
    cloud = {number: float(share) for number, share in enumerate(rng.random(dates) * 0.6)}
    sar = [number for number in range(dates) if rng.random() < 0.7]
    ndvi = list(rng.uniform(-0.1, 0.8, dates)) if looks else None
    tile = series_tile(maps, name, ndvi=ndvi, cloud=cloud, sar=sar, main=int(rng.integers(dates)))
    options = GenerateOptions(temporal_min=9, temporal_max=9, negative_share=0.4, sensor_share=1.0)
    report = Report()
    for item in samples_of(tile, options, own):
        if isinstance(item, Sample):
            where = Where("samples", item.sample_id, report)
            check_sample(item.to_row(), {tile.tile_id: tile}, Labels(), own, where)
    assert [str(problem) for problem in report.problems] == []
    maps_of = Maps(tile)
    assert np.array_equal(maps_of.region("t1", "new water since t0"), _new(maps, "water"))


def _new(maps: list[NDArray[np.str_]], name: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (maps[1] == name) & (maps[0] != name) & (maps[0] != "")
    return found
