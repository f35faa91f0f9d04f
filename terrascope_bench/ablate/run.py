"""All pieces of an ablation, side by side in processes of their own; killed, finished pieces are kept.

The result does not depend on how many go at once: a piece draws from its own seed, and is scored by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import ConfigError, ConflictError, DataError, did_you_mean
from terra_cot.store.atomic import sha256_json, write_bytes, write_json
from terra_cot.store.manifest import manifest_sha256
from terrascope_bench.ablate.page import page
from terrascope_bench.ablate.picture import draw_ablation
from terrascope_bench.ablate.plan import Piece, Plan, plan
from terrascope_bench.ablate.recipe import AblationRecipe
from terrascope_bench.ablate.subset import subset
from terrascope_bench.ablate.table import tabulate
from terrascope_bench.ablate.work import CARD, steps_done, work
from terrascope_bench.benchmark import open_benchmark

OnStep = Callable[[int, int], None]
TABLE, PAGE, PICTURE = "ablation.json", "ablation.md", "ablation.png"
_LOOK_S = 2.0


def ablate(
    recipe: AblationRecipe,
    out: Path,
    data: Sequence[Path],
    bench: Path,
    *,
    only: Sequence[str] = (),
    jobs: int = 1,
    on_step: OnStep | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Train and score every arm (or `only` some) at every seed into `out`, and write table, page and picture.

    Returns:
        The table, as written.

    Raises:
        ConfigError: an unknown arm, no data. ConflictError: `out` holds something else.
        DataError, SchemaError: data, benchmark or weights that cannot be read.
    """
    if not data:
        raise ConfigError("name at least one dataset folder: --data DIR")
    chosen = _chosen(recipe, only)
    hashes = [manifest_sha256(folder) for folder in data]
    identity = {"recipe": chosen.model_dump(mode="json"), "data": hashes}
    _claim(out, identity, force)
    source = open_benchmark(bench)
    benches = {
        shown: subset(source, out / "questions" / shown, shown, chosen.limit)
        for shown in sorted({arm.shown for arm in chosen.arms.values()})
    }
    made = plan(chosen, out, hashes, benches)
    _do(made, data, jobs, on_step or (lambda done, total: None))
    cards = {(arm, seed): piece.folder / CARD for (arm, seed), piece in made.scored.items()}
    table = {
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "recipe": chosen.name,
        "recipe_sha256": sha256_json(identity["recipe"]),
        "data": hashes,
        "benchmark": {"sha256": source.sha256, "asked": {shown: count for shown, (_, _, count) in benches.items()}},
        **tabulate(chosen, cards),
    }
    write_json(out / TABLE, table)
    write_bytes(out / PAGE, page(table).encode())
    draw_ablation(table, out / PICTURE)
    return table


def _chosen(recipe: AblationRecipe, only: Sequence[str]) -> AblationRecipe:
    """The recipe with those arms alone, and what is said of them."""
    for name in only:
        if name not in recipe.arms:
            known = tuple(recipe.arms)
            raise ConfigError(f"no arm {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})")
    if not only:
        return recipe
    groups = {}
    for key, group in recipe.groups.items():
        reported = {arm: value for arm, value in group.reported.items() if arm in only}
        orderings = tuple(pair for pair in group.orderings if set(pair) <= set(only))
        if reported:
            groups[key] = group.model_copy(update={"reported": reported, "orderings": orderings})
    arms = {name: arm for name, arm in recipe.arms.items() if name in only}
    return recipe.model_copy(update={"arms": arms, "groups": groups})


def _claim(out: Path, identity: dict[str, Any], force: bool) -> None:
    """Make `out` ready. Pieces are named by what they follow from, so those of another recipe do no harm."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    record = out / "ablate.json"
    if out.is_dir() and any(out.iterdir()) and not record.is_file() and not force:
        raise ConflictError(f"{out}: holds something else; name another folder")
    write_json(record, identity)


def _do(made: Plan, data: Sequence[Path], jobs: int, on_step: OnStep) -> None:
    """Every piece, as soon as what it needs is finished; the first failure ends all, what is finished stays."""
    left = list(made.pieces)

    def look() -> None:
        on_step(round(sum(steps_done(piece) for piece in made.pieces)), made.cost)

    look()
    # Spawned: torch's threads do not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        going: dict[Future[None], Piece] = {}
        done: set[Path] = set()
        try:
            while left or going:
                ready = [piece for piece in left if piece.after is None or piece.after in done]
                for piece in ready[: jobs - len(going)]:
                    left.remove(piece)
                    going[pool.submit(work, piece, list(data), jobs == 1)] = piece
                if not going:
                    raise DataError("pieces wait for one another", expected="a plan in order")
                finished, _ = wait(going, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    piece = going.pop(future)
                    future.result()
                    done.add(piece.folder)
                look()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
