"""Every command of both programs, called for real: --json is one document and nothing else, --quiet is silence.

A new command is called here too: one line in CALLS, and what it reads in `house`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import publishedfactory
import pyarrow.parquet as pq
import pytest
import yaml
from benchfactory import write_dataset
from geofactory import rasters_archive
from terminal import call, commands, start

from terrascope_bench.review import open_ledger
from terrascope_bench.review.checks import Review
from terrascope_bench.review.items import open_items

CALLS = {
    "terra-cot world": "{out}/world --scenes 0 --pairs 1",
    "terra-cot scan": "rasters {house}/archive --set {frames} -o {out}/scenes.parquet --alignment {out}/alignment",
    "terra-cot run": "{house}/recipe.yaml -o {out}/dataset",
    "terra-cot tile": "{house}/scenes.parquet -o {out}/tiles --set tile.size_px=128",
    "terra-cot generate": "{out}/copy",
    "terra-cot verify": "{house}/dataset",
    "terra-cot stats": "{house}/dataset --html {out}/stats.html",
    "terra-cot show": "{house}/dataset {sample} -o {out}/sample.png",
    "terra-cot view": "{house}/dataset -o {out}/site",
    "terra-cot export": "{house}/dataset --to coco -o {out}/coco",
    "terra-cot review": "{house}/bench --stats",
    "terra-cot doctor": "{out}",
    "terrascope-bench build": "{house}/labelled -o {out}/bench --per-task 2",
    "terrascope-bench blind": "{house}/bench",
    "terrascope-bench import": "{house}/published.parquet -o {out}/imported",
    "terrascope-bench validate": "{house}/gold.jsonl --bench {house}/bench",
    "terrascope-bench score": "{house}/gold.jsonl --bench {house}/bench -o {out}/card.json",
    "terrascope-bench compare": "{house}/gold.json {house}/random.json",
    "terrascope-bench leaderboard": "{house}/gold.json {house}/random.json -o {out}/site",
    "terrascope-bench reproduce": "{house}/gold.json",
    "terrascope-bench keep": "{house}/bench --consensus {house}/consensus.jsonl -o {out}/kept",
    "terrascope-bench run": "majority --bench {house}/bench -o {out}/majority.jsonl",
    "terrascope-bench from-log": "{house}/log.jsonl -o {out}/predictions.jsonl",
}
# The demo takes minutes: `.ci/run` calls it. The others want torch: test_bench_terrascope, test_bench_explain,
# test_bench_ablate.
ELSEWHERE = {
    "terra-cot demo",
    "terra-cot explain",
    "terrascope-bench ablate",
    "terrascope-bench convert",
    "terrascope-bench train",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read, made by the commands that write it."""
    house = tmp_path_factory.mktemp("house")

    def made(*words: object) -> None:
        done = call(*map(str, words), "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words

    recipe = rasters_archive(house / "archive", scenes=2, side=128)
    (house / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    made("terra-cot", "run", house / "recipe.yaml", "-o", house / "dataset")
    made("terra-cot", "scan", "rasters", house / "archive", *frames(house), "-o", house / "scenes.parquet")
    write_dataset(house / "labelled", 24, 12)
    made("terrascope-bench", "build", house / "labelled", "-o", house / "bench", "--per-task", 4)
    for name in ("gold", "random"):
        predictions = house / f"{name}.jsonl"
        made("terrascope-bench", "run", name, "--bench", house / "bench", "-o", predictions)
        made("terrascope-bench", "score", predictions, "--bench", house / "bench", "-o", house / f"{name}.json")
    few = {"coverage_percentage": 4, "comparative_area": 4, "boundary_detection": 4}
    publishedfactory.make(few, scenes=12).write(house / "published.parquet")
    items = open_items(house / "bench")
    with open_ledger(house / "bench", items.benchmark.sha256) as ledger:
        ledger.enrol(["Ana", "Ben"], None, items.units())
        for head in items.heads:
            for name in ("Ana", "Ben"):
                ledger.save(head.question_id, name, Review(("high",) * 4))
    made("terra-cot", "review", house / "bench", "--export", house / "consensus.jsonl")
    lines = (house / "gold.jsonl").read_text().splitlines()
    log = [json.dumps({"verdict": {"prediction": json.loads(line)}}) for line in lines]
    (house / "log.jsonl").write_text("\n".join(log))
    return house


def frames(house: Path) -> list[str]:
    source = yaml.safe_load((house / "recipe.yaml").read_text())["source"]
    return [
        f"--set=source.{name}={json.dumps(value)}" for name, value in source.items() if name not in ("kind", "root")
    ]


def line(name: str, house: Path, out: Path) -> list[str]:
    """The words of a call; `generate` gets tiles of its own to write to."""
    if name == "terra-cot generate":
        shutil.copytree(house / "dataset", out / "copy")
    sample = pq.read_table(house / "dataset/samples/part-00000.parquet", columns=["sample_id"])["sample_id"][0].as_py()
    words = CALLS[name].replace("--set {frames}", "{frames}").split()
    given: list[str] = []
    for word in words:
        given += frames(house) if word == "{frames}" else [word.format(house=house, out=out, sample=sample)]
    return [*name.split(), *given]


def test_every_command_is_called() -> None:
    assert set(CALLS) | ELSEWHERE == {" ".join(pair) for pair in commands()}


@pytest.mark.parametrize("name", CALLS)
def test_json_is_one_document_and_quiet_is_silence(name: str, house: Path, tmp_path: Path) -> None:
    for mode in ("json", "quiet", "both"):
        (tmp_path / mode).mkdir()
    done = call(*line(name, house, tmp_path / "json"), "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)
    silent = call(*line(name, house, tmp_path / "quiet"), "--quiet")
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    both = call(*line(name, house, tmp_path / "both"), "--quiet", "--json")
    assert (both.returncode, both.stderr) == (0, "")
    assert json.loads(both.stdout).keys() == json.loads(done.stdout).keys()


@pytest.mark.parametrize("name", CALLS)
def test_without_either_a_command_says_something_without_colours(name: str, house: Path, tmp_path: Path) -> None:
    done = call(*line(name, house, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "\x1b" not in done.stdout + done.stderr


def test_a_failed_check_is_exit_code_1_and_still_json(house: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "predictions.jsonl"
    wrong.write_text('{"question_id": "none", "answer": "A"}\n')
    done = start("terrascope-bench", "validate", wrong, "--bench", house / "bench", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["n"] > 0
