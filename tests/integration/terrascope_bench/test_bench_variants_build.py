"""Variants on real files: rows of one stem ask the same, differ in what is shown, and every one is accounted for."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchfactory import frame, png, tiles
from jsonschema import Draft202012Validator

from terra_cot.errors import DataError
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import TILES, write_part
from terra_cot.tile import FrameRecord, TileRecord
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.blind import read_blind, report_of
from terrascope_bench.build import VARIANTS, build_benchmark
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS

Cli = Callable[..., subprocess.CompletedProcess[str]]
SCHEMA = Path(__file__).parents[3] / "schemas/benchmark_manifest.schema.json"


def shot(name: str, modality: str, tile: TileRecord) -> FrameRecord:
    """A frame whose bytes tell its date and sensor."""
    day = {"t0": "2024-01-10", "t1": "2024-05-01", "t2": "2024-06-01"}[name]
    plain = frame(name, modality, picture(tile.height, name, modality))
    return replace(plain, datetime=f"{day}T10:00:00Z", raster=f"II* {tile.tile_id} {name} {modality}".encode())


def picture(side: int, name: str, modality: str) -> bytes:
    value = 40 * int(name[1]) + (20 if modality == "sar" else 0)
    return png(np.full((side, side), value, np.uint8))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Land tiles labelled at t1 of three dates, some with radar only, some with no radar; pairs, half with radar."""
    folder = tmp_path_factory.mktemp("series") / "dataset"
    rows = []
    for number, tile in enumerate(tiles(90, 3, 90, "test", 0.0)):
        pair = tile.legend == "xbd-damage"
        if pair:
            names = [(date, sensor) for date in ("t0", "t1") for sensor in ("optical", "sar")]
            frames = [shot(*name, tile) for name in names if number % 2 or name[1] == "optical"]
            rows.append(replace(tile, frames=tuple(frames)))
        else:
            names = [("t0", "optical"), ("t1", "optical"), ("t1", "sar"), ("t2", "optical")]
            left_out = {0: ("t1", "optical"), 1: ("t1", "sar")}.get(number % 5)
            frames = [shot(*name, tile) for name in names if name != left_out]
            rows.append(replace(tile, frames=tuple(frames), label_frame="t1"))
    part = write_part(folder, TILES, 0, [row.to_row() for row in rows])
    write_manifest(folder, "dataset", {"sources": []}, [part])
    return folder


@pytest.fixture(scope="module")
def shown(series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shown") / "bench"
    build_benchmark([series], out, per_task=16, variants=VARIANTS)
    return out


def by_stem(bench: Path) -> dict[str, dict[str | None, Question]]:
    out: dict[str, dict[str | None, Question]] = defaultdict(dict)
    for question in open_benchmark(bench).questions():
        assert question.variant not in out[question.stem]
        out[question.stem][question.variant] = question
    return out


def test_variants_of_a_stem_ask_the_same(shown: Path) -> None:
    seen = set()
    for variants in by_stem(shown).values():
        first = next(iter(variants.values()))
        for ending, question in variants.items():
            seen.add(ending)
            for name in ("task", "options", "option_values", "answer", "masks", "evidence", "label_frame", "tile_id"):
                assert getattr(question, name) == getattr(first, name)
            assert question.masks is not None
            assert all(mask.size == (question.height, question.width) for mask in question.masks)
            arrays = [mask.to_array() for mask in question.masks]
            option = TASKS[question.task].follow(question, list(map(Region.of, arrays)))
            assert option == question.letters.index(question.answer)
            single = question.task != "BCE"
            assert ("about the first image" in question.question) == (single and ending == "opt-pair")
    assert seen == {"opt", "sar", "opt+sar", "opt-pair", "sar-pair", "opt+sar-pair"}


def test_frames_are_those_of_the_variant(shown: Path) -> None:
    for variants in by_stem(shown).values():
        for ending, question in variants.items():
            frames = [(f.frame, f.modality) for f in question.frames]
            for (name, modality), entry in zip(frames, question.frames, strict=True):
                assert entry.image == picture(question.height, name, modality)
            if question.task == "BCE":
                dates = [("t0", "t1"), ("optical", "sar")]
                sensors = {"opt-pair": ["optical"], "sar-pair": ["sar"], "opt+sar-pair": dates[1]}[str(ending)]
                assert frames == [(date, sensor) for date in dates[0] for sensor in sensors]
            else:
                assert (
                    frames
                    == {
                        "opt": [("t1", "optical")],
                        "sar": [("t1", "sar")],
                        "opt+sar": [("t1", "optical"), ("t1", "sar")],
                        # t2 is 31 days away, t0 more; the date asked about is the first of the two shown
                        "opt-pair": [("t1", "optical"), ("t2", "optical")],
                    }[str(ending)]
                )


def test_every_question_is_accounted_for_in_every_variant(shown: Path) -> None:
    manifest = json.loads((shown / "manifest.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(manifest)
    stems = by_stem(shown)
    questions = sum(task["questions"] for task in manifest["tasks"].values())
    assert len(stems) == questions
    assert sum(entry["questions"] for entry in manifest["sources"]) == questions
    for entry in manifest["variants"].values():
        assert entry["shown"] + sum(entry["not_possible"].values()) == questions
    assert list(manifest["variants"]) == sorted(VARIANTS)
    rows = sum(part["rows"] for part in manifest["parts"])
    assert sum(manifest["rows"].values()) == rows == sum(map(len, stems.values()))
    assert rows == sum(entry["shown"] + entry["instead"] for entry in manifest["variants"].values())
    assert set(manifest["variants"]["optical"]["not_possible"]) == {"no_optical_frame"}
    assert manifest["variants"]["sar"]["not_possible"]["no_sar_frame"] > 0
    assert (
        manifest["variants"]["bitemporal"]["not_possible"]["same_as_optical"] == manifest["tasks"]["BCE"]["questions"]
    )
    assert manifest["blind"]["overall"]["n"] == rows
    table = read_blind(shown)
    assert table is not None
    assert table["question_id"].to_pylist() == [q.question_id for q in open_benchmark(shown).questions(images=False)]


def test_rasters_are_kept_only_where_they_are_asked_for(series: Path, shown: Path, tmp_path: Path) -> None:
    assert all(f.raster is None for question in open_benchmark(shown).questions() for f in question.frames)
    build_benchmark([series], tmp_path / "bench", per_task=8, rasters=True)
    for question in open_benchmark(tmp_path / "bench").questions():
        for f in question.frames:
            assert f.raster == f"II* {question.tile_id} {f.frame} {f.modality}".encode()


def test_selection_does_not_depend_on_what_else_is_shown(series: Path, shown: Path, tmp_path: Path) -> None:
    build_benchmark([series], tmp_path / "bench", per_task=16)
    alone = by_stem(tmp_path / "bench")
    assert set(alone) == set(by_stem(shown))
    assert {len(variants) for variants in alone.values()} == {1}
    manifest = json.loads((tmp_path / "bench/manifest.json").read_text())
    assert manifest["variants"]["optical"]["instead"] == manifest["rows"]["sar"] > 0


def test_tiles_that_cannot_be_shown_are_counted(series: Path, dataset: Path, tmp_path: Path) -> None:
    manifest = build_benchmark([series], tmp_path / "a", per_task=8, variants=["sar"])
    assert manifest["tiles"]["dropped"]["no_frames_for_a_variant"] == 18 + 45
    assert set(manifest["rows"]) == {"sar", "sar-pair"}
    assert manifest["variants"]["sar"]["not_possible"] == {}
    with pytest.raises(DataError, match="no question could be made"):
        build_benchmark([dataset], tmp_path / "b", per_task=8, variants=["bitemporal"], split="train")


def test_command_line(series: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "bench"
    done = cli("build", series, "-o", out, "--per-task", 8, "--variants", "optical, sar", "--quiet")
    assert done.returncode == 0, done.stderr
    assert set(json.loads((out / "manifest.json").read_text())["rows"]) == {"opt", "sar", "opt-pair", "sar-pair"}
    wrong = cli("build", series, "-o", tmp_path / "x", "--variants", "optical,infrared")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no variant 'infrared'" in wrong.stderr
    table = cli("blind", out)
    assert table.returncode == 0, table.stderr
    assert "longest-option" in table.stdout
    printed = cli("blind", out, "--json")
    summary = json.loads(printed.stdout)
    assert summary == json.loads((out / "manifest.json").read_text())["blind"]
    old = json.loads((out / "manifest.json").read_text())
    del old["blind"]
    (out / "manifest.json").write_text(json.dumps(old))
    assert report_of(open_benchmark(out)) == summary
    (out / "blind.parquet").unlink()
    assert report_of(open_benchmark(out)) == summary
    absent = cli("blind", tmp_path / "absent")
    assert absent.returncode == 2
    assert len(absent.stderr.strip().splitlines()) == 1
