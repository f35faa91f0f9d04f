"""Training follows its recipe, its data and its seed, and nothing else: killed and gone on with, losses are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import terrascopefactory as factory  # skips where torch is absent
import torch
from exportfactory import small_dataset

from terra_cot.errors import ConfigError, ConflictError
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.train.log import read_log
from terrascope_bench.terrascope.train.loop import rate_at, train
from terrascope_bench.terrascope.train.recipe import TrainRecipe, load_recipe
from terrascope_bench.terrascope.train.stream import Lessons, Source, chains, samples, survey


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tiles in three parts."""
    return small_dataset(tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    store.save(*factory.make(), folder)
    return folder


def recipe(start: Path, **values: Any) -> TrainRecipe:
    stages = [
        {
            "name": "grounding",
            "tiers": ["res"],
            "trains": ["mask_decoder", "seg_projection"],
            "lr": 1e-3,
            "batch": 2,
            "steps": 4,
        },
        {
            "name": "chains",
            "tiers": ["l1", "l2_spatial"],
            "trains": ["projector", "mask_decoder"],
            "lora": {"r": 4, "alpha": 8},
            "lr": 2e-3,
            "batch": 1,
            "accumulate": 2,
            "steps": 4,
            "warmup": 1,
        },
    ]
    return TrainRecipe.model_validate(
        {"name": "test", "model": str(start), "split": None, "save_every": 2, "stages": stages, **values}
    )


MASKS = {
    "name": "masks",
    "teaches": "masks",
    "trains": ["mask_encoder", "mask_decoder"],
    "lr": 2e-3,
    "batch": 4,
    "steps": 40,
}


def losses(folder: Path) -> list[tuple[str, ...]]:
    return [
        tuple(row[name] for name in ("step", "stage", "loss", "text", "dice", "pixels")) for row in read_log(folder)
    ]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at", [("grounding", 1), ("grounding", 3), ("grounding", 4), ("chains", 3)])
def test_a_killed_training_goes_on_with_the_same_losses_and_weights(
    tmp_path: Path, start: Path, data: Path, at: tuple[str, int]
) -> None:
    whole = train(recipe(start), tmp_path / "whole", data=[data])

    def kill(stage: str, done: int, total: int) -> None:
        if (stage, done) == at:
            raise KilledError

    with pytest.raises(KilledError):
        train(recipe(start), tmp_path / "killed", data=[data], on_step=kill)
    again = train(recipe(start), tmp_path / "killed", data=[data])
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == whole.steps == again.steps == 8
    weights = [(folder.folder / store.WEIGHTS).read_bytes() for folder in (whole, again)]
    assert weights[0] == weights[1]
    assert (tmp_path / "whole" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_finished_training_has_nothing_left_to_do(tmp_path: Path, start: Path, data: Path) -> None:
    first = train(recipe(start), tmp_path / "run", data=[data])
    before = losses(tmp_path / "run")
    second = train(recipe(start), tmp_path / "run", data=[data])
    assert (second.steps, second.resumed_at) == (first.steps, first.steps)
    assert losses(tmp_path / "run") == before


def test_only_what_a_stage_names_trains_and_adapters_end_in_the_weights(
    tmp_path: Path, start: Path, data: Path
) -> None:
    done = train(recipe(start), tmp_path / "run", data=[data])
    before, _ = store.load(start)
    after, _ = store.load(done.folder)  # strict keys: no adapter is left
    changed = {name for name, value in store.state(before).items() if not torch.equal(value, store.state(after)[name])}
    assert any(".q_proj." in name and "language_model" in name for name in changed)
    assert any(name.startswith("sam.mask_decoder") for name in changed)
    assert any("multi_modal_projector" in name for name in changed)
    frozen = ("vlm.model.vision_tower", "sam.vision_encoder", "vlm.model.language_model.embed_tokens")
    assert not [name for name in changed if name.startswith(frozen)]


def test_training_teaches(tmp_path: Path, start: Path, data: Path) -> None:
    stage = {"name": "all", "tiers": ["l1"], "trains": ["language", "projector"], "lr": 5e-3, "batch": 4, "steps": 30}
    train(recipe(start, stages=[stage]), tmp_path / "run", data=[data])
    text = [float(row["text"]) for row in read_log(tmp_path / "run")]
    assert sum(text[-5:]) < 0.75 * sum(text[:5])


def test_masks_are_learnt_from_nothing_and_a_killed_stage_goes_on(tmp_path: Path, start: Path, data: Path) -> None:
    stages = {"stages": [MASKS], "save_every": 7}
    train(recipe(start, **stages), tmp_path / "whole", data=[data])

    def kill(stage: str, done: int, total: int) -> None:
        if done == 17:
            raise KilledError

    with pytest.raises(KilledError):
        train(recipe(start, **stages), tmp_path / "killed", data=[data], on_step=kill)
    train(recipe(start, **stages), tmp_path / "killed", data=[data])
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    total = [float(row["loss"]) for row in read_log(tmp_path / "whole")]
    assert sum(total[-5:]) < 0.9 * sum(total[:5])


def test_a_model_from_nothing_gets_a_tokenizer_of_its_data(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from terrascope_bench.terrascope import sizes

    monkeypatch.setitem(sizes.SIZES, "tiny", factory.config)
    stage = {
        "name": "one",
        "tiers": ["res"],
        "trains": ["language", "mask_encoder"],
        "lr": 1e-3,
        "batch": 1,
        "steps": 1,
    }
    values = {
        "model": "tiny",
        "vocabulary": 1500,
        "stages": [stage],
        "rules": {"mask_from": "fused"},
        "save_as": "float16",
    }
    done = train(recipe(Path("none"), **values), tmp_path / "run", data=[data])
    model, words = store.load(done.folder)
    assert 1000 < words.size <= 1500
    assert model.config.mask_from == "fused"
    assert model.dtype == torch.float32  # half precision at rest only
    text = next(samples(data)).chain
    assert words.decode(words.encode(text)) == text


def test_another_recipe_or_other_data_is_refused_by_the_folder(tmp_path: Path, start: Path, data: Path) -> None:
    train(recipe(start), tmp_path / "run", data=[data])
    with pytest.raises(ConflictError, match="another training"):
        train(recipe(start, seed=1), tmp_path / "run", data=[data])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConflictError, match="something else"):
        train(recipe(start), tmp_path / "mine", data=[data], force=True)
    done = train(recipe(start, seed=1), tmp_path / "run", data=[data], force=True)
    assert done.resumed_at == 0


def test_what_a_stage_cannot_teach_is_counted_by_reason(data: Path) -> None:
    found = survey([data, data], None, ["res"])
    assert found.read == found.kept + sum(found.refused.values())
    assert found.by_folder[0] == found.by_folder[1] > 0
    assert found.refused["another_tier"] > 0
    with pytest.raises(ConfigError, match="nothing to teach"):
        survey([data], "no such split", ["res"])


def test_lessons_go_on_where_they_stopped_and_every_epoch_has_each_once(data: Path) -> None:
    found = survey([data], None, ["res"])

    def lessons() -> Lessons:
        return Lessons([Source("data", 1.0, chains(data, None, ["res"], 4, 0, 1))], seed=4)

    stream = lessons()
    names = [told.asked.name for told in stream.take(found.kept)]
    assert len(set(names)) == found.kept
    second = [told.asked.name for told in stream.take(found.kept)]
    assert sorted(second) == sorted(names)
    assert second != names
    first = lessons()
    first.take(found.kept + 2)
    later = lessons()
    state = first.state()
    later.drawn, later.taken = state["drawn"], state["taken"]
    assert [told.asked.name for told in later.take(3)] == second[2:5]


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [rate_at(step, 10, 2) for step in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert 0 < rates[-1] < 0.05


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: 3", "name: field required"),
        (
            "name: a\nmodel: b\nsede: 1\nstages: [{name: s, tiers: [res], trains: [gate], lr: 1, steps: 1}]",
            "unknown key",
        ),
        ("name: a\nmodel: b\nstages: [{name: s, tiers: [res], lr: 1, steps: 1}]", "nothing trains"),
        ("name: a\nmodel: b\nstages: [{name: s, tiers: [res], trains: [gate], lr: 1}]", "give `steps` or `epochs`"),
        ("name: a\nmodel: b\nstages: [{name: s, tiers: [l3], trains: [gate], lr: 1, steps: 1}]", "tiers"),
        (
            "name: a\nmodel: b\nstages: [{name: s, teaches: masks, trains: [vision], lr: 1, steps: 1}]",
            "trains mask_enc",
        ),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)


def test_the_shipped_recipes_are_valid() -> None:
    from pipelines.recipes.train import recipe_path

    shipped = sorted(Path(recipe_path("terrascope-8b")).parent.glob("*.yaml"))
    assert [load_recipe(path).name for path in shipped]
