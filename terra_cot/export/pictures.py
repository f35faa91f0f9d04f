"""Images of an export: one PNG a frame that is shown, a folder a part, under a name that any file system takes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from terra_cot.tile import FrameRecord, TileRecord

_LONGEST = 120


def safe_name(text: str) -> str:
    """`text` where it is a plain file name, else what is plain of it and a hash: different texts, different names."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".")[:_LONGEST]
    if plain and plain == text:
        return text
    return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def shown_record(tile: TileRecord, frame: str, modality: str) -> FrameRecord | None:
    """The record of a frame that a sample shows; None where the tile has none."""
    return next((entry for entry in tile.frames if (entry.frame, entry.modality) == (frame, modality)), None)


class Pictures:
    """Writes each image once. `root` is the image folder; names are relative to it and do not change by the order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = ""
        self._written: set[str] = set()

    def put(self, part: str, tile: TileRecord, record: FrameRecord) -> str:
        """The name of the frame's PNG, which is written if it was not; parts come one after the other."""
        if part != self._folder:
            (self.root / part).mkdir(parents=True, exist_ok=True)
            self._folder, self._written = part, set()
        name = f"{part}/{safe_name(tile.tile_id)}_{record.frame}_{record.modality}.png"
        if name not in self._written:
            (self.root / name).write_bytes(record.image)
            self._written.add(name)
        return name
