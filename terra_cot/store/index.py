"""Rows by key on disk, read back in order of key: what a scan must look up or sort, in flat memory.

A nameless SQLite database: a temporary file that vanishes with the process, however it ends, and that stays in memory
while it is small.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from types import TracebackType

from terra_cot.errors import DataError

_CACHE_KIB = 8192


class Index:
    """Use as a context. A row is (key, field, value), all texts; key and field together are there once."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for line in (
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE entry (key TEXT, field TEXT, value TEXT, PRIMARY KEY (key, field)) WITHOUT ROWID",
            "BEGIN",
        ):
            self._database.execute(line)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, key: str, field: str = "", value: str = "") -> bool:
        """Keep a row; False, and nothing changes, where its key and field are there already.

        Raises:
            DataError: a name that is not UTF-8, as a file's may be.
        """
        try:
            done = self._database.execute("INSERT OR IGNORE INTO entry VALUES (?, ?, ?)", (key, field, value))
        except UnicodeEncodeError:
            raise DataError("a name that is not UTF-8", got=ascii(value or key), fix="rename the file") from None
        return done.rowcount == 1

    def put(self, key: str, field: str = "", value: str = "") -> None:
        """Keep a row in place of any that has its key and field."""
        self._database.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (key, field, value))

    def get(self, key: str) -> dict[str, str]:
        """Values of a key by field, in order of field; empty where the key is not known."""
        found = self._database.execute("SELECT field, value FROM entry WHERE key = ? ORDER BY field", (key,))
        return dict(found.fetchall())

    def items(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every key with its values by field, in order of key and field (by code point, as Python sorts)."""
        rows = self._database.execute("SELECT key, field, value FROM entry ORDER BY key, field")
        for key, group in groupby(rows, lambda row: row[0]):
            yield key, {field: value for _, field, value in group}

    def __len__(self) -> int:
        """How many keys there are."""
        (number,) = self._database.execute("SELECT COUNT(DISTINCT key) FROM entry").fetchone()
        return int(number)
