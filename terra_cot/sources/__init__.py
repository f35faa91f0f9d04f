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


def listing(kind: str, root: str | Path, options: dict[str, Any] | None = None) -> Listing:
    """What an archive holds, not yet described.

    Raises:
        ConfigError: unknown kind or option.
        DataError: `root` is not laid out as this source's archive.
    """
    origin = source(kind)
    if origin.folder and not Path(root).is_dir():
        raise DataError("no such folder", file=root, fix=f"give the root folder of a {origin.title} archive")
    try:
        parsed = origin.options.model_validate(options or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = tuple(origin.options.model_fields)
        hint = did_you_mean(where, known) if first["type"] == "extra_forbidden" else ""
        raise ConfigError(f"source.{where}: {first['msg']}{hint} (options of {kind}: {', '.join(known)})") from None
    # A scenes.parquet is read from any folder.
    place = Path(root).resolve() if origin.folder else str(root)
    return Listing([kind, str(place), parsed.model_dump(mode="json")], origin.scan(place, parsed))
