"""Tables at any width: no number and no word is cut, what has no room is named, in a pipe all of it is a line a row."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cardfactory import scorecard, submit
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.table import print_table

WIDTHS = (40, 60, 80, 100, 120)
MORE = re.compile(r"(\d+) more columns?: --json \((.*)\)", re.DOTALL)
CELLS = st.none() | st.integers(-10_000, 10_000) | st.text("ab 1.-_/é漢[", max_size=30)
NUMBER = re.compile(r"[-+]?\d+\.\d+")


@pytest.fixture(scope="module")
def cards(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two scorecards; the second has questions that are unparsed, missing and failed, and a long name."""
    folder = tmp_path_factory.mktemp("cards")
    good = submit(bench, folder / "good.jsonl", skill=0.8)
    lines = submit(bench, folder / "terrascope-nano+measured.jsonl", skill=0.4, seed=1).read_text().splitlines()
    rows = [json.loads(line) for line in lines[5:]]
    rows[0]["response"] = "I cannot tell"
    rows[1] = {"question_id": rows[1]["question_id"], "error": "out of memory"}
    bad = folder / "terrascope-nano+measured.jsonl"
    bad.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [scorecard(bench, path, folder / f"{path.stem}.json") for path in (good, bad)]


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int | None, *table: Any) -> str:
    if width is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(width))
    *drawn, least = table
    print_table(*drawn, least=least)
    return capsys.readouterr().out


def words(text: str) -> set[str]:
    return set(text.replace("─", " ").split())


def tables(cards: list[Path], bench: Path, folder: Path) -> list[tuple[Any, ...]]:
    """What `score`, `compare`, `leaderboard` and `blind` draw: (title, columns, rows, colours, least)."""
    from pipelines.bench import compare as compare_command
    from pipelines.bench import leaderboard as board_command
    from pipelines.bench.scorecard_text import LEAST, scorecard_table
    from terrascope_bench.compare import compare
    from terrascope_bench.leaderboard import write_leaderboard

    out: list[tuple[Any, ...]] = [
        ("score", *scorecard_table(json.loads(path.read_text())), None, LEAST) for path in cards
    ]
    pairs = compare(cards)["pairs"]
    out += [("compare", *compare_command.comparison_table(pair), None, compare_command.LEAST) for pair in pairs]
    board = write_leaderboard(cards, folder / "site", bench=bench)
    out += [(*table, None, board_command.least_of(table[1])) for table in board_command.leaderboard_tables(board)]
    return out


def test_no_number_is_cut_at_any_width(
    cards: list[Path],
    bench: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for table in tables(cards, bench, tmp_path):
        whole = shown(capsys, monkeypatch, None, *table)
        assert "more column" not in whole
        for width in WIDTHS:
            text = shown(capsys, monkeypatch, width, *table)
            assert max(map(len, text.splitlines())) <= width, text
            more = MORE.search(text)
            named = " ".join(more[2].split()).split(", ") if more else []
            # "macro [95 %]" and the like hold no comma, so the list of names can be read back
            assert len(named) == (int(more[1]) if more else 0)
            columns = table[1]
            assert set(named) < set(columns)
            kept = [k for k, name in enumerate(columns) if name not in named]
            wanted = Counter(number for row in table[2] for k in kept for number in NUMBER.findall(str(row[k])))
            body = text[: more.start()] if more else text
            assert Counter(NUMBER.findall(body.partition("─\n")[2])) == wanted, text
            assert not words(body) - words(whole) - {"nano+measured", "terrascope-"}, text


def test_what_a_row_is_ranked_by_outlives_the_rest(
    cards: list[Path],
    bench: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    score, _, compared, board, reported = tables(cards, bench, tmp_path)
    assert "accuracy" in shown(capsys, monkeypatch, 40, *score)
    assert "accuracy" in shown(capsys, monkeypatch, 40, *compared)
    for ranking in (board, reported):
        assert "macro" in shown(capsys, monkeypatch, 40, *ranking).partition("─")[0]
    assert "origin" not in reported[1]  # the same for every row: the title says it
    assert reported[0].startswith("reported in ")


def test_a_table_without_room_is_still_whole_in_its_first_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ("t", ["file", "n"], [["a/very-long/path_of/files.json", 3], ["x" * 50, 1_000_000]], None, ())
    text = shown(capsys, monkeypatch, 20, *table)
    assert max(map(len, text.splitlines())) <= 20
    assert "".join(text.split()).count("x") == 50
    assert [line for line in text.splitlines() if line.startswith("1 more column")] == ["1 more column:"]
    assert "path_of/" in text  # behind a sign, not within a word
    wide = shown(capsys, monkeypatch, 60, *table)
    assert "a/very-long/path_of/files.json" in wide
    assert "1000000" in wide


@given(
    rows=st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=4),
    width=st.integers(25, 130),
)
def test_any_table_fits_any_width(rows: list[list[Any]], width: int) -> None:
    out = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": str(width)}), contextlib.redirect_stdout(out):
        print_table("", ["a", "b", "c", "d"], rows)
    body = out.getvalue().partition(" more column")[0].rpartition("\n")[0]
    assert max(map(cell_len, body.splitlines()), default=0) <= width, out.getvalue()
