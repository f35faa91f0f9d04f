"""The chain is the model's own; its masks are those of the whole scene, and so is what they measure."""

from __future__ import annotations

import terrascopefactory as factory  # first: skips where torch is absent

from dataclasses import replace  # isort: skip
from pathlib import Path

import explainfactory as scenes
import numpy as np
import pytest
import torch

from terrascope_bench.explain import look as look_room
from terrascope_bench.explain.ask import Question, explain, own_tile_px
from terrascope_bench.explain.change import TASKS
from terrascope_bench.explain.look import TiledEye, shown
from terrascope_bench.explain.model import Loaded
from terrascope_bench.explain.scene import Files, open_scene
from terrascope_bench.explain.tiles import Layout
from terrascope_bench.explain.views import Views
from terrascope_bench.terrascope.generate import Limits, generate
from terrascope_bench.terrascope.measured import measurement
from terrascope_bench.terrascope.sequence import Asked


@pytest.fixture(scope="module")
def taught() -> Loaded:
    return Loaded(*factory.taught(), {})


@pytest.fixture(scope="module")
def measuring(taught: Loaded) -> Loaded:
    """The same weights; what its masks measure is told."""
    model, words = factory.taught()
    model.config = replace(model.config, measured=True)
    return Loaded(model, words, {})


def views_of(*paths: Path) -> Views:
    return Views(open_scene(Files(tuple(map(str, paths)))).scene, align=False)


def test_a_scene_of_one_tile_is_answered_as_a_question_of_the_benchmark_is(taught: Loaded, tmp_path: Path) -> None:
    """Words and masks are the very same: nothing of the tiling shows."""
    path = scenes.optical(tmp_path / "scene.tif", factory.half(64))
    with views_of(path) as views:
        overview = views.overview()
        found = explain(taught, views, overview, Question(factory.QUESTION, ("50 %", "25 %"), max_tokens=80))
        asked = Asked([shown(overview[0])], factory.QUESTION, ("50 %", "25 %"), 10.0, "explain")
    (reply,) = generate(taught.network, taught.words, [asked], Limits(80))
    assert found.reply == reply.text
    assert found.tiles.count == 1
    assert len(found.steps) == len(reply.looked) > 0
    for step, looked in zip(found.steps, reply.looked, strict=True):
        assert (step.mask == looked.mask).all()
        assert step.valid.all()
    assert found.answer in ("A", "B")
    assert reply.text.endswith(f"<answer>{found.answer}</answer>")
    assert "<" not in found.chain


def test_tiles_of_a_large_scene_join_to_the_mask_that_single_tiles_have(taught: Loaded, tmp_path: Path) -> None:
    """Far from their edges each tile decides alone, as a scene of its own would be decided."""
    mask = scenes.water(200)
    path = scenes.optical(tmp_path / "large.tif", mask)
    layout = Layout((200, 200), 64)
    prompt = torch.randn(taught.network.config.prompt_width, generator=torch.Generator().manual_seed(1))
    seen = 0

    def tick() -> None:
        nonlocal seen
        seen += 1

    with views_of(path) as views, torch.inference_mode():
        eye = TiledEye(taught.network, views, layout, tick)
        whole = eye(0, "t0", prompt)
        assert seen == layout.count == 16
        again = eye(0, "t0", prompt)
        assert (whole == again).all()
        for row in layout.rows[1:3]:
            for column in layout.columns[1:3]:
                (view,) = views.window("t0", row, column, (64, 64))
                alone = tmp_path / f"{row}-{column}.tif"
                scenes.write_tiff(
                    alone, np.moveaxis(view.pixels, -1, 0), scenes.north_up(*scenes.PLACE, 10), bands=scenes.BANDS
                )
                with views_of(alone) as one:
                    piece = TiledEye(taught.network, one, Layout((64, 64), 64))(0, "t0", prompt)
                inner = slice(17, 47)
                assert (whole[row : row + 64, column : column + 64][inner, inner] == piece[inner, inner]).all()


def test_what_is_kept_between_steps_changes_nothing(
    taught: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scenes.optical(tmp_path / "large.tif", scenes.water(150))
    prompt = torch.randn(taught.network.config.prompt_width, generator=torch.Generator().manual_seed(2))
    found = []
    for kept in (0, 100_000, look_room.KEPT_BYTES):
        monkeypatch.setattr(look_room, "KEPT_BYTES", kept)
        with views_of(path) as views, torch.inference_mode():
            eye = TiledEye(taught.network, views, Layout((150, 150), 64))
            found += [eye(0, "t0", prompt), eye(0, "t0", prompt)]
            assert (len(eye._kept) > 0) == (kept > 0)
    assert all((mask == found[0]).all() for mask in found)
    assert found[0].any()


def test_what_no_image_shows_is_in_no_mask(taught: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "part.tif"
    pixels = np.full((3, 200, 200), 120, np.uint8)
    pixels[:, :, 90:] = 0
    scenes.write_tiff(path, pixels, scenes.north_up(*scenes.PLACE, 10), bands=scenes.BANDS, nodata=0)
    with views_of(path) as views, torch.inference_mode():
        eye = TiledEye(taught.network, views, Layout((200, 200), 64))
        for seed in range(6):  # whatever is asked for
            prompt = torch.randn(taught.network.config.prompt_width, generator=torch.Generator().manual_seed(seed))
            assert not eye(0, "t0", prompt)[:, 90:].any()
        assert (eye.valid("t0") == (np.arange(200) < 90)[None]).all()


def test_the_chain_is_told_what_the_whole_mask_measures(measuring: Loaded, tmp_path: Path) -> None:
    path = scenes.optical(tmp_path / "large.tif", scenes.water(180))
    with views_of(path) as views:
        found = explain(measuring, views, views.overview(), Question(factory.QUESTION, max_tokens=80))
    assert found.tiles.count > 1
    step = found.steps[0]
    assert step.mask.any()
    assert f"[SEG]{measurement(step.mask, None, 10.0)}" in found.chain


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("name", list(TASKS))
def test_a_task_looks_at_both_dates_whatever_the_model_would_say(
    taught: Loaded, measuring: Loaded, name: str, measured: bool, tmp_path: Path
) -> None:
    first = scenes.optical(tmp_path / "first.tif", factory.half(64), date="2023-05-01")
    last = scenes.optical(tmp_path / "last.tif", factory.quarter(64), date="2023-06-01")
    model, task = (measuring if measured else taught), TASKS[name]
    with views_of(first, last) as views:
        overview = views.overview()
        found = explain(model, views, overview, Question(None, task=task))
        asked = explain(model, views, overview, Question(factory.QUESTION, task=task, max_tokens=60))
    assert [(step.date, step.label) for step in found.steps] == [("t0", task.before), ("t1", task.after)]
    assert found.chain.count("[SEG]") == 2
    assert (f"Image: t1 {task.after}: [SEG] (" in found.chain) == measured
    assert (found.reply, found.ended, found.answer) == (None, None, None)
    assert asked.reply is not None
    assert asked.chain.startswith(found.chain)
    assert asked.chain.count("[SEG]") == len(asked.steps) >= 2
    assert all((one.mask == two.mask).all() for one, two in zip(found.steps, asked.steps, strict=False))


def test_damage_is_looked_for_at_the_scale_of_its_pictures(taught: Loaded) -> None:
    """The tiny model shows a picture of 1024 px in one window of 64: so many pixels of it make one."""
    side = taught.network.config.mask_px
    assert own_tile_px(taught, None) == own_tile_px(taught, TASKS["flood"]) == side
    assert own_tile_px(taught, TASKS["damage"]) == 1024


def test_an_opening_is_said_and_looked_at_as_if_the_model_had_chosen_it(taught: Loaded) -> None:
    told = factory.lessons()[1]
    (free,) = generate(taught.network, taught.words, [told.asked], Limits(80))
    opening = free.text[: free.text.rindex("[SEG]") + len("[SEG]")]
    (forced,) = generate(taught.network, taught.words, [replace(told.asked, opening=opening)], Limits(80))
    assert forced.text == free.text
    assert all((one.mask == two.mask).all() for one, two in zip(forced.looked, free.looked, strict=True))
    other = "<think>land here [SEG]"
    (made,) = generate(taught.network, taught.words, [replace(told.asked, opening=other)], Limits(80))
    assert made.text.startswith(other)
    assert made.looked
