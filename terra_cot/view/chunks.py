"""Data for a page that may not read JSON: numbered scripts, each one call with a list of so many entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson


def script(call: str, *values: Any) -> bytes:
    """One statement that calls `terraCot.<call>` with JSON values; any JSON is JavaScript since ECMAScript 2019."""
    return b"terraCot.%s(%s);\n" % (call.encode(), b", ".join(orjson.dumps(value) for value in values))


class Chunks:
    """Writes `<name>-00000.js`, ... of `size` entries each; memory holds one file's worth."""

    def __init__(self, folder: Path, name: str, call: str, size: int) -> None:
        self._folder, self._name, self._call, self._size = folder, name, call, size
        self._held: list[Any] = []
        self.files = 0

    def add(self, entry: Any) -> None:
        self._held.append(entry)
        if len(self._held) == self._size:
            self.close()

    def close(self) -> None:
        """Write what is held."""
        if self._held:
            path = self._folder / f"{self._name}-{self.files:05d}.js"
            path.write_bytes(script(self._call, self.files, self._held))
            self.files += 1
            self._held = []
