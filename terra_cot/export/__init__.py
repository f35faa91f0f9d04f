"""An export is a dataset in the form that another tool reads; nothing in it that the dataset does not say.

To add one: a module here with `TARGET = Target(...)`, one line in `TARGETS`, and its tests. A target gets an empty
folder and the dataset in parts; it streams, and counts what it read, wrote and dropped by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import ConfigError, did_you_mean
from terra_cot.export.place import claim, fresh, replaced
from terra_cot.store.atomic import write_json
from terra_cot.store.join import Pair, pairs
from terra_cot.store.manifest import manifest_sha256, read_manifest
from terra_cot.tile import SPLITS

NOTE = "export.json"
TARGETS = {
    "coco": "terra_cot.export.coco",
    "conversations": "terra_cot.export.conversations",
    "croissant": "terra_cot.export.croissant",
    "geo": "terra_cot.export.geo",
    "terrascope": "terra_cot.export.terrascope",
}
OnStep = Callable[[int, int], None]


@dataclass(slots=True)
class Count:
    """What became of one kind of thing: read = written + dropped."""

    read: int = 0
    written: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def keep(self, number: int = 1) -> None:
        self.read += number
        self.written += number

    def drop(self, reason: str, number: int = 1) -> None:
        self.read += number
        self.dropped[reason] += number

    def row(self) -> dict[str, Any]:
        return {"read": self.read, "written": self.written, "dropped": dict(sorted((+self.dropped).items()))}


@dataclass(slots=True)
class Job:
    """One export while it runs: `folder` is the dataset, `out` the folder to fill, `old` the parts exported before."""

    folder: Path
    manifest: dict[str, Any]
    out: Path
    splits: tuple[str, ...]
    old: frozenset[str] = frozenset()
    counts: dict[str, Count] = field(default_factory=dict)
    on_step: OnStep | None = None
    _total: int = 0
    _done: int = 0

    def count(self, kind: str) -> Count:
        return self.counts.setdefault(kind, Count())

    def parts(self) -> list[Pair]:
        """The parts still to do, in order; asking for them starts the progress."""
        new = [pair for pair in pairs(self.manifest) if pair.name not in self.old]
        self._total, self._done = sum(pair.tiles.rows for pair in new), 0
        if self.on_step:
            self.on_step(0, self._total)
        return new

    def tile_done(self) -> None:
        self._done += 1
        if self.on_step:
            self.on_step(self._done, self._total)

    def wants(self, split: str) -> bool:
        return split in self.splits


@dataclass(frozen=True, slots=True)
class Target:
    """A format: `write` fills `job.out`. One that `appends` can be given parts beside those it has."""

    name: str
    write: Callable[[Job], None]
    appends: bool = False


def target(name: str) -> Target:
    """The target registered as `name`."""
    if name not in TARGETS:
        raise ConfigError(f'no target "{name}"{did_you_mean(name, tuple(TARGETS))} (known: {", ".join(TARGETS)})')
    found = import_module(TARGETS[name]).TARGET
    assert isinstance(found, Target)
    return found


def export(
    folder: Path,
    to: str,
    out: Path,
    *,
    splits: tuple[str, ...] = (),
    force: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write the dataset `folder` to `out` in the form `to`; returns what `export.json` there says.

    A new export is made beside `out` and renamed: it is there whole or not at all. Where `out` holds an export of an
    earlier state of the same dataset and the target can append, only the new parts are written.

    Args:
        splits: only tiles and samples of these splits; all where empty.
        force: replace an export that is there.

    Raises:
        ConfigError: an unknown target or split, or a split that holds nothing.
        ConflictError: `out` holds something else, or an export that `force` was not given for.
        DataError, SchemaError: `folder` is not a finished dataset.
    """
    chosen = target(to)
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(f'no split "{split}"{did_you_mean(split, SPLITS)} (known: {", ".join(SPLITS)})')
    manifest = read_manifest(folder, "dataset")
    _need_something(manifest, splits)
    kept = tuple(split for split in SPLITS if not splits or split in splits)
    states = {
        pair.name: [part.sha256 if part else "" for part in (pair.tiles, pair.samples)] for pair in pairs(manifest)
    }
    note: dict[str, Any] = {
        "kind": "export",
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "to": to,
        "splits": list(kept),
        "recipe_sha256": manifest["recipe_sha256"],
        "dataset_sha256": manifest_sha256(folder),
        "parts": states,
    }
    there = claim(out, NOTE, note, appends=chosen.appends, force=force)
    if there is not None:
        job = Job(folder, manifest, out, kept, frozenset(there["parts"]), _counts(there), on_step)
        chosen.write(job)
        note["counts"] = {kind: count.row() for kind, count in sorted(job.counts.items())}
        write_json(out / NOTE, note)
        return note
    with fresh(out) as temporary:
        job = Job(folder, manifest, temporary, kept, on_step=on_step)
        chosen.write(job)
        note["counts"] = {kind: count.row() for kind, count in sorted(job.counts.items())}
        write_json(temporary / NOTE, note)
        replaced(out, temporary, NOTE, force)
    return note


def _need_something(manifest: dict[str, Any], splits: tuple[str, ...]) -> None:
    """Refuse a split that was asked for by name and of which there is nothing."""
    what = "samples" if "samples" in manifest["counts"] else "tiles"
    there = manifest["counts"][what]["by_split"]
    for split in splits:
        if not there.get(split):
            told = ", ".join(f"{name} {there[name]:,}" for name in SPLITS if there.get(name)) or "none at all"
            raise ConfigError(f"--split {split}: no {what} of the dataset are in it (there are: {told})")


def _counts(note: dict[str, Any]) -> dict[str, Count]:
    return {kind: Count(row["read"], row["written"], Counter(row["dropped"])) for kind, row in note["counts"].items()}
