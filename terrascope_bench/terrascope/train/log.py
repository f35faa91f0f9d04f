"""One line a step in log.csv; a run that goes on cuts off the lines after its checkpoint and writes them again."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terra_cot.store.atomic import replacing

COLUMNS = ("step", "stage", "loss", "text", "dice", "pixels", "lr", "seconds")


class Log:
    """log.csv in `folder`, from step `after` on."""

    def __init__(self, folder: Path, after: int) -> None:
        self.path = folder / "log.csv"
        kept = [row for row in read_log(folder) if int(row["step"]) <= after]
        with replacing(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
        self._handle = self.path.open("a", newline="", encoding="utf-8", buffering=1)
        self._writer = csv.DictWriter(self._handle, COLUMNS, lineterminator="\n")

    def write(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow(row)

    def close(self) -> None:
        self._handle.close()


def read_log(folder: Path) -> list[dict[str, str]]:
    """The whole lines of log.csv."""
    path = folder / "log.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if None not in row.values()]
