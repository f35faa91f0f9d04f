"""Steps: the same recipe, seed and data give the same losses, in one go or killed and gone on with.

Every step seeds torch by its number, the optimiser and the place in the data come back from the checkpoint, and the
rate is a function of the step; so a step does not know whether the run was interrupted before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, cos, isnan, pi
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import nn

from terra_cot.draw import seed_of
from terra_cot.errors import ConfigError, ConflictError, DataError, shorten
from terra_cot.store.atomic import write_json
from terrascope_bench.terrascope import sizes, store
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.loss import batch_loss
from terrascope_bench.terrascope.network import TerraScope, default_initialisation
from terrascope_bench.terrascope.prompt import asked, reply
from terrascope_bench.terrascope.sequence import Told
from terrascope_bench.terrascope.tokens import Words, trained
from terrascope_bench.terrascope.train import checkpoint as at_rest
from terrascope_bench.terrascope.train.ahead import Batches, Workshop
from terrascope_bench.terrascope.train.curve import draw_curve
from terrascope_bench.terrascope.train.joint import JointLearner
from terrascope_bench.terrascope.train.log import Log
from terrascope_bench.terrascope.train.masks import MaskLearner, survey_tiles
from terrascope_bench.terrascope.train.parts import PARTS, Thawed, restore, weights_of
from terrascope_bench.terrascope.train.questions import Lesson
from terrascope_bench.terrascope.train.recipe import Stage, TrainRecipe
from terrascope_bench.terrascope.train.sight import SightLearner
from terrascope_bench.terrascope.train.stream import Survey, data_sha256, samples, survey
from terrascope_bench.terrascope.train.syllabus import Syllabus
from terrascope_bench.terrascope.train.text import TextLearner, begun, replies, spoken

OnStep = Callable[[str, int, int], None]
RECORD = "train.json"
MODEL = "model"


@dataclass(slots=True)
class Trained:
    """What a training did: steps in all and in this run, mean losses of the last steps, what each stage found."""

    folder: Path
    steps: int
    resumed_at: int
    losses: dict[str, float]
    surveys: dict[str, Survey] = field(default_factory=dict)


class Learner(nn.Module):
    """Lessons in, losses out, as one module: what processes share gradients of."""

    def __init__(self, model: TerraScope, words: Words, stage: Stage) -> None:
        super().__init__()
        self.model, self.words, self.stage = model, words, stage

    def forward(self, batch: Sequence[Told]) -> tuple[Any, Any, Any, Any]:
        """(loss, text, Dice, pixels) of the batch."""
        loss = batch_loss(self.model, self.words, batch)
        masks = self.stage.mask_weight * (loss.dice + loss.pixels)
        return self.stage.text_weight * loss.text + masks, loss.text, loss.dice, loss.pixels


def train(
    recipe: TrainRecipe, out: Path, *, data: Sequence[Path] = (), on_step: OnStep | None = None, force: bool = False
) -> Trained:
    """Train into the folder `out`; goes on where an earlier run of the same recipe and data stopped.

    Raises:
        ConfigError: a recipe that cannot be followed. ConflictError: `out` is of another training.
        DataError, SchemaError: data or weights that cannot be read.
    """
    folders = list(data) or [Path(name) for name in recipe.data]
    surveys = {
        stage.name: survey(folders, recipe.split, stage.tiers)
        if stage.teaches == "chains"
        else survey_tiles(folders, recipe.split)
        for stage in recipe.stages
    }
    if len(surveys) < len(recipe.stages):
        raise ConfigError("two stages have the same name")
    claim(out, {"recipe": recipe.body(), "sha256": recipe.sha256(), "data": data_sha256(folders)}, force)
    return _Run(recipe, out, folders, surveys, on_step or (lambda stage, done, total: None)).go()


def claim(out: Path, identity: dict[str, Any], force: bool) -> None:
    """Make `out` ready for a training of this identity."""
    path = out / RECORD
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    if path.is_file() and not force:
        try:
            before = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise DataError(f"not JSON ({error.msg})", file=path, fix="--force starts again") from None
        if before.get("sha256") != identity["sha256"] or before.get("data") != identity["data"]:
            raise ConflictError(f"{out}: is of another training; name another folder, or --force to start again")
        return
    if out.is_dir() and not path.is_file() and any(out.iterdir()):
        raise ConflictError(f"{out}: holds something else; name another folder")
    for name in (at_rest.FILE, "log.csv", "loss.png"):
        (out / name).unlink(missing_ok=True)
    write_json(path, identity)


class _Run:
    """One training under way."""

    def __init__(
        self, recipe: TrainRecipe, out: Path, folders: list[Path], surveys: dict[str, Survey], on_step: OnStep
    ) -> None:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        self.recipe, self.out, self.folders, self.surveys, self.on_step = recipe, out, folders, surveys, on_step
        # Not every step has a mask on every part: processes must not wait for gradients that do not come.
        shared = DistributedDataParallelKwargs(find_unused_parameters=True)
        self.accelerator = Accelerator(mixed_precision=recipe.precision, kwargs_handlers=[shared])
        self.processes = self.accelerator.num_processes
        # What one stage leaves to the next: the prompt of each class that a stage of masks has learnt.
        self.taught: dict[str, Any] = {}
        self.replies: dict[str, list[Lesson]] = {}
        if any(stage.teaches == "text" for stage in recipe.stages):
            self.replies = replies(folders, recipe.split, recipe.seed)

    def go(self) -> Trained:
        with Workshop(self.recipe.ahead) as self.workshop:
            return self._stages(at_rest.read(self.out))

    def _stages(self, found: at_rest.Checkpoint | None) -> Trained:
        """All stages, or those that are left; then the weights."""
        if found is None or found.stage < len(self.recipe.stages):
            self.workshop.start()
        model, words = begin(self.recipe, self.folders, self.replies)
        model = model.to(self.accelerator.device)
        self.eye = (model.config.mask_px, model.config.mask_windows)
        touched: set[str] = set(found.touched) if found else set()
        if found and found.optimiser is None:
            restore(model, found.weights)
            self.taught = found.extra
        step = found.step if found else 0
        log = Log(self.out, step) if self.accelerator.is_main_process else None
        recent: list[list[float]] = []
        for number, stage in enumerate(self.recipe.stages):
            if found and number < found.stage:
                continue
            inside = found if found and number == found.stage and found.optimiser is not None else None
            step = self._stage(model, words, number, stage, touched, inside, step, log, recent)
        if log:
            log.close()
            store.save(model, words, self.out / MODEL, self.recipe.save_as)
            draw_curve(self.out)
        last = [sum(column) / len(column) for column in zip(*recent[-50:], strict=True)] if recent else [0.0] * 4
        losses = dict(zip(("loss", "text", "dice", "pixels"), last, strict=True))
        return Trained(self.out / MODEL, step, found.step if found else 0, losses, self.surveys)

    def _stage(
        self,
        model: TerraScope,
        words: Words,
        number: int,
        stage: Stage,
        touched: set[str],
        found: at_rest.Checkpoint | None,
        step: int,
        log: Log | None,
        recent: list[list[float]],
    ) -> int:
        """Train one stage, from its checkpoint where there is one; returns the number of steps so far."""
        if threads := stage.threads or self.recipe.threads:
            torch.set_num_threads(threads)
        torch.manual_seed(seed_of(self.recipe.seed, "stage", stage.name))
        thawed = Thawed(model, stage, touched)
        if found:
            restore(model, found.weights)
        total = self._steps(stage)
        pupil = self._pupil(model, words, stage)
        if found and isinstance(pupil, MaskLearner | SightLearner):
            own = pupil.extra().keys()
            pupil.load_state_dict({name: found.extra[name] for name in own}, strict=False)
            self.taught = {name: value for name, value in found.extra.items() if name not in own}
        elif found:
            self.taught = found.extra
            pupil = self._pupil(model, words, stage)
        trainable = [weight for weight in pupil.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(
            trainable, lr=stage.lr, betas=stage.betas, weight_decay=stage.weight_decay, fused=True
        )
        learner, optimiser = self.accelerator.prepare(pupil, optimiser)
        learner.train()
        if found and found.optimiser:
            optimiser.load_state_dict(found.optimiser)
        first = found.stage_step if found else 0
        lessons = self._lessons(stage, found, (total - first) * stage.accumulate)
        for at in range(first, total):
            start = time.monotonic()
            row = self._step(learner, optimiser, trainable, stage, lessons, at, total)
            step += 1
            recent.append(row)
            del recent[:-50]
            if log:
                names = ("loss", "text", "dice", "pixels")
                # Nothing to measure is an empty field, not a zero.
                values = {name: "" if isnan(value) else f"{value:.9g}" for name, value in zip(names, row, strict=True)}
                rate = f"{stage.lr * rate_at(at, total, stage.warmup):.6g}"
                seconds = f"{time.monotonic() - start:.3f}"
                log.write({"step": step, "stage": stage.name, **values, "lr": rate, "seconds": seconds})
            self.on_step(stage.name, at + 1, total)
            if (at + 1) % self.recipe.save_every == 0 and at + 1 < total:
                more = pupil.extra() if isinstance(pupil, MaskLearner | SightLearner) else {}
                self._save(model, step, number, at + 1, touched, optimiser, lessons, {**self.taught, **more})
        thawed.merge()
        if isinstance(pupil, MaskLearner):
            self.taught = pupil.taught()
        self._save(model, step, number + 1, 0, touched, None, None, self.taught)
        return step

    def _pupil(self, model: TerraScope, words: Words, stage: Stage) -> nn.Module:
        if stage.teaches == "masks":
            return MaskLearner(model)
        if stage.teaches == "text":
            return TextLearner(model, words, self.taught, self.recipe.told(stage))
        if stage.teaches == "sight":
            return SightLearner(model)
        if stage.teaches == "questions" or stage.window:
            return JointLearner(model, words, stage, self.taught)
        return Learner(model, words, stage)

    def _step(
        self, learner: Any, optimiser: Any, trainable: list[Any], stage: Stage, lessons: Batches, at: int, total: int
    ) -> list[float]:
        """One step of the optimiser; returns its mean losses."""
        torch.manual_seed(seed_of(self.recipe.seed, stage.name, at, self.accelerator.process_index))
        for group in optimiser.param_groups:
            group["lr"] = stage.lr * rate_at(at, total, stage.warmup)
        sums = torch.zeros(4)
        for _ in range(stage.accumulate):
            losses = learner(lessons.take())
            self.accelerator.backward(losses[0] / stage.accumulate)
            sums += torch.stack([part.detach().float().cpu() for part in losses]) / stage.accumulate
        if not torch.isfinite(sums[0]):
            raise DataError(f"stage {stage.name}, step {at + 1}: the loss is not a number", fix="lower `lr`")
        self.accelerator.clip_grad_norm_(trainable, stage.clip)
        optimiser.step()
        optimiser.zero_grad()
        if self.processes > 1:
            sums = self.accelerator.reduce(sums.to(self.accelerator.device), reduction="mean").cpu()
        return [float(value) for value in sums]

    def _steps(self, stage: Stage) -> int:
        if stage.steps is not None:
            return stage.steps
        assert stage.epochs is not None
        together: int = stage.batch * stage.accumulate * self.processes
        return max(1, ceil(stage.epochs * self.surveys[stage.name].kept / together))

    def _lessons(self, stage: Stage, found: at_rest.Checkpoint | None, count: int) -> Batches:
        """So many batches of a stage, from where its checkpoint was written."""
        syllabus = Syllabus(
            *(self.recipe, stage, self.folders, self.surveys[stage.name].by_folder, self.eye),
            *(self.accelerator.process_index, self.processes),
            self.replies if stage.teaches == "text" else {},
        )
        return self.workshop.batches(syllabus, found.lessons if found else None, stage.batch, count)

    def _save(
        self,
        model: TerraScope,
        step: int,
        stage: int,
        stage_step: int,
        touched: set[str],
        optimiser: Any,
        lessons: Batches | None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        if self.accelerator.is_main_process:
            state = None if optimiser is None else optimiser.state_dict()
            place = None if lessons is None else lessons.state()
            weights = weights_of(model, touched)
            at_rest.write(
                self.out,
                at_rest.Checkpoint(step, stage, stage_step, sorted(touched), weights, state, place, extra or {}),
            )
        self.accelerator.wait_for_everyone()


def rate_at(step: int, total: int, warmup: int) -> float:
    """Share of the full rate: up in a line over `warmup` steps, then down as a cosine, to zero after the last."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + cos(pi * (step - warmup) / max(total - warmup, 1)))


def begin(
    recipe: TrainRecipe, folders: Sequence[Path], found: dict[str, list[Lesson]] | None = None
) -> tuple[TerraScope, Words]:
    """The model that training starts from: weights in a folder, or a size drawn by the seed."""
    if Path(recipe.model).is_dir():
        model, words = store.load(Path(recipe.model), dtype="float32")
        if recipe.rules:
            model.config = _ruled(model.config, recipe.rules)
        if recipe.fresh:
            forget(model, recipe.fresh, recipe.seed)
        return model, words
    if recipe.model not in sizes.SIZES:
        known = ", ".join(sizes.SIZES)
        raise ConfigError(f"model {shorten(recipe.model, 80)!r}: neither a folder nor the name of a size ({known})")
    words = trained(texts(folders, recipe.split) + spoken(found or {}), recipe.vocabulary)
    torch.manual_seed(seed_of(recipe.seed, "weights"))
    model = TerraScope(_ruled(sizes.size(recipe.model, words.size, words.image), recipe.rules))
    default_initialisation(model.sam)
    if found:
        begun(model, words)
    return model, words


def forget(model: TerraScope, parts: Sequence[str], seed: int) -> None:
    """Draw `parts` of a model anew, as if they had never been trained."""
    torch.manual_seed(seed_of(seed, "fresh"))
    new = TerraScope(model.config)
    default_initialisation(new.sam)
    prefixes = tuple(prefix for part in parts for prefix in PARTS[part])
    drawn = new.state_dict()
    model.load_state_dict(
        {name: drawn[name] if name.startswith(prefixes) else value for name, value in model.state_dict().items()}
    )


def _ruled(config: TerraScopeConfig, rules: dict[str, Any]) -> TerraScopeConfig:
    """`config` with the recipe's rules laid over it."""
    return TerraScopeConfig.from_json({**config.to_json(), **rules})


def texts(folders: Sequence[Path], split: str | None) -> list[str]:
    """What a tokenizer is made from: questions and replies of the samples that are trained on."""
    return [
        text
        for folder in folders
        for sample in samples(folder)
        if split is None or sample.split == split
        for text in (asked(sample.question, sample.options), reply(sample.chain, sample.answer))
    ]
