"""The model that explains: a folder of weights or the shipped ones by name, known by the hash of each of its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from terra_cot.errors import ConfigError, DataError
from terra_cot.store.atomic import sha256_file
from terrascope_bench.terrascope.shipped import SHIPPED, shipped

_SCHEME = "terrascope:"


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Weights and tokenizer, ready to answer; `sha256` of each file of the folder, by name."""

    network: Any
    words: Any
    sha256: dict[str, str]

    @property
    def name(self) -> str:
        return str(self.network.config.name)


def model_folder(name: str) -> tuple[Path, bool | None]:
    """(folder, whether evidence is measured) of a shipped name, a path, or `terrascope:PATH` as runners are named.

    None for `measured` leaves it to the folder.

    Raises:
        DataError: no model there.
    """
    if name in SHIPPED:
        return shipped(name)
    folder = Path(name.removeprefix(_SCHEME))
    if not (folder / "config.json").is_file():
        raise DataError(
            "no model in this folder",
            file=folder,
            expected=f"{', '.join(SHIPPED)}, or a folder",
            fix="terrascope-bench train or convert writes one; name its folder",
        )
    return folder, None


def load_model(name: str, device: str = "cpu") -> Loaded:
    """The model called `name`.

    Raises:
        DataError: no model there, or a damaged one. ConfigError: without the extra [model].
    """
    folder, measured = model_folder(name)
    try:
        from terrascope_bench.terrascope.store import load
    except ImportError:
        raise ConfigError("the reference model needs torch: pip install 'terra-cot[model]'") from None
    network, words = load(folder, None, device)
    if measured is not None:
        network.config = replace(network.config, measured=measured, name=name)
    files = sorted(file for file in folder.glob("*") if file.suffix in (".json", ".safetensors"))
    return Loaded(network, words, {file.name: sha256_file(file) for file in files})
