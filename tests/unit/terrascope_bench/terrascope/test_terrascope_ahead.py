"""Lessons made ahead are the same lessons: losses and weights do not tell who made them, nor how many were wasted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import terrascopefactory as factory  # skips where torch is absent
from exportfactory import changed, small_dataset, world_dataset
from gate import LONG_S

from terra_cot.errors import DataError, RunStopped
from terra_cot.sample import Sample
from terra_cot.tile import TileRecord
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.train import checkpoint
from terrascope_bench.terrascope.train.log import read_log
from terrascope_bench.terrascope.train.loop import train
from terrascope_bench.terrascope.train.masks import mask_lessons, of_tile
from terrascope_bench.terrascope.train.recipe import Stage, TrainRecipe
from terrascope_bench.terrascope.train.seen import Decoded
from terrascope_bench.terrascope.train.stream import survey
from terrascope_bench.terrascope.train.syllabus import Syllabus

COMMON = {"lr": 1e-3, "batch": 2, "steps": 3}
MASKS = {"name": "masks", "teaches": "masks", "trains": ["mask_encoder", "mask_decoder"], **COMMON, "steps": 8}
STAGES = [
    MASKS,
    {"name": "sight", "teaches": "sight", "trains": ["vision", "projector"], **COMMON},
    {"name": "text", "teaches": "text", "trains": ["language", "seg_projection"], **COMMON},
    {"name": "questions", "teaches": "questions", "trains": ["vision", "language"], **COMMON},
    {"name": "chains", "tiers": ["l1"], "trains": ["projector", "mask_decoder"], "accumulate": 2, **COMMON},
    {"name": "window", "tiers": ["res"], "window": True, "trains": ["mask_decoder"], **COMMON},
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tiles in three parts."""
    return small_dataset(tmp_path_factory.mktemp("ahead"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    store.save(*factory.make(), folder)
    return folder


def recipe(start: Path, ahead: int, stages: list[dict[str, Any]]) -> TrainRecipe:
    body = {"name": "t", "model": str(start), "split": None, "save_every": 2, "ahead": ahead, "stages": stages}
    return TrainRecipe.model_validate(body)


def losses(folder: Path) -> list[tuple[str, ...]]:
    names = ("step", "stage", "loss", "text", "dice", "pixels")
    return [tuple(row[name] for name in names) for row in read_log(folder)]


def test_who_makes_lessons_does_not_show(tmp_path: Path, start: Path, data: Path) -> None:
    """Every kind of stage; the first number of batches is more than a stage has."""
    done = {ahead: train(recipe(start, ahead, STAGES), tmp_path / str(ahead), data=[data]) for ahead in (0, 9, 1)}
    assert len(losses(tmp_path / "0")) == 23
    assert losses(tmp_path / "0") == losses(tmp_path / "9") == losses(tmp_path / "1")
    weights = {(trained.folder / store.WEIGHTS).read_bytes() for trained in done.values()}
    assert len(weights) == 1
    assert not multiprocessing.active_children()


def test_a_checkpoint_keeps_the_place_of_what_was_taken(tmp_path: Path, start: Path, data: Path) -> None:
    places: dict[int, Any] = {}
    for ahead in (0, 5):
        out = tmp_path / str(ahead)

        def stop(stage: str, done: int, total: int) -> None:
            if done == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(recipe(start, ahead, [MASKS]), out, data=[data], on_step=stop)
        found = checkpoint.read(out)
        assert found is not None
        assert found.stage_step == 4
        places[ahead] = found.lessons
        assert not multiprocessing.active_children()
    assert places[0] == places[5]
    assert places[0]["drawn"] == 8
    # Begun with so many ahead, ended with none.
    train(recipe(start, 0, [MASKS]), tmp_path / "5", data=[data])
    train(recipe(start, 3, [MASKS]), tmp_path / "0", data=[data])
    train(recipe(start, 0, [MASKS]), tmp_path / "whole", data=[data])
    assert losses(tmp_path / "5") == losses(tmp_path / "0") == losses(tmp_path / "whole")


def test_a_picture_that_is_none_is_the_error_that_it_was(tmp_path: Path, start: Path, data: Path) -> None:
    def spoil(tile: TileRecord, samples: list[Sample]) -> tuple[TileRecord, list[Sample]]:
        return replace(tile, frames=tuple(replace(frame, image=b"none") for frame in tile.frames)), samples

    spoilt = changed(data, tmp_path / "spoilt", spoil)
    told = []
    for ahead in (0, 4):
        with pytest.raises(DataError, match="image: not a picture") as caught:
            train(recipe(start, ahead, [MASKS]), tmp_path / str(ahead), data=[spoilt])
        told.append(str(caught.value))
    assert told[0].split("(")[0] == told[1].split("(")[0]
    assert "\n" not in told[1]
    assert not multiprocessing.active_children()


def test_a_maker_that_is_killed_is_told_and_the_training_goes_on(tmp_path: Path, start: Path, data: Path) -> None:
    def kill(stage: str, done: int, total: int) -> None:
        if done == 3:
            (maker,) = multiprocessing.active_children()
            assert maker.pid
            os.kill(maker.pid, signal.SIGKILL)
            maker.join()

    with pytest.raises(RunStopped, match="makes lessons died") as caught:
        train(recipe(start, 2, [MASKS]), tmp_path / "killed", data=[data], on_step=kill)
    assert "\n" not in str(caught.value)
    done = train(recipe(start, 2, [MASKS]), tmp_path / "killed", data=[data])
    # What it had handed over, at most the two batches ahead, is still taken; a checkpoint is kept every two steps.
    assert done.resumed_at in (2, 4)
    train(recipe(start, 0, [MASKS]), tmp_path / "whole", data=[data])
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_a_maker_that_dies_while_it_hands_over_is_told(tmp_path: Path) -> None:
    """It writes half of what it has made, and is gone."""
    program = tmp_path / "program.py"
    program.write_text("""
import os, signal
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from terrascope_bench.terrascope.train import ahead

def half(size):
    send = Connection._send

    def part(self, data, *more):
        if len(data) < size:
            return send(self, data, *more)
        send(self, data[: size // 2], *more)
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send = part
    return bytes(size)

if __name__ == "__main__":
    with ahead.Workshop(1) as workshop:
        workshop.start()
        try:
            workshop._pool.submit(half, 2**22).result()
        except BrokenProcessPool:
            print("told")
""")
    paths = os.pathsep.join([str(Path(__file__).parents[4]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout == "told\n"


def test_a_stream_goes_on_from_any_state(start: Path, data: Path) -> None:
    stage = Stage.model_validate(STAGES[4])
    whole = Syllabus(recipe(start, 0, STAGES), stage, [data], survey([data], None, ["l1"]).by_folder, (64, 1))
    stream = whole.lessons()
    stream.take(3)
    state = stream.state()
    later = [told.asked.name for told in stream.take(4)]
    again = whole.lessons(state)
    assert [told.asked.name for told in again.take(4)] == later
    assert again.state() == stream.state() != state  # a state that was given is not written to


def test_how_much_is_made_ahead_is_not_part_of_a_recipe(start: Path) -> None:
    assert recipe(start, 0, STAGES).sha256() == recipe(start, 7, STAGES).sha256()


def test_windows_of_a_tile_share_what_was_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from terrascope_bench.terrascope.train import masks

    data = world_dataset(tmp_path)
    made: dict[Decoded, TileRecord] = {}
    of: list[tuple[TileRecord, tuple[Any, ...]]] = []

    def spied(tile: TileRecord, decoded: Decoded, *place: Any) -> masks.MaskLesson:
        assert made.setdefault(decoded, tile) is tile
        of.append((tile, place))
        return of_tile(tile, decoded, *place)

    monkeypatch.setattr(masks, "of_tile", spied)
    # 16 x 16 windows of 8 px fit a tile of 128.
    lessons = list(mask_lessons(data, None, 8, 16, 3, 0, 1)(0, 0))
    assert len(lessons) == len(of) == 16 * 16 // masks.PIECES * len(made)
    assert any(decoded.picture.cache_info().hits for decoded in made)
    assert all(decoded.picture.cache_info().misses <= len(tile.frames) for decoded, tile in made.items())
    assert all(decoded.label.cache_info().misses <= len(tile.labels()) for decoded, tile in made.items())
    for lesson, (tile, place) in zip(lessons, of, strict=True):
        fresh = of_tile(tile, Decoded(), *place)
        assert all(np.array_equal(lesson.masks[name], mask) for name, mask in fresh.masks.items())
        for one, other in zip(lesson.images, fresh.images, strict=True):
            assert np.array_equal(one.pixels.numpy(), other.pixels.numpy())


def test_who_does_the_work_is_not_part_of_a_recipe(start: Path) -> None:
    threaded = [{**stage, "threads": 2} for stage in STAGES]
    assert recipe(start, 0, threaded).sha256() == recipe(start, 0, STAGES).sha256()


def test_an_earlier_date_stands_before_the_one_that_is_asked_about(tmp_path: Path) -> None:
    shown: set[int] = set()
    opened = mask_lessons(world_dataset(tmp_path), None, None, 1, 3, 0, 1)
    for epoch in range(6):
        for lesson in opened(epoch, 0):
            dates = list(dict.fromkeys(image.frame for image in lesson.images))
            assert dates == sorted(dates)
            assert dates[-1] == lesson.date
            shown.add(len(dates))
    assert shown == {1, 2}
