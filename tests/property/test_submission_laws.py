"""Laws of submissions: any bytes are predictions or defects; what is said is the same in every format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from terra_cot.errors import DataError, shorten
from terra_cot.mask import encode
from terra_cot.visible import visible
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.submission import read_submission
from terrascope_bench.submission.check import Checker

NAMES = ("a", "b", "c", "d")
QUESTIONS = {name: Expected(5, 7, ("t0", "t1"), f"What of {name}?", (f"{name}.png",), "A") for name in NAMES}
PIECES = [
    b'{"results": [', b'{"question_id": "a", "answer": "A"}', b"]}", b",", b"\n", b"[", b"{", b"}", b'"', b"null",
    b'"question_id":', b'"answer": "B"', b'"question": "What of b?"', b'"image": "b.png"', b"\xef\xbb\xbf", b"\xff\xfe",
    b"PAR1", b"\x1f\x8b", b"\x00", b"\x1b[31m", b"\\ud800", b"1e999", b"-", b"NaN", b"9" * 50,
]  # fmt: skip
masks = st.builds(
    lambda frame, label, array: {"frame": frame, "label": label, "size": [5, 7], "counts": encode(array)},
    st.sampled_from(["t0", "t1"]),
    st.none() | st.text(max_size=9),
    arrays(np.bool_, (5, 7)),
)
texts = st.none() | st.text(max_size=30)
rows = st.lists(
    st.tuples(texts, texts, st.none() | st.floats(0, 1), st.lists(masks, max_size=3)), min_size=1, max_size=len(NAMES)
)


def read(name: str, data: bytes) -> list[Prediction | Defect]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            return list(read_submission(path, QUESTIONS, max_line=400))
        except DataError as error:
            return [Defect(1, "", str(error))]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["p.jsonl", "p.json"]),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=9), max_size=12),
    st.booleans(),
)
def test_any_bytes_are_predictions_or_defects(name: str, pieces: list[bytes], packed: bool) -> None:
    data = b"".join(pieces)
    if data.startswith(b"PAR1"):
        return  # a process each: `test_damaged_parquet` has them
    for item in read(name, gzip.compress(data) if packed else data):
        if isinstance(item, Defect):
            assert str(item).isprintable()
            assert item.kind
        else:
            assert item.question_id in QUESTIONS


def lines(entries: list[Any]) -> list[dict[str, Any]]:
    out = []
    for name, (response, answer, confidence, given_masks) in zip(NAMES, entries, strict=False):
        row = {
            "question_id": name,
            "response": response,
            "answer": answer,
            "confidence": confidence,
            "masks": given_masks,
        }
        out.append(row if response is not None or answer is not None else {**row, "error": "none"})
    return out


@settings(max_examples=200, deadline=None)
@given(rows)
def test_json_of_both_kinds_says_the_same(entries: list[Any]) -> None:
    own = lines(entries)
    expected = [Checker(QUESTIONS).check(row, 1) for row in own]
    assert all(isinstance(item, Prediction) for item in expected)
    results = []
    for row in own:
        rest = {name: value for name, value in row.items() if name not in ("question_id", "answer")}
        about = {"image": f"x/{row['question_id']}.jpg", "question": f"What of {row['question_id']}?", "gt_answer": "A"}
        results.append({**rest, **about, "predicted_answer": row["answer"], "task_type": "x"})
    written = [item.to_row() for item in expected if isinstance(item, Prediction)]
    with TemporaryDirectory() as folder:
        for name, data in {
            "p.jsonl": b"\r\n".join(map(orjson.dumps, own)),
            "q.jsonl.gz": gzip.compress(b"\n".join(map(orjson.dumps, written))),
            "p.json": json.dumps({"results": results}, indent=1).encode(),
        }.items():
            path = Path(folder) / name
            path.write_bytes(data)
            assert list(read_submission(path, QUESTIONS)) == expected


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows)
def test_parquet_says_the_same(entries: list[Any]) -> None:
    own = lines(entries)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.parquet"
        pq.write_table(pa.Table.from_pylist([{"error": None, **row} for row in own]), path)
        assert list(read_submission(path, QUESTIONS)) == [Checker(QUESTIONS).check(row, 1) for row in own]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_parquet(data: st.DataObject) -> None:
    """Bytes of a real file changed, its footer most of all: whatever it claims then, it is read or refused."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.parquet"
        mask = {"frame": "t0", "label": "x", "size": [5, 7], "counts": encode(np.eye(5, 7, dtype=bool))}
        pq.write_table(pa.table({"question_id": ["a", "b"], "answer": ["A", "B"], "masks": [[mask], []]}), path)
        raw = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw)
        try:
            items = list(read_submission(path, QUESTIONS))
        except DataError as error:
            items = [Defect(1, "", str(error))]
        assert all(isinstance(item, Prediction) or str(item).isprintable() for item in items)


@given(st.text(), st.integers(5, 200))
def test_shown_text_is_visible_and_short(text: str, limit: int) -> None:
    assert visible(text).isprintable()
    assert shorten(text, limit).isprintable()
    assert len(shorten(text, limit)) <= limit
