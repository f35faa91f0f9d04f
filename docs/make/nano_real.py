"""What terrascope-nano makes of real tiles, before and after minutes of tuning on another real place.

    python docs/make/nano_real.py WORK DATA

DATA holds `bigearthnet-v2` (one patch of which has a reference map: what is asked about) and `slovenia-s2-series` (a
place of 1 km with a land-cover map, three clear dates: what is tuned on). Real data do not come with the project.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
import yaml

from terra_cot.store.manifest import recorded_parts
from terra_cot.store.shards import TILES
from terrascope_bench.models.terrascope import labels
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.generate import generate
from terrascope_bench.terrascope.images import Shown, read_picture
from terrascope_bench.terrascope.sequence import Asked
from terrascope_bench.terrascope.shipped import SHIPPED, shipped
from terrascope_bench.terrascope.train.questions import Lesson, lessons_of, tiles_of

CODES = {1: 40, 2: 10, 3: 30, 4: 20, 8: 50}
"""Slovenia's codes in those of WorldCover."""
STEPS = 150
PARTS = ["vision", "projector", "language", "seg_projection", "mask_encoder", "mask_decoder", "gate"]


def call(program: str, *arguments: object) -> None:
    line = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    print("+", program, *line[1:], flush=True)
    subprocess.run(line, check=True)


def bigearthnet(work: Path, data: Path) -> Path:
    out = work / "bigearthnet"
    if not (out / "manifest.json").is_file():
        call("terra-cot", "run", "bigearthnet", "-o", out, "--set", f"source.root={data / 'bigearthnet-v2'}", "--quiet")
    return out


def slovenia(work: Path, data: Path) -> Path:
    out, root = work / "slovenia", work / "slovenia-source"
    if (out / "manifest.json").is_file():
        return out
    root.mkdir(parents=True, exist_ok=True)
    for path in (data / "slovenia-s2-series").glob("*.tif"):
        shutil.copy(path, root / path.name)
    with rasterio.open(root / "LULC.tif") as dataset:
        codes, profile = dataset.read(1), {**dataset.profile, "dtype": "uint8", "nodata": 0}
    ours = np.zeros(int(codes.max()) + 1, np.uint8)
    for code, known in CODES.items():
        ours[code] = known
    with rasterio.open(root / "map.tif", "w", **profile) as dataset:
        dataset.write(ours[codes], 1)
    frames = [{"modality": "optical", "files": ["S2_L1C_{date}.tif"], "cloud": "CLM_{date}.tif", "cloud_codes": [1]}]
    source = {"kind": "rasters", "root": str(root), "frames": frames, "label": "map.tif", "legend": "worldcover"}
    recipe = work / "slovenia.yaml"
    recipe.write_text(yaml.safe_dump({"name": "slovenia", "source": source, "tile": {"size_px": 256}}))
    call("terra-cot", "run", recipe, "-o", out, "--quiet")
    return out


def tuned(work: Path, data: Path) -> Path:
    """The shipped weights, tuned on Slovenia."""
    stage = {"name": "tune", "teaches": "questions", "told": 0.5, "sensors": ["optical"], "trains": PARTS, "lr": 3e-4}
    folder, _ = shipped(SHIPPED[0])
    recipe = work / "tune.yaml"
    stages = [{**stage, "batch": 4, "steps": STEPS, "warmup": 20}]
    recipe.write_text(yaml.safe_dump({"name": "tuned", "model": str(folder), "split": None, "stages": stages}))
    start = time.monotonic()
    call("terrascope-bench", "train", recipe, "-o", work / "tuned", "--data", slovenia(work, data))
    print(f"tuned in {(time.monotonic() - start) / 60:.1f} min")
    return work / "tuned" / "model"


def questions(folder: Path) -> Iterator[Lesson]:
    for row, path in tiles_of(recorded_parts(folder, TILES.name)):
        yield from lessons_of(row, path, 0, each=6, jitter=0.0)


def table(model_folder: Path, folder: Path, measured: bool) -> str:
    """A row: share of right letters, and the IoU of each class over the questions that look at it."""
    model, words = store.load(model_folder)
    model.config = type(model.config).from_json({**model.config.to_json(), "measured": measured})
    asked = list({(found.question, found.frames, found.options): found for found in questions(folder)}.values())
    right, found = 0, defaultdict(list)
    for lesson in asked:
        images = [Shown(frame.frame, frame.modality, read_picture(frame.image)) for frame in lesson.frames]
        question = Asked(images, lesson.question, lesson.options, lesson.gsd_m, lesson.tile_id)
        (reply,) = generate(model, words, [question])
        right += reply.text.endswith(f"<answer>{lesson.answer}</answer>")
        named = dict(zip(labels(reply.text), reply.looked, strict=False))
        for look in lesson.looks:
            mask = named[look.label].mask if look.label in named else np.zeros_like(look.truth)
            found[look.label].append((mask & look.truth).sum() / max(1, (mask | look.truth).sum()))
    classes = ", ".join(f"{name} {np.mean(values):.2f}" for name, values in sorted(found.items()))
    every = [value for values in found.values() for value in values]
    return f"| {len(asked)} | {100 * right / len(asked):.0f} % | {np.mean(every):.2f} | {classes} |"


def main(work: Path, data: Path) -> None:
    ben, (before, _), after = bigearthnet(work, data), shipped(SHIPPED[0]), tuned(work, data)
    print("| weights | numbers | questions | right | mean IoU | by class |", "|---|---|---|---|---|---|", sep="\n")
    for name, folder in (("world alone", before), ("tuned on Slovenia", after)):
        for told, measured in (("written", False), ("measured", True)):
            print(f"| {name} | {told} {table(folder, ben, measured)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
