"""A training recipe is everything the weights follow from, beside the data: model, stages, seed.

The paper's two stages (Sec. 4): grounding pretraining trains the mask decoder on RES (lr 2e-5, batch 8); chain tuning
trains projector and mask decoder whole and the language model by LoRA (r 128, alpha 256), vision frozen, one epoch,
cosine, batch 32, bf16.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from terra_cot.errors import ConfigError
from terra_cot.fault import describe
from terra_cot.recipe import read_values
from terra_cot.store.atomic import sha256_json
from terrascope_bench.terrascope.train.forms import Form

Part = Literal["vision", "projector", "language", "mask_encoder", "mask_decoder", "seg_projection", "gate"]
Sensors = Literal["optical", "sar", "optical+sar"]
Tier = Literal["res", "caption", "l1", "l2_spatial", "l2_semantic"]
_STRICT = ConfigDict(extra="forbid", frozen=True)
_HOW: Any = {"data": True, "threads": True, "ahead": True, "save_every": True, "stages": {"__all__": {"threads"}}}
"""Where data lie, and who does the work when: what no weight follows from."""


class Lora(BaseModel):
    """Low-rank adapters on the language model's projections, merged into it when the stage ends."""

    model_config = _STRICT

    r: int = Field(128, ge=1)
    alpha: int = Field(256, ge=1)
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Stage(BaseModel):
    """One stretch of training. Of `steps` and `epochs` exactly one is given.

    Attributes:
        teaches: "chains", samples of `tiers`; or, for a model that starts from nothing, "masks", every class of
            labelled tiles (masks.py), "text", from a measured value to the right letter (text.py), "sight", what
            the visual tokens show (sight.py), or "questions", of the benchmark's form with their pictures (joint.py).
        chain: how replies of chains and questions are told: with "masks", as "text" without, or "none", the answer
            alone (forms.py).
        sensors: what questions are shown with, as often each.
        window: masks of chains are compared in one drawn window of the image, as those of questions are.
        told: share of replies of text and questions that are told what their masks measure; in the others the model
            writes the number. None: all, where the rules say measured, else none.
        alone: so many first steps of a stage of text are drills alone; later ones are drills to a share of `drills`.
        tiers: samples of these tiers are taught; others wait for another stage.
        trains: parts that train whole; everything else is frozen.
        batch: samples a step and process; `accumulate` such batches make one step of the optimiser.
        threads: of the processor in this stage; None: as in the whole recipe.
        warmup: steps over which the rate rises; after them it falls as a cosine to zero.
        mask_weight: what Dice and pixel cross-entropy are multiplied by (the paper: 0.5); `text_weight` likewise.
    """

    model_config = _STRICT

    name: str
    teaches: Literal["chains", "masks", "text", "sight", "questions"] = "chains"
    chain: Form = "masks"
    sensors: tuple[Sensors, ...] = Field(("optical", "sar", "optical+sar"), min_length=1)
    window: bool = False
    tiers: tuple[Tier, ...] = ()
    trains: tuple[Part, ...] = ()
    lora: Lora | None = None
    lr: float = Field(gt=0, allow_inf_nan=False)
    batch: int = Field(8, ge=1)
    accumulate: int = Field(1, ge=1)
    steps: int | None = Field(None, ge=1)
    epochs: float | None = Field(None, gt=0, allow_inf_nan=False)
    warmup: int = Field(0, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = Field(1.0, gt=0)
    threads: int | None = Field(None, ge=1)
    mask_weight: float = Field(0.5, ge=0)
    text_weight: float = Field(1.0, ge=0)
    alone: int = Field(0, ge=0)
    drills: float = Field(0.25, ge=0, le=1)
    told: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Stage:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give `steps` or `epochs`, not both and not none")
        if not self.trains and self.lora is None:
            raise ValueError("nothing trains: name parts under `trains`, or give `lora`")
        if (self.teaches == "chains") != bool(self.tiers):
            raise ValueError("a stage of chains names its `tiers`, any other has none")
        if self.teaches == "masks" and (self.lora or not set(self.trains) <= {"mask_encoder", "mask_decoder", "gate"}):
            raise ValueError("a stage of masks trains mask_encoder, mask_decoder and gate: nothing else is looked at")
        if self.teaches == "text" and (self.lora or not set(self.trains) <= {"language", "seg_projection"}):
            raise ValueError("a stage of text trains language and seg_projection: nothing else is asked")
        if self.teaches == "sight" and (self.lora or not set(self.trains) <= {"vision", "projector"}):
            raise ValueError("a stage of sight trains vision and projector: nothing else sees the tokens")
        if self.lora is not None and "language" in self.trains:
            raise ValueError("the language model trains whole or by LoRA, not both")
        if self.mask_weight == 0 and self.text_weight == 0:
            raise ValueError("mask_weight and text_weight are both 0: there is nothing to learn")
        return self


class TrainRecipe(BaseModel):
    """What to train. `model` is a folder of weights to start from, or the name of a size to start from nothing.

    `split` of the folders is trained on; None takes all. From nothing, a tokenizer of at most `vocabulary` tokens is
    made from the texts of the folders. `fresh` parts of weights to start from are drawn anew by the seed. At most
    so many batches are made `ahead`, by a process of their own; with 0 each is made when it is asked for.
    """

    model_config = _STRICT

    name: str
    model: str
    seed: int = Field(0, ge=0, lt=2**63)
    data: tuple[str, ...] = ()
    split: str | None = "train"
    vocabulary: int = Field(4096, ge=1000)
    precision: Literal["no", "bf16"] = "no"
    save_as: Literal["float32", "bfloat16", "float16"] = "float32"
    threads: int | None = Field(None, ge=1)
    ahead: int = Field(4, ge=0)
    save_every: int = Field(200, ge=1)
    rules: dict[str, Any] = Field(default_factory=dict)
    fresh: tuple[Part, ...] = ()
    stages: tuple[Stage, ...] = Field(min_length=1)

    def told(self, stage: Stage) -> float:
        """Share of a stage's replies that are told what their masks measure; in the others the model writes it."""
        return stage.told if stage.told is not None else float(self.rules.get("measured", False))

    def body(self) -> dict[str, Any]:
        """What the weights follow from: not where data lie, how often a checkpoint is written, who makes lessons."""
        return self.model_dump(mode="json", exclude=_HOW)

    def sha256(self) -> str:
        return sha256_json(self.body())


def load_recipe(path: Path, settings: Sequence[str] = ()) -> TrainRecipe:
    """Read a recipe and lay `a.b=value` settings over it.

    Raises:
        ConfigError: not YAML, an unknown key, a value out of range; names the key and what is allowed.
    """
    values = read_values(path, settings)
    try:
        return TrainRecipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {describe(error, TrainRecipe)}") from None
