"""Samples of a tile follow from the tile and the seed: not from its neighbours, their order, or the time."""

from __future__ import annotations

import numpy as np
import pytest
from geofactory import mosaic
from hypothesis import given, settings
from hypothesis import strategies as st

from terra_cot.chains import TASKS
from terra_cot.chains.numbers import underived
from terra_cot.evidence import Ground, measure_fact
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.legend import LEGENDS
from terra_cot.pixels import encode
from terra_cot.sample import SEG, Sample
from terra_cot.scene import Drop
from terra_cot.tile import FrameRecord, Modality, TileRecord

CODES = {"worldcover": (10, 20, 30, 40, 50, 60, 80, 90), "corine-19": (211, 231, 311, 312, 512, 112, 141, 322)}


def tile(
    label: np.ndarray, legend: str = "worldcover", cloud: float | None = None, sar: bool = True, name: str = "tile"
) -> TileRecord:
    def frame(modality: Modality, bands: tuple[str, ...], share: float | None) -> FrameRecord:
        date, still = "2023-05-01T00:00:00Z", (0.0, 0.0)
        return FrameRecord("t0", modality, date, b"", None, bands, share, 0.0, still, None, None, "alone")

    frames = [frame("optical", ("B04", "B03", "B02"), cloud)] + ([frame("sar", ("VV", "VH"), None)] if sar else [])
    height, width = label.shape
    return TileRecord(
        name, tuple(frames), encode.label_png(label.astype(np.uint16)), "t0", legend, "EPSG:32633",
        (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), width, height, 10.0, "test", name, "CC0-1.0", "train", 15.0, 48.0,
    )  # fmt: skip


def patches(seed: int, legend: str, side: int, classes: int) -> TileRecord:
    return tile(np.array(CODES[legend], np.uint16)[mosaic(seed, side, side + 9, range(classes))], legend)


TILES = st.builds(
    patches, st.integers(0, 10_000), st.sampled_from(sorted(CODES)), st.integers(20, 70), st.integers(1, 8)
)
OPTIONS = st.builds(
    GenerateOptions,
    view=st.sampled_from(["native", "display"]),
    res=st.integers(0, 4),
    caption=st.integers(0, 1),
    l1_min=st.integers(0, 3),
    l1_max=st.integers(3, 6),
    l2_min=st.integers(0, 2),
    l2_max=st.integers(2, 8),
    min_share_pct=st.sampled_from([0.1, 1.0, 20.0]),
)


def samples(record: TileRecord, options: GenerateOptions, seed: int) -> list[Sample]:
    return [item for item in samples_of(record, options, seed) if isinstance(item, Sample)]


@settings(max_examples=60, deadline=None)
@given(TILES, OPTIONS, st.integers(0, 2**63 - 1))
def test_the_laws_of_a_sample(record: TileRecord, options: GenerateOptions, seed: int) -> None:
    found = samples(record, options, seed)
    assert samples(record, options, seed) == found
    assert len({sample.sample_id for sample in found}) == len(found)
    by_tier = {tier: [sample for sample in found if sample.tier == tier] for tier in ("res", "caption", "l1")}
    assert len(by_tier["res"]) <= options.res
    assert len(by_tier["caption"]) <= options.caption
    assert len(by_tier["l1"]) <= options.l1_max
    assert len({sample.task for sample in by_tier["l1"]}) == len(by_tier["l1"]), "a task once a tile"
    if by_tier["l1"]:
        assert any(TASKS[sample.task].needs_pixels for sample in by_tier["l1"])
    level2 = [sample for sample in found if sample.tier.startswith("l2_")]
    assert len(level2) <= options.l2_max
    assert len({sample.task for sample in level2}) == len(level2), "a composition once a tile"
    source = LEGENDS[str(record.legend)]
    label = record.label_array()
    valid = int(np.count_nonzero(source.vocabulary(options.view).index(label)))
    for sample in found:
        assert Sample.from_row(sample.to_row()) == sample
        assert sample.chain.count(SEG) == len(sample.masks)
        masks = [mask.to_array() for mask in sample.masks]
        for mask, array in zip(sample.masks, masks, strict=True):
            np.testing.assert_array_equal(array, source.mask(label, mask.label))
        for item in sample.evidence:
            assert measure_fact(item, masks, Ground(valid, record.gsd_m)) == pytest.approx(item.value, rel=1e-12)
        for text in (sample.question, sample.chain, sample.answer):
            assert underived(text, sample.evidence) == []


@settings(max_examples=20, deadline=None)
@given(TILES, st.integers(0, 1000))
def test_another_seed_is_another_draw_of_the_same_facts(record: TileRecord, seed: int) -> None:
    """Captions have one draft a tile: with any seed they speak of the same masks."""
    options = GenerateOptions(res=0, l1_min=0, l1_max=0, l2_min=0, l2_max=0, caption=1)
    first, second = (samples(record, options, value) for value in (seed, seed + 1))
    assert [sample.masks for sample in first] == [sample.masks for sample in second]
    assert [sample.evidence for sample in first] == [sample.evidence for sample in second]


def test_cloudy_optical_is_not_shown_alone() -> None:
    label = mosaic(3, 60, 60)
    options = GenerateOptions(res=5, l1_min=6, l1_max=6)
    shown = {
        tuple(frame.modality for frame in sample.frames)
        for number in range(8)
        for sample in samples(tile(label, cloud=0.5, name=f"tile{number}"), options, 0)
    }
    assert shown == {("sar",), ("optical", "sar")}
    clear = {
        tuple(frame.modality for frame in sample.frames)
        for number in range(8)
        for sample in samples(tile(label, cloud=0.1, name=f"tile{number}"), options, 0)
    }
    assert clear == {("optical",), ("sar",), ("optical", "sar")}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (tile(mosaic(3, 60, 60), cloud=0.5, sar=False), "cloud_without_sar"),
        (tile(np.zeros((60, 60), np.uint8)), "nothing_to_say"),
        (tile(np.ones((60, 60), np.uint8), "xbd-damage"), "nothing_to_say"),  # damage of one date is no pair
    ],
)
def test_a_tile_without_samples_says_why(record: TileRecord, reason: str) -> None:
    (drop,) = samples_of(record, GenerateOptions(), 0)
    assert isinstance(drop, Drop)
    assert (drop.level, drop.item, drop.reason) == ("tile", "tile", reason)


def test_a_tile_of_one_class_still_gives_samples() -> None:
    found = samples(tile(np.full((60, 60), 80, np.uint8)), GenerateOptions(res=2), 0)
    assert {"referring", "caption"} <= {sample.task for sample in found}
    assert {sample.task for sample in found} <= {
        "referring",
        "caption",
        "existence",
        "counting",
        "localisation",
        "area",
    }
