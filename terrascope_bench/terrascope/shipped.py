"""Weights that come with the package, by name: one folder of them, and two ways to run it.

`terrascope-nano` writes every number itself, as the paper's model does. `terrascope-nano+measured` is the same weights
with measured evidence on (`measured.py`, our extension); its name says so wherever it stands.
"""

from __future__ import annotations

from pathlib import Path

from terra_cot.errors import ConfigError, DataError

ROOM = Path(__file__).parent / "weights"
MEASURED = "+measured"
SHIPPED = ("terrascope-nano", "terrascope-nano+measured")


def shipped(name: str) -> tuple[Path, bool]:
    """(folder of weights, whether evidence is measured) of a name in `SHIPPED`.

    Raises:
        ConfigError: no such name. DataError: the installation lacks the files.
    """
    if name not in SHIPPED:
        raise ConfigError(f'no shipped weights "{name}" (known: {", ".join(SHIPPED)})')
    folder = ROOM / name.removesuffix(MEASURED)
    if not (folder / "config.json").is_file():
        raise DataError("the weights are not in this installation", file=folder, fix="install terra-cot again")
    return folder, name.endswith(MEASURED)
