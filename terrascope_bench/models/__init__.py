"""The registry of models that `run` knows by name: one line a model."""

from __future__ import annotations

from terra_cot.errors import ConfigError, did_you_mean
from terrascope_bench.models.baselines import Gold, Majority, Random
from terrascope_bench.models.blind import Blind
from terrascope_bench.models.model import Entry, Model

MODELS: dict[str, Entry] = {
    "random": Entry("a letter at random", False, lambda benchmark, seed: Random(seed)),
    "majority": Entry(
        "the most frequent right letter of each task", False, lambda benchmark, seed: Majority.of(benchmark)
    ),
    "blind": Entry("texts only: leak patterns and general knowledge", False, lambda benchmark, seed: Blind()),
    "gold": Entry("the truth, as a submission", False, lambda benchmark, seed: Gold()),
}


def find_model(name: str) -> Entry:
    """The model called `name`; ConfigError names the nearest where there is none."""
    try:
        return MODELS[name]
    except KeyError:
        known = ", ".join(MODELS)
        raise ConfigError(f'no model "{name}"{did_you_mean(name, tuple(MODELS))} (known: {known})') from None


__all__ = ["MODELS", "Entry", "Model", "find_model"]
