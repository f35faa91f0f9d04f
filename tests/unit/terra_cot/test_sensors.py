"""What a chain says of a sensor follows from facts of that sensor's image, and cloud makes it lean on radar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from affine import Affine

from terra_cot.chains import TASKS
from terra_cot.chains.numbers import underived
from terra_cot.chains.sensors import APART
from terra_cot.evidence import FACTS, Ground, measure_fact
from terra_cot.generate import GenerateOptions, context_of, samples_of
from terra_cot.geo.grid import Grid
from terra_cot.mask import area
from terra_cot.pixels import encode
from terra_cot.pixels.images import TileImages
from terra_cot.pixels.spectral import DECIBEL, MODALITY, REFLECTANCE
from terra_cot.sample import Sample
from terra_cot.tile import FrameRecord, TileRecord

SIDE = 48
GRID = Grid("EPSG:32633", Affine(10, 0, 300000, 0, -10, 5400000), SIDE, SIDE, 10.0)
LABEL = np.full((SIDE, SIDE), 10, np.uint16)  # trees left, water right, a strip of crops below
LABEL[:, 28:] = 80
LABEL[36:] = 40
NDVI = {10: 0.8, 80: -0.3, 40: 0.3}
VV = {10: -8.0, 80: -20.0, 40: -9.0}


def mapped(values: dict[int, float]) -> np.ndarray:
    return np.vectorize(values.get)(LABEL).astype(np.float64)


def tile(name: str, *, cloud: float = 0.0, sar: bool = True, optical: bool = True, raster: bool = True) -> TileRecord:
    ndvi, vv = mapped(NDVI), mapped(VV)
    red = np.full((SIDE, SIDE), 0.1)
    bands = {"B03": red, "B04": red, "B08": red * (1 + ndvi) / (1 - ndvi), "B12": red * 1.2}
    clouded = np.zeros((SIDE, SIDE), np.uint8)
    clouded[: round(cloud * SIDE)] = 255
    still: Any = ((0.0, 0.0), None, None, "alone")
    frames = []
    if optical:
        pixels = np.rint(np.stack(list(bands.values())) * 10_000).astype(np.uint16)
        data = encode.geotiff(pixels, tuple(bands), GRID, None, {}, encode.Meaning(REFLECTANCE, 0.0001))
        share = round(float((clouded > 0).mean()), 6)
        frames.append(
            FrameRecord("t0", "optical", "2023-05-01T00:00:00Z", b"", data if raster else None, tuple(bands), share,
                        0.0, *still, cloud=encode.png(clouded))
        )  # fmt: skip
    if sar:
        data = encode.geotiff(np.stack([vv, vv - 7]).astype(np.float32), ("VV", "VH"), GRID, None, {},
                              encode.Meaning(DECIBEL))  # fmt: skip
        frames.append(
            FrameRecord(
                "t0", "sar", "2023-05-01T00:00:00Z", b"", data if raster else None, ("VV", "VH"), None, 0.0, *still
            )
        )
    return TileRecord(
        name, tuple(frames), encode.label_png(LABEL), "t0", "worldcover", "EPSG:32633", tuple(GRID.transform[:6]), SIDE,
        SIDE, 10.0, "test", name, "CC0-1.0", "train", 15.0, 48.0,
    )  # fmt: skip


def samples(record: TileRecord, **options: Any) -> list[Sample]:
    chosen = GenerateOptions(res=3, l1_min=6, l1_max=6, l2_min=0, l2_max=0, **{"sensor_share": 1.0, **options})
    return [item for item in samples_of(record, chosen, 0) if isinstance(item, Sample)]


def modalities(sample: Sample) -> set[str]:
    return {shown.modality for shown in sample.frames}


def empty(sample: Sample) -> bool:
    return any(area(mask.counts) == 0 for mask in sample.masks)


def sensed(sample: Sample) -> set[str]:
    """The modalities that the sample's facts are of."""
    return {MODALITY[item.fact.removesuffix("_contrast")] for item in sample.evidence
            if item.fact.removesuffix("_contrast") in MODALITY}  # fmt: skip


EVERY = [sample for number in range(12) for sample in samples(tile(f"clear{number}"))]


def test_every_case_is_there_and_speaks_of_the_images_it_shows() -> None:
    cases = {tuple(sorted(modalities(sample))) for sample in EVERY}
    assert cases == {("optical",), ("sar",), ("optical", "sar")}
    spoken = [sample for sample in EVERY if all(area(mask.counts) for mask in sample.masks)]
    assert spoken
    for sample in spoken:
        assert sensed(sample) == modalities(sample), sample.chain
        assert ("radar" in sample.chain) == ("sar" in modalities(sample)), sample.chain
        assert ("optical" in sample.chain or "NDVI" in sample.chain or "B08" in sample.chain) == (
            "optical" in modalities(sample)
        ), sample.chain


def test_facts_of_images_are_measured_again_and_written() -> None:
    for sample in EVERY:
        record = tile(sample.tile_id)
        masks = [mask.to_array() for mask in sample.masks]
        ground = Ground(LABEL.size, 10.0, tuple(mask.frame for mask in sample.masks), TileImages(record))
        for item in sample.evidence:
            assert measure_fact(item, masks, ground) == pytest.approx(item.value, rel=1e-12), item
        for text in (sample.question, sample.chain, sample.answer):
            assert underived(text, sample.evidence) == []


def test_values_are_those_of_the_scene() -> None:
    of_class = {"tree": 10, "water": 80, "crop": 40}
    seen = set()
    for sample in EVERY:
        for item in sample.evidence:
            if item.fact in ("ndvi", "backscatter_vv", "backscatter_vh"):
                code = of_class[sample.masks[item.masks[0]].label]
                truth = {"ndvi": NDVI[code], "backscatter_vv": VV[code], "backscatter_vh": VV[code] - 7}[item.fact]
                assert item.value == pytest.approx(truth, abs=2e-3)
                seen.add((item.fact, code))
    assert len(seen) >= 7


def test_which_sensor_sets_a_class_apart_follows_from_the_contrasts() -> None:
    """By the words of each chain against its evidence, whichever phrasing was drawn."""
    words = {
        (True, True): ("Both sensors", "agree", "either image", "Either sensor"),
        (True, False): ("is the optical", "optical image tells", "by the optical", "Here the optical", "optical one"),
        (False, True): ("is the radar", "The radar tells", "by the radar", "Here the radar", "the radar separates"),
        (False, False): ("Neither", "By neither", "Each of these", "neither sensor"),
    }  # fmt: skip
    seen = set()
    for sample in EVERY:
        gaps = {
            item.fact.removesuffix("_contrast"): item for item in sample.evidence if item.fact.endswith("_contrast")
        }
        if len(gaps) < 2:
            continue
        apart = {MODALITY[name]: abs(item.value) >= APART[FACTS[name].unit] for name, item in gaps.items()}
        key = (apart["optical"], apart["sar"])
        seen.add(key)
        assert any(word in sample.chain for word in words[key]), (key, sample.chain)
    assert len(seen) >= 2


@pytest.mark.parametrize("raster", [True, False])
def test_under_cloud_the_chain_leans_on_radar(raster: bool) -> None:
    found = [sample for number in range(12) for sample in samples(tile(f"cloudy{number}", cloud=0.875, raster=raster))]
    assert {tuple(sorted(modalities(sample))) for sample in found} == {("sar",), ("optical", "sar")}
    for sample in found:
        told = {item.fact: item.value for item in sample.evidence}
        if "optical" in modalities(sample):
            assert told["cloud"] == 87.5
            assert "87.5 %" in sample.chain
            assert "radar" in sample.chain[: sample.chain.index("[SEG]")]
        else:
            assert "cloud" not in told
        assert "optical" not in sensed(sample)


def test_no_raster_and_no_unit_mean_no_reading() -> None:
    for record in (tile("bare", raster=False), tile("dark", sar=False, raster=False)):
        for sample in samples(record):
            assert sensed(sample) == set()
    record = tile("plain")
    bare = tuple(replace(frame, raster=encode.geotiff(np.ones((len(frame.bands), SIDE, SIDE), np.uint16), frame.bands,
                                                      GRID, None, {})) for frame in record.frames)  # fmt: skip
    for sample in samples(replace(record, frames=bare)):
        assert sensed(sample) == set()


def test_rasters_are_asked_for_only_where_a_chain_needs_them() -> None:
    asked: list[str] = []
    full = {f"tile{number}": tile(f"tile{number}") for number in range(60)}

    def fetch(name: str) -> tuple[FrameRecord, ...]:
        asked.append(name)
        return full[name].frames

    def light(record: TileRecord) -> TileRecord:
        return replace(record, frames=tuple(replace(frame, raster=None, cloud=None) for frame in record.frames))

    for share, least, most in ((0.0, 0, 0), (0.25, 5, 26), (1.0, 60, 60)):
        asked.clear()
        options = GenerateOptions(l2_min=0, l2_max=0, sensor_share=share)
        for record in full.values():
            found = list(samples_of(light(record), options, 0, None, fetch))
            assert found == list(samples_of(record, options, 0)), "with or without its rasters at hand"
        assert len(asked) == len(set(asked)), "once a tile"
        assert least <= len(asked) <= most, share


def test_negatives_come_in_their_share_and_say_that_there_is_none() -> None:
    found = [
        sample for number in range(150) for sample in samples(tile(f"n{number}", raster=False), negative_share=0.3)
    ]
    tasks = ("referring", "counting", "localisation", "area", "boundary", "distance")
    asked = [sample for sample in found if sample.task in tasks]
    negative = [sample for sample in asked if empty(sample)]
    assert abs(len(negative) / len(asked) - 0.3) < 0.06
    for sample in negative:
        noun = "There is no "
        expected = {"counting": "0", "boundary": "No"}.get(sample.task)
        assert sample.answer == expected or sample.answer.startswith(noun) or sample.answer in ("0 m2", "0.0 %")
        assert sample.chain.count("[SEG]") == len(sample.masks)
        assert "0 pixels" in sample.chain
    none = [sample for number in range(20) for sample in samples(tile(f"n{number}", raster=False), negative_share=0)]
    assert not any(empty(sample) for sample in none if sample.task != "existence")
    assert not any(sample.task == "caption" and empty(sample) for sample in found)


def test_a_text_is_written_again_from_its_row_alone() -> None:
    from terra_cot.chains.draft import Draft, Target

    for sample in EVERY:
        record = tile(sample.tile_id)
        light = replace(record, frames=tuple(replace(frame, raster=None, cloud=None) for frame in record.frames))
        targets = tuple(Target(mask.frame, mask.label) for mask in sample.masks)
        draft = Draft(sample.task, targets, sample.evidence)
        text = TASKS[sample.task].write(draft, context_of(light, sample.frames), sample.seed)
        assert (text.question, text.chain, text.answer) == (sample.question, sample.chain, sample.answer)
