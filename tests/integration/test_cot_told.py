"""What commands say of a wrong ending, of a folder that is no dataset, of a harmed part, and of a split of nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from geofactory import cli_here, rasters_archive
from PIL import Image

from terra_cot.store.shards import SAMPLES, TILES, read_rows


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(rasters_archive(folder / "in", scenes=1, side=128) | {"part_tiles": 2}))
    return path


@pytest.fixture(scope="module")
def dataset(recipe: Path) -> Path:
    out = recipe.parent / "own"
    assert cli_here("run", recipe, "-o", out, "--quiet").returncode == 0
    return out


def refused(*arguments: object) -> str:
    done = cli_here(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line.removeprefix("error: ")


def test_the_ending_says_the_kind_of_picture(dataset: Path, tmp_path: Path) -> None:
    known = "give one of .png, .webp, .jpg, .jpeg"
    name = str(next(read_rows(SAMPLES.parts(dataset)[0], SAMPLES))["sample_id"])
    assert refused("show", dataset, name, "-o", tmp_path / "a.xyz").endswith(f'no pictures end in ".xyz"; {known}')
    assert refused("show", dataset, name, "-o", tmp_path / "a").endswith(known)
    for ending, kind in ((".png", "PNG"), (".webp", "WEBP"), (".JPG", "JPEG")):
        path = tmp_path / f"a{ending}"
        assert cli_here("show", dataset, name, "-o", path, "-q").returncode == 0
        with Image.open(path) as picture:
            assert picture.format == kind
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".JPG", ".png", ".webp"]


def test_what_is_no_dataset(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    assert refused("verify", recipe).startswith(f"{recipe}: is a file, not a folder; ")
    line = refused("verify", tmp_path)
    assert "not a dataset, or not a finished dataset" in line
    assert f"`terra-cot run ... -o {tmp_path}`" in line
    out = tmp_path / "out"
    shutil.copytree(dataset, out)
    (out / "manifest.json").unlink()
    assert refused("verify", out).endswith(f"not a finished dataset; repeat `terra-cot run ... -o {out}`: it goes on")


def test_of_a_harmed_part_the_cause_comes_first(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(dataset, out)
    part = SAMPLES.parts(out)[0]
    part.write_bytes(part.read_bytes()[:-100])
    done = cli_here("verify", out)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith("verify: ")]
    assert lines[0].startswith(f"samples/{part.name}:bytes: has ")
    assert lines[0].endswith("run the recipe again, it makes the part anew")
    assert "not a readable Parquet file" in lines[1]
    assert "run the recipe again" in lines[1]
    assert all(line.startswith("manifest.json:counts") for line in lines[2:])
    assert cli_here("run", recipe, "-o", out, "--quiet").returncode == 0
    assert cli_here("verify", out).stdout.endswith(" checked, 0 problems\n")
    (out / "README.md").write_text("mine\n")
    assert cli_here("verify", out).stdout.endswith(" problems\n")
    shutil.copy(TILES.parts(out)[0], out / "tiles" / "part-00099.parquet")
    shutil.copy(dataset / "README.md", out / "README.md")
    assert cli_here("verify", out).stdout.endswith(" checked, 1 problem\n")


def test_a_split_of_nothing(dataset: Path, tmp_path: Path) -> None:
    for splits in (("--split", "validation"), ("--split", "train", "--split", "validation")):
        line = refused("export", dataset, "--to", "coco", "-o", tmp_path / "out", *splits)
        assert line.startswith("--split validation: no samples of the dataset are in it (there are: train ")
    assert not (tmp_path / "out").exists()
