"""The run: scan, tile, select, generate, finish, each in `stages/`.

Bytes depend on recipe, seed and inputs, not on workers or crashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from terra_cot.cloud import require
from terra_cot.engine import ONE, Crew
from terra_cot.errors import ConfigError, DataError
from terra_cot.listing import Listing, joined
from terra_cot.recipe import Recipe, apply_settings, make_recipe
from terra_cot.scene import read_scenes
from terra_cot.sources import listing
from terra_cot.stages import OnStep
from terra_cot.stages.finish import finish
from terra_cot.stages.generate import generate_samples
from terra_cot.stages.keep import refuse_loss
from terra_cot.stages.scan import scan_stage
from terra_cot.stages.select import select
from terra_cot.stages.tile import tile_scenes
from terra_cot.store.workspace import Markers, Workspace, purpose

_LATE = ("generate", "llm", "mix", "near_duplicate_bits", "held_out", "seed")
"""Keys of a recipe that tiles do not follow from."""


def run(
    recipe: Recipe, out: Path, *, crew: Crew = ONE, force: bool = False, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Make, or go on making, the dataset of a recipe in `out`; returns its manifest.

    Raises:
        ConflictError: `out` is in use or holds something else, or what a finished run made in it would be lost because
            its scenes are not found any more. With `force` it goes.
        DataError, ConfigError: the source cannot be read, or the recipe does not fit it.
    """
    require(recipe.tile.cloud)
    found = listed(recipe)
    with Workspace(out, recipe.body(), force) as workspace:
        _scanned(workspace, recipe, found, None if recipe.sources else recipe.limit, force, on_step)
        tile_scenes(workspace, recipe, crew, on_step, force)
        return _finished(workspace, recipe, crew, on_step)


def listed(recipe: Recipe) -> Listing:
    """What the archives of a recipe hold, not yet described; of several each gives `limit` places."""
    places = zip(recipe.places(), recipe.archives(), strict=True)
    return joined([listing(spec.kind, spec.root, spec.options(), where) for where, spec in places], recipe.limit)


def tile(
    scenes: Path, recipe: Recipe, out: Path, *, crew: Crew = ONE, force: bool = False, on_step: OnStep | None = None
) -> dict[str, Any]:
    """The first half of `run`: cut the scenes of a `scenes.parquet`."""
    require(recipe.tile.cloud)
    with Workspace(out, recipe.body(), force) as workspace:
        _scanned(workspace, recipe, Listing(None, read_scenes(scenes)), recipe.limit, force, on_step)
        tile_scenes(workspace, recipe, crew, on_step, force)
        return finish(workspace, recipe)


def generate(
    folder: Path, settings: Sequence[str] = (), *, crew: Crew = ONE, on_step: OnStep | None = None
) -> dict[str, Any]:
    """The second half of `run`: samples from the tiles that `folder` holds, by its recipe with `settings` laid over.

    Raises:
        ConfigError: a setting outside `generate.` and `seed`, which would no longer describe the tiles.
        DataError: no tiles, or not all of them.
    """
    for setting in settings:
        if setting.partition("=")[0].partition(".")[0] not in _LATE:
            raise ConfigError(f"--set {setting}: the tiles are cut; only {', '.join(_LATE)} can still be set")
    known = purpose(folder)
    recipe = make_recipe(apply_settings(known, settings))
    if recipe.splits is not None and recipe.seed != known["seed"]:
        raise ConfigError(f"--set seed={recipe.seed}: the splits of these tiles were dealt with seed {known['seed']}")
    if not Markers(folder).tiled():
        raise DataError("the tiles are not finished", file=folder, fix="run the command that cuts them again")
    with Workspace(folder, recipe.body(), adopt=True) as workspace:
        return _finished(workspace, recipe, crew, on_step)


def _scanned(
    workspace: Workspace, recipe: Recipe, found: Listing, limit: int | None, force: bool, on_step: OnStep | None
) -> None:
    """The scan, taken only if nothing that is finished goes by it, or with `force`."""

    def check(scenes: Path) -> None:
        refuse_loss(workspace.folder, workspace.hidden, scenes, recipe)

    scan_stage(workspace.hidden, found, limit, on_step, None if force else check)


def _finished(workspace: Workspace, recipe: Recipe, crew: Crew, on_step: OnStep | None) -> dict[str, Any]:
    """Samples from the tiles that are cut, and the manifest."""
    selection = select(workspace, recipe, crew, on_step)
    generate_samples(workspace, recipe, selection.choices, crew, on_step)
    return finish(workspace, recipe, selection.report)
