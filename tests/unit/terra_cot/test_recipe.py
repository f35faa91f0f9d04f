"""A recipe that is wrong says which key, what was given and what is allowed, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from terra_cot.errors import ConfigError
from terra_cot.generate import GenerateOptions
from terra_cot.recipe import apply_settings, load_recipe, make_recipe

NUMBERS = [key for key in GenerateOptions.model_fields if key in ("res", "caption") or key.endswith(("_min", "_max"))]

GOOD: dict[str, Any] = {"name": "x", "source": {"kind": "world", "root": "w"}}


def test_defaults_are_filled_in_and_hashed() -> None:
    recipe = make_recipe(GOOD)
    assert recipe.tile.size_px == 256
    assert make_recipe(recipe.body()) == recipe
    assert make_recipe({**GOOD, "seed": 0}).sha256() == recipe.sha256()
    assert make_recipe({**GOOD, "seed": 1}).sha256() != recipe.sha256()


def test_options_of_a_source_are_kept_for_it() -> None:
    recipe = make_recipe({**GOOD, "source": {**GOOD["source"], "test_every": 3}})
    assert recipe.source.options() == {"test_every": 3}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 1}, 'sed: unknown key; did you mean "seed"? (known: name, seed, source'),
        ({"tile": {"size": 64}}, 'tile.size: unknown key; did you mean "size_px"?'),
        ({"tile": {"display": {"gama": 2}}}, 'tile.display.gama: unknown key; did you mean "gamma"?'),
        ({"tile": {"size_px": 8}}, "tile.size_px: input should be greater than or equal to 16, got 8"),
        ({"tile": {"size_px": "wide"}}, "tile.size_px"),
        ({"tile": {"display": {"optical_max": 0}}}, "tile.display.optical_max"),
        ({"tile": {"display": {"gamma": float("nan")}}}, "tile.display.gamma"),
        ({"tile": {"display": {"vv_db": [2, -22]}}}, "the lower limit must come first"),
        ({"generate": {"l1_max": 1}}, "l1_min 2 is above l1_max 1"),
        (
            {"generate": dict.fromkeys(NUMBERS, 0)},
            "no sample is asked for",
        ),
        ({"generate": {"view": "both"}}, "generate.view"),
        ({"generate": {"min_share_pct": 0}}, "generate.min_share_pct"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"part_tiles": 0}, "part_tiles"),
        ({"limit": 0}, "limit"),
        ({"source": {"kind": "world"}}, "source.root: field required"),
        ({"source": None}, "source"),
        ({"name": None}, "name"),
    ],
)
def test_a_fault_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_recipe({**GOOD, **values})
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "mapping"), ("- a", "mapping"), ("a: [", "not YAML"), ("a: b: c", "not YAML"), ("\x00", "not YAML")],
)
def test_what_is_no_recipe_is_told_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such recipe"):
        load_recipe(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match="not YAML"):
        load_recipe(tmp_path / "binary.yaml")


def test_settings_are_laid_over_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({**GOOD, "tile": {"align": True, "size_px": 64}}))
    settings = ["tile.align=false", "source.root=/a/b=c", "source.splits=[train, test]", "limit=3"]
    recipe = load_recipe(path, settings)
    assert (recipe.tile.align, recipe.tile.size_px, recipe.limit) == (False, 64, 3)
    assert recipe.source.root == "/a/b=c"
    assert recipe.source.options() == {"splits": ["train", "test"]}


def test_settings_do_not_change_what_they_are_laid_over() -> None:
    values = {"tile": {"size_px": 64}}
    assert apply_settings(values, ["tile.size_px=32"]) == {"tile": {"size_px": 32}}
    assert values == {"tile": {"size_px": 64}}


@pytest.mark.parametrize("setting", ["", "=", "=3", "tile.size_px", "tile.size_px=[", "tile.size_px: 3"])
def test_a_setting_that_is_none_is_told(setting: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        apply_settings({}, [setting])
