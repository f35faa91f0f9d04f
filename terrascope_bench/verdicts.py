"""Verdicts are what became of each question, one row a question in the order of the benchmark, beside the scorecard.

A scorecard holds shares; whoever compares two models, draws a page or looks for the worst questions needs rows.
`scorecard.json` stands beside `scorecard.verdicts.parquet`, whose hash it names.

Users find the columns in the schema `verdict`.

| column | is |
|---|---|
| question_id, task, variant | of the question; `variant` is null where the id tells none |
| outcome | correct, wrong, unparsed, missing or error |
| letter, truth | what the chosen extractor found (null: nothing), and the right letter |
| letters | what each extractor finds, in the order of EXTRACTORS |
| confidence | the model's own, 0 to 1, or null |
| blind | how many built-in blind solvers get the question (see `scorecard.unseen`); null where none was asked |
| iou, boundary_iou | of the question's masks, in billionths (10^9 is 1); null where no evidence is known |
| intersection, union, predicted_px, truth_px | px, summed over the question's masks; null likewise |
| missing, surplus | masks without a partner; null likewise |
| follows | the option follows from the model's own masks; null where that cannot be asked |
| states | the number in the reply follows from the model's own masks; null where there is none or nothing to compare |
| stated, measured | that number and the one measured on the masks, in the unit of the task's options |
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from terra_cot.errors import DataError
from terra_cot.store.atomic import replacing, sha256_file

SCHEMA = pa.schema(
    [
        ("question_id", pa.string()),
        ("task", pa.string()),
        ("variant", pa.string()),
        ("outcome", pa.string()),
        ("letter", pa.string()),
        ("truth", pa.string()),
        ("letters", pa.list_(pa.string())),
        ("confidence", pa.float64()),
        ("blind", pa.int16()),
        ("iou", pa.int64()),
        ("boundary_iou", pa.int64()),
        ("intersection", pa.int64()),
        ("union", pa.int64()),
        ("predicted_px", pa.int64()),
        ("truth_px", pa.int64()),
        ("missing", pa.int32()),
        ("surplus", pa.int32()),
        ("follows", pa.bool_()),
        ("states", pa.bool_()),
        ("stated", pa.float64()),
        ("measured", pa.float64()),
    ]
)
_ROWS_PER_GROUP = 65_536


def verdicts_beside(scorecard: Path) -> Path:
    """Where the verdicts of a scorecard stand."""
    return scorecard.with_name(f"{scorecard.name.removesuffix('.json')}.verdicts.parquet")


def write_verdicts(path: Path, table: pa.Table) -> None:
    """Write a table of SCHEMA; the same table gives the same bytes."""
    with replacing(path) as temporary:
        pq.write_table(table.cast(SCHEMA), temporary, row_group_size=_ROWS_PER_GROUP, compression="zstd")


def read_verdicts(path: Path, sha256: str | None = None) -> pa.Table:
    """The verdicts in `path`; with `sha256`, only if they are the ones that a scorecard names.

    Raises:
        DataError: no such file, not a table of verdicts, or another one than the scorecard's.
    """
    again = "run `terrascope-bench score` again: it writes both files"
    if not path.is_file():
        raise DataError("the scorecard's verdicts are not beside it", file=path, fix=again)
    if sha256 is not None and sha256_file(path) != sha256:
        raise DataError("these are not the verdicts that the scorecard names", file=path, expected=sha256, fix=again)
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise DataError(f"not a readable Parquet file ({error})", file=path) from None
    if table.schema.names != SCHEMA.names:
        raise DataError("not a table of verdicts", file=path, got=table.schema.names, expected=SCHEMA.names, fix=again)
    return table
