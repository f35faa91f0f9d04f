"""Building on real files: rules, balance, determinism, Hugging Face, counts that add up, no leak without the image."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from benchfactory import tiles
from jsonschema import Draft202012Validator

from terra_cot.balance.leakage import read_places
from terra_cot.errors import ConfigError, ConflictError, DataError
from terra_cot.evidence import Ground, measure_fact
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import TILES, read_rows, write_part
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.build import build_benchmark
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS

Cli = Callable[..., subprocess.CompletedProcess[str]]
Make = Callable[..., Path]
SCHEMAS = Path(__file__).parents[3] / "schemas"


def test_questions_follow_their_rules_and_their_evidence(bench: Path) -> None:
    seen = Counter[str]()
    for question in open_benchmark(bench).questions():
        seen[question.task] += 1
        assert question.masks is not None
        assert question.question_id.endswith("-opt-pair" if question.task == "BCE" else "-opt")
        assert [frame.frame for frame in question.frames] == (["t0", "t1"] if question.task == "BCE" else ["t0"])
        assert all(frame.image.startswith(b"\x89PNG") for frame in question.frames)
        assert all(mask.size == (question.height, question.width) for mask in question.masks)
        arrays = [mask.to_array() for mask in question.masks]
        valid = question.value_of("valid_pixels")
        ground = Ground(int(valid) if valid is not None else question.width * question.height, question.gsd_m)
        for item in question.evidence:
            assert measure_fact(item, arrays, ground) == item.value
        assert TASKS[question.task].follow(question, list(map(Region.of, arrays))) == question.letters.index(
            question.answer
        )
        assert len(set(question.options)) == len(question.options) == (2 if question.task in ("CR", "BRD") else 4)
        if question.option_values is not None:
            assert list(question.option_values) == sorted(question.option_values)
    assert set(seen) == set(TASKS)


def test_counts_add_up_and_the_manifest_fits_its_schema(bench: Path) -> None:
    manifest = json.loads((bench / "manifest.json").read_text())
    Draft202012Validator(json.loads((SCHEMAS / "benchmark_manifest.schema.json").read_text())).validate(manifest)
    tiles = manifest["tiles"]
    assert tiles["read"] == tiles["used"] + sum(tiles["dropped"].values()) == 180
    for code, task in manifest["tasks"].items():
        assert task["candidates"] == task["questions"] + sum(task["refused"].values()) + sum(task["left"].values())
        assert set(task["refused"]) == set(TASKS[code].filters)
        assert sum(task["letters"].values()) == task["questions"] == sum(task["balanced_within"])
        assert max(task["letters"].values()) - min(task["letters"].values()) <= 1
    assert sum(part["rows"] for part in manifest["parts"]) == sum(t["questions"] for t in manifest["tasks"].values())


def test_hugging_face_loads_it_and_images_arrive_as_images(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset
    from PIL import Image

    table = load_dataset(str(bench), split="test", cache_dir=str(tmp_path))
    assert len(table) == open_benchmark(bench).size
    image = table[0]["frames"][0]["image"]
    assert isinstance(image, Image.Image)
    assert image.size == (table[0]["width"], table[0]["height"])


def test_hugging_face_does_not_take_one_bench_for_another(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`datasets` keeps what it read of a local folder under the folder's last name."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    ids = []
    for number in (0, 1):
        folder = tmp_path / str(number) / "bench"
        build_benchmark([dataset], folder, per_task=8 + 4 * number)
        ids.append(load_dataset(str(folder), split="test", cache_dir=str(tmp_path / "cache"))["question_id"])
        assert ids[-1] == [question.question_id for question in open_benchmark(folder).questions()]
    assert len(ids[0]) < len(ids[1])


def test_its_card_tells_the_hub_the_licences_of_its_sources(bench: Path) -> None:
    from huggingface_hub import DatasetCard

    from terra_cot.store.licence import hub_licence
    from terra_cot.store.manifest import manifest_parts
    from terrascope_bench.card import card

    shown, manifest = DatasetCard.load(bench / "README.md"), open_benchmark(bench).manifest
    told = shown.data.to_dict()
    assert {name: told[name] for name in told if name.startswith("license")} == hub_licence(
        entry["licence"] for entry in manifest["sources"]
    )
    assert manifest["sources"]
    mixed = [
        {"source": "a", "licence": "{Terms}\n---", "questions": 1},
        {"source": "b", "licence": "CC-BY-4.0", "questions": 1},
    ]
    told = DatasetCard(card(manifest | {"sources": mixed}, manifest_parts(manifest))).data.to_dict()
    assert (told["license"], told["license_name"]) == ("other", "cc-by-4.0-and-terms")
    assert told["configs"][0]["data_files"][0]["path"] == "questions/*.parquet"


def test_same_tiles_same_bytes_in_any_order_of_folders(dataset: Path, tmp_path: Path, make_dataset: Make) -> None:
    other = make_dataset(tmp_path / "other", 20, 4, seed=9)
    build_benchmark([dataset, other], tmp_path / "a", per_task=12)
    build_benchmark([other, dataset], tmp_path / "b", per_task=12)
    for path in sorted((tmp_path / "a").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path
    build_benchmark([dataset, other], tmp_path / "c", per_task=12, seed=1)
    assert (tmp_path / "a/manifest.json").read_bytes() != (tmp_path / "c/manifest.json").read_bytes()


def test_splits(dataset: Path, tmp_path: Path, make_dataset: Make) -> None:
    train = make_dataset(tmp_path / "train", 20, 0, seed=5, split="train")
    both = build_benchmark([dataset, train], tmp_path / "a", per_task=8)
    assert both["split"] == "test"
    assert both["tiles"]["dropped"]["other_split"] == 20
    assert build_benchmark([train], tmp_path / "b", per_task=8)["split"] == "all"
    assert build_benchmark([dataset, train], tmp_path / "c", per_task=8, split="train")["tiles"]["used"] <= 20
    with pytest.raises(DataError, match="no question could be made"):
        build_benchmark([train], tmp_path / "d", split="validation")
    with pytest.raises(ConfigError, match="no split"):
        build_benchmark([train], tmp_path / "e", split="tset")


def test_a_folder_in_use_is_not_touched(dataset: Path, bench: Path, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="--force"):
        build_benchmark([dataset], bench)
    with pytest.raises(DataError, match="kind"):
        build_benchmark([dataset], dataset, force=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConflictError, match="something else"):
        build_benchmark([dataset], tmp_path, force=True)
    unfinished = tmp_path / "unfinished"
    shutil.copytree(bench, unfinished)
    (unfinished / "manifest.json").unlink()
    build_benchmark([dataset], unfinished, per_task=24)
    assert (unfinished / "manifest.json").read_bytes() == (bench / "manifest.json").read_bytes()


def test_the_same_tile_twice_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two tiles"):
        build_benchmark([dataset, dataset], tmp_path / "out")


def test_a_damaged_benchmark_is_refused(bench: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(bench, broken)
    part = next((broken / "questions").iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(DataError, match="another size"):
        open_benchmark(broken)
    part.unlink()
    with pytest.raises(DataError, match="missing"):
        open_benchmark(broken)


def test_command_line(dataset: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "bench"
    done = cli("build", dataset, "-o", out, "--per-task", 8, "--classes", "native", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "BCE" in done.stdout
    again = cli("build", dataset, "-o", out)
    assert again.returncode == 2
    assert again.stderr.startswith("error: ")
    assert "--force" in again.stderr
    quiet = cli("build", dataset, "-o", out, "--force", "--quiet", "--per-task", 8)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    printed = cli("build", dataset, "-o", out, "--force", "--json", "--per-task", 8)
    assert json.loads(printed.stdout) == json.loads((out / "manifest.json").read_text())
    absent = cli("build", tmp_path / "absent", "-o", tmp_path / "x")
    assert absent.returncode == 2
    assert len(absent.stderr.strip().splitlines()) == 1


def test_a_dataset_too_small_for_whole_sets_is_told(make_dataset: Make, tmp_path: Path, cli: Cli) -> None:
    few = cli("build", make_dataset(tmp_path / "few", 40, 0), "-o", tmp_path / "bench")
    assert few.returncode == 0, few.stderr
    assert "BCE: too few candidates for a whole set, in which each option is right once" in few.stdout
    one, (tile,) = tmp_path / "one", tiles(1, 0, 0, "train", 0.0)
    write_manifest(one, "dataset", {"sources": []}, [write_part(one, TILES, 0, [tile.to_row()])])
    for given, hint in (((), False), (("--split", "all"), False), (("--split", "train"), True)):
        none = cli("build", one, "-o", tmp_path / "none", *given)
        assert none.returncode == 2
        assert "whole sets, in which each option is right once" in none.stderr
        assert ("or --split all" in none.stderr) is hint


def test_a_training_tile_that_shows_a_question_fails_the_build(
    dataset: Path, tmp_path: Path, make_dataset: Make
) -> None:
    """The same pictures under other names: told by what they show."""
    copies = make_dataset(tmp_path / "copies", 30, 6, seed=0, split="train")
    rename_tiles(copies)
    with pytest.raises(DataError, match=r"training tiles show what the benchmark shows.*same picture"):
        build_benchmark([dataset, copies], tmp_path / "bench", per_task=8)
    assert not (tmp_path / "bench/manifest.json").exists()
    others = make_dataset(tmp_path / "others", 30, 6, seed=77, split="train")
    manifest = build_benchmark([dataset, others], tmp_path / "bench", per_task=8)
    assert manifest["training_tiles_checked"] == 36
    places = read_places(tmp_path / "bench")
    assert len(places) == manifest["tiles"]["used"]


def rename_tiles(folder: Path) -> None:
    """Give every tile of a dataset folder, and its source image, another name."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    parts = []
    for number, entry in enumerate(manifest["parts"]):
        rows = [
            row | {"tile_id": f"copy of {row['tile_id']}", "source_id": f"copy of {row['source_id']}"}
            for row in read_rows(folder / entry["path"], TILES)
        ]
        parts.append(write_part(folder, TILES, number, rows))
    write_manifest(folder, "dataset", {"sources": []}, parts)


def test_questions_and_rows_are_told_apart(dataset: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "bench"
    done = cli("build", dataset, "-o", out, "--per-task", 8, "--variants", "optical,sar")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    asked, rows = sum(entry["questions"] for entry in manifest["tasks"].values()), sum(manifest["rows"].values())
    assert asked < rows
    words = f"{asked} questions, {rows} rows"
    assert words in done.stdout
    assert f"\n{words} about satellite images" in (out / "README.md").read_text()
    assert "guessable: share of the questions" in done.stdout
    ran = cli("run", "random", "--bench", out, "-o", tmp_path / "r.jsonl")
    assert f"{rows} of {rows} rows answered\n" in ran.stdout
    again = cli("run", "random", "--bench", out, "-o", tmp_path / "r.jsonl")
    assert f": 0 of {rows} rows answered now, {rows} by an earlier run\n" in again.stdout
    for command in ("validate", "score"):
        assert words in cli(command, tmp_path / "r.jsonl", "--bench", out).stdout, command


def test_tiles_without_a_label_map_are_counted_where_nothing_can_be_asked(tmp_path: Path) -> None:
    rows = [record.to_row() for record in tiles(6, 0, 0, "test", 0.0)]
    bare = [{**row, "label": None, "legend": None, "label_frame": None} for row in rows[1:]]
    parts = [write_part(tmp_path / "data", TILES, 0, [rows[0], *bare])]
    write_manifest(tmp_path / "data", "dataset", {"sources": []}, parts)
    with pytest.raises(DataError, match=r"got \d+ candidates; 1 of 6 tiles has a label map"):
        build_benchmark([tmp_path / "data"], tmp_path / "bench")
