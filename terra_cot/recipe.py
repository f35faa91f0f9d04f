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
from terra_cot.cut import TileOptions
from terra_cot.errors import ConfigError, did_you_mean, shorten
from terra_cot.generate import GenerateOptions
from terra_cot.llm.options import OPERATION, LlmOptions
from terra_cot.store.atomic import sha256_json


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
    return make_recipe(read_values(path, settings), str(path))


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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a recipe is a mapping, got {type(values).__name__}")
    return apply_settings(values, settings)


def make_recipe(values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A checked recipe of plain values."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {describe(error, Recipe)}") from None


def apply_settings(values: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """`values` with each `a.b=value` laid over it."""
    merged: dict[str, Any] = {**values}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {setting}: write it as key=value, such as --set source.root=/archive")
        at = merged
        *path, last = key.split(".")
        for step in path:
            inner = at.get(step)
            at[step] = dict(inner) if isinstance(inner, dict) else {}
            at = at[step]
        try:
            at[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: not a YAML value: {' '.join(str(error).split())}") from None
    return merged


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a validation in one line: key, what is wrong, what was given, the nearest known key."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _keys(model, first["loc"][:-1])
        return f"{where}: unknown key{did_you_mean(str(first['loc'][-1]), known)} (known: {', '.join(known)})"
    private = where in ("llm.base_url", "llm.api_key_env")  # somebody may have put a password or key there
    got = "" if first["type"] == "missing" or private else f", got {shorten(first['input'])}"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}{got}"


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    for step in path:
        field = model.model_fields.get(str(step))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return ()
        model = inner
    return tuple(model.model_fields)
