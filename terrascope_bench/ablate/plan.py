"""What is trained alike is trained once: a piece is named by the hash of all that it follows from.

| piece | follows from |
|---|---|
| shared | start, seed, rules of all, shared stages, data |
| trained | its shared piece, the arm's stages, rules and fresh parts |
| scored | its trained piece, rules at test, questions |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from terra_cot.store.atomic import sha256_file, sha256_json
from terrascope_bench.ablate.recipe import AblationRecipe, Shown
from terrascope_bench.terrascope.train.recipe import Stage, TrainRecipe

Kind = Literal["shared", "trained", "scored"]
QUESTIONS_A_STEP = 4
"""So many questions are counted as one step of training, for the time that is left."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of work in `folder`; `after` is the folder it needs. `cost` is in steps of training.

    A shared or trained piece has a `recipe`; a scored one the `bench` that it is asked and its `rules` at test.
    """

    kind: Kind
    name: str
    folder: Path
    after: Path | None
    cost: int
    recipe: TrainRecipe | None = None
    bench: Path | None = None
    rules: tuple[tuple[str, Any], ...] = ()
    seed: int = 0
    batch_size: int = 16
    max_tokens: int = 96


@dataclass(frozen=True, slots=True)
class Plan:
    """All pieces, each after those it needs; `scored` says which one is an arm's at a seed."""

    pieces: list[Piece]
    scored: dict[tuple[str, int], Piece]

    @property
    def cost(self) -> int:
        return sum(piece.cost for piece in self.pieces)


def plan(recipe: AblationRecipe, out: Path, data: list[str], benches: dict[Shown, tuple[Path, str, int]]) -> Plan:
    """The pieces of an ablation.

    Args:
        data: hashes of the datasets.
        benches: of each variant the folder of its questions, its hash, how many they are.
    """
    found: dict[Path, Piece] = {}
    scored: dict[tuple[str, int], Piece] = {}
    for seed in recipe.seeds:
        shared, key = _shared(recipe, out, seed, data)
        if shared:
            found.setdefault(shared.folder, shared)
        for name, arm in recipe.arms.items():
            trained, own = _trained(recipe, out, seed, key, shared, name)
            found.setdefault(trained.folder, trained)
            folder, sha256, count = benches[arm.shown]
            asked = sha256_json([own, arm.test_rules, sha256, recipe.max_tokens])[:12]
            piece = Piece(
                "scored", f"{name} asked, seed {seed}", out / "scored" / asked, trained.folder,
                max(1, count // QUESTIONS_A_STEP), None, folder, tuple(sorted(arm.test_rules.items())), seed,
                recipe.batch_size, recipe.max_tokens,
            )  # fmt: skip
            scored[name, seed] = found.setdefault(piece.folder, piece)
    return Plan(list(found.values()), scored)


def _shared(recipe: AblationRecipe, out: Path, seed: int, data: list[str]) -> tuple[Piece | None, str]:
    """The stages that all arms begin with, and their key; without stages the start itself."""
    start = _start(recipe.model)
    stages = [stage.model_dump(mode="json") for stage in recipe.shared]
    key = sha256_json([start, recipe.vocabulary, recipe.split, recipe.rules, stages, data, seed])
    if not stages:
        return None, key
    body = {"name": "shared", "model": recipe.model, "rules": recipe.rules, "stages": stages}
    made = _recipe(recipe, seed, body)
    return Piece("shared", f"shared stages, seed {seed}", out / "shared" / key[:12], None, _steps(made), made), key


def _trained(
    recipe: AblationRecipe, out: Path, seed: int, key: str, shared: Piece | None, name: str
) -> tuple[Piece, str]:
    arm = recipe.arms[name]
    stages = [_longer(stage, recipe.longer).model_dump(mode="json") for stage in arm.stages]
    rules = {**recipe.rules, **arm.rules}
    own = sha256_json([key, stages, rules, arm.fresh])
    model = str(shared.folder / "model") if shared else recipe.model
    body = {"name": "arm", "model": model, "rules": rules, "fresh": arm.fresh, "stages": stages}
    made = _recipe(recipe, seed, body)
    after = shared.folder if shared else None
    return Piece("trained", f"{name}, seed {seed}", out / "trained" / own[:12], after, _steps(made), made), own


def _longer(stage: Stage, times: float) -> Stage:
    return stage if stage.steps is None else stage.model_copy(update={"steps": max(1, round(stage.steps * times))})


def _recipe(recipe: AblationRecipe, seed: int, body: dict[str, Any]) -> TrainRecipe:
    same = {"vocabulary": recipe.vocabulary, "split": recipe.split, "threads": recipe.threads}
    return TrainRecipe.model_validate({**same, "save_every": recipe.save_every, "seed": seed, **body})


def _steps(recipe: TrainRecipe) -> int:
    return sum(stage.steps or 0 for stage in recipe.stages)


def _start(model: str) -> Any:
    """What names the start: a size by its name, a folder by the hash of its files."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    return {
        path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.suffix in (".json", ".safetensors")
    }
