"""A recipe is everything a dataset follows from, beside the files it reads: source, cutting, generation, seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from terra_cot import FORMAT_VERSION
from terra_cot.balance.duplicates import NEAR_BITS
from terra_cot.balance.mix import MixOptions
from terra_cot.balance.splits import SplitOptions
from terra_cot.chains import TASKS
from terra_cot.chains.temporal import SERIES_TASKS
from terra_cot.cut import TileOptions
from terra_cot.errors import ConfigError, did_you_mean, shorten
from terra_cot.fault import describe
from terra_cot.generate import GenerateOptions
from terra_cot.llm.options import OPERATION, LlmOptions
from terra_cot.sources import check_options
from terra_cot.store.atomic import sha256_json
from terra_cot.tile import SPLITS


class SourceSpec(BaseModel):
    """Where scenes come from. Keys beside kind and root are options of that source, checked when it is scanned."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    root: str

    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Recipe(BaseModel):
    """`source` is one archive, `sources` several by names of one's own; exactly one of both is given.

    `part_tiles` tiles make a part (the unit of work and of resuming); `limit` takes the first scenes of each source.

    `splits` deals the tiles out by place; without it the publisher's own splits hold. Of tiles whose pictures differ in
    at most `near_duplicate_bits` of 256 the first one gives samples (None: all of them). `mix` states shares of the
    samples. `held_out` names benchmarks (folders) that no training tile may show. `llm` lets a language model write
    captions and L2 chains; without it the composer does, and no network is used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    seed: int = Field(0, ge=0, lt=2**63)
    source: SourceSpec | None = None
    sources: dict[str, SourceSpec] = Field(default_factory=dict)
    tile: TileOptions = TileOptions()
    generate: GenerateOptions = GenerateOptions()
    splits: SplitOptions | None = None
    near_duplicate_bits: int | None = Field(NEAR_BITS, ge=0, le=64)
    mix: MixOptions | None = None
    held_out: tuple[str, ...] = ()
    llm: LlmOptions | None = None
    part_tiles: int = Field(64, ge=1, le=4096)
    limit: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if (self.source is None) != bool(self.sources):
            raise ValueError("give `source`, or several by name under `sources`, not both and not none")
        return self

    def archives(self) -> tuple[SourceSpec, ...]:
        """Every source, in the order of the recipe."""
        return (self.source,) if self.source else tuple(self.sources.values())

    def places(self) -> tuple[str, ...]:
        """The key that each of `archives` stands under."""
        return ("source",) if self.source else tuple(f"sources.{name}" for name in self.sources)

    def body(self) -> dict[str, Any]:
        """The recipe as plain JSON values, without what only says how a model is asked (llm/options.py)."""
        return self.model_dump(mode="json", exclude={"llm": set(OPERATION)})

    def sha256(self) -> str:
        return sha256_json(self.body())


def schema_text() -> str:
    """What schemas/recipe.schema.json holds: JSON Schema (draft 2020-12) of a recipe."""
    body = Recipe.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://terra-cot.org/schemas/{FORMAT_VERSION}/recipe.schema.json",
        "version": FORMAT_VERSION,
    }
    return json.dumps({**head, **body}, indent=2) + "\n"


def load_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe and lay `a.b=value` settings over it (values are YAML).

    Raises:
        ConfigError: not YAML, an unknown key, a value out of range; names the key and what is allowed.
    """
    recipe = make_recipe(read_values(path, settings), str(path))
    for where, spec in zip(recipe.places(), recipe.archives(), strict=True):
        check_options(spec.kind, spec.options(), f"{path}: {where}")
    return recipe


def read_values(path: Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The plain values of a recipe of any kind, `a.b=value` settings laid over them, not yet checked.

    Raises:
        ConfigError: not a file that can be read, not YAML, not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such recipe") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not YAML: not UTF-8 (byte {error.start + 1})") from None
    except yaml.YAMLError as error:
        where, told = _yaml_fault(error)
        raise ConfigError(f"{path}{where}: {told}") from None
    if values is None:
        raise ConfigError(f"{path}: is empty; a recipe is a mapping of keys to values, such as name: mine")
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of keys to values, such as name: mine; got {shorten(values)}")
    return apply_settings(values, settings)


def _yaml_fault(error: yaml.YAMLError) -> tuple[str, str]:
    """Where in a file and what, of what YAML's parser says over several lines."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return "", f"not YAML: {' '.join(str(error).split())}"
    where = f" line {mark.line + 1}"
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    if "'\\t'" in problem and not (mark.buffer or "").splitlines()[mark.line][: mark.column].strip():
        return where, "a tab indents this line; use spaces"
    return f"{where}, column {mark.column + 1}", f"not YAML: {problem}"


def make_recipe(values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A checked recipe of plain values."""
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {describe(error, Recipe)}") from None
    if recipe.mix:
        _check_names(recipe.mix, where)
    return recipe


def _check_names(mix: MixOptions, where: str) -> None:
    """Refuse names that no sample can have. Classes are those of the tiles' legends, and known only there."""
    tiers = [*(task.tier for task in TASKS.values()), *(task.tier for task in SERIES_TASKS.values())]
    known: dict[str, dict[str, None]] = {
        "tiers": dict.fromkeys(tiers),
        "tasks": dict.fromkeys([*TASKS, *SERIES_TASKS]),
        "modality": dict.fromkeys(("optical", "sar", "optical+sar")),
        "splits": dict.fromkeys(SPLITS),
    }
    for key, names in known.items():
        for name in getattr(mix, key) or ():
            if name not in names:
                hint = did_you_mean(name, tuple(names))
                one = {"tiers": "tier", "tasks": "task", "splits": "split"}.get(key, key)
                raise ConfigError(f'{where}: mix.{key}: no {one} "{shorten(name)}"{hint} (known: {", ".join(names)})')


def apply_settings(values: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """`values` with each `a.b=value` laid over it; an entry of a list goes by its number, from 0 on."""
    merged: dict[str, Any] = {**values}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {setting}: write it as key=value, such as --set source.root=/archive")
        at: dict[str, Any] | list[Any] = merged
        *path, last = key.split(".")
        for number, step in enumerate(path):
            place = _place(at, step, setting, ".".join(path[:number]))
            inner = at.get(place) if isinstance(at, dict) else at[place]
            at[place] = list(inner) if isinstance(inner, list) else dict(inner) if isinstance(inner, dict) else {}
            at = at[place]
        try:
            at[_place(at, last, setting, ".".join(path))] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: not a YAML value: {_yaml_fault(error)[1]}") from None
    return merged


def _place(at: dict[str, Any] | list[Any], step: str, setting: str, where: str) -> Any:
    """A key of a mapping, or of a list the number of an entry that is there."""
    if isinstance(at, dict):
        return step
    if not step.isdecimal() or int(step) >= len(at):
        there = f"0 to {len(at) - 1}" if at else "it is empty"
        raise ConfigError(f"--set {setting}: {where} is a list; got {step}, expected the number of an entry ({there})")
    return int(step)
