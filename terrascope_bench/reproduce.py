"""A scorecard is reproduced when scoring the recorded inputs again gives the same bytes, in it and in its verdicts.

The inputs come first: a benchmark or predictions file that is not the one that was scored is a user's fault, named
before anything is scored. Then every value that differs is told by its path. Two things are no difference but are said:
another version of this package (the values are still compared), and verdicts that hold the same values but were encoded
by another version of the Parquet library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson

from terra_cot import __version__
from terra_cot.errors import DataError, shorten
from terra_cot.store.atomic import dump_json, sha256_file
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.score import score, write_scorecard
from terrascope_bench.scorecard.read import Scorecard, read_scorecard
from terrascope_bench.verdicts import verdicts_beside

if TYPE_CHECKING:
    import pyarrow as pa

OnStep = Callable[[int, int], None]
_ABSENT = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """At `path`, scoring again gave `got` where the record has `expected`."""

    path: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: recorded {self.expected}, found {self.got}"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """`differences` is empty where every bit is the same; `notes` are said in either case."""

    questions: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def reproduce(
    path: Path, *, bench: Path | None = None, predictions: Path | None = None, on_step: OnStep | None = None
) -> Reproduction:
    """Score the inputs of the scorecard `path` again, and compare.

    Args:
        bench, predictions: where the inputs are now; None for where the scorecard says they are.

    Raises:
        DataError: the scorecard or an input cannot be read, or an input is not the one that was scored.
    """
    card = read_scorecard(path)
    bench, predictions = card.input("benchmark", bench), card.input("predictions", predictions)
    check_benchmark(open_benchmark(bench), card.benchmark)
    check_predictions(predictions, card)
    scored = score(
        predictions,
        bench,
        extractor=card.extractor,
        seed=card.body["seed"],
        model=card.model,
        resize=card.body["resize"],
        on_step=on_step,
    )
    with TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        write_scorecard(made, scored, predictions, bench)
        return _compare(card, made, scored.verdicts)


def check_benchmark(benchmark: Benchmark, sha256: str) -> None:
    """Raise DataError, naming the file, unless every byte of a benchmark folder is that of the version `sha256`."""
    fix = "give the folder of the version that was scored with --bench"
    if benchmark.sha256 != sha256:
        file = benchmark.folder / "manifest.json"
        raise DataError("not the benchmark that was scored", file=file, got=benchmark.sha256, expected=sha256, fix=fix)
    for entry in (*benchmark.manifest["parts"], *benchmark.manifest.get("files", ())):
        file = benchmark.folder / entry["path"]
        found = sha256_file(file) if file.is_file() else _ABSENT
        if found != entry["sha256"]:
            raise DataError(
                "a file of the benchmark was changed", file=file, got=found, expected=entry["sha256"], fix=fix
            )


def check_predictions(path: Path, card: Scorecard) -> None:
    """Raise DataError unless `path` holds the predictions that were scored."""
    fix = "give the file that was scored with --predictions"
    if not path.is_file():
        raise DataError("no such file", file=path, fix=fix)
    found, expected = sha256_file(path), card.body["predictions"]["sha256"]
    if found != expected:
        raise DataError("not the predictions that were scored", file=path, got=found, expected=expected, fix=fix)


def _compare(card: Scorecard, made: Path, table: pa.Table) -> Reproduction:
    again = orjson.loads(made.read_bytes())
    again["inputs"] = card.body["inputs"]  # they may lie elsewhere now; their hashes are what was checked
    again["verdicts"]["path"] = card.body["verdicts"]["path"]  # a scorecard may be called anything
    notes = []
    recorded_version = card.body["code_version"]
    if recorded_version != __version__:
        notes.append(f"scored by version {shorten(recorded_version)}, made again by {__version__}")
        again["code_version"] = recorded_version
    beside = card.path.parent / card.body["verdicts"]["path"]
    differences = list(_verdict_differences(card, beside, table))
    if not differences and again["verdicts"]["sha256"] != card.body["verdicts"]["sha256"]:
        writers = _writer(beside), _writer(verdicts_beside(made))
        if writers[0] != writers[1]:
            notes.append(f"the verdicts hold the same values, encoded by {writers[0]} and now by {writers[1]}")
            again["verdicts"]["sha256"] = card.body["verdicts"]["sha256"]
    differences = [*_json_differences(again, card.body), *differences]
    if not differences and dump_json(again) != card.data:
        differences.append(
            Difference("the file", "other bytes for the same values", "sorted keys, each once, indented by 2")
        )
    return Reproduction(table.num_rows, tuple(differences), tuple(notes))


def _verdict_differences(card: Scorecard, beside: Path, table: pa.Table) -> Iterator[Difference]:
    """What differs between the verdicts made again and the file that stands beside the scorecard."""
    from terrascope_bench.verdicts import SCHEMA, read_verdicts

    name, expected = card.body["verdicts"]["path"], card.body["verdicts"]["sha256"]
    if not beside.is_file():
        yield Difference(name, "no such file", expected)
        return
    found = sha256_file(beside)
    if found != expected:
        yield Difference(f"{name}: sha256 of the file", found, expected)
    try:
        old = read_verdicts(beside).to_pydict()
    except DataError as error:
        yield Difference(name, "a table of verdicts", str(error))
        return
    new = table.cast(SCHEMA).to_pydict()
    if old["question_id"] != new["question_id"]:
        yield Difference(f"{name}: question_id", f"{table.num_rows} questions", "other questions, or another order")
        return
    for column in SCHEMA.names:
        for question_id, again, before in zip(new["question_id"], new[column], old[column], strict=True):
            if again != before:
                yield Difference(f"{name}: {question_id}: {column}", shorten(again), shorten(before))


def _writer(path: Path) -> str:
    import pyarrow.parquet as pq

    return str(pq.read_metadata(path).created_by)


def _json_differences(got: Any, expected: Any, path: str = "") -> Iterator[Difference]:
    """Every leaf of two JSON values that is not the same."""
    if isinstance(got, dict) and isinstance(expected, dict):
        for key in sorted(got.keys() | expected.keys()):
            yield from _json_differences(
                got.get(key, _Absent), expected.get(key, _Absent), f"{path}.{key}" if path else key
            )
    elif isinstance(got, list) and isinstance(expected, list) and len(got) == len(expected):
        for number, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from _json_differences(one, other, f"{path}[{number}]")
    elif got != expected or type(got) is not type(expected):
        yield Difference(path, _told(got), _told(expected))


class _Absent:
    """Stands for a key that one side does not have."""


def _told(value: Any) -> str:
    return _ABSENT if value is _Absent else shorten(orjson.dumps(value).decode())
