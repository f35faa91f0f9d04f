"""What a harness recorded becomes a submission: the same replies, so the same digits, in the order of their names.

| log | is read as |
|---|---|
| *.eval, *.json | an inspect-ai log, through inspect-ai itself (extra `[inspect]`) |
| *.jsonl | the log of samples that lmms-eval writes with `--log_samples` |

A sample that failed before it was scored becomes a line with its `error`. One that was neither scored nor failed (a run
that was stopped) is counted, and stays missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from terra_cot.errors import ConfigError, DataError, shorten
from terra_cot.store.atomic import write_bytes
from terrascope_bench.prediction import FIELDS

Row = dict[str, Any]
_SHOWN = 300
_UNREAD = {"messages", "events", "store", "attachments", "timelines"}


@dataclass(frozen=True, slots=True)
class LogReport:
    """Samples in the log = lines written + left out (neither scored nor failed); `errors` of the lines are errors."""

    samples: int
    written: int
    errors: int
    left_out: int


def write_submission(log: Path, out: Path) -> LogReport:
    """Write the submission that `log` holds to `out` (JSONL).

    Raises:
        ConfigError: an inspect-ai log, and inspect-ai is not installed.
        DataError: no log of ours, or a question that was asked several times (epochs, repeats).
    """
    if not log.is_file():
        raise DataError("no such file", file=log, fix="give a log of inspect-ai (.eval) or of lmms-eval (.jsonl)")
    read = _lmms_eval if log.suffix == ".jsonl" else _inspect
    rows: dict[str, Row] = {}
    samples = 0
    for number, row in enumerate(read(log), start=1):
        samples = number
        if row is None:
            continue
        if row["question_id"] in rows:
            raise DataError(
                "a question was asked several times",
                file=log,
                row=number,
                got=row["question_id"],
                fix="a submission has one reply a question: run one epoch (no repeats)",
            )
        rows[row["question_id"]] = row
    if not samples:
        raise DataError("the log holds no sample", file=log)
    lines = [orjson.dumps(rows[name], option=orjson.OPT_APPEND_NEWLINE) for name in sorted(rows)]
    write_bytes(out, b"".join(lines))
    errors = sum("error" in row for row in rows.values())
    return LogReport(samples, len(rows), errors, samples - len(rows))


def _inspect(log: Path) -> Iterator[Row | None]:
    try:
        from inspect_ai.log import read_eval_log_samples
    except ImportError as error:
        raise ConfigError(f'reading {log} needs an extra ({error}): pip install "terra-cot[inspect]"') from None
    samples = read_eval_log_samples(str(log), all_samples_required=False, exclude_fields=_UNREAD)
    for sample in _guarded(samples, log):
        row = next((found for score in (sample.scores or {}).values() if (found := _recorded(score.metadata))), None)
        if sample.error is not None:
            row = {"question_id": str(sample.id), "error": _reason(sample.error.message)}
        yield row


def _reason(message: str) -> str:
    """The end of what a harness says of a failure: before it stands the request, pictures and all."""
    text = " ".join(message.replace("\\n", " ").split())
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN:]}"


def _guarded(samples: Iterator[Any], log: Path) -> Iterator[Any]:
    """A foreign or torn file is the user's fault, whatever the library makes of it."""
    try:
        yield from samples
    except (ValueError, KeyError, EOFError, OSError) as error:
        raise DataError(f"not a readable log of inspect-ai ({shorten(str(error))})", file=log) from None


def _lmms_eval(log: Path) -> Iterator[Row | None]:
    with log.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DataError(f"not JSON ({error.msg})", file=log, row=number) from None
            recorded = value.get("verdict") if isinstance(value, dict) else None
            row = _recorded(recorded)
            if row is None:
                raise DataError(
                    "not a sample of the task terrascope_bench",
                    file=log,
                    row=number,
                    field="verdict",
                    fix="give the file *_samples_terrascope_bench.jsonl of a run with --log_samples",
                )
            yield row


def _recorded(verdict: object) -> Row | None:
    """The line of a submission that a verdict holds; our fields of it and no others, for `validate` to check."""
    prediction = verdict.get("prediction") if isinstance(verdict, Mapping) else None
    if not isinstance(prediction, Mapping) or not isinstance(prediction.get("question_id"), str):
        return None
    return {name: prediction[name] for name in (*FIELDS, "notes") if name in prediction}
