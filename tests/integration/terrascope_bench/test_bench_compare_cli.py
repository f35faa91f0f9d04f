"""`compare` from the command line: intervals everywhere, and what cannot be compared is refused in one line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cardfactory import change, scorecard, submit
from jsonschema import Draft202012Validator

from terra_cot.errors import DataError
from terrascope_bench.build import build_benchmark
from terrascope_bench.compare import compare

Cli = Callable[..., subprocess.CompletedProcess[str]]
SCHEMA = Path(__file__).parents[3] / "schemas" / "comparison.schema.json"


@pytest.fixture(scope="module")
def cards(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("cards")
    return [
        scorecard(
            bench, submit(bench, folder / f"{name}.jsonl", skill=skill, masks=masks, seed=k), folder / f"{name}.json"
        )
        for k, (name, skill, masks) in enumerate([("plain", 0.4, True), ("good", 0.8, True), ("blindfold", 0.4, False)])
    ]


def test_every_difference_has_its_interval(cards: list[Path], cli: Cli) -> None:
    done = cli("compare", *cards, "--all-pairs", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(found)
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [(0, 1), (0, 2), (1, 2)]
    bodies = [json.loads(card.read_text()) for card in cards]
    for pair in found["pairs"]:
        first, second = bodies[pair["first"]], bodies[pair["second"]]
        for code, task in pair["tasks"].items():
            for metric in ("accuracy", "giou", "grounded_accuracy"):
                told = task[metric]
                assert told["first"] == pytest.approx(first["tasks"][code][metric]["value"], abs=1e-6)
                assert told["second"] == pytest.approx(second["tasks"][code][metric]["value"], abs=1e-6)
                difference = told["difference"]
                assert difference["value"] == pytest.approx(told["second"] - told["first"], abs=2e-6)
                assert difference["low"] <= difference["value"] <= difference["high"]
            assert task["p"] <= task["holm_p"]
        for name in ("macro", "micro"):
            told = pair["overall"][name]["accuracy"]
            assert told["first"] == pytest.approx(first["overall"][name]["accuracy"]["value"], abs=1e-6)
    better = found["pairs"][0]["overall"]
    assert better["macro"]["accuracy"]["difference"]["low"] > 0
    assert better["micro"]["p"] < 1e-6
    assert json.loads(cli("compare", *cards, "--all-pairs", "--json").stdout) == found
    table = cli("compare", cards[0], cards[1])
    assert "good [good.json] against plain [plain.json] (strict)" in table.stdout
    assert "Holm p" in table.stdout


def test_a_card_against_itself_differs_by_nothing(cards: list[Path]) -> None:
    pair = compare([cards[0], cards[0]])["pairs"][0]
    nothing = {"value": 0.0, "low": 0.0, "high": 0.0}
    for task in pair["tasks"].values():
        assert (task["p"], task["holm_p"], task["only_first"], task["only_second"]) == (1.0, 1.0, 0, 0)
        assert task["accuracy"]["difference"] == task["giou"]["difference"] == nothing


def test_other_benchmarks_and_extractors_are_refused(
    cards: list[Path], bench: Path, dataset: Path, tmp_path: Path, cli: Cli
) -> None:
    build_benchmark([dataset], tmp_path / "other", per_task=12, seed=5)
    other = scorecard(tmp_path / "other", submit(tmp_path / "other", tmp_path / "o.jsonl"), tmp_path / "o.json")
    done = cli("compare", cards[0], other)
    assert (done.returncode, done.stdout) == (2, "")
    assert "of another benchmark than" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    predictions = cards[0].with_suffix(".jsonl")
    loose = scorecard(bench, predictions, tmp_path / "loose.json", extractor="official-infer")
    done = cli("compare", cards[0], loose)
    assert done.returncode == 2
    assert "give --extractor" in done.stderr
    under = cli("compare", cards[0], loose, "--extractor", "paper", "--json")
    assert under.returncode == 0, under.stderr
    found = json.loads(under.stdout)
    assert found["extractor"] == "paper"
    assert [entry["scored_with"] for entry in found["submissions"]] == ["strict", "official-infer"]
    assert found["pairs"][0]["overall"]["micro"]["only_second"] == 0
    assert cli("compare", cards[0], loose, "--extractor", "papr").returncode == 2
    assert cli("compare", cards[0]).returncode == 2


def test_verdicts_that_are_not_the_card_s_are_refused(cards: list[Path], bench: Path, tmp_path: Path) -> None:
    mine = scorecard(bench, cards[0].with_suffix(".jsonl"), tmp_path / "mine.json")
    verdicts = tmp_path / "mine.verdicts.parquet"
    kept = verdicts.read_bytes()
    verdicts.write_bytes(cards[1].with_name("good.verdicts.parquet").read_bytes())
    with pytest.raises(DataError, match="not the verdicts that the scorecard names"):
        compare([cards[1], mine])
    verdicts.unlink()
    with pytest.raises(DataError, match="not beside it"):
        compare([cards[1], mine])
    verdicts.write_bytes(kept)
    change(mine, "tasks", "CA", "correct", to=json.loads(mine.read_text())["tasks"]["CA"]["correct"] + 1)
    with pytest.raises(DataError, match="counts do not follow"):
        compare([cards[1], mine])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 2}', "\x00", '{"a":' * 5000])
def test_what_is_no_scorecard_is_one_line(text: str, cards: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        compare([cards[0], path])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
