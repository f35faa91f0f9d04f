"""Shipped training recipes, called by name."""

from __future__ import annotations

from pathlib import Path

from pipelines import recipes

_HERE = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """The shipped training recipes by their names, in order."""
    return recipes.shipped(_HERE)


def recipe_path(name: str) -> Path:
    """A training recipe file, or a shipped one by its name."""
    return recipes.recipe_path(name, _HERE, "training recipe")
