"""300 malformed lines: each is refused with its own number, in bounded memory, without a traceback."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from terra_cot.mask import encode
from terrascope_bench.benchmark import open_benchmark

ROOT = Path(__file__).parents[3]
PEAK_LIMIT_MB = 600
# VmHWM is of the program that runs; ru_maxrss would count the test process that started it too.
CODE = """
import re, sys
from pathlib import Path
from pipelines.terrascope_bench import main
try:
    main()
finally:
    print("peak_kb", *re.findall(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text()), file=sys.stderr)
"""


def malformed(bench: Path) -> list[bytes]:
    """300 lines, no two of one kind and question; none may pass."""
    questions = list(open_benchmark(bench).questions(images=False))[:-20]  # the last ones are answered well
    rng = random.Random(0)
    import numpy as np

    out: list[bytes] = []
    makers = 0
    while len(out) < 300:
        question = questions[len(out) % len(questions)]
        height, width = question.height, question.width
        frame = question.frames[0].frame
        good = encode(np.eye(height, width, dtype=bool))
        name = question.question_id

        def with_mask(
            name: str = name, frame: str = frame, good: str = good, size: Any = (height, width), **changes: Any
        ) -> Any:
            mask = {"frame": frame, "label": "x", "size": list(size), "counts": good, **changes}
            return {"question_id": name, "answer": "A", "masks": [mask]}

        kinds: list[Any] = [
            b'{"question_id": "' + name.encode() + b'", "answer": "A"',
            b"not json at all",
            b'{"question_id": "' + name.encode() + b'", "answer": NaN}',
            b'{"question_id": "' + name.encode() + b'", "answer": "A", "masks": [{"size": [NaN, Infinity]}]}',
            b'{"question_id": "\xff\xfe", "answer": "A"}',
            b'{"question_id": "\\ud800", "answer": "A"}',
            b"\x00\x01\x02\x03",
            b"[" * 5000,
            b'{"a":' * 5000,
            {"question_id": f"unknown-{rng.random()}", "answer": "A"},
            {"question_id": name[:-1], "answer": "A"},
            {"question_id": 5, "answer": "A"},
            {"question_id": None, "answer": "A"},
            {"answer": "A"},
            {"question_id": name},
            {"question_id": name, "answer": 1.5},
            {"question_id": name, "answer": ["A"]},
            {"question_id": name, "response": {"text": "A"}},
            {"question_id": name, "answer": "A", "masks": "none"},
            {"question_id": name, "answer": "A", "masks": {"0": 1}},
            {"question_id": name, "answer": "A", "masks": [1, 2]},
            {"question_id": name, "answer": "A", "masks": [[]] * 1000},
            {"question_id": name, "answer": "A", "mask": []},
            with_mask(size=(width + 1, height)),
            with_mask(size=(40_000, 25_000)),
            with_mask(size=(2**31, 2**31)),
            with_mask(size=(-height, -width)),
            with_mask(size=(0, 0)),
            with_mask(size=(height, width, 3)),
            with_mask(size=(float(height), width)),
            with_mask(frame="t9"),
            with_mask(frame=3),
            with_mask(label=["x"]),
            with_mask(label="x" * 10_000),
            with_mask(counts=good[:-1]),
            with_mask(counts=good + "1"),
            with_mask(counts=""),
            with_mask(counts="oooooooooooooooo"),
            with_mask(counts="N0N0"),
            with_mask(counts="\x7f\x00"),
            with_mask(counts=[height * width]),
            with_mask(counts=None),
            with_mask(counts="1" * 1_000_000),
            with_mask(counts="PPPPPPP0" * 50),
            3,
            "text",
            None,
            True,
            [],
            [{"question_id": name, "answer": "A"}],
            {},
        ]
        kind = kinds[makers % len(kinds)]
        out.append(kind if isinstance(kind, bytes) else json.dumps(kind).encode())
        makers += 1
    return out


def run(*arguments: object) -> tuple[int, str, int]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    errors = done.stderr.decode("utf-8", "replace")
    text, _, peak = errors.rpartition("peak_kb ")
    return done.returncode, text, int(peak) // 1024


def test_each_of_300_is_refused_by_its_number(bench: Path, tmp_path: Path) -> None:
    lines = malformed(bench)
    # Real answers before, between and after, so that the numbers are not simply 1 to 300.
    questions = list(open_benchmark(bench).questions(images=False))[::-1]
    path = tmp_path / "hostile.jsonl"
    numbers: list[int] = []
    with path.open("wb") as handle:
        number = 0
        for position, line in enumerate(lines):
            if position % 20 == 0:
                number += 1
                handle.write(
                    json.dumps({"question_id": questions[position // 20].question_id, "answer": "A"}).encode() + b"\n"
                )
            number += 1
            numbers.append(number)
            handle.write(line + b"\n")
        for _ in range(2):
            number += 1
            numbers.append(number)
            if len(numbers) % 2:
                handle.write(b'{"question_id": "' + b"x" * 50 * 2**20 + b'"}\n')
            else:
                handle.write(b"[" + b"{}," * (5 * 2**20) + b"{}]\n")
        number += 1
        numbers.append(number)
        handle.write(json.dumps({"question_id": questions[0].question_id, "answer": "A"}).encode() + b"\n")
    code, text, peak = run("validate", path, "--bench", bench, "--quiet", "--limit", "10000")
    assert code == 1
    assert "Traceback" not in text
    rows = text.strip().splitlines()
    assert all(row.startswith(f"{path}: line ") for row in rows)
    assert all(len(row) < 600 for row in rows)
    reported = [int(row.removeprefix(f"{path}: line ").split(":")[0]) for row in rows]
    assert sorted(set(reported)) == numbers
    assert "answered already on line 1" in rows[-1]
    assert peak < PEAK_LIMIT_MB, f"{peak} MB"


def test_score_refuses_it_too(bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.jsonl"
    path.write_bytes(b"\n".join(malformed(bench)))
    code, text, peak = run("score", path, "--bench", bench, "--quiet")
    assert code == 2
    assert "Traceback" not in text
    assert text.count("\n") == 1
    assert "so there is no score" in text
    assert peak < PEAK_LIMIT_MB


def test_a_line_at_the_limit_of_deep_or_wide_json(bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    size = 15 * 2**20
    wide = (
        b"[" + b"[]," * (size // 3) + b"[]]",
        b"[" + b"1.5," * (size // 4) + b"1]",
        b'"' + b"\\u0000" * (size // 6) + b'"',
    )
    path.write_bytes(b"\n".join(wide))
    code, text, peak = run("validate", path, "--bench", bench, "--quiet", "--limit", "10000")
    assert code == 1
    assert [row.split("line ")[1][0] for row in text.strip().splitlines()] == ["1", "2", "3"]
    assert peak < PEAK_LIMIT_MB, f"{peak} MB"
