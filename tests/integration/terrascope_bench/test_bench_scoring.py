"""From the command line: gold scores 1.0, nothing scores 0.0, order does not matter, and a killed run resumes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gate import LONG_S
from jsonschema import Draft202012Validator

from terra_cot.errors import ConfigError, ConflictError, DataError
from terra_cot.mask import Mask, encode
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import write_part
from terrascope_bench import answer_key, waiting
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.question import QUESTIONS
from terrascope_bench.run import run_model
from terrascope_bench.score import score
from terrascope_bench.scorecard import METRICS
from terrascope_bench.tasks import TASKS
from terrascope_bench.verdicts import read_verdicts

Cli = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def gold(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gold") / "gold.jsonl"
    run_model("gold", bench, out)
    return out


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text()))


def test_gold_scores_one_on_everything(bench: Path, gold: Path, tmp_path: Path, cli: Cli) -> None:
    checked = cli("validate", gold, "--bench", bench, "--quiet")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    out = tmp_path / "card.json"
    done = cli("score", gold, "--bench", bench, "-o", out)
    assert done.returncode == 0, done.stderr
    card = json.loads(out.read_text())
    schema("scorecard").validate(card)
    one = {"value": 1.0, "low": 1.0, "high": 1.0}
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    for code, values in (*card["tasks"].items(), *card["overall"].items()):
        for name in METRICS:
            numberless = name == "number_faithfulness" and code in ("CR", "BRD")
            assert values[name] == (None if numberless else zero if name in ("lucky", "misread") else one), (code, name)
    assert card["predictions"]["n"] == card["benchmark"]["n"] == open_benchmark(bench).size
    assert card["analysis"]["faithfulness"]["asked"] == card["benchmark"]["n"]
    verdicts = read_verdicts(tmp_path / card["verdicts"]["path"], card["verdicts"]["sha256"])
    assert verdicts.column("question_id").to_pylist() == [q.question_id for q in open_benchmark(bench).questions(False)]
    assert set(verdicts.column("outcome").to_pylist()) == {"correct"}
    assert (tmp_path / card["inputs"]["benchmark"]).resolve() == bench.resolve()
    assert (tmp_path / card["inputs"]["predictions"]).resolve() == gold.resolve()
    again = cli("score", gold, "--bench", bench, "-o", out)
    assert again.returncode == 2
    assert "--force" in again.stderr
    forced = cli("score", gold, "--bench", bench, "-o", out, "--force", "--json")
    assert json.loads(forced.stdout) == card


def test_gold_lines_fit_the_prediction_schema(gold: Path) -> None:
    lines = schema("prediction")
    for line in gold.read_text().splitlines():
        lines.validate(json.loads(line))


def test_nothing_scores_zero(bench: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    card = score(empty, bench).card
    schema("scorecard").validate(card)
    for values in (*card["tasks"].values(), *card["overall"].values()):
        for name in METRICS:
            assert (
                values[name] is None if name == "precision" or "faithfulness" in name else values[name]["value"] == 0.0
            )
    for task in card["tasks"].values():
        assert task["missing"] == task["n"]


def test_counts_add_up_and_half_a_file_is_half_missing(bench: Path, gold: Path, tmp_path: Path) -> None:
    lines = gold.read_text().splitlines(keepends=True)
    half = tmp_path / "half.jsonl"
    rows = [json.loads(line) for line in lines[: len(lines) // 2]]
    rows[0] = {"question_id": rows[0]["question_id"], "error": "no reply"}
    rows[1] = {"question_id": rows[1]["question_id"], "response": "unsure"}
    half.write_text("".join(json.dumps(row) + "\n" for row in rows))
    card = score(half, bench).card
    names = ("correct", "wrong", "unparsed", "missing", "error")
    totals = {name: sum(task[name] for task in card["tasks"].values()) for name in names}
    assert sum(totals.values()) == card["benchmark"]["n"]
    assert totals == {
        "correct": len(rows) - 2,
        "wrong": 0,
        "unparsed": 1,
        "missing": len(lines) - len(rows),
        "error": 1,
    }
    assert card["overall"]["micro"]["accuracy"]["value"] == round((len(rows) - 2) / len(lines), 6)


def test_the_order_of_lines_changes_no_digit(bench: Path, gold: Path, tmp_path: Path) -> None:
    lines = gold.read_text().splitlines(keepends=True)[:90]
    first, second = tmp_path / "a" / "gold.jsonl", tmp_path / "b" / "gold.jsonl"
    for path in (first, second):
        path.parent.mkdir()
        path.write_text("".join(lines))
        random.Random(3).shuffle(lines)
    one, two = score(first, bench).card, score(second, bench).card
    assert one.pop("predictions")["sha256"] != two.pop("predictions")["sha256"]
    assert one == two


def test_lines_that_wait_for_their_part_change_no_digit(
    bench: Path, gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A benchmark of more parts than are kept, asked in an order of its own, in less memory than it needs."""
    questions = list(open_benchmark(bench).questions())
    many = tmp_path / "many"
    parts = [
        write_part(many, QUESTIONS, number, [question.to_row() for question in questions[start : start + 7]])
        for number, start in enumerate(range(0, len(questions), 7))
    ]
    body = {name: value for name, value in json.loads((bench / "manifest.json").read_text()).items() if name != "parts"}
    write_manifest(many, "benchmark", body, parts)
    lines = gold.read_text().splitlines(keepends=True)[:-9]
    random.Random(1).shuffle(lines)
    mixed = tmp_path / "gold.jsonl"
    mixed.write_text("".join(lines))
    plenty = score(mixed, many).card
    monkeypatch.setattr(answer_key, "KEPT_PARTS", 2)
    monkeypatch.setattr(waiting, "_BUFFER", 10_000)
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))  # not that of the whole machine
    scarce = score(mixed, many)
    assert scarce.card == plenty
    assert sum(task["missing"] for task in plenty["tasks"].values()) == 9
    assert scarce.card["tasks"] == score(mixed, bench).card["tasks"]
    assert list(room.iterdir()) == []


def test_masks_of_another_size_are_refused_unless_they_may_be_resized(
    bench: Path, gold: Path, tmp_path: Path, cli: Cli
) -> None:
    path = tmp_path / "gold.jsonl"
    with path.open("w") as handle:
        for line in gold.read_text().splitlines():
            row = json.loads(line)
            for mask in row["masks"]:
                array = Mask(mask["frame"], "", (mask["size"][0], mask["size"][1]), mask["counts"]).to_array()
                larger = array.repeat(3, axis=0).repeat(2, axis=1)
                mask |= {"size": list(larger.shape), "counts": encode(larger)}
            handle.write(json.dumps(row) + "\n")
    refused = cli("score", path, "--bench", bench)
    assert refused.returncode == 2
    assert "--resize" in refused.stderr
    done = cli("score", path, "--bench", bench, "--resize", "--json")
    assert done.returncode == 0, done.stderr
    card, plain = json.loads(done.stdout), score(gold, bench).card
    assert (card.pop("resize"), plain.pop("resize")) == (True, False)
    assert card | {"predictions": None} == plain | {"predictions": None}


def test_the_official_scripts_file_scores_as_its_answers_do(bench: Path, tmp_path: Path) -> None:
    questions = list(open_benchmark(bench).questions(images=False))
    results, lines = [], []
    for number, question in enumerate(questions):
        letter = question.letters[number % len(question.letters)]
        results.append(
            {
                "image": f"images/{question.source_id}",
                "question": question.question,
                "predicted_answer": letter,
                "gt_answer": question.answer,
                "response": f"<answer>{letter}</answer>",
                "task_type": TASKS[question.task].name,
            }
        )
        lines.append(json.dumps({"question_id": question.question_id, "answer": letter}))
    official, ours = tmp_path / "official.json", tmp_path / "official.jsonl"
    official.write_text(json.dumps({"results": results}))
    ours.write_text("\n".join(lines))
    first, second = score(official, bench).card, score(ours, bench).card
    assert first["predictions"]["n"] == len(questions)
    assert first["tasks"] == second["tasks"]


def test_wrong_masks_lower_masks_and_faithfulness_only(bench: Path, gold: Path, tmp_path: Path) -> None:
    path = tmp_path / "moved.jsonl"
    with path.open("w") as handle:
        for line in gold.read_text().splitlines():
            row = json.loads(line)
            height, width = row["masks"][0]["size"]
            for mask in row["masks"]:
                array = Mask(mask["frame"], "", (height, width), mask["counts"]).to_array()
                array[:, : width // 2] = False
                mask["counts"] = encode(array)
            handle.write(json.dumps(row) + "\n")
    card = score(path, bench).card
    micro = card["overall"]["micro"]
    assert micro["accuracy"]["value"] == 1.0
    assert 0.2 < micro["giou"]["value"] < 0.8
    assert micro["boundary_iou"]["value"] < 0.8
    assert micro["grounded_accuracy"]["value"] < 0.8
    assert micro["faithfulness"]["value"] < 0.8
    assert card["analysis"]["iou_when_wrong"] is None


def test_extractors_are_reported_side_by_side(bench: Path, tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    questions = list(open_benchmark(bench).questions(images=False))
    path.write_text(
        "".join(
            json.dumps({"question_id": q.question_id, "response": "<answer>Beach</answer>"}) + "\n" for q in questions
        )
    )
    strict = score(path, bench).card
    assert strict["overall"]["micro"]["accuracy"]["value"] == 0.0
    assert strict["analysis"]["extractors"]["official-infer"]["changed"] == len(questions)
    lenient = score(path, bench, extractor="official-infer").card
    assert lenient["overall"]["micro"]["accuracy"]["value"] > 0.2
    assert lenient["analysis"]["extractors"]["strict"]["changed"] == len(questions)
    with pytest.raises(ConfigError, match="did you mean"):
        score(path, bench, extractor="strct")


def test_a_submission_with_a_defect_has_no_score(bench: Path, gold: Path, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(gold.read_text() + "{not json\n")
    done = cli("score", path, "--bench", bench, "-o", tmp_path / "card.json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"line {open_benchmark(bench).size + 1}" in done.stderr
    assert not (tmp_path / "card.json").exists()


def test_parquet_scores_as_jsonl_does(bench: Path, gold: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "gold.parquet"
    pq.write_table(pa.Table.from_pylist([json.loads(line) for line in gold.read_text().splitlines()]), path)
    one, two = score(gold, bench).card, score(path, bench).card
    assert one.pop("predictions")["n"] == two.pop("predictions")["n"]
    assert one == two


@pytest.mark.parametrize("name", ["random", "majority", "blind"])
def test_baselines_answer_everything(name: str, bench: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / f"{name}.jsonl"
    done = cli("run", name, "--bench", bench, "-o", out)
    assert done.returncode == 0, done.stderr
    card = score(out, bench).card
    assert card["model"] == name
    assert all(task["correct"] + task["wrong"] == task["n"] for task in card["tasks"].values())
    assert card["overall"]["micro"]["giou"]["value"] == 0.0
    assert card["overall"]["micro"]["accuracy"]["value"] < 0.55


def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(bench: Path, gold: Path, tmp_path: Path) -> None:
    """Each run goes slowly, and no further than so many answers: it cannot end before it is killed."""
    out = tmp_path / "gold.jsonl"
    code = (
        "import sys, time; from pathlib import Path; from terrascope_bench.run import run_model;"
        "most = int(sys.argv[3]);"
        "step = lambda done, of: time.sleep(0.01 if done < most else 3600);"
        "run_model('gold', Path(sys.argv[1]), Path(sys.argv[2]), on_step=step)"
    )
    for most, wait in ((40, 0.0), (80, 0.1), (120, 0.3)):
        before = out.stat().st_size if out.exists() else 0
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(bench), str(out), str(most)], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        until = time.monotonic() + LONG_S
        while not (out.exists() and out.stat().st_size > before) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(wait)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    with out.open("ab") as handle:
        handle.write(b'{"question_id": "torn')
    report = run_model("gold", bench, out)
    assert report.resumed > 0
    assert report.resumed + report.answered == report.questions
    assert out.read_bytes() == gold.read_bytes()
    assert run_model("gold", bench, out).answered == 0


def test_a_run_of_something_else_is_not_continued(bench: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "p.jsonl"
    run_model("random", bench, out)
    with pytest.raises(ConflictError, match="another run"):
        run_model("random", bench, out, seed=1)
    with pytest.raises(ConflictError, match="another run"):
        run_model("gold", bench, out)
    before = out.read_bytes()
    run_model("random", bench, out, seed=1, force=True)
    assert out.read_bytes() != before
    mine = tmp_path / "mine.jsonl"
    mine.write_text("precious\n")
    with pytest.raises(ConflictError, match="not written by"):
        run_model("random", bench, mine)
    assert mine.read_text() == "precious\n"
    done = cli("run", "rnadom", "--bench", bench, "-o", tmp_path / "x.jsonl")
    assert done.returncode == 2
    assert 'did you mean "random"' in done.stderr


def test_a_model_that_fails_is_recorded_and_counted(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from terrascope_bench import models
    from terrascope_bench.models import Entry

    class Broken:
        def answer(self, question: object) -> None:
            raise TimeoutError("no reply\nafter 10 s")

    monkeypatch.setitem(models.MODELS, "broken", Entry("fails", False, lambda benchmark, seed: Broken()))  # type: ignore[arg-type,return-value]
    out = tmp_path / "broken.jsonl"
    report = run_model("broken", bench, out)
    assert report.errors == {"TimeoutError": report.questions}
    card = score(out, bench).card
    assert sum(task["error"] for task in card["tasks"].values()) == card["benchmark"]["n"]


def test_help_has_an_example_and_wrong_usage_is_2(bench: Path, tmp_path: Path, cli: Cli) -> None:
    for command in ("build", "validate", "score", "run"):
        done = cli(command, "--help")
        assert done.returncode == 0
        assert f"Example: terrascope-bench {command}" in " ".join(done.stdout.split())
    assert cli("score", "x.jsonl").returncode == 2
    absent = cli("score", tmp_path / "absent.jsonl", "--bench", bench)
    assert absent.returncode == 2
    assert absent.stderr.count("\n") == 1
    assert cli("score", tmp_path / "absent.jsonl", "--bench", tmp_path).returncode == 2


def test_not_a_benchmark(tmp_path: Path, gold: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        score(gold, tmp_path / "absent")
