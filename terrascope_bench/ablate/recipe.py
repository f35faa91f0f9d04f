"""An ablation is a start, stages that all arms share, and arms that differ in what comes after, in rules, or at test.

Groups are the tables of a paper: which arms stand side by side, over which tasks, and which is said to be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from terra_cot.errors import ConfigError, did_you_mean
from terra_cot.fault import describe
from terra_cot.recipe import read_values
from terrascope_bench.tasks import TASKS
from terrascope_bench.terrascope.train.recipe import Part, Stage

_STRICT = ConfigDict(extra="forbid", frozen=True)
Shown = Literal["opt", "opt+sar"]


class Arm(BaseModel):
    """One way to train and ask. `stages` come after the shared ones.

    Attributes:
        rules: of the model, in training and test; `test_rules` in the test alone.
        fresh: parts that are drawn anew before the arm's own stages: what was learnt of them is taken away.
        shown: variant of the questions that are asked.
    """

    model_config = _STRICT

    about: str = ""
    stages: tuple[Stage, ...] = Field(min_length=1)
    rules: dict[str, Any] = Field(default_factory=dict)
    test_rules: dict[str, Any] = Field(default_factory=dict)
    fresh: tuple[Part, ...] = ()
    shown: Shown = "opt"


class Group(BaseModel):
    """A table of the paper: `arms` by name, with what was `reported` (percent; one number, or one a task).

    `orderings` are pairs (better, worse) that the reported numbers give.
    """

    model_config = _STRICT

    title: str
    tasks: tuple[str, ...] = tuple(TASKS)
    reported: dict[str, float | tuple[float, ...] | None]
    orderings: tuple[tuple[str, str], ...] = ()

    @property
    def arms(self) -> list[str]:
        return list(self.reported)

    def reported_macro(self, arm: str) -> float | None:
        """The reported mean over tasks, as a share."""
        value = self.reported[arm]
        if value is None:
            return None
        mean = value if isinstance(value, float) else sum(value) / len(value)
        return round(mean / 100, 6)


class AblationRecipe(BaseModel):
    """All that an ablation follows from, beside the data and the benchmark.

    `limit` questions of each task are asked, spread over the benchmark; None asks all. The arms' own stages take
    `longer` times their steps. `threads` are those of a piece.
    """

    model_config = _STRICT

    name: str
    model: str
    vocabulary: int = Field(2048, ge=1000)
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    split: str | None = "train"
    threads: int = Field(1, ge=1)
    save_every: int = Field(100, ge=1)
    limit: int | None = Field(None, ge=1)
    longer: float = Field(1.0, gt=0, allow_inf_nan=False)
    batch_size: int = Field(16, ge=1)
    max_tokens: int = Field(96, ge=1)
    rules: dict[str, Any] = Field(default_factory=dict)
    shared: tuple[Stage, ...] = ()
    arms: dict[str, Arm] = Field(min_length=1)
    groups: dict[str, Group] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> AblationRecipe:
        for group in self.groups.values():
            for name in (*group.reported, *(name for pair in group.orderings for name in pair)):
                if name not in self.arms:
                    raise ValueError(f"no arm {name!r}{did_you_mean(name, tuple(self.arms))}")
            for code in group.tasks:
                if code not in TASKS:
                    raise ValueError(f"no task {code!r} (known: {', '.join(TASKS)})")
            for pair in group.orderings:
                if set(pair) - set(group.reported):
                    raise ValueError(f"ordering {pair}: both must be arms of the group")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is named twice")
        return self


def load_ablation(path: Path, settings: Sequence[str] = ()) -> AblationRecipe:
    """Read a recipe and lay `a.b=value` settings over it.

    Raises:
        ConfigError: not YAML, an unknown key or arm, a value out of range; names the key and what is allowed.
    """
    values = read_values(path, settings)
    try:
        return AblationRecipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {describe(error, AblationRecipe)}") from None
