"""A leaderboard ranks what adds up, refuses the rest by name, and is the same bytes for the same scorecards."""

from __future__ import annotations

import csv
import json
import random
import shutil
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import publishedfactory
import pytest
from cardfactory import change, scorecard, submit
from jsonschema import Draft202012Validator

from terra_cot.errors import ConfigError, ConflictError
from terra_cot.store.atomic import sha256_file
from terrascope_bench.build import build_benchmark
from terrascope_bench.compare import compare
from terrascope_bench.leaderboard import write_leaderboard
from terrascope_bench.published.importing import import_published
from terrascope_bench.reproduce import reproduce
from terrascope_bench.verdicts import read_verdicts, write_verdicts

Cli = Callable[..., subprocess.CompletedProcess[str]]
SCHEMA = Path(__file__).parents[3] / "schemas" / "leaderboard.schema.json"
MODELS = {"weak": (0.35, 60, True), "strong": (0.9, 4, True), "middling": (0.6, 30, True), "talker": (0.5, 0, False)}


@pytest.fixture
def cards(bench: Path, tmp_path: Path) -> dict[str, Path]:
    """A folder with a benchmark, submissions and their scorecards."""
    shutil.copytree(bench, tmp_path / "bench")
    out = {}
    for number, (name, (skill, shift, masks)) in enumerate(MODELS.items()):
        path = tmp_path / "predictions" / f"{name}.jsonl"
        submit(tmp_path / "bench", path, skill=skill, shift_px=shift, masks=masks, seed=number)
        out[name] = scorecard(tmp_path / "bench", path, tmp_path / "cards" / f"{name}.json")
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_rows_are_ranked_and_every_form_says_the_same(cards: dict[str, Path], tmp_path: Path, cli: Cli) -> None:
    site = tmp_path / "site"
    done = cli("leaderboard", *cards.values(), "-o", site)
    assert done.returncode == 0, done.stderr
    board = json.loads((site / "leaderboard.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(board)
    (ranking,) = board["rankings"]
    names = [row["model"] for row in ranking["rows"]]
    macro = {name: json.loads(path.read_text())["overall"]["macro"]["accuracy"] for name, path in cards.items()}
    assert names == sorted(MODELS, key=lambda name: -macro[name]["value"])
    assert [row["rank"] for row in ranking["rows"]] == [1, 2, 3, 4]
    assert ranking["rows"][0]["to_first"] is None
    for row in ranking["rows"][1:]:
        told = row["to_first"]
        expected = macro[row["model"]]["value"] - macro[names[0]]["value"]
        assert told["value"] == pytest.approx(expected, abs=2e-6)
        assert told["low"] <= told["value"] <= told["high"]
    rows = list(csv.DictReader(StringIO((site / "leaderboard.csv").read_text())))
    scored = [row for row in rows if row["origin"] == "scored"]
    assert [row["model"] for row in scored] == names
    assert [float(row["macro_low"]) for row in scored] == [macro[name]["low"] for name in names]
    assert sum(row["origin"] == "reported" for row in rows) == len(board["reported"]["rows"]) == 14
    assert "1. strong" in done.stdout
    assert "reported in TerraScope (CVPR 2026), not reproduced" in done.stdout
    (left,) = [line for line in done.stdout.splitlines() if line.startswith("of the paper, not listed: ")]
    assert left.count("without the values of its tasks") == 4
    assert cli("leaderboard", *cards.values(), "-o", site).returncode == 2
    assert (
        cli("leaderboard", *cards.values(), "-o", site, "--force", "--csv").stdout
        == (site / "leaderboard.csv").read_text()
    )
    assert json.loads(cli("leaderboard", *cards.values(), "-o", site, "--force", "--json").stdout) == board


def test_the_same_scorecards_give_the_same_bytes(cards: dict[str, Path], tmp_path: Path) -> None:
    paths = list(cards.values())
    write_leaderboard(paths, tmp_path / "one")
    shuffled = random.Random(4).sample(paths, len(paths))
    write_leaderboard(shuffled, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    for name in ("bench", "cards", "predictions"):
        (tmp_path / "moved").mkdir(exist_ok=True)
        (tmp_path / name).rename(tmp_path / "moved" / name)
    write_leaderboard([tmp_path / "moved" / "cards" / path.name for path in paths], tmp_path / "one", force=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_what_does_not_add_up_is_refused_by_name(cards: dict[str, Path], tmp_path: Path, cli: Cli) -> None:
    weak = json.loads(cards["weak"].read_text())
    change(cards["weak"], "overall", "macro", "accuracy", "value", to=0.99)
    change(cards["middling"], "tasks", "CA", "giou", "value", to=0.99)
    done = cli("leaderboard", *cards.values(), "-o", tmp_path / "site")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("refused: ")]
    mean = weak["overall"]["macro"]["accuracy"]["value"]
    assert lines[0] == (
        f"refused: weak.json: the macro average of accuracy, 0.99, does not follow from the tasks, whose mean is {mean}"
    )
    assert lines[1].startswith("refused: middling.json: the macro average of giou")
    board = json.loads((tmp_path / "site" / "leaderboard.json").read_text())
    assert [row["model"] for row in board["rankings"][0]["rows"]] == ["strong", "talker"]
    assert "weak.json" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize(
    ("keys", "to", "reason"),
    [
        (("tasks", "CA", "accuracy", "value"), 1.0, "CA: the accuracy does not follow"),
        (("tasks", "CA", "correct"), 24, "CA: its outcomes do not add up"),
        (("tasks", "CA", "n"), 25, "its tasks have 125 questions"),
        (("overall", "micro", "accuracy", "value"), 1.0, "the micro accuracy does not follow"),
        (("overall", "macro", "giou"), None, "the macro average of giou, nothing,"),
        (("verdicts", "sha256"), "0" * 64, "these are not the verdicts"),
    ],
)
def test_each_tampering_has_its_reason(
    keys: tuple[str, ...], to: object, reason: str, cards: dict[str, Path], tmp_path: Path
) -> None:
    change(cards["weak"], *keys, to=to)
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=0)
    (refusal,) = [entry for entry in board["refused"] if entry["origin"] == "scored"]
    assert refusal["name"] == "weak.json"
    assert refusal["reason"].startswith(reason), refusal


def test_mask_metrics_must_follow_from_the_verdicts(cards: dict[str, Path], tmp_path: Path) -> None:
    """Card and averages agree with each other, but not with the verdicts that they name."""
    beside = cards["weak"].with_name("weak.verdicts.parquet")
    table = read_verdicts(beside)
    rows = table.to_pylist()
    for row in rows:
        if row["task"] == "CA" and row["iou"] is not None:
            row["iou"] = 10**9
    write_verdicts(beside, type(table).from_pylist(rows, schema=table.schema))
    change(cards["weak"], "verdicts", "sha256", to=sha256_file(beside))
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=0)
    assert board["refused"][0] == {
        "origin": "scored",
        "name": "weak.json",
        "reason": "CA: giou does not follow from the verdicts",
    }


def test_a_foreign_truth_does_not_push_the_others_out(cards: dict[str, Path], tmp_path: Path) -> None:
    """One card with questions of its own invention, and the best of all scores, is the one that goes."""
    beside = cards["strong"].with_name("strong.verdicts.parquet")
    table = read_verdicts(beside)
    rows = [{**row, "question_id": f"x{k}"} for k, row in enumerate(table.to_pylist())]
    write_verdicts(beside, type(table).from_pylist(rows, schema=table.schema))
    change(cards["strong"], "verdicts", "sha256", to=sha256_file(beside))
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=0)
    assert {row["model"] for row in board["rankings"][0]["rows"]} == {"weak", "middling", "talker"}
    assert board["refused"][0]["name"] == "strong.json"


def test_versions_and_extractors_have_rankings_of_their_own(
    cards: dict[str, Path], dataset: Path, tmp_path: Path
) -> None:
    build_benchmark([dataset], tmp_path / "other", per_task=12, seed=9)
    other = scorecard(
        tmp_path / "other", submit(tmp_path / "other", tmp_path / "o.jsonl"), tmp_path / "cards" / "o.json"
    )
    loose = scorecard(
        tmp_path / "bench", tmp_path / "predictions" / "weak.jsonl", tmp_path / "cards" / "l.json", extractor="paper"
    )
    shutil.copy(cards["weak"], tmp_path / "cards" / "copy.json")
    paths = [*cards.values(), other, loose, tmp_path / "cards" / "copy.json"]
    board = write_leaderboard(paths, tmp_path / "site", bench=tmp_path / "other", show=1)
    assert [(len(entry["rows"]), entry["extractor"]) for entry in board["rankings"]] in (
        [(4, "strict"), (1, "paper"), (1, "strict")],
        [(4, "strict"), (1, "strict"), (1, "paper")],
    )
    assert board["refused"][0]["reason"] == "the same predictions as copy.json"
    with pytest.raises(ConfigError, match="none of the scorecards"):
        write_leaderboard(list(cards.values()), tmp_path / "again", bench=tmp_path / "other")


def test_what_is_not_at_hand_is_said(cards: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "predictions" / "weak.jsonl").write_text("changed\n")
    (tmp_path / "predictions" / "strong.jsonl").unlink()
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=30)
    assert sorted(board["rankings"][0]["notes"]) == [
        "no replies of strong: no such file",
        "no replies of weak: not the predictions that were scored",
    ]
    shutil.rmtree(tmp_path / "bench")
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=3, force=True)
    (note,) = board["rankings"][0]["notes"]
    assert note.startswith("no questions with pictures: the benchmark is not at hand")
    assert not list((tmp_path / "site").rglob("*.png"))


def test_a_folder_of_something_else_is_not_touched(cards: dict[str, Path], tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(ConflictError):
        write_leaderboard(list(cards.values()), mine, force=True)
    assert contents(mine) == {"thesis.txt": b"years of work"}


def test_worst_questions_are_wrong_and_worst_first(cards: dict[str, Path], tmp_path: Path) -> None:
    board = write_leaderboard(list(cards.values()), tmp_path / "site", show=6)
    (ranking,) = board["rankings"]
    tables = {
        name: read_verdicts(path.with_name(f"{name}.verdicts.parquet")).to_pylist() for name, path in cards.items()
    }
    wrong: dict[str, int] = {}
    for table in tables.values():
        for row in table:
            wrong[row["question_id"]] = wrong.get(row["question_id"], 0) + (row["outcome"] != "correct")
    task = {row["question_id"]: row["task"] for row in tables["weak"]}
    most = ranking["worst"]["most"]
    assert [task[name] for name in most] == ["CA", "AQ", "CR", "BRD", "DM", "BCE"]
    for name in most:
        assert wrong[name] == max(count for other, count in wrong.items() if task[other] == task[name])
    shown = [name for names in ranking["worst"].values() for name in names]
    assert len(shown) == len(set(shown)) == 18
    assert all(wrong[name] for name in shown)


def test_a_benchmark_without_evidence_is_ranked_by_answers_alone(tmp_path: Path) -> None:
    """The published file as it comes: no masks, no building change, answers of blind solvers beside it."""
    published = publishedfactory.make(
        {"coverage_percentage": 12, "absolute_area": 12, "boundary_detection": 12}, scenes=30
    )
    import_published(published.write(tmp_path / "published.parquet"), tmp_path / "bench")
    cards = []
    for number, skill in enumerate((0.2, 0.7)):
        path = submit(tmp_path / "bench", tmp_path / f"{number}.jsonl", skill=skill, seed=number)
        cards.append(scorecard(tmp_path / "bench", path, tmp_path / f"{number}.json"))
        assert reproduce(cards[-1]).differences == ()
    pair = compare(cards)["pairs"][0]
    assert pair["overall"]["macro"]["giou"] is None
    assert list(pair["tasks"]) == ["CA", "AQ", "BRD"]
    board = write_leaderboard(cards, tmp_path / "site")
    (ranking,) = board["rankings"]
    assert [row["model"] for row in ranking["rows"]] == ["1", "0"]
    assert ranking["rows"][0]["overall"]["macro"]["giou"] is None
    assert ranking["notes"] == []
    assert ranking["worst"]["blindest"] == []
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Answers against masks" not in page
    assert "blind solvers right" in page
