"""Questions with pictures are taught as they are generated, by each rule of evidence and in each form of reply."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import terrascopefactory as factory  # skips where torch is absent
import torch
from exportfactory import small_dataset

from terra_cot.errors import ConfigError
from terra_cot.store.manifest import manifest_parts, read_manifest
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.evidence import boxed, evidence
from terrascope_bench.terrascope.generate import Limits, generate
from terrascope_bench.terrascope.sequence import IGNORED, Told, lay_out, pad
from terrascope_bench.terrascope.train.forms import formed, without_masks
from terrascope_bench.terrascope.train.log import read_log
from terrascope_bench.terrascope.train.loop import begin, train
from terrascope_bench.terrascope.train.questions import lessons_of, tiles_of
from terrascope_bench.terrascope.train.recipe import TrainRecipe
from terrascope_bench.terrascope.train.sittings import sittings
from terrascope_bench.terrascope.vision import encode

SIGHT = {"name": "sight", "teaches": "sight", "trains": ["vision", "projector"], "lr": 3e-3, "batch": 2, "steps": 6}
QUESTIONS = {
    "name": "questions",
    "teaches": "questions",
    "trains": ["vision", "projector", "language", "seg_projection", "mask_decoder"],
    "lr": 3e-3,
    "batch": 2,
    "steps": 6,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("joint"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    store.save(*factory.make(), folder)
    return folder


def recipe(start: Path, stages: list[dict[str, object]], **values: object) -> TrainRecipe:
    body = {"name": "joint", "model": str(start), "split": None, "save_every": 2, "stages": stages, **values}
    return TrainRecipe.model_validate(body)


def ruled(**rules: object) -> TerraScopeConfig:
    return factory.config(1100, 4, **rules)


def test_a_box_is_the_smallest_that_holds_the_mask() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2, 3] = mask[5, 6] = True
    assert boxed(mask).sum() == 4 * 4
    assert boxed(mask)[2:6, 3:7].all()
    assert not boxed(np.zeros((8, 8), bool)).any()


def test_each_rule_of_evidence_selects_what_it_says() -> None:
    mask = np.zeros((32, 32), bool)
    mask[:8, :8] = mask[8:16, 8:16] = True  # tokens 0 and 5 of 4 x 4
    chosen = {rule: evidence(mask, (4, 4), ruled(evidence=rule), "one") for rule in ("mask", "box", "random", "none")}
    assert chosen["mask"].tokens.tolist() == [0, 5]
    assert chosen["box"].tokens.tolist() == [0, 1, 4, 5]
    assert chosen["none"].tokens.tolist() == []
    assert len(set(chosen["random"].tokens.tolist())) == 2
    assert (chosen["random"].rule, chosen["none"].rule) == ("random", "none")
    again = evidence(mask, (4, 4), ruled(evidence="random"), "one")
    assert again.tokens.tolist() == chosen["random"].tokens.tolist()
    others = {tuple(evidence(mask, (4, 4), ruled(evidence="random"), str(n)).tokens.tolist()) for n in range(40)}
    assert len(others) > 10
    assert {token for pair in others for token in pair} == set(range(16))
    with pytest.raises(ConfigError, match="evidence 'boxes'"):
        ruled(evidence="boxes")


@pytest.mark.parametrize("rule", ["mask", "box", "random", "none"])
def test_generation_looks_by_the_rule_that_training_lays_out(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written step by step is told by the same states as all at once, also where a mask appends nothing."""
    model, words = factory.taught(evidence=rule)
    asked = factory.lessons()[0].asked
    states: list[torch.Tensor] = []
    logits = model.logits
    monkeypatch.setattr(model, "logits", lambda told: (states.append(told), logits(told))[1])
    (reply,) = generate(model, words, [asked], Limits(new_tokens=60))
    assert reply.looked
    found = re.fullmatch(r"<think>(.*)</think><answer>(.*)</answer>", reply.text)
    assert found is not None
    told = Told(asked, found[1], found[2], [looked.mask for looked in reply.looked])
    with torch.no_grad():
        row = lay_out(model, words, told, encode(model, [asked.images])[0])
        batch = pad(model, words, [row])
        whole = model.read(batch.embeds, mask=batch.mask, positions=batch.positions)[0]
    written = [place for place, label in enumerate(row.labels) if label != IGNORED]
    assert len(states) == len(written)
    for state, place in zip(states, written, strict=True):
        assert torch.allclose(state[0], whole[place - 1], atol=1e-5)


def test_a_reply_without_masks_keeps_its_words() -> None:
    assert without_masks("grass: [SEG]crop: [SEG] So 10 px and 20 px.") == "grass, crop: So 10 px and 20 px."
    assert without_masks("The crop [SEG] takes up 9 pixels.") == "The crop takes up 9 pixels."
    told = factory.lessons()[1]
    assert formed(told, "masks") is told
    text, none = formed(told, "text"), formed(told, "none")
    assert "[SEG]" not in text.chain
    assert text.chain.replace(" ", "") == told.chain.replace("[SEG]", "").replace(" ", "")
    assert (none.chain, none.answer) == ("", told.answer)
    assert text.masks == none.masks == []


def test_a_sitting_asks_each_task_once_and_tells_nothing(data: Path) -> None:
    how = (("optical", "sar", "optical+sar"), "masks", 0.0, (64, 1))
    found = [item for _, item in zip(range(8), sittings(data, None, how, 5, 0, 1)(0, 0), strict=False)]
    assert any(len(item.lessons) >= 3 for item in found)
    for item in found:
        rows, columns = item.window
        assert (rows.stop - rows.start, columns.stop - columns.start) == (64, 64)
        assert len({told.asked.question for told in item.lessons}) == len(item.lessons)
        for told, named in zip(item.lessons, item.named, strict=True):
            assert told.asked.images is item.images
            assert told.chain.count("[SEG]") == len(told.masks) == len(named)
            assert "(" not in told.chain.partition(" So ")[0]  # no measurement
            assert told.answer in "ABCD"
    assert any(mask[item.window].any() for item in found for told in item.lessons for mask in told.masks)


def test_some_replies_are_told_what_masks_measure_and_say_it_whole(data: Path) -> None:
    def asked(share: float) -> list[Told]:
        how = (("optical",), "masks", share, (64, 1))
        drawn = zip(range(8), sittings(data, None, how, 5, 0, 1)(0, 0), strict=False)
        return [told for _, item in drawn for told in item.lessons]

    some, none = asked(0.5), asked(0.0)
    assert {told.asked.measured for told in some} == {True, False}
    assert not any(told.asked.measured for told in none)
    for told, brief in zip(some, none, strict=True):
        assert (told.chain == brief.chain) or told.asked.measured
    model, words = factory.make()
    told = next(told for told in some if told.asked.measured)
    row = lay_out(model, words, told, encode(model, [told.asked.images])[0])
    assert " px" in words.decode([n for n, label in zip(row.ids, row.labels, strict=True) if label == IGNORED])


def test_sittings_are_the_same_again_and_other_in_another_epoch(data: Path) -> None:
    how = (("optical",), "text", 0.0, (64, 1))
    opened = sittings(data, None, how, 5, 0, 1)
    first, again, later = (
        [(told.asked.question, told.chain) for item in opened(epoch, 0) for told in item.lessons] for epoch in (0, 0, 1)
    )
    assert first == again != later
    third = next(opened(0, 2)).lessons[0].asked
    assert third.question == [item.lessons[0].asked.question for item in opened(0, 0)][2]
    assert {image.modality for item in opened(0, 0) for image in item.images} == {"optical"}


def losses(folder: Path) -> list[tuple[str, ...]]:
    names = ("step", "stage", "loss", "text", "dice", "pixels")
    return [tuple(row[name] for name in names) for row in read_log(folder)]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at", [("sight", 3), ("questions", 5)])
def test_stages_with_pictures_learn_and_a_killed_one_goes_on(
    tmp_path: Path, start: Path, data: Path, at: tuple[str, int]
) -> None:
    stages = recipe(start, [SIGHT, {**QUESTIONS, "steps": 12}])
    done = train(stages, tmp_path / "whole", data=[data])

    def kill(stage: str, step: int, total: int) -> None:
        if (stage, step) == at:
            raise KilledError

    with pytest.raises(KilledError):
        train(stages, tmp_path / "killed", data=[data], on_step=kill)
    again = train(stages, tmp_path / "killed", data=[data])
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert (done.folder / store.WEIGHTS).read_bytes() == (again.folder / store.WEIGHTS).read_bytes()
    text = [float(row["text"]) for row in read_log(tmp_path / "whole") if row["stage"] == "questions"]
    assert sum(text[-3:]) < 0.9 * sum(text[:3])


def test_a_frozen_mask_encoder_stays_and_the_tower_learns(tmp_path: Path, start: Path, data: Path) -> None:
    done = train(recipe(start, [{**QUESTIONS, "steps": 2}]), tmp_path / "run", data=[data])
    before, after = store.state(store.load(start)[0]), store.state(store.load(done.folder)[0])
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not [name for name in changed if name.startswith("sam.vision_encoder")]
    for part in ("vlm.model.vision_tower", "vlm.model.multi_modal", "text_hidden_fcs", "sam.mask_decoder"):
        assert [name for name in changed if name.startswith(part)], part


@pytest.mark.parametrize("form", ["masks", "text", "none"])
def test_chains_of_samples_are_taught_in_each_form_with_masks_in_a_window(
    tmp_path: Path, start: Path, data: Path, form: str
) -> None:
    stage = {"name": "s", "tiers": ["l1"], "trains": ["language", "mask_decoder"], "lr": 1e-3, "batch": 2, "steps": 2}
    train(recipe(start, [{**stage, "chain": form, "window": True}]), tmp_path / "run", data=[data])
    assert all((row["dice"] != "") == (form == "masks") for row in read_log(tmp_path / "run"))


def test_a_lesson_states_two_digits_of_what_is_measured(data: Path) -> None:
    parts = [data / p.path for p in manifest_parts(read_manifest(data, "dataset")) if p.path.startswith("tiles/")]
    lessons = [lesson for row, path in tiles_of(parts[:1]) for lesson in lessons_of(row, path, 3)]
    area = [lesson for lesson in lessons if lesson.task == "AQ"]
    assert area
    for lesson in area:
        stated = re.match(r" So (\d\d?[0,]*|\d,\d00(,0+)*|\d\d(,000)+) m², nearest", lesson.ending)
        assert stated
        assert f" {stated[1]} m²," in lesson.looks[0].told


def test_fresh_parts_are_drawn_anew_and_the_others_stay(start: Path) -> None:
    before = store.state(store.load(start)[0])
    model, _ = begin(recipe(start, [SIGHT], fresh=["mask_decoder", "seg_projection"], seed=3), [])
    changed = {name for name, value in store.state(model).items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(("sam.mask_decoder.", "sam.prompt_encoder.", "text_hidden_fcs.")) for name in changed)
    again, _ = begin(recipe(start, [SIGHT], fresh=["mask_decoder", "seg_projection"], seed=3), [])
    assert all(torch.equal(value, store.state(again)[name]) for name, value in store.state(model).items())
