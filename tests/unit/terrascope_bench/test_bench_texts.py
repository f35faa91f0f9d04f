"""RLE texts are read in batches: the same predictions and defects, in the same order, as line by line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from terra_cot.mask import encode
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.submission import read_submission, texts
from terrascope_bench.submission.check import Checker

SIZE = (5, 7)
GOOD = encode(np.eye(5, 7, dtype=bool))
BAD = ("", GOOD[:-1], GOOD + "0", "~", "é", "N1")
N = 700


def lines() -> list[dict[str, object]]:
    """Every eleventh line has a bad text, every thirteenth another defect, some both."""
    out: list[dict[str, object]] = []
    for k in range(N):
        counts = [GOOD, BAD[k % len(BAD)] if k % 11 == 0 else GOOD, BAD[-1] if k % 22 == 0 else GOOD]
        masks = [{"frame": "t0", "label": "x", "size": list(SIZE), "counts": text} for text in counts]
        out.append({"question_id": f"q{k}", "answer": 5 if k % 13 == 0 else "A", "masks": masks})
    return out


@pytest.mark.parametrize("limit", [1, 100, texts._CHARS])
def test_batches_say_what_lines_alone_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(texts, "_CHARS", limit)
    questions = {f"q{k}": Expected(*SIZE, ("t0",)) for k in range(N)}
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines())))
    alone: list[Prediction | Defect] = []
    checker = Checker(questions)
    for number, line in enumerate(lines(), start=1):
        checked = checker.check(line, number)
        alone += checked if isinstance(checked, list) else [checked]
    found = list(read_submission(path, questions))
    assert found == alone
    bad = [item for item in found if isinstance(item, Defect) and item.kind == "mask_counts"]
    assert len(bad) == len(range(0, N, 11)) + len(range(0, N, 22))
    assert {item.field for item in bad} == {"masks[1].counts", "masks[2].counts"}
    assert sum(isinstance(item, Prediction) for item in found) == sum(k % 11 > 0 and k % 13 > 0 for k in range(N))
