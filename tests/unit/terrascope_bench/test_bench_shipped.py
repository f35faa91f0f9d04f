"""What ships is found by name, and the name says whether its evidence is measured."""

from __future__ import annotations

import json

import pytest

from terra_cot.errors import ConfigError
from terrascope_bench.models import find_model, known_models
from terrascope_bench.terrascope.shipped import SHIPPED, shipped


def test_both_names_are_one_set_of_weights() -> None:
    (faithful, written), (same, told) = (shipped(name) for name in SHIPPED)
    assert faithful == same
    assert (written, told) == (False, True)
    assert {path.name for path in faithful.iterdir()} == {"config.json", "model.safetensors", "tokenizer.json"}
    config = json.loads((faithful / "config.json").read_bytes())
    assert (config["name"], config["measured"]) == (SHIPPED[0], False)
    assert sum(path.stat().st_size for path in faithful.iterdir()) <= 12_000_000


def test_run_knows_them_and_records_how_they_were_asked() -> None:
    assert set(SHIPPED) <= set(known_models())
    asked = {name: dict(find_model(name, {"batch_size": 4}).asked) for name in SHIPPED}
    assert [asked[name].pop("measured") for name in SHIPPED] == [False, True]
    assert asked[SHIPPED[0]] == asked[SHIPPED[1]]
    assert set(asked[SHIPPED[0]]["weights"]) == {"config.json", "model.safetensors", "tokenizer.json"}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_mode_is_part_of_the_name(name: str) -> None:
    with pytest.raises(ConfigError, match="part of the name here: terrascope-nano or terrascope-nano"):
        find_model(name, {"measured": True})


def test_another_name_is_none_of_them() -> None:
    with pytest.raises(ConfigError, match="known: terrascope-nano, terrascope-nano"):
        shipped("terrascope-micro")
    with pytest.raises(ConfigError, match='did you mean "terrascope-nano"'):
        find_model("terrascope-nanno")
