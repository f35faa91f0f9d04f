"""A benchmark is built in two passes: texts and numbers from label maps first, pictures only of what was chosen.

Memory holds light candidates, texts of questions and one row group. The same tiles and seed give the same bytes, in
whatever order the folders are named. Nothing vanishes: tiles read = used + dropped by reason, candidates = questions +
refused by named filter + left over, and questions = shown + not possible by reason for every variant, all in the
manifest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from terra_cot.balance.leakage import PLACES_NAME
from terra_cot.counted import counted
from terra_cot.errors import ConfigError, DataError
from terra_cot.legend import View
from terra_cot.store.atomic import write_bytes
from terra_cot.store.manifest import file_entry, manifest_parts, manifest_sha256, read_manifest, write_manifest
from terra_cot.store.shards import TILES
from terrascope_bench.blind import blind_report, write_blind
from terrascope_bench.build.propose import Counts, Wanted, count_tiles, default_split, propose
from terrascope_bench.build.questions import Written, write_questions
from terrascope_bench.build.training import check_training
from terrascope_bench.build.variants import check_variants
from terrascope_bench.card import card
from terrascope_bench.folder import claim
from terrascope_bench.selection import Pool, Selection
from terrascope_bench.tasks import TASKS, Candidate

OnStep = Callable[[int, int], None]
SPLITS = ("all", "train", "validation", "test")


def build_benchmark(
    datasets: Sequence[Path],
    out: Path,
    *,
    seed: int = 0,
    per_task: int | None = None,
    view: View = "display",
    split: str | None = None,
    variants: Sequence[str] = ("optical",),
    rasters: bool = False,
    on_step: OnStep | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the benchmark folder `out` from the tiles of finished datasets; returns its manifest.

    Args:
        per_task: questions a task at most; None for the published numbers. A question in several variants is one.
        split: all, train, validation or test; None takes "test" where any tile has it, else all.
        variants: of VARIANTS; every question becomes a row in each that its tile can show.
        rasters: keep the frames' GeoTIFFs with all bands beside their pictures.

    Raises:
        ConfigError: an unknown split or variant, no dataset. ConflictError: `out` is in use.
        DataError: a dataset cannot be read, two tiles share a name, not one question could be made, or a training tile
            of the same datasets shows what a question of the test split shows.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"no split {split!r} (known: {', '.join(SPLITS)})")
    if not datasets:
        raise ConfigError("name at least one dataset folder")
    shown = check_variants(variants)
    manifests = {folder: read_manifest(folder, "dataset") for folder in datasets}
    parts = [
        folder / part.path
        for folder in datasets
        for part in manifest_parts(manifests[folder])
        if part.path.startswith(f"{TILES.name}/")
    ]
    claim(out, force)
    total = count_tiles(parts)
    wanted = Wanted(seed, view, split or default_split(parts), shown)
    step = on_step or (lambda done, of: None)
    counts = Counts()
    pools = propose(parts, wanted, per_task, counts, lambda done: step(done, 2 * total))
    selections = _select(pools)
    chosen = _by_tile(selections)
    if not chosen:
        raise DataError(
            "no question could be made from these tiles",
            file=", ".join(map(str, datasets)),
            got=_told(sum(pool.size for pool in pools.values()), counts),
            fix="questions are asked in whole sets, in which each option is right once, and these make none: "
            f"give more tiles with label maps{'' if wanted.split == 'all' else ', or --split all'}",
        )
    counts.dropped["not_selected"] = counts.read - sum(counts.dropped.values()) - len(chosen)
    checked = check_training(parts, chosen, wanted.split, out)
    made, written = write_questions(out, parts, chosen, wanted, rasters, lambda done: step(total + done, 2 * total))
    table, summary = blind_report(written.texts)
    body = {
        "seed": seed,
        "split": wanted.split,
        "view": view,
        "rasters": rasters,
        "datasets": _datasets(manifests),
        "sources": [
            {"source": source, "licence": licence, "questions": n}
            for (source, licence), n in sorted(written.sources.items())
        ],
        "training_tiles_checked": checked,
        "files": [write_blind(out, table), file_entry(out, PLACES_NAME)],
        "tiles": {"read": counts.read, "used": len(chosen), "dropped": _positive(counts.dropped)},
        "tasks": {code: _task_counts(code, counts, selections[code]) for code in TASKS},
        "variants": _variants(shown, written),
        "rows": _positive(written.endings),
        "blind": summary,
    }
    write_bytes(out / "README.md", card(body, made).encode())
    return write_manifest(out, "benchmark", body, made)


def _select(pools: dict[str, Pool]) -> dict[str, Selection]:
    """The task with the fewest candidates chooses first: what it asks about is closed to the others."""
    asked: set[tuple[str, ...]] = set()
    return {code: pools[code].select(asked) for code in sorted(TASKS, key=lambda code: (pools[code].size, code))}


def _told(candidates: int, counts: Counts) -> str:
    """`13 candidates; 1 of 21 tiles has a label map`, of the split that was asked for."""
    other = counts.dropped["other_split"]
    looked_at = counts.read - other
    mapped = looked_at - counts.dropped["no_label_map"]
    told = f"{counted(candidates, 'candidate')}; {mapped} of {counted(looked_at, 'tile')}"
    return f"{told} {'has' if mapped == 1 else 'have'} a label map{f' ({other} of another split)' if other else ''}"


def _by_tile(selections: dict[str, Selection]) -> dict[str, list[Candidate]]:
    out: dict[str, list[Candidate]] = defaultdict(list)
    for selection in selections.values():
        for candidate in selection.chosen:
            out[candidate.tile_id].append(candidate)
    return dict(out)


def _datasets(manifests: dict[Path, dict[str, Any]]) -> list[dict[str, Any]]:
    entries = []
    for folder, manifest in manifests.items():
        tiles = sum(part.rows for part in manifest_parts(manifest) if part.path.startswith(f"{TILES.name}/"))
        entries.append({"sha256": manifest_sha256(folder), "tiles": tiles})
    return sorted(entries, key=lambda entry: str(entry["sha256"]))


def _task_counts(code: str, counts: Counts, selection: Selection) -> dict[str, Any]:
    return {
        "questions": len(selection.chosen),
        "letters": dict(sorted(Counter(candidate.answer for candidate in selection.chosen).items())),
        "balanced_within": list(selection.levels),
        "candidates": counts.proposed[code],
        "refused": {name: counts.refused[code][name] for name in TASKS[code].filters},
        "left": _positive(selection.left),
    }


def _variants(shown: Sequence[str], written: Written) -> dict[str, Any]:
    """For each variant: questions = shown + the sum of not_possible; `instead` of these have other frames instead."""
    return {
        name: {
            "shown": written.shown[name],
            "not_possible": {reason: n for (of, reason), n in sorted(written.impossible.items()) if of == name},
            "instead": written.instead[name],
        }
        for name in shown
    }


def _positive(counter: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in sorted(counter.items()) if n}
