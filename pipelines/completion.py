"""What a shell offers behind TAB: names that this release knows; files where a file is wanted.

A completer is called in a process of its own at every TAB, so it loads no more than a registry of names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Offers = list[tuple[str, str]]


def recipes(incomplete: str) -> Offers:
    """Shipped recipes, and YAML files here."""
    from pipelines.recipes import shipped

    return [(name, "shipped recipe") for name in _near(shipped(), incomplete)] + _files(incomplete, (".yaml", ".yml"))


def training(incomplete: str) -> Offers:
    """Shipped training recipes, and YAML files here."""
    from pipelines.recipes.train import shipped

    return [(name, "shipped recipe") for name in _near(shipped(), incomplete)] + _files(incomplete, (".yaml", ".yml"))


def sources(incomplete: str) -> Offers:
    """Kinds of sources, and YAML files here."""
    from terra_cot.sources import SOURCES

    return [(name, "kind of source") for name in _near(SOURCES, incomplete)] + _files(incomplete, (".yaml", ".yml"))


def targets(incomplete: str) -> Offers:
    from terra_cot.export import TARGETS

    return [(name, "format") for name in _near(TARGETS, incomplete)]


def engines(incomplete: str) -> Offers:
    from terra_cot.engine import ENGINES

    return [(name, "engine") for name in _near(ENGINES, incomplete)]


def models(incomplete: str) -> Offers:
    """Models by name, and the beginnings of those that are named by a path or an address."""
    from terrascope_bench.models import MODELS, SCHEMES

    named = [(name, entry.about) for name, entry in MODELS.items()]
    named += [(f"{name}:" if scheme.argument else name, scheme.about) for name, scheme in SCHEMES.items()]
    return [(name, title) for name, title in named if name.startswith(incomplete)]


def extractors(incomplete: str) -> Offers:
    from terrascope_bench.answer import EXTRACTORS

    return [(name, "extractor") for name in _near(EXTRACTORS, incomplete)]


def splits(incomplete: str) -> Offers:
    from terra_cot.tile import SPLITS

    return [(name, "split") for name in _near(SPLITS, incomplete)]


def variants(incomplete: str) -> Offers:
    """The last of a list with commas."""
    from terrascope_bench.build.variants import VARIANTS

    before, comma, last = incomplete.rpartition(",")
    return [(f"{before}{comma}{name}", "how to show a question") for name in _near(VARIANTS, last)]


def _near(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _files(incomplete: str, endings: tuple[str, ...]) -> Offers:
    folder, _, start = incomplete.rpartition("/")
    place = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".")
    if not place.is_dir():
        return []
    prefix = incomplete[: len(incomplete) - len(start)]
    found = sorted(entry.name for entry in place.iterdir() if entry.suffix in endings and entry.name.startswith(start))
    return [(prefix + name, "file") for name in found]
