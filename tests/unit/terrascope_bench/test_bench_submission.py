"""Every way a submission may come: formats told apart, results matched without a guess, damage told at its place."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator

from terra_cot.errors import DataError
from terra_cot.mask import encode
from terrascope_bench.prediction import (
    FIELDS,
    MASK_FIELDS,
    MAX_COUNTS,
    MAX_LABEL,
    MAX_MASKS,
    MAX_RESIZED_PX,
    MAX_SIDE,
    Defect,
    Expected,
    Prediction,
)
from terrascope_bench.submission import limits, read_submission
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.inventory import take_inventory

QUESTIONS = {
    "a-opt": Expected(4, 6, ("t0",), "How much water?", ("tile_1.png",), "B"),
    "a-sar": Expected(4, 6, ("t0",), "How much water?", ("tile_1.png",), "B"),
    "b-opt": Expected(4, 6, ("t0",), "How much water?", ("tile_2.png",), "A"),
    "c-opt": Expected(4, 6, ("t0", "t1"), "Which is larger?", ("tile_1.v2.tif",), "A"),
    "d-opt": Expected(4, 6, ("t0",), "Do they touch?"),
}
ROOT = Path(__file__).parents[3]
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas" / "official_results.schema.json").read_text()))
COUNTS = encode(np.eye(4, 6, dtype=bool))


def read(path: Path, **options: Any) -> list[Prediction | Defect]:
    return list(read_submission(path, QUESTIONS, **options))


def results(tmp_path: Path, *entries: Any, **beside: Any) -> list[Prediction | Defect]:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**beside, "results": list(entries)}))
    return read(path)


def result(**changes: Any) -> dict[str, Any]:
    return {
        "image": "images/tile_2.png",
        "question": "How much water?",
        "predicted_answer": "A",
        "gt_answer": "A",
        "response": "<answer>A</answer>",
        "task_type": "coverage_percentage",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "b-opt"),
        ({"question": "  How much water?\n"}, "b-opt"),
        ({"image": "C:\\data\\tile_2.png"}, "b-opt"),
        ({"image": "tile_2"}, "b-opt"),
        ({"image": "tile_2.jpg"}, "b-opt"),
        ({"gt_answer": None, "response": None}, "b-opt"),
        ({"gt_answer": " a"}, "b-opt"),
        ({"question": "Which is larger?", "image": None}, "c-opt"),
        ({"question": "Which is larger?", "image": "tile_1.v2.tif"}, "c-opt"),
        ({"question": "Do they touch?", "image": "anything.png", "gt_answer": "D"}, "d-opt"),
        ({"question_id": "a-sar", "gt_answer": "B"}, "a-sar"),
        ({"question_id": "a-sar", "gt_answer": "B", "question": None, "image": None}, "a-sar"),
        (
            {"confidence": 0.5, "masks": [{"label": "water", "size": [4, 6], "counts": COUNTS}], "extra": {"x": [1]}},
            "b-opt",
        ),
    ],
)
def test_results_that_find_their_question(changes: dict[str, Any], name: str, tmp_path: Path) -> None:
    assert SCHEMA.is_valid({"results": [result(**changes)]})
    (item,) = results(tmp_path, result(**changes), accuracy={"CA": [0.5]}, model=None)
    assert isinstance(item, Prediction), item
    assert (item.question_id, item.answer, item.line) == (name, "A", 1)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"question": "How much grass?"}, "unknown_question", "no question of the benchmark has this text"),
        ({"question": "how much water?"}, "unknown_question", "made for"),
        ({"question": None}, "unknown_question", "question: must be text"),
        ({"image": "tile_3.png"}, "unknown_question", "not asked|no question with this text"),
        ({"image": {"bytes": "", "path": "tile_2.png"}}, "unknown_question", "name of the image"),
        ({"image": "tile_1.png"}, "ambiguous_question", "2 questions fit (a-opt, a-sar); add question_id"),
        ({"image": None}, "ambiguous_question", "3 questions fit (a-opt, a-sar, b-opt); add image or question_id"),
        ({"question": "Which is larger?", "image": "tile_1.v3.tif"}, "unknown_question", "got tile_1.v3.tif"),
        ({"gt_answer": "C"}, "other_benchmark", "another version|got C, expected A"),
        ({"gt_answer": "25 %"}, "other_benchmark", "got 25 %, expected A"),
        ({"gt_answer": 0}, "other_benchmark", "the number 0"),
        ({"question_id": "c-opt"}, "other_benchmark", "not the text of that question"),
        ({"question_id": "c-op"}, "unknown_question", "no such question"),
        ({"question_id": 4}, "no_question_id", "must be text"),
        ({"answer": "A"}, "unknown_field", "whose answer"),
        ({"predicted_answer": None, "response": None}, "no_reply", "needs"),
        ({"predicted_answer": 1}, "wrong_type", "predicted_answer: must be text"),
        ({"mask": []}, "unknown_field", 'did you mean "masks"'),
        ({"extra": [[1] * 50] * 500}, "too_many", "too many"),
    ],
)
def test_results_that_are_defects(changes: dict[str, Any], kind: str, words: str, tmp_path: Path) -> None:
    good, bad = results(tmp_path, result(question_id="a-opt", gt_answer="B"), result(**changes))
    assert isinstance(good, Prediction)
    assert isinstance(bad, Defect)
    assert (bad.kind, bad.line, str(bad)[:10]) == (kind, 2, "result 2: ")
    assert any(word in str(bad) for word in words.split("|")), str(bad)


def test_a_question_is_answered_once_by_results_too(tmp_path: Path) -> None:
    items = results(tmp_path, result(), 3, result())
    assert [type(item) for item in items] == [Prediction, Defect, Defect]
    assert "answered already on result 1" in str(items[2])


def test_the_official_file_is_told_by_its_start_or_name(tmp_path: Path) -> None:
    text = json.dumps({"results": [result()]}, indent=2)
    for name, data in {
        "p.txt": text.encode(),
        "p.jsonl": b"\xef\xbb\xbf \n" + text.encode(),
        "p.json": json.dumps({"model": "x", "results": [result()]}).encode(),
        "p.json.gz": gzip.compress(text.encode()),
        "q.gz": gzip.compress(text.encode()),
    }.items():
        (tmp_path / name).write_bytes(data)
        (item,) = read(tmp_path / name)
        assert isinstance(item, Prediction), name


def test_lines_under_the_name_of_json_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('\n{"question_id": "a-opt", "answer": "A"}\n{"question_id": "b-opt", "answer": "A"}\n')
    assert [item.line for item in read(path)] == [2, 3]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[{}]", "JSON list"),
        (b"{}", 'no "results" list'),
        (b'{"results": {}}', 'no "results" list'),
        (b'{"results": 3}', 'no "results" list'),
        (b"PK\x03\x04rest", "ZIP"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"BZh91AY", "bzip2"),
        (gzip.compress(b"PAR1", mtime=0), "inside gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_read_is_said_in_one_line(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(data)
    with pytest.raises(DataError, match=words):
        read(path)


@pytest.mark.parametrize("cut", [b"", b"]", b"]} x", b",]}", b', {"a": tru'])
def test_damage_midway_keeps_what_came_before(cut: bytes, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b'{"results": [' + json.dumps(result()).encode() + cut)
    first, last = read(path)
    assert isinstance(first, Prediction)
    assert isinstance(last, Defect)
    assert (last.kind, last.line) == ("broken_file", 2)


def test_a_gzip_that_is_cut_off_or_damaged(tmp_path: Path) -> None:
    lines = b"".join(b'{"question_id": "a-opt", "answer": "%d"}\n' % n for n in range(50_000))
    data = gzip.compress(lines)
    path = tmp_path / "p.jsonl.gz"
    for broken in (data[: len(data) // 2], data[:-6], data[:-8] + b"\0" * 8):
        path.write_bytes(broken)
        items = read(path)
        assert isinstance(items[0], Prediction)
        assert isinstance(items[-1], Defect)
        assert items[-1].kind == "broken_file"
    path.write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(DataError, match="cannot be unpacked"):
        read(path)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('{"question_id": "a-opt", "answer": "A", "answer": "B"}', "answer"),
        ('{"question_id": "a-opt", "answer": "A", "\\u0061nswer": "B"}', "answer"),
        ('{"question_id": "a-opt", "answer": "say \\"A\\" \\\\", "extra": {"x": 1, "x": 2}}', "x"),
        (
            '{"question_id": "a-opt", "answer": "A", "masks": [{"size": [4, 6], "size": [4, 6], "counts": "%s"}]}',
            "size",
        ),
    ],
)
def test_a_field_that_stands_twice_is_a_defect(line: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(line.replace("%s", COUNTS.replace("\\", "\\\\")))
    (item,) = read(path)
    assert isinstance(item, Defect)
    assert (item.kind, item.field) == ("repeated_field", key)


@pytest.mark.parametrize(
    "line",
    [
        '{"question_id": "a-opt", "answer": "say \\"A\\""}',
        '{"question_id": "a-opt", "answer": "ends in a backslash \\\\"}',
        '{"question_id": "a-opt", "answer": "A", "deep": [[[[[["x", {"y": "z"}]]]]]]}',
        '{"question_id": "a-opt", "answer": "A", "big": 123456789012345678901234567890}',
        '{"question_id": "a-opt", "answer": "A", "x": {"x": {"x": "x"}}}',
    ],
)
def test_quotes_and_depth_are_no_repetition(line: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(line)
    (item,) = read(path)
    assert isinstance(item, Prediction), item


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"question_id": "a-opt", "answer": "caf\xe9"}', "not UTF-8 (byte 0xE9 at byte 39); save the file as UTF-8"),
        (
            b'{"question_id": "a-opt", "answer": "A", "confidence": NaN}',
            "confidence: not a number; got NaN, expected 0 to 1; or leave it out",
        ),
        (
            b'{"question_id": "a-opt", "answer": "A", "mine": -Infinity}',
            "mine: not a number; got -Infinity, expected JSON, which has no such number; or leave it out",
        ),
        (b'{"question_id": "NaN", "answer"}', "not JSON ("),
        (b"a,B", "not JSON ("),
    ],
)
def test_why_a_line_is_no_json(line: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"question_id": "b-opt", "answer": "A"}\n  ' + line + b"\n")
    good, bad = read(path)
    assert isinstance(good, Prediction)
    shift = told.replace("byte 39", "byte 42")  # two spaces before it; bytes count from 1
    assert str(bad).startswith(f"line 2: {shift}"), str(bad)
    path.write_bytes(line)
    (alone,) = read(path)
    assert ("predictions are JSONL" in str(alone)) == (line == b"a,B")  # of a CSV, which formats there are


def test_a_nan_among_results_is_named(tmp_path: Path) -> None:
    *_, last = results(tmp_path, result(), result(question_id="a-opt", gt_answer="B", confidence=float("nan")))
    assert "NaN and Infinity are no JSON: leave the field out" in str(last)


def test_a_result_is_found_by_any_name_of_its_image(tmp_path: Path) -> None:
    names = ("scene_7.png", "tile_7_t0_optical.png", "tile_7", "e-opt")
    questions = {
        "e-opt": Expected(4, 6, ("t0",), "How much?", names, "A"),
        "f-opt": Expected(4, 6, ("t0",), "How much?", ("scene_8", "tile_8_t0_optical.png", "tile_8", "f-opt"), "A"),
    }
    path = tmp_path / "p.json"
    for image in (*names, "tile_7_t0_optical", "tile_7.png", "scene_7", "e-opt.png", "/a/b/tile_7.jpg"):
        path.write_text(json.dumps({"results": [result(question="How much?", image=image)]}))
        (item,) = read_submission(path, questions)
        assert isinstance(item, Prediction), (image, str(item))
        assert item.question_id == "e-opt"
    path.write_text(json.dumps({"results": [result(question="How much?", image="tile_9.png")]}))
    (item,) = read_submission(path, questions)
    assert "got tile_9.png, expected scene_7.png or tile_7_t0_optical.png or tile_7 or" in str(item)


def test_utf16_and_lists_over_many_lines_are_told_how_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"question_id": "a-opt", "answer": "A"}', encoding="utf-16")
    assert "save the file as UTF-8" in str(read(path)[0])
    path.write_text('[\n  {"question_id": "a-opt", "answer": "A"}\n]')
    assert "one whole object a line" in str(read(path)[0])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"answer": ["A"]}, "no question_id column"),
        ({"question_id": [1], "answer": ["A"]}, "column question_id is int64, expected text"),
        ({"question_id": ["a-opt"], "answer": [1.5], "error": [True]}, "answer is double, expected text; column error"),
        ({"question_id": ["a-opt"], "confidence": ["high"]}, "confidence is string, expected a number"),
        ({"question_id": ["a-opt"], "masks": ["x"]}, "masks is string, expected a list"),
        ({"question_id": ["a-opt"], "masks": [[{"size": ["4", "6"], "counts": "x"}]]}, "list of whole numbers"),
        ({"question_id": ["a-opt"], "masks": [[{"counts": [1, 2]}]]}, "counts: text"),
        ({"question_id": ["a-opt"], "answers": ["A"]}, 'did you mean "answer"'),
        ({"question_id": ["a-opt"], "answer": [{"text": "A"}]}, "expected text"),
    ],
)
def test_columns_of_another_type_are_refused_by_name(columns: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(DataError) as error:
        read(path)
    assert words in str(error.value)


def test_what_parquet_writers_do_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    mask = {"frame": None, "label": "water", "size": [4, 6], "counts": COUNTS.encode(), "score": 0.5}
    table = pa.table(
        {
            "question_id": pa.array(["a-opt", "b-opt", "c-opt"]).dictionary_encode(),
            "answer": pa.array(["A", None, "B"], pa.large_string()),
            "response": pa.array([None, "x" * 2_000_000, None]),
            "confidence": pa.array([1, None, 0], pa.int8()),
            "masks": [[mask], [], None],
            "note": pa.array([pickle.dumps(1), b"", b"\xff"]),
        }
    )
    pq.write_table(table, path, row_group_size=2)
    items = read(path)
    assert all(isinstance(item, Prediction) for item in items), items
    assert [item.line for item in items] == [1, 2, 3]
    assert items[0] == Prediction("a-opt", None, "A", items[0].masks, None, 1.0)  # type: ignore[union-attr]
    assert items[0].masks[0].counts == COUNTS  # type: ignore[union-attr]


def test_rows_that_json_cannot_say_are_defects_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    bad = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.array([0, 1, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b"A\xffB")]
    )
    table = pa.table(
        {"question_id": ["a-opt", "b-opt", "c-opt"], "answer": bad, "confidence": [0.5, 0.5, float("nan")]}
    )
    pq.write_table(table, path)
    first, second, third = read(path)
    assert isinstance(first, Prediction)
    assert str(second) == "row 2: answer: not UTF-8"
    assert "row 3: confidence: must be a share" in str(third)


def test_rows_over_the_limit_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    rows = [
        {"question_id": name, "answer": "A" * length}
        for name, length in (("a-opt", 9), ("b-opt", 90_000), ("c-opt", 9))
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    for limit in (1_000, 50_000):
        items = read(path, max_line=limit)
        assert [type(item) for item in items] == [Prediction, Defect, Prediction]
        assert "row 2: the row is too long" in str(items[1])


def test_a_reader_left_early_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"question_id": [str(n) for n in range(200_000)], "answer": ["A"] * 200_000}), path)
    items = read_submission(path, QUESTIONS)
    next(iter(items))
    items.close()  # type: ignore[attr-defined]
    commands = []
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with suppress(OSError):  # of another test, and gone by now
            commands.append(Path(f"/proc/{child}/cmdline").read_text())
    assert not [command for command in commands if "parquet_rows" in command]


def masked(*sizes: tuple[int, int]) -> dict[str, Any]:
    masks = [{"size": list(size), "counts": encode(np.ones(size, bool)) if max(size) < 9000 else "1"} for size in sizes]
    return {"question_id": "a-opt", "answer": "A", "masks": masks}


def test_other_sizes_pass_with_resize_only() -> None:
    (defect,) = Checker(QUESTIONS).check(masked((8, 12)), 1)  # type: ignore[misc]
    assert "--resize" in str(defect)
    passed = Checker(QUESTIONS, resize=True).check(masked((8, 12), (4, 6), (1, 1), (4096, 4096)), 1)
    assert isinstance(passed, Prediction)
    assert [mask.size for mask in passed.masks] == [(8, 12), (4, 6), (1, 1), (4096, 4096)]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (masked((4097, 6)), "masks[0].size"),
        (masked((0, 6)), "masks[0].size"),
        (masked((10**12, 10**12)), "masks[0].size"),
        (masked(*[(4096, 4096)] * (MAX_RESIZED_PX // 4096**2 + 1)), "masks"),
    ],
)
def test_resize_has_bounds(row: dict[str, Any], field: str) -> None:
    (defect,) = Checker(QUESTIONS, resize=True).check(row, 1)  # type: ignore[misc]
    assert isinstance(defect, Defect)
    assert (defect.field, defect.kind) == (field, "mask_size")


def test_long_rle_text_is_refused_before_it_is_parsed() -> None:
    row = masked((4096, 4096))
    row["masks"][0]["counts"] = "0" * (MAX_COUNTS + 1)
    (defect,) = Checker(QUESTIONS, resize=True).check(row, 1)  # type: ignore[misc]
    assert isinstance(defect, Defect)
    assert "too long" in defect.problem


def test_control_characters_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    name = "\x1b[2J\u202e\x9b31m\r\n"
    path.write_text(json.dumps({"question_id": name, "answer": "A", "answe" + "\x1b": 1}))
    for item in read(path):
        assert str(item).isprintable()
    with pytest.raises(DataError) as error:
        read(tmp_path / "\x1b[2Jx")
    assert str(error.value).isprintable()


def test_an_inventory_counts_sound_and_unsound(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    mask = {"size": [4, 6], "counts": COUNTS}
    rows = [
        {"question_id": "a-opt", "answer": "A", "confidence": 0.5, "masks": [mask, mask]},
        {"question_id": "b-opt", "response": "A", "answer": "A"},
        {"question_id": "c-opt", "error": "timeout"},
        {"question_id": "nope", "answer": 3},
        {"question_id": "a-opt", "answer": "A"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = take_inventory(path, QUESTIONS, limit=2)
    assert (found.sound, found.unsound, found.missing, found.n) == (3, 2, 2, 3)
    assert (found.responses, found.answers, found.errors, found.confidences) == (1, 2, 1, 1)
    assert (found.with_masks, found.masks, len(found.defects)) == (1, 2, 2)
    assert found.by_kind == {"unknown_question": 1, "wrong_type": 1, "repeated_question": 1}
    path.write_bytes(b"\n\n")
    assert take_inventory(path, QUESTIONS).by_kind == {"empty": 1}


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "p.parquet", "p.json"])
def test_progress_goes_up_and_ends_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    rows = [{"question_id": key, "response": "x" * 300_000} for key in QUESTIONS]
    if name == "p.parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, compression=None, use_dictionary=False)
    elif name == "p.json":
        path.write_text(json.dumps({"results": rows}))
    else:
        lines = "\n".join(map(json.dumps, rows)).encode()
        path.write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)
    told: list[tuple[int, int]] = []
    read(path, on_bytes=lambda done, size: told.append((done, size)))
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert all(total == size for _, total in told)


@pytest.mark.parametrize(
    "entry",
    [
        3,
        {},
        result(answer="A"),
        result(question=None),
        result(question_id=4),
        result(image={"path": "x"}),
        result(gt_answer=0),
        result(predicted_answer=1),
        result(confidence=2),
    ],
)
def test_what_the_schema_of_results_refuses_is_a_defect(entry: Any, tmp_path: Path) -> None:
    assert not SCHEMA.is_valid({"results": [entry]})
    assert all(isinstance(item, Defect) for item in results(tmp_path, entry))


def test_the_page_of_predictions_tells_the_limits_of_the_code() -> None:
    page = (ROOT / "docs" / "predictions.md").read_text()
    mib = 2**20
    for told in (
        f"{limits.MAX_LINE // mib} MiB, {limits.MAX_OBJECTS:,} objects, {limits.MAX_LISTS:,} lists",
        f"| nesting of a result | {limits.MAX_DEPTH} |",
        f"{limits.FREE_UNPACKED // mib} MiB or {limits.MAX_RATIO} times the file",
        f"counts for {limits.LEAST_UNPACKED} bytes",
        f"| rows of Parquet | {limits.MAX_ROWS:,},",
        f"| {limits.READER_BYTES // mib} MiB, in a process",
        f"at most {MAX_COUNTS // mib} MiB |",
        f"any size up to {MAX_SIDE:,} px a side, all masks of a line together at most {MAX_RESIZED_PX:,} ",
        f"at most {MAX_MASKS}, or absent",
        f"at most {MAX_LABEL} characters",
    ):
        assert told in page, told
    assert all(f"`{name}`" in page or f"`masks[].{name}`" in page for name in (*FIELDS, *MASK_FIELDS))
