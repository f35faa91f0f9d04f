"""Rows of trainers: the official one's and those of chat models, compared with the samples they come from."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exportfactory import changed, every_sample, lines, showing
from PIL import Image
from pycocotools import mask as coco

from terra_cot.export import export
from terra_cot.export.pictures import safe_name, shown_record
from terra_cot.sample import Sample
from terra_cot.tile import TileRecord


def trainer_rows(out: Path) -> dict[str, dict[str, Any]]:
    rows = {}
    for path in sorted(out.glob("*/*.json")):
        for row in json.loads(path.read_bytes()):
            assert (row["tier"], path.parent.name) == (path.stem, "train")
            assert row["id"] not in rows
            rows[row["id"]] = row
    return rows


def same_picture(path: Path, tile: TileRecord, frame: str, modality: str) -> None:
    record = shown_record(tile, frame, modality)
    assert record is not None
    with Image.open(path) as written, Image.open(BytesIO(record.image)) as stored:
        assert np.array_equal(np.asarray(written), np.asarray(stored))


def same_turns(row: dict[str, Any], sample: Sample) -> None:
    human, gpt = row["conversations"]
    assert (human["from"], gpt["from"]) == ("human", "gpt")
    assert human["value"].count("<image>") == len(sample.frames)
    assert sample.question in human["value"]
    assert gpt["value"] == f"<think>{sample.chain}</think><answer>{sample.answer}</answer>"


def test_the_official_trainer_gets_every_sample_it_can_hold(small: Path, tmp_path: Path) -> None:
    note = export(small, "terrascope", tmp_path / "out")
    rows, samples = trainer_rows(tmp_path / "out"), every_sample(small)
    both = [one for _, one in samples.values() if len(one.frames) == 2]
    assert both, "no sample shows an optical and a SAR image"
    assert note["counts"]["samples"] == {
        "read": len(samples), "written": len(rows), "dropped": {"optical_and_sar_of_one_date": len(both)},
    }  # fmt: skip
    assert len(rows) == len(samples) - len(both) > 0
    for name, row in rows.items():
        tile, sample = samples[name]
        same_turns(row, sample)
        assert row["conversations"][0]["value"].startswith("<image>\n")
        assert row["labels"] == [mask.label for mask in sample.masks]
        assert len(row["masks"]) == row["conversations"][1]["value"].count("[SEG]") == len(sample.masks)
        for [rle], mask in zip(row["masks"], sample.masks, strict=True):
            assert np.array_equal(coco.decode(rle).astype(bool), mask.to_array())
        shown = sample.frames[0]
        same_picture(tmp_path / "out" / "images" / row["image"], tile, shown.frame, shown.modality)


def test_a_pair_keeps_its_order(small: Path, tmp_path: Path) -> None:
    pair = changed(small, tmp_path / "pair", showing(("t0", "optical"), ("t1", "optical")))
    note = export(pair, "terrascope", tmp_path / "out")
    samples = every_sample(pair)
    rows = trainer_rows(tmp_path / "out")
    assert note["counts"]["samples"]["dropped"] == {}
    assert rows.keys() == samples.keys()
    for name, row in rows.items():
        tile, sample = samples[name]
        assert "image" not in row
        same_turns(row, sample)
        assert row["conversations"][0]["value"].startswith("t0 (optical): <image>\nt1 (optical): <image>\n")
        for key, frame in (("pre_image", "t0"), ("post_image", "t1")):
            same_picture(tmp_path / "out" / "images" / row[key], tile, frame, "optical")
            assert frame in row[key]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([("t0", "optical"), ("t0", "sar"), ("t1", "optical")], "optical_and_sar_of_one_date"),
        ([("t0", "optical"), ("t1", "optical"), ("t2", "optical")], "more_than_two_dates"),
    ],
)
def test_what_the_official_format_cannot_hold_is_dropped_and_chat_rows_hold_it(
    small: Path, tmp_path: Path, frames: list[tuple[str, str]], reason: str
) -> None:
    many = changed(small, tmp_path / "many", showing(*frames))
    note = export(many, "terrascope", tmp_path / "terrascope")
    number = len(every_sample(many))
    assert note["counts"]["samples"] == {"read": number, "written": 0, "dropped": {reason: number}}
    chat = export(many, "conversations", tmp_path / "chat")["counts"]["samples"]
    there = reason == "optical_and_sar_of_one_date"  # no tile here has a third date
    assert chat == {"read": number, "written": number * there, "dropped": {} if there else {"no_image": number}}


def test_chat_rows_say_what_trainers_of_llava_and_internvl_read(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    note = export(small, "conversations", out)
    samples = every_sample(small)
    rows, masks = lines(out / "train.jsonl"), lines(out / "masks" / "train.jsonl")
    assert [row["id"] for row in rows] == [row["id"] for row in masks] == list(samples)
    assert note["counts"]["samples"] == {"read": len(rows), "written": len(rows), "dropped": {}}
    kinds = set()
    for row, beside in zip(rows, masks, strict=True):
        tile, sample = samples[str(row["id"])]
        same_turns(row, sample)
        names: Any = row["image"]
        kinds.add(type(names))
        if isinstance(names, list):
            assert (row["width_list"], row["height_list"]) == ([tile.width] * len(names), [tile.height] * len(names))
        else:
            assert (row["width"], row["height"]) == (tile.width, tile.height)
            names = [names]
        for name, shown in zip(names, sample.frames, strict=True):
            same_picture(out / "images" / name, tile, shown.frame, shown.modality)
        assert beside["masks"] == [mask.to_row() for mask in sample.masks]
    assert kinds == {str, list}
    meta = json.loads((out / "meta.json").read_bytes())
    assert meta == {
        "terra_cot_train": {
            "root": "images", "annotation": "train.jsonl", "data_augment": False, "repeat_time": 1, "length": len(rows),
        }
    }  # fmt: skip


def test_options_stand_in_the_question(small: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    asked = changed(small, tmp_path / "asked", lambda tile, samples: (
        tile, tuple(replace(sample, options=("3 ha", "5 ha"), answer="B") for sample in samples)))  # fmt: skip
    export(asked, "conversations", tmp_path / "out")
    for row in lines(tmp_path / "out" / "train.jsonl"):
        human: Any = row["conversations"]
        assert human[0]["value"].endswith("\nA. 3 ha\nB. 5 ha")


def test_names_of_tiles_make_plain_and_different_file_names() -> None:
    assert safe_name("place_000_r000_c000") == "place_000_r000_c000"
    hostile = [
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "a b",
        "a:b",
        "",
        ".",
        "..",
        ".hidden",
        "é",
        "x" * 300,
        "y" * 300 + "z",
    ]
    names = [safe_name(name) for name in hostile]
    assert len(set(names)) == len(names)
    for name in names:
        assert name
        assert not name.startswith(".")
        assert len(name) < 140
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
