"""The registry of models that `run` knows by name: one line a model.

`MODELS` are names without options; `SCHEMES` take options, and most of them a name or path behind a colon.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terra_cot.errors import ConfigError, did_you_mean, shorten
from terrascope_bench.models.baselines import Gold, Majority, Random
from terrascope_bench.models.blind import Blind
from terrascope_bench.models.model import Batched, Entry, Job, Model, Scheme
from terrascope_bench.models.options import flag, open_chat, open_hf
from terrascope_bench.models.own import open_own
from terrascope_bench.models.terrascope import open_shipped, open_terrascope

MODELS: dict[str, Entry] = {
    "random": Entry("a letter at random", False, lambda benchmark, seed: Random(seed)),
    "majority": Entry(
        "the most frequent right letter of each task", False, lambda benchmark, seed: Majority.of(benchmark)
    ),
    "blind": Entry("texts only: leak patterns and general knowledge", False, lambda benchmark, seed: Blind()),
    "gold": Entry("the truth, as a submission", False, lambda benchmark, seed: Gold()),
}

SCHEMES: dict[str, Scheme] = {
    "openai": Scheme("a model behind an OpenAI-compatible endpoint", "NAME", open_chat),
    "hf": Scheme("a transformers image-text-to-text model, local or of the hub", "PATH", open_hf),
    "python": Scheme("a model of your own: a Python file, or a module", "FILE.py:NAME", open_own),
    "terrascope": Scheme("the reference model, a folder that `train` or `convert` wrote", "PATH", open_terrascope),
    "terrascope-nano": Scheme("the reference model that ships here", "", open_shipped("terrascope-nano")),
    "terrascope-nano+measured": Scheme(
        "the same, told what its masks measure", "", open_shipped("terrascope-nano+measured")
    ),
}


def known_models() -> list[str]:
    """Every way to name a model."""
    return [*MODELS, *(f"{name}:{scheme.argument}" if scheme.argument else name for name, scheme in SCHEMES.items())]


def find_model(name: str, given: Mapping[str, Any] | None = None, job: Job | None = None) -> Entry:
    """The model called `name`, with the options that were given (none of them None).

    Raises:
        ConfigError: no such model (the nearest is named), or an option that it does not take.
    """
    given = given or {}
    head, colon, argument = name.partition(":")
    if name in MODELS:
        if given:
            raise ConfigError(f"{flag(next(iter(given)))}: {name} takes no options")
        return MODELS[name]
    scheme = SCHEMES.get(head)
    if scheme is not None and bool(colon and argument) == bool(scheme.argument):
        return scheme.open(argument, given, job or Job(Path(f"{head}.cache")))
    if scheme is not None:
        written = f"{head}:{scheme.argument}" if scheme.argument else head
        raise ConfigError(f'no model "{shorten(name, 80)}"; write it as {written}')
    near = did_you_mean(f"{head}:" if colon else name, [f"{entry}:" for entry in SCHEMES] if colon else known_models())
    raise ConfigError(f'no model "{shorten(name, 80)}"{near} (known: {", ".join(known_models())})')


__all__ = ["MODELS", "SCHEMES", "Batched", "Entry", "Job", "Model", "Scheme", "find_model", "known_models"]
