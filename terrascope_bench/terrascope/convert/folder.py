"""Shards pass through one at a time: read mapped, renamed, written; memory holds one shard, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terra_cot.errors import ConflictError, DataError
from terra_cot.store.atomic import write_json
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.convert import names
from terrascope_bench.terrascope.convert.published import configuration, read_json
from terrascope_bench.terrascope.tokens import FILE, Words


@dataclass(slots=True)
class Report:
    """What became of the published keys: read = kept + dropped; `written` counts ours, for some hold several."""

    read: int = 0
    kept: int = 0
    written: int = 0
    dropped: list[str] = field(default_factory=list)
    config: TerraScopeConfig | None = None


@dataclass(slots=True)
class Reader:
    """Renames the weights of one folder, file by file."""

    folder: Path
    rules: Sequence[names.Rule]
    report: Report
    pieces: dict[str, Any] = field(default_factory=dict)

    def shard(self, path: Path) -> Iterator[tuple[str, Any]]:
        """(our name, weight) of one file."""
        return self.named(store.tensors(path), path)

    def named(self, weights: Iterable[tuple[str, Any]], path: Path) -> Iterator[tuple[str, Any]]:
        """(our name, weight) of published weights; DataError where no rule fits one."""
        unknown: list[str] = []
        for key, value in weights:
            self.report.read += 1
            fits, name = names.renamed(key, self.rules)
            if not fits:
                unknown.append(key)
            elif name is None:
                self.report.dropped.append(key)
            else:
                self.report.kept += 1
                yield from self._ours(name, value)
        if unknown:
            listed = ", ".join(sorted(unknown)[:5]) + (" ..." if len(unknown) > 5 else "")
            raise DataError(f"{len(unknown)} unexpected weights: {listed}", file=path)

    def _ours(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        if name in names.POINTS:
            self.pieces[name] = value
            whole = names.join(self.pieces)
            if whole:
                yield whole
            return
        yield from names.split(name, value)


def convert(
    source: Path, out: Path, *, dtype: str | None = None, sam2: dict[str, Any] | None = None, force: bool = False
) -> Report:
    """Bring a published TerraScope checkpoint over into the folder `out`.

    Args:
        dtype: of the written weights; None keeps each as it is.
        sam2: configuration of the mask model where it is none of the published sizes.

    Raises:
        DataError: a weight missing, unexpected or of another shape; a configuration or tokenizer that is not usable.
        ConflictError: `out` is in use.
    """
    values = read_json(source / store.CONFIG)
    if "llm_config" not in values and "internvl" in values:
        raise ConflictError(f"{source}: is converted already")
    report = Report()
    words = Words.of(read_tokenizer(source), source)
    shapes = _shapes(source, names.PUBLISHED)
    config = configuration(values, shapes, words.image, sam2, source / store.CONFIG)
    _check(config, shapes, source)
    claim(out, force)
    reader = Reader(source, names.PUBLISHED, report)
    _write(out, store.files(source), reader, dtype)
    words.save(out)
    store.write_config(config, out)
    report.config = config
    return report


def _shapes(source: Path, rules: Sequence[names.Rule]) -> dict[str, tuple[int, ...]]:
    """Shapes under our names, before anything is written: what does not fit is told at once."""
    reader = Reader(source, rules, Report())
    out = {name: tuple(value.shape) for path in store.files(source) for name, value in reader.shard(path)}
    if reader.pieces:
        raise DataError(f"weights missing beside {', '.join(sorted(reader.pieces))}", file=source)
    for needed in (
        "vlm.model.language_model.embed_tokens.weight",
        "sam.vision_encoder.backbone.patch_embed.projection.weight",
    ):
        if needed not in out:
            raise DataError(f"1 weights missing: {needed}", file=source)
    return out


def _check(config: TerraScopeConfig, shapes: dict[str, tuple[int, ...]], where: Path) -> None:
    """No weight missing, none left over, every shape right."""
    import torch

    store.check_keys(store.empty(config), {name: torch.empty(s, device="meta") for name, s in shapes.items()}, where)


def _write(out: Path, paths: Sequence[Path], reader: Reader, dtype: str | None) -> None:
    kind = store.dtype_of(dtype) if dtype else None
    index: dict[str, str] = {}
    total = 0
    for number, path in enumerate(paths, start=1):
        shard = {name: value if kind is None else value.to(kind) for name, value in reader.shard(path)}
        file = store.WEIGHTS if len(paths) == 1 else f"model-{number:05d}-of-{len(paths):05d}.safetensors"
        store.save_weights(shard, out / file)
        index |= dict.fromkeys(shard, file)
        total += sum(value.numel() * value.element_size() for value in shard.values())
        reader.report.written += len(shard)
    if len(paths) > 1:
        write_json(out / store.INDEX, {"metadata": {"total_size": total}, "weight_map": index})


def claim(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    ours = {store.CONFIG, store.INDEX, FILE}
    foreign = {name for name in entries if name not in ours and not re.fullmatch(r"model.*\.safetensors", name)}
    if foreign:
        raise ConflictError(f"{out}: holds something else ({sorted(foreign)[0]}); name another folder")
    if store.CONFIG in entries and not force:
        raise ConflictError(f"{out}: holds a model; use --force to replace it")
    for name in entries:
        (out / name).unlink()


def read_tokenizer(source: Path) -> Any:
    """The tokenizer of a folder: its tokenizer.json, else one made from its vocabulary by transformers."""
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    if (source / FILE).is_file():
        return Tokenizer.from_file(str(source / FILE))
    try:
        slow = AutoTokenizer.from_pretrained(str(source), trust_remote_code=False, local_files_only=True)
        return slow.backend_tokenizer
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"no tokenizer that can be read ({error})", file=source) from None
