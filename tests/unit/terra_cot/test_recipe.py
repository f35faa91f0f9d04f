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
    settings = ["tile.align=false", "source.root=/a/b=c", "source.test_every=3", "limit=3"]
    recipe = load_recipe(path, settings)
    assert (recipe.tile.align, recipe.tile.size_px, recipe.limit) == (False, 64, 3)
    assert recipe.source.root == "/a/b=c"
    assert recipe.source.options() == {"test_every": 3}


def test_settings_do_not_change_what_they_are_laid_over() -> None:
    values = {"tile": {"size_px": 64}}
    assert apply_settings(values, ["tile.size_px=32"]) == {"tile": {"size_px": 32}}
    assert values == {"tile": {"size_px": 64}}


@pytest.mark.parametrize("setting", ["", "=", "=3", "tile.size_px", "tile.size_px=[", "tile.size_px: 3"])
def test_a_setting_that_is_none_is_told(setting: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        apply_settings({}, [setting])


FRAME: dict[str, Any] = {"modality": "optical", "files": ["{scene}_{date}.tif"]}
RASTERS: dict[str, Any] = {
    "name": "x",
    "source": {"kind": "rasters", "root": "w", "frames": [FRAME, {**FRAME, "modality": "sar"}]},
}
BEN: dict[str, Any] = {"name": "x", "source": {"kind": "bigearthnet", "root": "w"}}


@pytest.mark.parametrize(
    ("values", "setting", "message"),
    [
        (
            RASTERS,
            "source.frames.1.nodta=0",
            'source.frames.1.nodta: unknown key; did you mean "nodata"? (known: mod',
        ),
        (RASTERS, "source.legend=worldcovr", 'source.legend: no legend worldcovr; did you mean "worldcover"? (known: '),
        (RASTERS, "source.frames.1.modality=radar", 'source.frames.1.modality: no "radar" (known: optical, sar)'),
        (RASTERS, "source.frames.0.cloud_format=scll", 'cloud_format: no cloud_format scll; did you mean "scl"?'),
        (RASTERS, "source.frames.0.files=a.tif", "files: got a.tif, expected a list, such as [a.tif]"),
        (
            RASTERS,
            "source.frames.0=3",
            "source.frames.0: got 3, expected keys with values, such as {modality: ...} (kno",
        ),
        (RASTERS, "source.gsd_m=-1", "source.gsd_m: input should be greater than 0, got -1"),
        (RASTERS, "source.label=a.tif", "source: a label map needs a legend"),
        (RASTERS, "source.split=trian", 'source.split: no "trian"; did you mean "train"? (known: train, validation, t'),
        (BEN, "source.splits=train", "source.splits: got train, expected a list, such as [train]"),
        (BEN, "source.splits=[trian]", 'source.splits.0: no "trian"; did you mean "train"? (known: train, validation'),
        (BEN, "source.kind=bigearth", 'source.kind: no source "bigearth"; did you mean "bigearthnet"?'),
        (BEN, "source.rot=/a", 'source.rot: unknown key; did you mean "root"? (known: kind, root, splits'),
        (BEN, "tile=5", "tile: got 5, expected keys with values, such as {size_px: ...} (known: size_px, max_nodata"),
        (BEN, "held_out=bench", "held_out: got bench, expected a list, such as [bench]"),
        (
            BEN,
            "mix={tiers: {l1: 0.5, capton: 0.5}}",
            'mix.tiers: no tier "capton"; did you mean "caption"? (known: res,',
        ),
        (BEN, "mix={tasks: {counting: 0.5, distnce: 0.5}}", 'mix.tasks: no task "distnce"; did you mean "distance"?'),
        (BEN, "mix={modality: {optical+sr: 1}}", 'mix.modality: no modality "optical+sr"; did you mean "optical+sar"?'),
        (BEN, "mix={splits: {trian: 1}}", 'mix.splits: no split "trian"; did you mean "train"?'),
        (BEN, "mix={tiers: 3}", "mix.tiers: got 3, expected keys with values, such as {name: value}"),
    ],
)
def test_a_fault_of_any_key_is_told_with_file_and_value(
    tmp_path: Path, values: dict[str, Any], setting: str, message: str
) -> None:
    """The options of a source like all other keys, and before its root is looked for."""
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, [setting])
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_key_that_is_misspelt_is_told_before_the_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "source": {"kind": "rasters", "root": "w", "frmes": []}}))
    with pytest.raises(ConfigError, match=r'source\.frmes: unknown key; did you mean "frames"\?'):
        load_recipe(path)
    path.write_text(yaml.safe_dump({"name": "x", "source": {"kind": "rasters", "rot": "w"}}))
    with pytest.raises(ConfigError, match=r'source\.root: field required; is "rot" meant to be it\?'):
        load_recipe(path)
    several = {"name": "x", "sources": {"a": BEN["source"], "b": {**RASTERS["source"], "legnd": "worldcover"}}}
    path.write_text(yaml.safe_dump(several))
    with pytest.raises(ConfigError, match=r'sources\.b\.legnd: unknown key; did you mean "legend"\?'):
        load_recipe(path)


def test_an_entry_of_a_list_goes_by_its_number() -> None:
    changed = apply_settings(RASTERS, ["source.frames.1.unit=linear", "source.frames.0.files.0=b.tif"])
    sar = {**FRAME, "modality": "sar", "unit": "linear"}
    assert changed["source"]["frames"] == [{**FRAME, "files": ["b.tif"]}, sar]
    assert RASTERS["source"]["frames"][0] == FRAME
    for step in ("2", "-1", "x"):
        with pytest.raises(ConfigError, match=rf"source\.frames is a list; got {step}, .* \(0 to 1\)"):
            apply_settings(RASTERS, [f"source.frames.{step}.unit=linear"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nsource:\n\tkind: world\n", " line 3: a tab indents this line; use spaces"),
        ("name: x\nsource: [a, b\ntile: 3\n", " line 3, column 5: not YAML: "),
        ("name: x: y\n", " line 1, column 8: not YAML: mapping values are not allowed here"),
        ("", ": is empty; a recipe is a mapping"),
        ("# nothing\n", ": is empty; a recipe is a mapping"),
        ("- a\n", ": a recipe is a mapping of keys to values, such as name: mine; got ['a']"),
    ],
)
def test_what_is_no_yaml_is_told_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert "\n" not in str(caught.value)
