"""Make what the pages show, the gallery and the outputs of the notebook: `python docs/make/pictures.py DIR`.

DIR gets the world, the dataset and the benchmark of the five-minute pages (those that are there already are kept). The
pictures are the programs' own; they are only made narrower and brought to few colours. Needs the extras `[docs]` and
`[model]`, and Chromium with playwright for the two pages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

GALLERY = ROOT / "docs/gallery"
NOTEBOOK = ROOT / "docs/explore.ipynb"
_WIDE_PX, _COLORS, _VIVID = 1040, 256, 64
_PROGRAMS = {"terra-cot": "terra_cot", "terrascope-bench": "terrascope_bench"}
_COMMANDS = {
    "world": "terra-cot world world --scenes 2 --pairs 4 --size-px 768 --quiet",
    "dataset": "terra-cot run demo --set source.root=world -o dataset --workers 2 --quiet",
    "bench": "terrascope-bench build dataset -o bench --split all --quiet",
    "alignment": "terra-cot scan world world -o scenes.parquet --alignment alignment --quiet",
    "dataset-view": "terra-cot view dataset --quiet",
    "stats.html": "terra-cot stats dataset --html stats.html --quiet",
    "small": "terra-cot world small --scenes 1 --pairs 0 --size-px 256 --seed 3 --quiet",
    "explained": "terra-cot explain small/scenes/place_000/S2_20230412_10m.tif small/scenes/place_000/S1_20230412.tif "
    "-o explained --question 'Which of these two covers the larger area in this image: tree cover, or cropland?' "
    "--option 'tree cover' --option cropland --quiet",
}
_SAMPLES: dict[str, Callable[[dict[str, object]], bool]] = {
    "referring": lambda row: row["task"] == "referring" and _shown(row) == {"optical"} and bool(row["masks"]),
    "distance": lambda row: row["task"] == "distance" and len(_of(row)) == 2,
    "radar": lambda row: row["tier"] == "l2_semantic" and _shown(row) == {"sar"},
    "flood": lambda row: row["task"] == "flood_extent" and not str(row["answer"]).startswith("No "),
    "permanence": lambda row: row["task"] == "permanence" and len(_of(row)) > 1,
    "damage": lambda row: row["task"] == "damage_grades" and len(_of(row)) > 1,
}


def main(work: Path) -> None:
    """Fill the gallery and run the notebook."""
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as room:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{_programs(Path(room))}:{os.environ['PATH']}"}
        for made, command in _COMMANDS.items():
            if not (work / made).exists():
                subprocess.run(command, shell=True, check=True, cwd=work, env=environment)
        shutil.rmtree(GALLERY, ignore_errors=True)
        GALLERY.mkdir()
        for name, picture in (*_pictures(work), *_pages(work)):
            _save(picture, GALLERY / f"{name}.png")
        _notebook(work, environment)


def _programs(room: Path) -> Path:
    """A folder with the two commands of this checkout."""
    for name, module in _PROGRAMS.items():
        code = f"from pipelines.{module} import main; main()"
        (room / name).write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$@\"\n")
        (room / name).chmod(0o755)
    return room


def _of(row: dict[str, object]) -> list[dict[str, object]]:
    found = row["masks"]
    assert isinstance(found, list)
    return found


def _shown(row: dict[str, object]) -> set[str]:
    frames = row["frames"]
    assert isinstance(frames, list)
    return {frame["modality"] for frame in frames}


def _pictures(work: Path) -> Iterator[tuple[str, Image.Image]]:
    """The first sample that each rule takes, as `terra-cot show` draws it; the plot of shifts; a scene explained."""
    from terra_cot.picture import find, sample_picture
    from terra_cot.store.shards import SAMPLES, read_rows

    rows = [row for path in SAMPLES.parts(work / "dataset") for row in read_rows(path, SAMPLES)]
    for name, wanted in _SAMPLES.items():
        row = next(filter(wanted, rows), None)
        assert row is not None, f"no sample for {name} in this dataset"
        yield name, sample_picture(*find(work / "dataset", row["sample_id"]))
    yield "alignment", Image.open(work / "alignment/alignment.png")
    yield "explained", Image.open(work / "explained/overlay.png")


def _pages(work: Path) -> Iterator[tuple[str, Image.Image]]:
    """The site of the samples and the page of counts, as a browser shows them."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("TERRA_COT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, file, last in (("view", "dataset-view/index.html", "body"), ("stats", "stats.html", ".flowing")):
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
            page.goto((work / file).resolve().as_uri())
            page.wait_for_timeout(1500)
            box = page.locator(last).first.bounding_box()
            assert box is not None
            # To the end of a part of the page: nothing is cut through.
            page.set_viewport_size({"width": 1280, "height": round(box["y"] + box["height"]) + 24 * (last != "body")})
            yield name, Image.open(BytesIO(page.screenshot()))
        browser.close()


def _save(picture: Image.Image, path: Path) -> None:
    """A PNG for a page: at most 1,040 pixels wide, in 256 colours that are near to its own."""
    picture = picture.convert("RGB")
    if picture.width > _WIDE_PX:
        picture = picture.resize((_WIDE_PX, round(picture.height * _WIDE_PX / picture.width)), Image.Resampling.LANCZOS)
    # Outlines, marks and words are of one colour each, and keep it: those of two classes must not become one.
    pixels = np.asarray(picture)
    found, place, count = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    common = found[np.argsort(-count, kind="stable")]
    vivid = common[np.ptp(common.astype(int), axis=1) > 70]
    flat = np.concatenate([common[:16], vivid[:_VIVID]])
    few = picture.quantize(_COLORS - len(flat), method=Image.Quantize.MEDIANCUT, kmeans=3).getpalette() or []
    palette = np.concatenate([flat, np.array(few, np.uint8).reshape(-1, 3)])[:_COLORS]
    index = cKDTree(palette).query(found)[1].astype(np.uint8)[place].reshape(pixels.shape[:2])
    out = Image.fromarray(index).convert("P")
    out.putpalette(palette.ravel().tolist())
    out.save(path, "PNG", optimize=True)


def _notebook(work: Path, environment: dict[str, str]) -> None:
    """Run the notebook in `work` and keep what it shows; warnings of the machine are left out."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    runner = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(work)}})
    runner.execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
