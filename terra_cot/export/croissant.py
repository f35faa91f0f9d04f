"""Croissant 1.0: a folder to publish, with croissant.json and every file that the manifest of the dataset names.

Nothing is made that the dataset does not have: files are linked where the file system allows it, else copied. The
folder is a dataset itself (`terra-cot verify` takes it) without the working files of the run. Splits are a column, not
files, so that all of them are taken.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from terra_cot.errors import ConfigError
from terra_cot.export import Job, Target
from terra_cot.store.croissant import NAME, write_croissant
from terra_cot.store.manifest import NAME as MANIFEST
from terra_cot.tile import SPLITS


def write(job: Job) -> None:
    if job.splits != SPLITS:
        raise ConfigError("--split: Croissant describes whole parts; the column `split` tells them apart")
    count = job.count("files")
    for pair in job.parts():
        for part in (pair.tiles, pair.samples):
            if part is not None:
                _same(job.folder / part.path, job.out / part.path)
                count.keep()
        for _ in range(pair.tiles.rows):
            job.tile_done()
    for name in [MANIFEST, *(entry["path"] for entry in job.manifest["files"])]:
        _same(job.folder / name, job.out / name)
        count.keep()
    if not (job.out / NAME).is_file():  # of a release that did not write it
        write_croissant(job.out, job.manifest)
        count.keep()


def _same(origin: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(origin, place)
    except OSError:  # another file system, or one without links
        shutil.copy2(origin, place)


TARGET = Target("croissant", write)
