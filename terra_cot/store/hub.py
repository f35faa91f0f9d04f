"""What `datasets` must be told of a table, so that it reads this one and not another from its cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from terra_cot.store.shards import Part


def table_config(name: str, split: str, files: str, parts: Iterable[Part], *, default: bool) -> dict[str, Any]:
    """An entry of `configs` in a card's YAML: one table, all of it under one split.

    `datasets` keeps what it read of a local folder under the last name of that folder and the entry itself: without the
    hash of the parts in it, `out/bench` would be answered with what was once read of another `bench`.

    Args:
        files: a glob, relative to the folder, that the `parts` match.
    """
    lines = sorted(f"{part.path} {part.sha256}\n" for part in parts if part.path.startswith(f"{files.split('/')[0]}/"))
    told = hashlib.sha256("".join(lines).encode()).hexdigest()
    return {
        "config_name": name,
        "description": f"parts {told[:16]}",
        "data_files": [{"split": split, "path": files}],
        **({"default": True} if default else {}),
    }
