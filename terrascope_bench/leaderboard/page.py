"""A leaderboard is a folder that opens from disk: a page, its pictures, and the same rows as JSON and CSV.

The page holds its one script and one style, and names both by hash in its Content-Security-Policy: no other script
runs; no style, address or request comes from a submission. The same scorecards give the same bytes, in whatever order
and from whatever folder they are named. The folder is made beside its place and renamed into it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import ConfigError
from terra_cot.export.place import claim, fresh, replaced
from terra_cot.store.atomic import write_bytes, write_json
from terra_cot.visible import visible
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.leaderboard.cards import NAME_CHARACTERS, chances, find_benchmark, make_cards
from terrascope_bench.leaderboard.charts import bars, scatter
from terrascope_bench.leaderboard.reported import reported
from terrascope_bench.leaderboard.sheet import sheet
from terrascope_bench.leaderboard.table import Ranking, rank
from terrascope_bench.leaderboard.worst import worst
from terrascope_bench.report.images import Images
from terrascope_bench.tasks import TASKS

NOTE = "leaderboard.json"
WORST = 6
"""Questions shown a list unless another number is asked for."""
_TOLD_CHARACTERS = 400
OnStep = Callable[[int, int], None]


def write_leaderboard(
    paths: Sequence[Path],
    out: Path,
    *,
    bench: Path | None = None,
    show: int = WORST,
    seed: int = 0,
    force: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write the folder `out`; returns the value of `leaderboard.schema.json` that stands in it.

    Args:
        bench: the benchmark folder that pictures come from; None for where the scorecards say.
        show: worst questions a list.
        seed: of the intervals of paired differences.

    Raises:
        ConfigError: no scorecard, or a benchmark that none of them was scored on.
        ConflictError: `out` holds something else, or a leaderboard that `force` was not given for.
        DataError, SchemaError: a file that is no scorecard.
    """
    if not paths:
        raise ConfigError("name at least one scorecard")
    claim(out, NOTE, {"kind": "leaderboard"}, appends=False, force=force)
    rankings, refused = rank(paths, seed)
    given = None if bench is None else open_benchmark(bench).sha256
    if given is not None and rankings and given not in {ranking.benchmark for ranking in rankings}:
        raise ConfigError(f"{bench}: none of the scorecards is of this benchmark version ({given[:12]})")
    paper = reported()
    board: dict[str, Any] = {
        "kind": "leaderboard",
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "seed": seed,
        "rankings": [],
        "reported": {"source": paper["source"], "rows": paper["rows"]},
        "refused": [*refused, *paper["refused"]],
    }
    step = on_step or (lambda done, total: None)
    with fresh(out) as temporary:
        images = Images(temporary)
        sections = []
        for done, ranking in enumerate(rankings, start=1):
            value, section = _ranking(ranking, bench if ranking.benchmark == given else None, show, images)
            board["rankings"].append(value)
            sections.append(section)
            step(done, len(rankings))
        write_bytes(temporary / "index.html", _page(board, sections).encode("utf-8"))
        write_bytes(temporary / "leaderboard.csv", sheet(board).encode("utf-8"))
        write_json(temporary / NOTE, board)
        replaced(out, temporary, NOTE, force)
    return board


def _ranking(ranking: Ranking, bench: Path | None, show: int, images: Images) -> tuple[dict[str, Any], dict[str, Any]]:
    """One ranking as it is written, and what only the page shows of it: charts and cards."""
    rows = ranking.rows()
    lists = worst(ranking, show) if show else {}
    benchmark, problem = find_benchmark(ranking, bench)
    notes = [] if benchmark is not None else [f"no questions with pictures: the benchmark is not at hand ({problem})"]
    chance: dict[str, float] = {}
    cards: dict[str, Any] = {}
    if benchmark is not None:
        chance = chances(benchmark)
        cards, missing = make_cards(ranking, lists, benchmark, images)
        notes += missing
    value = {
        "benchmark": {"sha256": ranking.benchmark, "n": ranking.size},
        "extractor": ranking.extractor,
        "rows": rows,
        "worst": {name: [entry.question_id for entry in entries] for name, entries in lists.items()},
        "notes": notes,
    }
    charts = [bars(rows, code, chance.get(code)) for code in TASKS if code in rows[0]["tasks"]]
    return value, {"bars": charts, "scatter": scatter(rows), "cards": cards}


def _page(board: dict[str, Any], sections: list[dict[str, Any]]) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = files(__package__).joinpath("page")
    style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("board.css", "board.js"))
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters["name"] = lambda text: visible(text, limit=NAME_CHARACTERS)
    environment.filters["told"] = lambda text: visible(text, limit=_TOLD_CHARACTERS)
    template = environment.from_string(folder.joinpath("index.html.j2").read_text(encoding="utf-8"))
    return template.render(
        board=board,
        sections=sections,
        tasks={code: task.name.replace("_", " ") for code, task in TASKS.items()},
        style=Markup(style),  # our own files: the only text that is not escaped
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    """A source of a Content-Security-Policy: exactly this text."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}"
