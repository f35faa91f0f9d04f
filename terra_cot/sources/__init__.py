"""A source lists the scenes of one archive as its publisher lays it out; it reads names and headers, never pixels.

Names come first, headers when a scan asks for them (see `listing.py`).

To add one: a module here with `SOURCE = Source(...)`, one line in `SOURCES`, and its tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from terra_cot.errors import ConfigError, DataError, did_you_mean
from terra_cot.fault import describe
from terra_cot.listing import Entry, Listing, described
from terra_cot.scene import Drop, Scene

SOURCES = {
    "bigearthnet": "terra_cot.sources.bigearthnet",
    "chatearthnet": "terra_cot.sources.chatearthnet",
    "deepglobe-road": "terra_cot.sources.deepglobe_road",
    "rasters": "terra_cot.sources.rasters",
    "rsvqa-lr": "terra_cot.sources.rsvqa_lr",
    "stac": "terra_cot.sources.stac",
    "teochat": "terra_cot.sources.teochat",
    "world": "terra_cot.sources.world",
    "xbd": "terra_cot.sources.xbd",
}


class Options(BaseModel):
    """What a recipe may say about a source beside its kind and root. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of imagery: how to list it, its options, and what its publisher asks for.

    `scan` is given the root as an absolute folder that exists, or as it stands in the recipe where it is no `folder`.
    """

    name: str
    title: str
    licence: str
    options: type[Options]
    scan: Callable[[Any, Any], Iterator[Entry]]
    folder: bool = True


def source(kind: str) -> Source:
    """The source registered as `kind`."""
    if kind not in SOURCES:
        raise ConfigError(f'no source "{kind}"{did_you_mean(kind, tuple(SOURCES))} (known: {", ".join(SOURCES)})')
    found = import_module(SOURCES[kind]).SOURCE
    assert isinstance(found, Source)
    return found


def scan(kind: str, root: str | Path, options: dict[str, Any] | None = None) -> Iterator[Scene | Drop]:
    """Scenes and drops of an archive, in an order that depends on names only; raises what `listing` raises."""
    return described(listing(kind, root, options).entries)


def listing(kind: str, root: str | Path, options: dict[str, Any] | None = None, where: str = "source") -> Listing:
    """What an archive holds, not yet described; `where` is the key of the recipe that it stands under.

    Raises:
        ConfigError: unknown kind or option.
        DataError: `root` is not laid out as this source's archive.
    """
    origin = source(kind)
    parsed = check_options(kind, options, where)
    if origin.folder and not Path(root).is_dir():
        what = "is a file, not a folder" if Path(root).is_file() else "no such folder"
        raise DataError(what, file=root, fix=f"give the root folder of a {origin.title} archive")
    # A scenes.parquet is read from any folder.
    place = Path(root).resolve() if origin.folder else str(root)
    return Listing([kind, str(place), parsed.model_dump(mode="json")], origin.scan(place, parsed))


def check_options(kind: str, options: dict[str, Any] | None, where: str = "source") -> Options:
    """The options of a source, checked.

    Args:
        where: what an error calls the place of the options: the key of a recipe, or a file and a key.

    Raises:
        ConfigError: unknown kind or option, or a value that it cannot have.
    """
    try:
        origin = source(kind)
    except ConfigError as error:
        raise ConfigError(f"{where}.kind: {error}") from None
    try:
        return origin.options.model_validate(options or {})
    except ValidationError as error:
        file, colon, key = where.rpartition(": ")
        raise ConfigError(f"{file}{colon}{describe(error, origin.options, key, ('kind', 'root'))}") from None
