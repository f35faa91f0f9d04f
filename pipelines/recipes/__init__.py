"""Shipped recipes, called by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from terra_cot.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from terra_cot.recipe import Recipe

_HERE = Path(__file__).parent
ABLATIONS = _HERE / "ablations.yaml"
"""A recipe of its own kind: for `terrascope-bench ablate`."""


def shipped(folder: Path = _HERE) -> dict[str, Path]:
    """The shipped recipes of a folder by their names, in order."""
    return {entry.stem: entry for entry in sorted(folder.glob("*.yaml")) if entry != ABLATIONS}


def recipe_path(name: str, folder: Path = _HERE, what: str = "recipe") -> Path:
    """A recipe file, or a shipped recipe by its name; `what` is what an error calls it."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    found = shipped(folder)
    if name not in found:
        known = tuple(found)
        raise ConfigError(
            f'no {what} "{name}"{did_you_mean(name, known)} (shipped: {", ".join(known)}; or a .yaml file)'
        )
    return found[name]


def need_roots(path: Path, recipe: Recipe) -> None:
    """Refuse a shipped recipe whose archives nobody gave the place of."""
    from terra_cot.recipe import load_recipe
    from terra_cot.sources import source

    if path.parent != _HERE:
        return
    stated = load_recipe(path)
    for where, spec, before in zip(recipe.places(), recipe.archives(), stated.archives(), strict=False):
        untouched = (spec.kind, spec.root) == (before.kind, before.root)
        if untouched and source(spec.kind).folder and not Path(spec.root).is_dir():
            raise ConfigError(
                f"{where}.root is still the recipe's placeholder {spec.root!r}: --set {where}.root=/your/archive"
            )
