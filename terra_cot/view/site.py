"""The site of a dataset, written beside its place and renamed into it: there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import DataError
from terra_cot.export.pictures import safe_name
from terra_cot.export.place import claim, fresh, replaced
from terra_cot.palette import class_color
from terra_cot.store.atomic import write_json
from terra_cot.store.join import pairs
from terra_cot.store.manifest import manifest_sha256, read_manifest
from terra_cot.view.choose import Choice, choose
from terra_cot.view.chunks import Chunks, script
from terra_cot.view.read import Row, chosen_rows
from terra_cot.view.rows import FACETS, Words, list_row, shown

NOTE = "view.json"
SHOWN_MOST = 10_000
"""So many samples are shown unless more are asked for."""

_PAGE = (
    "view.css", "rle.js", "data.js", "filter.js", "list.js", "stage.js", "detail.js", "address.js", "keys.js", "main.js"
)  # fmt: skip
_LISTED, _SHOWN = 1000, 50  # entries of a file
OnStep = Callable[[int, int], None]


def write_site(
    folder: Path,
    out: Path,
    *,
    limit: int | None = None,
    sample: int = SHOWN_MOST,
    force: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write a site over the dataset `folder` to `out`; returns what `view.json` there says. No clock in any file.

    Args:
        limit: show only the first so many samples.
        sample: without `limit`, show so many, drawn by the hash of their tile.
        force: replace a site that is there.

    Raises:
        ConflictError: `out` holds something else, or a site that `force` was not given for.
        DataError, SchemaError: `folder` is not a finished dataset with samples.
    """
    manifest = read_manifest(folder, "dataset")
    if not manifest["counts"].get("samples", {}).get("kept"):
        raise DataError("no samples to show", file=folder, fix="make them with `terra-cot generate`")
    note: dict[str, Any] = {
        "kind": "view",
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "recipe_sha256": manifest["recipe_sha256"],
        "dataset_sha256": manifest_sha256(folder),
    }
    claim(out, NOTE, note, appends=False, force=force)
    choice = choose(folder, pairs(manifest), limit=limit, sample=sample)
    with fresh(out) as temporary:
        counts = _Site(folder, temporary, choice, on_step).write(manifest)
        note["samples"] = {"of": choice.total, "shown": choice.shown, "how": choice.how}
        note |= counts | {"bytes": sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())}
        write_json(temporary / NOTE, note)
        replaced(out, temporary, NOTE, force)
    return note


class _Site:
    """One site while it is written; memory holds the samples of one part and the entries of two data files."""

    def __init__(self, folder: Path, out: Path, choice: Choice, on_step: OnStep | None) -> None:
        self._folder, self._out, self._choice, self._on_step = folder, out, choice, on_step
        self._words = Words()
        self._colors: dict[str, tuple[int, int, int]] = {}
        self._images, self._done = 0, 0
        (out / "data").mkdir()
        self._listed = Chunks(out / "data", "list", "listed", _LISTED)
        self._shown = Chunks(out / "data", "shown", "shown", _SHOWN)

    def write(self, manifest: dict[str, Any]) -> dict[str, int]:
        """Write everything but the note; returns how many tiles and images there are."""
        tiles = 0
        for pair in pairs(manifest):
            rows = self._choice.rows.get(pair.name, ())
            for tile, samples in chosen_rows(self._folder, pair, rows):
                paths = self._pictures(pair.name, tile, samples)
                for row in samples:
                    self._sample(row, tile, paths)
                tiles += 1
                self._images += len(paths)
        self._listed.close()
        self._shown.close()
        self._index(manifest)
        source = files(__package__).joinpath("page")
        (self._out / "page").mkdir()
        for name in _PAGE:
            (self._out / "page" / name).write_bytes(source.joinpath(name).read_bytes())
        (self._out / "index.html").write_bytes(source.joinpath("index.html").read_bytes())
        return {"tiles": tiles, "images": self._images}

    def _pictures(self, part: str, tile: Row, samples: list[Row]) -> dict[tuple[str, str], str]:
        """Write the pictures that the samples show; the path of each by frame and modality."""
        wanted = {(entry["frame"], entry["modality"]) for row in samples for entry in row["frames"]}
        folder = self._out / "images" / part
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for record in tile["frames"]:
            key = record["frame"], record["modality"]
            if key in wanted:
                name = f"{safe_name(tile['tile_id'])}_{safe_name('_'.join(key))}.png"
                (folder / name).write_bytes(record["image"]["bytes"])
                paths[key] = f"images/{part}/{name}"
        return paths

    def _sample(self, row: Row, tile: Row, paths: dict[tuple[str, str], str]) -> None:
        first = row["frames"][0]
        self._listed.add(list_row(row, self._words, paths.get((first["frame"], first["modality"]), "")))
        self._shown.add(shown(row, tile, paths))
        for mask in row["masks"]:
            self._colors.setdefault(mask["label"], class_color(tile["legend"], mask["label"]))
        self._done += 1
        if self._on_step:
            self._on_step(self._done, self._choice.shown)

    def _index(self, manifest: dict[str, Any]) -> None:
        words = self._words.lists()
        index = {
            "name": manifest["recipe"]["name"],
            "seed": str(manifest["seed"]),
            "version": __version__,
            "total": self._choice.total,
            "shown": self._choice.shown,
            "how": self._choice.how,
            "sources": [{"source": entry["source"], "licence": entry["licence"]} for entry in manifest["sources"]],
            "facets": [{"name": name, "words": words[name], "counts": self._words.counts[name]} for name in FACETS],
            "colors": [self._colors[label] for label in words["label"]],
            "list_files": self._listed.files,
            "shown_size": _SHOWN,
        }
        (self._out / "data" / "index.js").write_bytes(script("index", index))
