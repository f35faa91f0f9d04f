"""One piece of an ablation, done or gone on with: a training, or a trained model asked and scored.

A finished piece leaves its mark: weights of a training, the scorecard of a test. What a training needs to go on is
taken away when it is finished, for there are many.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from terra_cot.store.atomic import write_json
from terrascope_bench.ablate.plan import QUESTIONS_A_STEP, Piece
from terrascope_bench.run import run_model
from terrascope_bench.score import score, write_scorecard

PREDICTIONS, CARD, MODEL = "predictions.jsonl", "scorecard.json", "model"
_CHECKPOINT = "checkpoint.pt"


def finished(piece: Piece) -> bool:
    """Whether nothing is left to do."""
    mark = CARD if piece.kind == "scored" else f"{MODEL}/config.json"
    return (piece.folder / mark).is_file()


def steps_done(piece: Piece) -> float:
    """How far a piece is, in the unit of its cost."""
    if finished(piece):
        return piece.cost
    if piece.kind == "scored":
        return min(piece.cost, _lines(piece.folder / PREDICTIONS) / QUESTIONS_A_STEP)
    return min(piece.cost, max(0, _lines(piece.folder / "log.csv") - 1))


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def work(piece: Piece, data: Sequence[Path], alone: bool = True) -> None:
    """Do a piece; what it needs is finished. Unless it has the machine `alone` it makes its lessons itself."""
    if piece.recipe is not None:
        from terrascope_bench.terrascope.train.loop import train

        if not finished(piece):
            recipe = piece.recipe if alone else piece.recipe.model_copy(update={"ahead": 0})
            train(recipe, piece.folder, data=data)
        # Also where a kill came between the weights and this.
        (piece.folder / _CHECKPOINT).unlink(missing_ok=True)
        return
    if finished(piece):
        return
    assert piece.after is not None
    assert piece.bench is not None
    model = _model(piece, piece.after / MODEL)
    given = {"batch_size": piece.batch_size, "max_tokens": piece.max_tokens}
    predictions = piece.folder / PREDICTIONS
    run_model(f"terrascope:{model}", piece.bench, predictions, seed=piece.seed, given=given)
    write_scorecard(piece.folder / CARD, score(predictions, piece.bench, model=piece.name), predictions, piece.bench)


def _model(piece: Piece, trained: Path) -> Path:
    """The weights to ask: those that were trained, under the rules of the test where it has its own."""
    piece.folder.mkdir(parents=True, exist_ok=True)
    if not piece.rules:
        return trained
    from terrascope_bench.terrascope.config import TerraScopeConfig
    from terrascope_bench.terrascope.store import CONFIG, read_config

    folder = piece.folder / MODEL
    folder.mkdir(exist_ok=True)
    for path in trained.iterdir():
        if path.name != CONFIG:
            shutil.copyfile(path, folder / path.name)
    config = TerraScopeConfig.from_json({**read_config(trained).to_json(), **dict(piece.rules)})
    write_json(folder / CONFIG, config.to_json())
    return folder
