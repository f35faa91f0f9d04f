"""A scorecard that is read back is checked: its form against the schema, its verdicts against their hash and counts.

It is somebody else's file: whatever is wrong with it is one line that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from terra_cot.errors import DataError, SchemaError
from terra_cot.schema import check
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.outcome import Outcome
from terrascope_bench.verdicts import SCHEMA, read_verdicts

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_BYTES = 64 * 2**20
"""A scorecard is some ten kilobytes; more is read only within reason."""
_EXPECTED = "a scorecard is expected: `terrascope-bench score PREDICTIONS --bench BENCH -o scorecard.json` writes it"
_AGAIN = "run `terrascope-bench score ... -o` again: it writes card and verdicts"


@dataclass(frozen=True, slots=True)
class Scorecard:
    """`path` is where it stands, `data` its bytes and `body` their value, which fits the schema."""

    path: Path
    data: bytes
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def extractor(self) -> str:
        return str(self.body["extractor"])

    @property
    def benchmark(self) -> str:
        """Hash of the benchmark version."""
        return str(self.body["benchmark"]["sha256"])

    def verdicts(self) -> pa.Table:
        """One row a question, in the order of the benchmark.

        Raises:
            DataError: they are absent, not the ones that the scorecard names, or the counts do not follow from them.
        """
        entry = self.body["verdicts"]
        path = self.path.parent / entry["path"]
        table = _sound(read_verdicts(path, entry["sha256"]), path)
        found = list(zip(table["task"].to_pylist(), table["outcome"].to_pylist(), strict=True))
        counted = {code: {name.value: 0 for name in Outcome} for code, _ in found}
        for code, outcome in found:
            counted[code][outcome] = counted[code].get(outcome, 0) + 1
        told = {code: {name.value: task[name.value] for name in Outcome} for code, task in self._asked.items()}
        if counted != told:
            different = next(code for code in (*told, *counted) if told.get(code) != counted.get(code))
            raise DataError(
                "the counts do not follow from the verdicts",
                file=self.path,
                field=f"tasks.{different}",
                got=told.get(different),
                expected=counted.get(different),
                fix=_AGAIN,
            )
        place = list(EXTRACTORS).index(self.extractor)
        letters = [letters[place] for letters in table["letters"].to_pylist()]
        for (_, outcome), letter, truth in zip(found, letters, table["truth"].to_pylist(), strict=True):
            if (outcome == Outcome.CORRECT) != (letter == truth):
                raise DataError("an outcome does not follow from its letters", file=path, got=outcome, fix=_AGAIN)
        return table

    @property
    def _asked(self) -> dict[str, Any]:
        """The tasks that have questions."""
        return {code: task for code, task in self.body["tasks"].items() if task["n"]}

    def input(self, name: str, instead: Path | None = None) -> Path:
        """Where the `benchmark` or the `predictions` stand that were scored: as recorded, or `instead`."""
        return instead if instead is not None else self.path.parent / self.body["inputs"][name]


def _sound(table: pa.Table, path: Path) -> pa.Table:
    """`table` with the types of a verdict and without a hole in what every row must have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        table = table.cast(SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"not a table of verdicts ({error})", file=path, fix=_AGAIN) from None
    for name in ("question_id", "task", "outcome", "truth", "letters"):
        if table[name].null_count:
            raise DataError("a row without a value", file=path, field=name, fix=_AGAIN)
    if table.num_rows and pc.unique(pc.list_value_length(table["letters"])).to_pylist() != [len(EXTRACTORS)]:
        raise DataError("not one letter an extractor", file=path, field="letters", fix=_AGAIN)
    return table


def _told(body: Any) -> str:
    return f"an object of {', '.join(map(str, list(body)[:4]))}" if isinstance(body, dict) else "JSON that is no object"


def read_scorecard(path: Path) -> Scorecard:
    """The scorecard in `path`.

    Raises:
        DataError: no such file, too large, not JSON. SchemaError: not a scorecard that this release reads.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise DataError("no such file", file=path, fix="give a scorecard that `terrascope-bench score` wrote") from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=path) from None
    if len(data) > _MAX_BYTES:
        raise DataError("too large for a scorecard", file=path, expected=f"at most {_MAX_BYTES} bytes", fix=_EXPECTED)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"no scorecard: not JSON ({error.msg} at character {error.pos})", file=path, fix=_EXPECTED
        ) from None
    if not isinstance(body, dict) or not body.keys() & {"extractor", "overall", "verdicts"}:
        raise SchemaError("no scorecard", file=path, got=_told(body), fix=_EXPECTED)
    check(body, "scorecard", path)
    for name in ("verdicts", "inputs"):
        if name not in body:
            raise SchemaError("a scorecard that was printed, not written", file=path, field=name, fix=_AGAIN)
    return Scorecard(path, data, body)
