"""Shipped recipes, called by name."""

from __future__ import annotations

from pathlib import Path

from terra_cot.errors import ConfigError, did_you_mean

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
