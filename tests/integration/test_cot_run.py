"""Through the real command line: scenes in, a verified dataset out, the same bytes however it was interrupted."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import datasets
import numpy as np
import pytest
import yaml
from gate import LONG_S, Gate, end, killed_at
from geofactory import SCRIPT, cli, cli_here, rasters_archive

KEPT = ("tiles", "samples", "README.md", "croissant.json", "manifest.json", "dropped.jsonl")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes, 27 tiles, nine parts."""
    folder = tmp_path_factory.mktemp("archive")
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(rasters_archive(folder / "data", scenes=3, side=192) | {"part_tiles": 3}))
    return path


@pytest.fixture(scope="module")
def dataset(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "dataset"
    done = cli("run", recipe, "-o", out, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return out


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that a user gets, by its name."""
    paths = [
        path for name in KEPT for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_dataset_verifies(dataset: Path) -> None:
    done = cli("verify", dataset, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert found["tiles"] == 27
    assert found["samples"] > 150
    assert cli("verify", dataset, "--workers", 2, "--quiet").returncode == 0


def test_the_counts_add_up(dataset: Path) -> None:
    counts = json.loads((dataset / "manifest.json").read_bytes())["counts"]
    for stage in ("scenes", "tiles", "annotated_tiles"):
        assert counts[stage]["read"] == counts[stage]["kept"] + sum(counts[stage]["dropped"].values())
    for key in ("by_tier", "by_task", "by_split", "by_writer"):
        assert sum(counts["samples"][key].values()) == counts["samples"]["kept"]
    assert set(counts["samples"]["by_task"]) >= {
        "referring", "caption", "existence", "counting", "localisation", "area", "boundary", "distance",
    }  # fmt: skip


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason='pip install "terra-cot[ray]"')
def test_ray_makes_the_same_bytes(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    done = cli("run", recipe, "-o", tmp_path / "out", "--engine", "ray", "--workers", 2, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert contents(tmp_path / "out") == contents(dataset)


def test_hugging_face_datasets_reads_it(dataset: Path, tmp_path: Path) -> None:
    """Plain `load_dataset(DIR, name)`, nothing of ours: images arrive as images."""
    samples = datasets.load_dataset(str(dataset), "samples", split="full", cache_dir=str(tmp_path))
    tiles = datasets.load_dataset(str(dataset), "tiles", split="full", cache_dir=str(tmp_path))
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    assert (len(samples), len(tiles)) == (manifest["counts"]["samples"]["kept"], 27)
    assert set(samples["tile_id"]) <= set(tiles["tile_id"])
    tile = tiles[5]
    assert [(frame["frame"], frame["modality"]) for frame in tile["frames"]] == [
        ("t0", "optical"), ("t0", "sar"), ("t1", "optical"),
    ]  # fmt: skip
    for frame in tile["frames"]:
        assert (frame["image"].mode, frame["image"].size) == ("RGB", (64, 64))
        assert frame["raster"]["bytes"][:4] in (b"II*\x00", b"II+\x00")
    assert tile["label"].size == (64, 64)
    assert set(np.unique(np.asarray(tile["label"]))) <= {0, 10, 30, 40, 50, 80}
    sample = next(row for row in samples if row["task"] == "area")
    assert sample["chain"].count("[SEG]") == len(sample["masks"]) == 1
    assert sample["masks"][0]["size"] == [64, 64]
    assert datasets.load_dataset(str(dataset), split="full", cache_dir=str(tmp_path)).num_rows == len(samples)


def test_two_workers_write_the_same_bytes(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    assert cli("run", recipe, "-o", tmp_path / "two", "--workers", 2, "--quiet").returncode == 0
    assert contents(tmp_path / "two") == contents(dataset)


@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(
    recipe: Path, dataset: Path, tmp_path: Path, moment: int
) -> None:
    """SIGKILL, so nothing can be tidied up; half of the runs have workers. The folder is unfinished or right."""
    rng, out = random.Random(moment), tmp_path / "killed"
    command = [str(SCRIPT), "run", str(recipe), "-o", str(out), "--quiet", "--workers", str(1 + moment % 2)]
    running = subprocess.Popen(command, start_new_session=True)
    parts = rng.randrange(18)  # kill once so many parts are written, a little later
    while running.poll() is None and len(list(out.glob("*/part-*.parquet"))) < parts:
        time.sleep(0.002)
    time.sleep(rng.random() * 0.15)
    end(running)
    if (out / "manifest.json").exists():
        assert contents(out) == contents(dataset)
    done = cli_here("run", recipe, "-o", out, "--quiet", "--workers", 1 + moment % 5 // 4)
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(dataset)
    assert not [path for path in out.rglob(".*.tmp") if path.parent.name != ".progress"]


@pytest.fixture
def copy(dataset: Path, tmp_path: Path) -> Path:
    """The finished dataset with its markers, to be damaged."""
    shutil.copytree(dataset, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_lost_or_truncated_part_is_made_again(recipe: Path, dataset: Path, copy: Path) -> None:
    (copy / "tiles" / "part-00002.parquet").unlink()
    part = copy / "samples" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:1000])
    untouched = (copy / "tiles" / "part-00003.parquet").stat().st_mtime_ns
    assert cli_here("verify", copy, "--quiet").returncode == 1
    assert cli_here("run", recipe, "-o", copy, "--quiet").returncode == 0
    assert contents(copy) == contents(dataset)
    assert (copy / "tiles" / "part-00003.parquet").stat().st_mtime_ns == untouched, "what is right is not made again"


def test_generate_is_the_second_half_of_run(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    values = yaml.safe_load(recipe.read_text())
    options = [
        f"--set=source.{key}={json.dumps(value)}"
        for key, value in values["source"].items()
        if key not in ("kind", "root")
    ]
    scenes, out = tmp_path / "scenes.parquet", tmp_path / "out"
    assert cli_here("scan", "rasters", values["source"]["root"], "-o", scenes, *options).returncode == 0
    assert cli_here("tile", scenes, "-o", out, "--set", "tile.size_px=64", "--set", "part_tiles=3").returncode == 0
    assert cli_here("verify", out).returncode == 0
    settings = [f"--set=generate.{key}={value}" for key, value in values["generate"].items()]
    done = cli_here("generate", out, *settings)
    assert done.returncode == 0, done.stderr
    assert cli_here("verify", out).returncode == 0
    halves, whole = contents(out), contents(dataset)
    for name in whole:
        if name.startswith(("tiles/", "samples/")):
            assert halves[name] == whole[name], name


def test_another_seed_gives_other_samples_from_the_same_tiles(dataset: Path, copy: Path) -> None:
    assert cli_here("generate", copy, "--set", "seed=5", "--quiet").returncode == 0
    assert cli_here("verify", copy, "--quiet").returncode == 0
    before, after = contents(dataset), contents(copy)
    assert all(after[name] == before[name] for name in before if name.startswith("tiles/"))
    assert all(after[name] != before[name] for name in before if name.startswith("samples/"))


def test_killed_while_generating_again_it_is_unfinished(copy: Path) -> None:
    """The old manifest must not describe new parts."""
    command = [str(SCRIPT), "generate", str(copy), "--set", "seed=5", "--quiet"]
    killed_at(copy.with_name("gate"), "*/samples/part-*.parquet", command, at=2)
    done = cli_here("verify", copy)
    assert done.returncode == 2
    assert "not a finished dataset" in done.stderr
    assert cli_here("generate", copy, "--set", "seed=5", "--quiet").returncode == 0
    assert cli_here("verify", copy, "--quiet").returncode == 0


def test_show_and_stats(dataset: Path, tmp_path: Path) -> None:
    row = datasets.load_dataset(str(dataset), "samples", split="full", cache_dir=str(tmp_path / "c"))[7]
    done = cli_here("show", dataset, row["sample_id"], "-o", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
    from PIL import Image

    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 600
    missing = cli_here("show", dataset, row["sample_id"] + "x", "-o", tmp_path / "b.png")
    assert missing.returncode == 2
    assert f'did you mean "{row["sample_id"]}"' in missing.stderr
    found = json.loads(cli_here("stats", dataset, "--json").stdout)
    assert found["alignment"]["optical reference"] == 27
    assert sum(found["samples_by_modality"].values()) == found["counts"]["samples"]["kept"]


def one_line(done: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_bad_input_is_one_line_and_exit_code_2(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    one_line(cli("run", "nothing.yaml", "-o", out), "nothing.yaml", "no such recipe")
    one_line(cli_here("run", "dmo", "-o", out), 'did you mean "demo"')
    one_line(cli_here("run", recipe, "-o", out, "--set", "tile.sise_px=3"), 'did you mean "size_px"')
    one_line(cli_here("run", recipe, "-o", out, "--set", "generate.l1_max=0"), "l1_min")
    one_line(cli_here("run", recipe, "-o", out, "--set", "source.root=/nowhere"), "/nowhere", "no such folder")
    one_line(cli_here("run", recipe, "-o", out, "--set", "source.kind=sentinel"), "no source")
    one_line(cli_here("run", recipe, "-o", out, "--set", "source.legend=worldcovr"), 'did you mean "worldcover"')
    one_line(cli_here("run", recipe, "-o", out, "--set", f"source.root={tmp_path}"), "matches no file")
    assert cli_here("run", recipe, "-o", out, "--limit", 1, "--quiet").returncode == 0, (
        "a recipe that failed may be mended"
    )
    one_line(cli_here("run", recipe, "-o", out), "another recipe", "limit")
    one_line(cli_here("run", recipe, "-o", recipe), "is a file")
    one_line(cli_here("verify", tmp_path), "not a finished dataset")
    one_line(cli_here("verify", tmp_path / "absent"), "no such folder")
    one_line(cli_here("stats", tmp_path), "not a finished dataset")
    one_line(cli_here("generate", tmp_path), "no dataset in the making")
    one_line(cli_here("generate", dataset, "--set", "tile.size_px=32"), "can still be set")
    one_line(cli_here("tile", recipe, "-o", tmp_path / "t"), "not a readable Parquet file")
    one_line(cli_here("scan", "rasters", tmp_path, "-o", tmp_path / "s.parquet"), "source.frames")


def test_a_run_that_keeps_nothing_fails_and_says_why(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = ("--set", "tile.size_px=500", "--set", "source.legend=corine-19")
    done = cli_here("run", recipe, "-o", out, "--quiet", *settings)
    one_line(done, "no tile is left (3 unknown_label_code)", "dropped.jsonl")
    assert len((out / "dropped.jsonl").read_text().splitlines()) == 3
    assert not (out / "manifest.json").exists()


def test_scenes_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan of a relative root, cut from elsewhere, once dropped every tile."""
    rasters_archive(tmp_path / "here" / "data", scenes=1, side=64)
    monkeypatch.chdir(tmp_path / "here")
    frames = '[{modality: optical, files: ["{scene}/S2_{date}.tif"]}]'
    done = cli_here("scan", "rasters", "data", "-o", "s.parquet", "--set", f"source.frames={frames}", "--quiet")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    assert cli_here("tile", "here/s.parquet", "-o", "out", "--quiet").returncode == 0


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = cli("verify", tmp_path, "--debug")
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_a_second_run_at_the_same_time_is_refused(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gate = Gate(tmp_path / "gate", "*/tiles/part-00000.parquet")  # it holds the folder for as long as we look
    running = subprocess.Popen([str(SCRIPT), "run", str(recipe), "-o", str(out), "--quiet"], env=gate.environment())
    try:
        gate.wait(running)
        one_line(cli("run", recipe, "-o", out), "another run is writing here")
    finally:
        gate.open()
    assert running.wait(timeout=LONG_S) == 0
    assert contents(out) == contents(dataset)


def test_a_foreign_folder_is_left_alone(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    one_line(cli("run", recipe, "-o", tmp_path), "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_changed_inputs_remake_what_follows_from_them(tmp_path: Path) -> None:
    """Resuming looks at what a part follows from, never at its path alone."""
    values = rasters_archive(tmp_path / "data", scenes=2, side=128)
    path, out = tmp_path / "r.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump({**values, "part_tiles": 4}))
    assert cli_here("run", path, "-o", out, "--quiet").returncode == 0
    before = contents(out)
    shutil.copy(tmp_path / "data" / "place1" / "labels.tif", tmp_path / "data" / "place0" / "labels.tif")
    shutil.copy(tmp_path / "data" / "place1" / "S2_2023-05-01.tif", tmp_path / "data" / "place0" / "S2_2023-05-01.tif")
    assert cli_here("run", path, "-o", out, "--quiet").returncode == 0
    after = contents(out)
    assert after["tiles/part-00000.parquet"] != before["tiles/part-00000.parquet"]
    assert after["tiles/part-00001.parquet"] == before["tiles/part-00001.parquet"]
    assert cli_here("verify", out, "--quiet").returncode == 0


def test_a_damaged_file_is_counted_not_skipped(tmp_path: Path) -> None:
    values = rasters_archive(tmp_path / "data", scenes=2, side=128)
    path, out = tmp_path / "r.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(values))
    broken = tmp_path / "data" / "place0" / "S2_2023-08-01.tif"
    broken.write_bytes(broken.read_bytes()[:4000])
    (tmp_path / "data" / "place1" / "labels.tif").unlink()
    assert cli_here("run", path, "-o", out, "--quiet").returncode == 0
    counts = json.loads((out / "manifest.json").read_bytes())["counts"]
    assert sum(sum(stage.values()) for stage in counts["frames_dropped"].values()) >= 2
    assert counts["annotated_tiles"]["dropped"] == {"no_label": 4}
    drops = [json.loads(line) for line in (out / "dropped.jsonl").read_text().splitlines()]
    assert any("S2_2023-08-01.tif" in drop["detail"] for drop in drops)
    assert {"missing_label", "no_label"} <= {drop["reason"] for drop in drops}
    assert cli_here("verify", out, "--quiet").returncode == 0
