"""Bombs and endless files: refused or read within 600 MB, by the command line, and never hung on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS, gzip_of

ROOT = Path(__file__).parents[3]
PEAK_LIMIT_MB = 600
# The peak of the program itself, and of the process that unpacks for it.
CODE = """
import re, resource, sys
from pathlib import Path
from pipelines.terrascope_bench import main
try:
    main()
finally:
    own = int(re.findall(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[0])
    print("peak_kb", max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), file=sys.stderr)
"""
TOLD = {
    "same_long_text": "needs more than",
    "one_page": "needs more than",
    "many_long_rows": "it expands to more than",
    "rows_of_nothing": "too many rows",
    "rows_in_bounds": "row 1: question_id: is missing",
    "one_row_of_masks": "needs more than",
    "many_columns": "row 1: question_id: no such question",
    "pickled_type": "row 1: question_id: no such question",
}


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and standard error of `terrascope-bench`; its memory is held to the limit."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    text, _, peak = done.stderr.decode("utf-8", "replace").rpartition("peak_kb ")
    assert int(peak) // 1024 < PEAK_LIMIT_MB
    assert "Traceback" not in text
    return done.returncode, text


@pytest.mark.parametrize("name", list(BOMBS))
def test_bombs_of_parquet(name: str, bench: Path, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.parquet"
    BOMBS[name](path)
    code, text = run("validate", path, "--bench", bench, "--quiet", "--limit", 30)
    assert code == (2 if name == "rows_of_nothing" else 1)
    assert TOLD[name] in text
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name], "something in the file was run"


def test_rows_before_the_bomb_are_told(bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    BOMBS["many_long_rows"](path)
    _, text = run("validate", path, "--bench", bench, "--quiet", "--limit", 1000)
    rows = text.strip().splitlines()
    assert len(rows) > 10
    assert all(f"row {number}: " in row for number, row in enumerate(rows, start=1))
    assert "what follows was not read" in rows[-1]
    code, text = run("score", path, "--bench", bench, "--quiet")
    assert code == 2
    assert "so there is no score" in text


@pytest.mark.parametrize(
    ("piece", "times", "told"),
    [
        (b"\0" * 2**20, 600, "expands to more than"),
        (b"\n" * 2**20, 40, "expands to more than"),
        (b'{"results": [' + b"[" * 2**20, 300, "expands to more than"),
    ],
)
def test_bombs_of_gzip(piece: bytes, times: int, told: str, bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl.gz"
    gzip_of(path, piece, times)
    code, text = run("validate", path, "--bench", bench, "--quiet")
    assert code == 1
    assert text.count("\n") < 4
    assert told in text or "without the end of a result" in text


def test_a_million_lines_of_garbage(bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"".join(b'{"question_id": "%d", "answer": 1}\nnot json\n' % n for n in range(500_000)))
    code, text = run("validate", path, "--bench", bench, "--quiet", "--limit", 5)
    assert code == 1
    assert text.splitlines()[-1].endswith("... and 1499995 more")


@pytest.mark.parametrize(
    "body",
    [
        b'{"results": [' + b"[" * 20_000_000,
        b'{"results": [' + b"[" * 900_000 + b"]" * 900_000 + b"]}",
        b'{"results": [' + b'{"a":' * 900_000,
        b'{"results": ["' + b"x" * 200_000_000 + b'"]}',
        b'{"results": [' + b"1," * 300_000 + b"1]}",
        b'{"results": [[' + b"1," * 8_000_000 + b"1]]}",
        b'{"other": [' + b"[],{}," * 5_000_000 + b'1], "results": []}',
        b'{"results": [' + b"9" * 1_000_000 + b"]}",
        b'{"results": [{"question": "' + b"\\u0041" * 1_000_000 + b'"}]}',
    ],
    ids=["nested", "nested and closed", "objects", "text", "numbers", "list", "beside", "number", "escapes"],
)
def test_hostile_json(body: bytes, bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(body)
    code, text = run("validate", path, "--bench", bench, "--quiet", "--limit", 3)
    assert code == 1
    assert text.startswith(f"{path}: result 1: ")
    assert all(len(row) < 500 for row in text.splitlines())


def test_what_is_no_file_does_not_hang(bench: Path, tmp_path: Path) -> None:
    pipe, loop = tmp_path / "pipe", tmp_path / "loop"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path in (pipe, loop, tmp_path, Path("/dev/zero"), Path("/dev/stdin")):
        code, text = run("validate", path, "--bench", bench)
        assert code == 2
        assert text.startswith(f"error: {path}: cannot be read (")
        assert text.count("\n") == 1
