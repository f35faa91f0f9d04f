"""All that training goes on from is one file, written whole: weights that trained, optimiser, place in the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from terra_cot.errors import DataError
from terra_cot.store.atomic import replacing

FILE = "checkpoint.pt"


@dataclass(slots=True)
class Checkpoint:
    """`step` counts over all stages, `stage_step` within stage number `stage`; `weights` are all that ever trained.

    `extra` are weights that a stage needs and the model does not keep.
    """

    step: int
    stage: int
    stage_step: int
    touched: list[str]
    weights: dict[str, Any]
    optimiser: dict[str, Any] | None
    lessons: dict[str, Any] | None
    extra: dict[str, Any]


def write(folder: Path, checkpoint: Checkpoint) -> None:
    with replacing(folder / FILE) as temporary:
        torch.save({name: getattr(checkpoint, name) for name in Checkpoint.__slots__}, temporary)


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in `folder`, if there is one. Read as tensors and plain values: nothing in it is run."""
    from pickle import UnpicklingError

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (UnpicklingError, RuntimeError, TypeError) as error:
        raise DataError(f"not a checkpoint ({error})", file=path, fix="--force starts again") from None
