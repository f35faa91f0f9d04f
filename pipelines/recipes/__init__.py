"""Shipped recipes, called by name."""

from __future__ import annotations

from pathlib import Path

from terra_cot.errors import ConfigError, did_you_mean


def shipped() -> dict[str, Path]:
    """The shipped recipes by their names, in order."""
    return {entry.stem: entry for entry in sorted(Path(__file__).parent.glob("*.yaml"))}


def recipe_path(name: str) -> Path:
    """A recipe file, or a shipped recipe by its name."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    if name not in shipped():
        known = tuple(shipped())
        raise ConfigError(
            f'no recipe "{name}"{did_you_mean(name, known)} (shipped: {", ".join(known)}; or a .yaml file)'
        )
    return shipped()[name]
