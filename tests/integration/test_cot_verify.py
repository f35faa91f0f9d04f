"""`verify` fails on every kind of alteration and names the row: also when checksums and counts were mended to fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from geofactory import cli, cli_here, rasters_archive
from PIL import Image
from rasterio.io import MemoryFile

from terra_cot.mask import decode
from terra_cot.mask import encode as encode_mask
from terra_cot.pixels import encode
from terra_cot.store.card import write_card
from terra_cot.store.manifest import file_entry, manifest_parts
from terra_cot.store.shards import SAMPLES, TILES, Table, read_rows, write_part

Row = dict[str, Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    recipe = folder / "r.yaml"
    values = rasters_archive(folder / "data", scenes=1, side=128)
    values["tile"] = {**values["tile"], "cloud": {"reflectance": {"scale": 0.0001, "level": "surface"}}}
    values["generate"] = {**values["generate"], "sensor_share": 1.0}
    recipe.write_text(yaml.safe_dump(values))
    assert cli("run", recipe, "-o", folder / "dataset", "--quiet").returncode == 0
    return folder / "dataset"


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "d", ignore=shutil.ignore_patterns(".progress"))
    return tmp_path / "d"


def edit_manifest(folder: Path, edit: Callable[[Row], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    edit(manifest)
    path.write_text(json.dumps(manifest))


def rewrite(folder: Path, table: Table, edit: Callable[[list[Row]], Any]) -> None:
    """Alter rows of part 0, write the part anew, and mend what the manifest and the card say of it."""
    rows = list(read_rows(table.part(folder, 0), table))
    edit(rows)
    part = write_part(folder, table, 0, rows)

    def mend(manifest: Row) -> None:
        manifest["parts"] = [asdict(part) if entry["path"] == part.path else entry for entry in manifest["parts"]]
        write_card(folder, manifest, manifest_parts(manifest))
        files = [entry["path"] for entry in manifest["files"]]
        manifest["files"] = [file_entry(folder, name) for name in files if (folder / name).exists()]

    edit_manifest(folder, mend)


def problems(folder: Path) -> list[Row]:
    done = cli_here("verify", folder, "--json")
    assert done.returncode in (0, 1), done.stderr
    found: list[Row] = json.loads(done.stdout)["problems"]
    assert bool(found) == (done.returncode == 1)
    assert "Traceback" not in done.stderr
    return found


def of(rows: list[Row], task: str) -> Row:
    return next(row for row in rows if row["task"] == task)


def test_it_passes_untouched_and_rewritten(dataset: Path) -> None:
    """Writing the same rows again changes nothing: what fails below fails for its alteration."""
    assert problems(dataset) == []
    for table in (TILES, SAMPLES):
        rewrite(dataset, table, lambda rows: None)
    assert problems(dataset) == []


def chain_number(rows: list[Row]) -> Row:
    row = of(rows, "area")
    number = row["answer"].split()[0]
    row["chain"] = row["chain"].replace(number, number[:-1] + ("7" if number[-1] != "7" else "8"))
    return row


def chain_number_of_other_evidence(rows: list[Row]) -> Row:
    """A number that does stand in the evidence, in the place of another."""
    row = of(rows, "caption")
    shares = [f"{item['value']:.1f}" for item in row["evidence"] if item["fact"] == "share"]
    row["chain"] = row["chain"].replace(shares[0], shares[1])
    return row


def evidence_value(rows: list[Row]) -> Row:
    row = of(rows, "counting")
    row["evidence"][0]["value"] += 1
    return row


def evidence_and_all_words_after_it(rows: list[Row]) -> Row:
    """The lie is consistent: only the mask contradicts it."""
    row = of(rows, "counting")
    before = f"{row['evidence'][0]['value']:.0f}"
    row["evidence"][0]["value"] += 1
    after = f"{row['evidence'][0]['value']:.0f}"
    row["answer"] = after
    row["chain"] = row["chain"].replace(f" {before} ", f" {after} ").replace(f" {before}.", f" {after}.")
    return row


def image_evidence(rows: list[Row], *facts: str) -> tuple[Row, Row]:
    return next((row, item) for row in rows for item in row["evidence"] if item["fact"] in facts)


def index_value(rows: list[Row]) -> Row:
    """Too little to show in the text: only the raster contradicts it."""
    row, item = image_evidence(rows, "ndvi", "ndwi")
    item["value"] += 1e-6
    return row


def backscatter_contrast(rows: list[Row]) -> Row:
    row, item = image_evidence(rows, "backscatter_vv_contrast", "backscatter_vh_contrast")
    item["value"] += 1e-6
    return row


def index_of_another_date(rows: list[Row]) -> Row:
    row, item = image_evidence(rows, "ndvi", "ndwi")
    item["fact"] += "@t9"
    return row


def evidence_unit(rows: list[Row]) -> Row:
    row = of(rows, "area")
    row["evidence"][2]["unit"] = "km2"
    return row


def evidence_row_gone(rows: list[Row]) -> Row:
    row = of(rows, "localisation")
    del row["evidence"][1]
    return row


def evidence_of_a_mask_that_is_not_there(rows: list[Row]) -> Row:
    row = of(rows, "boundary")
    row["evidence"][0]["masks"] = [7]
    return row


def mask_pixel(rows: list[Row]) -> Row:
    row = of(rows, "referring")
    mask = row["masks"][0]
    array = decode(mask["size"], mask["counts"])
    array[31, 17] = ~array[31, 17]
    mask["counts"] = encode_mask(array)
    return row


def mask_text(rows: list[Row]) -> Row:
    row = of(rows, "referring")
    row["masks"][0]["counts"] += "0"
    return row


def mask_size(rows: list[Row]) -> Row:
    row = of(rows, "referring")
    row["masks"][0]["size"] = [32, 128]
    return row


def mask_label(rows: list[Row]) -> Row:
    row = of(rows, "referring")
    row["masks"][0]["label"] = "snow"
    return row


def mask_frame(rows: list[Row]) -> Row:
    row = of(rows, "referring")
    row["masks"][0]["frame"] = "t1"
    return row


def mask_and_its_marker_gone(rows: list[Row]) -> Row:
    row = of(rows, "boundary")
    del row["masks"][1]
    row["chain"] = row["chain"].replace(" [SEG]", "", 1)
    return row


def marker_gone(rows: list[Row]) -> Row:
    row = of(rows, "boundary")
    row["chain"] = row["chain"].replace(" [SEG]", "", 1)
    return row


def question_word(rows: list[Row]) -> Row:
    row = of(rows, "existence")
    row["question"] = row["question"].replace("this", "that").replace("here", "there")
    return row


def answer(rows: list[Row]) -> Row:
    row = of(rows, "boundary")
    row["answer"] = {"Yes": "No", "No": "Yes"}[row["answer"]]
    return row


def options(rows: list[Row]) -> Row:
    row = of(rows, "boundary")
    row["options"] = ["Yes", "No"]
    return row


def shown_frames(rows: list[Row]) -> Row:
    row = rows[3]
    seen = {frame["modality"] for frame in row["frames"]}
    row["frames"] = [{"frame": "t0", "modality": "sar" if seen != {"sar"} else "optical"}]
    return row


def absent_frame(rows: list[Row]) -> Row:
    rows[3]["frames"] = [{"frame": "t9", "modality": "optical"}]
    return rows[3]


def seed(rows: list[Row]) -> Row:
    rows[3]["seed"] += 1
    return rows[3]


def split(rows: list[Row]) -> Row:
    rows[3]["split"] = "test"
    return rows[3]


def writer(rows: list[Row]) -> Row:
    rows[3]["writer"] = "template:caption" if rows[3]["task"] != "caption" else "template:area"
    return rows[3]


def tile_of_another(rows: list[Row]) -> Row:
    rows[3]["tile_id"] = "elsewhere_r000_c000"
    return rows[3]


def name_of_another(rows: list[Row]) -> Row:
    rows[3]["sample_id"] = rows[4]["sample_id"]
    return rows[3]


def nothing_for_a_chain(rows: list[Row]) -> Row:
    rows[3]["chain"] = None
    return rows[3]


def nothing_for_masks(rows: list[Row]) -> Row:
    rows[3]["masks"] = None
    return rows[3]


SAMPLE_EDITS = [
    (chain_number, "chain"), (chain_number_of_other_evidence, "chain"), (evidence_value, "evidence"),
    (index_value, "evidence"), (backscatter_contrast, "evidence"), (index_of_another_date, "evidence"),
    (evidence_and_all_words_after_it, "evidence"), (evidence_unit, "evidence"), (evidence_row_gone, "evidence"),
    (evidence_of_a_mask_that_is_not_there, "evidence"), (mask_pixel, "masks[0]"), (mask_text, "masks[0]"),
    (mask_size, "masks[0]"), (mask_label, "masks[0]"), (mask_frame, "masks[0]"), (mask_and_its_marker_gone, "evidence"),
    (marker_gone, "chain"), (question_word, "question"), (answer, "answer"), (options, "options"),
    (shown_frames, "frames"), (absent_frame, "frames"), (seed, "seed"), (split, "split"), (writer, "writer"),
    (tile_of_another, "tile_id"), (name_of_another, "sample_id"), (nothing_for_a_chain, ""), (nothing_for_masks, ""),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "field"), SAMPLE_EDITS, ids=[edit.__name__ for edit, _ in SAMPLE_EDITS])
def test_an_altered_sample_is_named(dataset: Path, edit: Callable[[list[Row]], Row], field: str) -> None:
    altered: list[Row] = []
    rewrite(dataset, SAMPLES, lambda rows: altered.append(edit(rows)))
    found = problems(dataset)
    name = altered[0]["sample_id"]
    assert any(problem["row"] == name and problem["field"].startswith(field) for problem in found), found
    assert {problem["row"] for problem in found} <= {name, None}, "nothing else is blamed"
    assert not any("checksum" in problem["message"] for problem in found), "the deeper check is what catches it"


def picture_pixel(rows: list[Row]) -> Row:
    image = rows[1]["frames"][0]["image"]
    with Image.open(BytesIO(image["bytes"])) as opened:
        pixels = np.array(opened)
    pixels[40, 20, 1] ^= 1
    image["bytes"] = encode.png(pixels)
    return rows[1]


def picture_byte(rows: list[Row]) -> Row:
    image = rows[1]["frames"][0]["image"]
    middle = len(image["bytes"]) // 2
    image["bytes"] = image["bytes"][:middle] + b"\x00\xff" + image["bytes"][middle + 2 :]
    return rows[1]


def picture_of_another(rows: list[Row]) -> Row:
    rows[1]["frames"][0]["image"] = rows[2]["frames"][0]["image"]
    return rows[1]


def raster_pixel(rows: list[Row]) -> Row:
    raster = rows[1]["frames"][0]["raster"]
    with MemoryFile(raster["bytes"]) as memory, memory.open() as opened:
        profile, pixels, names = opened.profile, opened.read(), opened.descriptions
    pixels[1, 5, 9] += 900
    with MemoryFile() as memory:
        with memory.open(**profile) as out:
            out.write(pixels)
            out.descriptions = names
        raster["bytes"] = bytes(memory.read())
    return rows[1]


def cloud_pixel(rows: list[Row]) -> Row:
    cloud = rows[1]["frames"][0]["cloud"]
    with Image.open(BytesIO(cloud["bytes"])) as picture:
        mask = np.array(picture)
    mask[3, 4] = 255 - mask[3, 4]
    cloud["bytes"] = encode.png(mask)
    return rows[1]


def raster_of_another(rows: list[Row]) -> Row:
    rows[1]["frames"][0]["raster"] = rows[2]["frames"][0]["raster"]
    return rows[1]


def raster_bytes(rows: list[Row]) -> Row:
    rows[1]["frames"][0]["raster"]["bytes"] = b"II*\x00nothing"
    return rows[1]


def label_pixel(rows: list[Row]) -> Row:
    label = np.array(Image.open(BytesIO(rows[1]["label"]["bytes"])))
    values, counts = np.unique(label, return_counts=True)
    row, column = np.argwhere(label == values[counts.argmax()])[0]
    label[row, column] = values[counts.argsort()[-2]]
    rows[1]["label"]["bytes"] = encode.png(label)
    return rows[1]


def label_code(rows: list[Row]) -> Row:
    label = np.array(Image.open(BytesIO(rows[1]["label"]["bytes"])))
    label[0, 0] = 77
    rows[1]["label"]["bytes"] = encode.png(label)
    return rows[1]


def label_bytes(rows: list[Row]) -> Row:
    rows[1]["label"]["bytes"] = b"no picture"
    return rows[1]


def legend_name(rows: list[Row]) -> Row:
    rows[1]["legend"] = "worldcovr"
    return rows[1]


def label_date(rows: list[Row]) -> Row:
    rows[1]["label_frame"] = "t7"
    return rows[1]


def pixel_size(rows: list[Row]) -> Row:
    rows[1]["gsd_m"] = 20.0
    return rows[1]


def place(rows: list[Row]) -> Row:
    rows[1]["transform"][2] += 10
    return rows[1]


def zone(rows: list[Row]) -> Row:
    rows[1]["crs"] = "EPSG:32634"
    return rows[1]


def longitude(rows: list[Row]) -> Row:
    rows[1]["lon"] += 0.01
    return rows[1]


def no_data_share(rows: list[Row]) -> Row:
    rows[1]["frames"][0]["nodata_fraction"] = 0.25
    return rows[1]


def band_names(rows: list[Row]) -> Row:
    rows[1]["frames"][0]["bands"] = ["B04", "B03", "B02", "B08"]
    return rows[1]


def portrait_hash(rows: list[Row]) -> Row:
    rows[1]["phash"] = rows[2]["phash"]
    return rows[1]


def tile_name(rows: list[Row]) -> Row:
    rows[1]["tile_id"] = rows[2]["tile_id"]
    return rows[1]


TILE_EDITS = [
    (picture_pixel, "frames.t0.optical.image"), (picture_byte, "frames.t0.optical.image"),
    (picture_of_another, "frames.t0.optical.image"), (raster_pixel, "frames.t0.optical.image"),
    (raster_of_another, "frames.t0.optical"), (raster_bytes, "frames.t0.optical.raster"), (label_code, "label"),
    (label_bytes, "label"), (legend_name, "label"), (label_date, "label_frame"), (pixel_size, "gsd_m"),
    (place, "frames.t0.optical.raster"), (zone, "frames.t0.optical.raster"), (longitude, "lon"),
    (no_data_share, "frames.t0.optical.nodata"), (band_names, "frames.t0.optical.raster"), (tile_name, "tile_id"),
    (portrait_hash, "phash"), (cloud_pixel, "frames.t0.optical.cloud_fraction"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "field"), TILE_EDITS, ids=[edit.__name__ for edit, _ in TILE_EDITS])
def test_an_altered_tile_is_named(dataset: Path, edit: Callable[[list[Row]], Row], field: str) -> None:
    altered: list[Row] = []
    rewrite(dataset, TILES, lambda rows: altered.append(edit(rows)))
    found = problems(dataset)
    name = altered[0]["tile_id"]
    assert any(problem["row"] == name and problem["field"].startswith(field) for problem in found), found
    assert not any("checksum" in problem["message"] for problem in found)


def test_an_altered_label_map_contradicts_its_samples(dataset: Path) -> None:
    altered: list[Row] = []
    rewrite(dataset, TILES, lambda rows: altered.append(label_pixel(rows)))
    found = problems(dataset)
    assert found
    assert all(problem["row"].startswith(altered[0]["tile_id"]) for problem in found), found
    assert any("in the label map in 1 pixels" in problem["message"] for problem in found)


def drop(table: Table) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, table, lambda rows: rows.pop(2))


def count(*path: str) -> Callable[[Path], None]:
    def edit(manifest: Row) -> None:
        at = manifest["counts"]
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] += 1

    return lambda folder: edit_manifest(folder, edit)


def flip_byte(name: str) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 3] ^= 0x04
        (folder / name).write_bytes(bytes(data))

    return flip


def mended_card(folder: Path) -> None:
    card = folder / "README.md"
    card.write_text(card.read_text().replace("| area |", "| areas |"))

    def mend(manifest: Row) -> None:
        manifest["files"] = [file_entry(folder, entry["path"]) for entry in manifest["files"]]

    edit_manifest(folder, mend)


def mended_drops(folder: Path) -> None:
    line = {"stage": "tile", "level": "tile", "item": "x", "reason": "partial_tile", "detail": ""}
    with (folder / "dropped.jsonl").open("a") as out:
        out.write(json.dumps(line) + "\n")
    edit_manifest(
        folder,
        lambda manifest: manifest.update(files=[file_entry(folder, entry["path"]) for entry in manifest["files"]]),
    )


def more_rows_than_stated(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["parts"][0].update(rows=manifest["parts"][0]["rows"] + 1))


def a_licence(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["sources"][0].update(licence="MIT"))


def recipe_value(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["recipe"]["generate"].update(res=3))


def manifest_seed(folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest.update(seed=9))


FOLDER_EDITS: list[tuple[str, Callable[[Path], None], str]] = [
    ("a dropped sample", drop(SAMPLES), "counts.samples"),
    ("a dropped tile", drop(TILES), "counts.tiles"),
    ("samples.kept", count("samples", "kept"), "counts.samples.kept"),
    ("samples.by_task", count("samples", "by_task", "area"), "counts.samples.by_task.area"),
    ("tiles.read", count("tiles", "read"), "counts.tiles.read"),
    ("scenes.kept", count("scenes", "kept"), "counts.scenes.kept"),
    ("a byte of a part", flip_byte("samples/part-00000.parquet"), "sha256"),
    ("a byte of the tiles", flip_byte("tiles/part-00000.parquet"), "sha256"),
    ("a byte of the card", flip_byte("README.md"), "sha256"),
    ("the card and its checksum", mended_card, ""),
    ("a drop and its checksum", mended_drops, "counts.tiles.dropped.partial_tile"),
    ("a lost part", lambda folder: (folder / "samples/part-00000.parquet").unlink(), ""),
    ("a lost card", lambda folder: (folder / "README.md").unlink(), ""),
    ("a part too many", lambda folder: shutil.copy(
        folder / "samples/part-00000.parquet", folder / "samples/part-00009.parquet"), ""),
    ("rows", more_rows_than_stated, "rows"),
    ("a licence", a_licence, ""),
    ("the recipe", recipe_value, "recipe_sha256"),
    ("the seed", manifest_seed, "seed"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "field"), [case[1:] for case in FOLDER_EDITS], ids=[case[0] for case in FOLDER_EDITS])
def test_an_altered_folder_is_named(dataset: Path, edit: Callable[[Path], None], field: str) -> None:
    edit(dataset)
    found = problems(dataset)
    assert any(problem["field"].startswith(field) if field else not problem["field"] for problem in found), found


@pytest.mark.parametrize(
    "edit",
    [
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: edit_manifest(folder, lambda manifest: manifest.pop("counts")),
        lambda folder: edit_manifest(folder, lambda manifest: manifest["counts"]["tiles"].update(kept="many")),
        lambda folder: edit_manifest(folder, lambda manifest: manifest["parts"][0].pop("sha256")),
        lambda folder: edit_manifest(folder, lambda manifest: manifest["parts"][0].update(path="../../etc/passwd")),
        lambda folder: edit_manifest(folder, lambda manifest: manifest.update(format_version=99)),
        lambda folder: edit_manifest(folder, lambda manifest: manifest["recipe"].update(extra=1)),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_line(dataset: Path, edit: Callable[[Path], Any]) -> None:
    edit(dataset)
    done = cli_here("verify", dataset)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "manifest.json" in done.stderr


def test_the_command_prints_a_line_a_problem(dataset: Path) -> None:
    altered: list[Row] = []
    rewrite(dataset, SAMPLES, lambda rows: altered.append(chain_number(rows)))
    done = cli("verify", dataset, "--quiet")
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2
    assert all(f"samples/part-00000.parquet:{altered[0]['sample_id']}:chain: " in line for line in lines)
