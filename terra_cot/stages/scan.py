"""Scan: the scenes of a source as one Parquet file, and beside it one JSON line for each thing that was dropped.

Nothing is held but the batch at hand, so that memory does not grow with the archive. Finished batches stay in a hidden
folder beside the output: a scan that was killed goes on behind them, and gives the same bytes as one that was not.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
from filelock import FileLock, Timeout

from terra_cot.errors import ConflictError
from terra_cot.listing import Listing
from terra_cot.scene import SCENES, Drop
from terra_cot.stages import OnStep
from terra_cot.stages.batches import Batch, Batches, batches
from terra_cot.store.atomic import clear_leftovers, replacing, write_json
from terra_cot.store.index import Index
from terra_cot.store.shards import write_tables


def scan_to(
    out: Path,
    listing: Listing,
    limit: int | None = None,
    on_step: OnStep | None = None,
    hidden: Path | None = None,
) -> dict[str, Any]:
    """Write the scenes of a listing to `out` and its drops to `dropped_beside(out)`, streamed.

    Of two scenes with one name the first is kept: tiles of the other would take their names. `limit` ends the scan at
    that many scenes. Batches stay for the next scan until `forget(out)`; they are in `hidden`, or else beside `out`.

    Returns:
        `scenes` kept, `sources` with licences, `dropped`: numbers by level and reason.

    Raises:
        ConflictError: another scan writes there.
        DataError, ConfigError: whatever the source raises.
    """
    hidden = hidden or _hidden(out)
    hidden.mkdir(parents=True, exist_ok=True)
    lock = FileLock(hidden / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConflictError(f"{out}: another scan is writing here; wait for it or choose another file") from None
    try:
        for path in (out, dropped_beside(out)):
            clear_leftovers(path.parent, path.name)  # of a scan that was killed
        with replacing(dropped_beside(out)) as temporary, temporary.open("wb") as lines, Index() as names:
            stored = Batches(hidden, listing.key)
            merge = _Merge(lines, names, limit)
            part = write_tables(out, SCENES, _kept(listing, stored, merge, on_step))
        stored.sweep()
    finally:
        lock.release()
    return {"scenes": part.rows, **merge.summary()}


def scan_stage(
    hidden: Path,
    listing: Listing,
    limit: int | None,
    on_step: OnStep | None,
    check: Callable[[Path], None] | None = None,
) -> None:
    """The scan of a run: `scenes.parquet`, `scenes.dropped.jsonl` and `scan.json` in its hidden folder.

    `check` is given the scenes before they take the place of those of the last run, and may refuse them: then that
    place is as it was.
    """
    kept, found = hidden / "scenes.parquet", hidden / "found.parquet"
    summary = scan_to(found, listing, limit, on_step, _hidden(kept))
    try:
        if check:
            check(found)
        found.replace(kept)
        dropped_beside(found).replace(dropped_beside(kept))
    finally:
        for path in (found, dropped_beside(found)):
            path.unlink(missing_ok=True)
    write_json(hidden / "scan.json", summary)


def forget(out: Path) -> None:
    """Remove the batches of a finished scan."""
    shutil.rmtree(_hidden(out), ignore_errors=True)


def dropped_beside(out: Path) -> Path:
    """Where the drops of a scan to `out` are written: scenes.dropped.jsonl beside scenes.parquet."""
    return out.with_name(f"{out.stem}.dropped.jsonl")


def read_drops(out: Path) -> Iterator[dict[str, str]]:
    """Rows of the drops of a scan to `out`, streamed."""
    with dropped_beside(out).open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def _hidden(out: Path) -> Path:
    return out.with_name(f".{out.name}.scan")


@dataclass(slots=True)
class _Merge:
    """Batches become one table without two scenes of a name; what is counted on the way."""

    lines: BinaryIO
    names: Index
    limit: int | None
    kept: int = 0
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

    def full(self) -> bool:
        return self.limit is not None and self.kept >= self.limit

    def take(self, batch: Batch) -> pa.Table:
        """The scenes of a batch that stay; drops, also those of the scenes that do not, go to the file in order."""
        stay: list[int] = []
        drops = iter([*batch.drops, None])
        drop = next(drops)
        sources, licences = (batch.scenes[name].to_pylist() for name in ("source", "licence"))
        for number, name in enumerate(batch.scenes["scene_id"].to_pylist()):
            while drop and drop[0] <= number:
                self._drop(drop[1])
                drop = next(drops)
            if not self.names.add(name):
                self._drop(Drop("scene", name, "duplicate_scene", "a scene of this name was kept already").to_row())
                continue
            stay.append(number)
            self.kept += 1
            self.licences[sources[number], licences[number]] += 1
            if self.full():
                break
        else:
            while drop:
                self._drop(drop[1])
                drop = next(drops)
        return batch.scenes.take(stay) if len(stay) < batch.scenes.num_rows else batch.scenes

    def summary(self) -> dict[str, Any]:
        return {
            "sources": [
                {"source": source, "licence": licence, "scenes": number}
                for (source, licence), number in sorted(self.licences.items())
            ],
            "dropped": {level: dict(sorted(reasons.items())) for level, reasons in sorted(self.dropped.items())},
        }

    def _drop(self, row: dict[str, str]) -> None:
        self.lines.write(orjson.dumps({"stage": "scan", **row}, option=orjson.OPT_APPEND_NEWLINE))
        self.dropped.setdefault(row["level"], Counter())[row["reason"]] += 1


def _kept(listing: Listing, stored: Batches, merge: _Merge, on_step: OnStep | None) -> Iterator[pa.Table]:
    seen, total = 0, 0

    def set_total(number: int) -> None:
        nonlocal total
        total = number

    for entries in batches(listing.entries, merge.limit, set_total):
        done = seen

        def on_place() -> None:
            nonlocal done
            done += 1
            if on_step:
                on_step("scan", done, max(done, total) if total else 0)

        yield merge.take(stored.describe(entries, on_place))
        seen += len(entries)
        if on_step:
            on_step("scan", seen, max(seen, total) if total else 0)
        if merge.full():
            return
