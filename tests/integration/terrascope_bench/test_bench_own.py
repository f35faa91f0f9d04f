"""`run python:...`: a model of the user's own runs; what is wrong with it is one line that says where, exit 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from terminal import ROOT, call

from terra_cot.errors import ConflictError
from terrascope_bench.run import run_model

HEAD = "from terrascope_bench.prediction import Prediction\n"
MODEL = f"""{HEAD}
from beside import LETTER

class Mine:
    def answer(self, question):
        return Prediction(question.question_id, f"<answer>{{LETTER}}</answer>")

ready = Mine()

def reply(question):
    return Prediction(question.question_id, answer=LETTER)

def silent(question):
    return Prediction(question.question_id)

def text(question):
    return "A"

class Spoilt:
    def __init__(self):
        raise OSError("no weights")

class Mute:
    pass

LIMIT = 3
"""


@pytest.fixture
def here(tmp_path: Path, bench: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, and the benchmark as `bench`."""
    (tmp_path / "bench").symlink_to(bench)
    (tmp_path / "my_model.py").write_text(MODEL)
    (tmp_path / "beside.py").write_text("LETTER = 'B'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("my_model", "beside"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize("named", ["my_model.py:Mine", "my_model:Mine", "my_model.py:ready", "my_model.py:reply"])
def test_a_class_an_object_and_a_function(here: Path, named: str) -> None:
    report = run_model(f"python:{named}", Path("bench"), Path("p.jsonl"))
    assert report.errors == {}
    said = [json.loads(line) for line in Path("p.jsonl").read_text().splitlines()]
    assert len(said) == report.questions > 20
    assert all("B" in (line.get("answer") or line["response"]) for line in said)
    record = json.loads(Path("p.jsonl.run.json").read_bytes())
    Draft202012Validator(json.loads((ROOT / "schemas/run.schema.json").read_bytes())).validate(record)
    assert record["asked"]["file"] == "my_model.py"


def test_a_run_goes_on_only_with_the_same_file(here: Path) -> None:
    run_model("python:my_model.py:Mine", Path("bench"), Path("p.jsonl"))
    assert run_model("python:my_model.py:Mine", Path("bench"), Path("p.jsonl")).answered == 0
    (here / "my_model.py").write_text(MODEL + "# better\n")
    with pytest.raises(ConflictError, match="asked: sha256 was"):
        run_model("python:my_model.py:Mine", Path("bench"), Path("p.jsonl"))


@pytest.mark.parametrize(
    ("named", "kind"), [("text", "TypeError: answer gave str, not a Prediction"), ("silent", "ValueError: a Predict")]
)
def test_what_is_no_prediction_is_an_error_of_its_question(here: Path, named: str, kind: str) -> None:
    done = call("terrascope-bench", "run", f"python:my_model.py:{named}", "--bench", "bench", "-o", "p.jsonl", "-q")
    assert done.returncode == 1
    assert all(json.loads(line)["error"].startswith(kind) for line in Path("p.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("absent.py:Mine", "absent.py: no such file"),
        ("absent_module:Mine", "absent_module: no such module here or installed"),
        ("not/a/module:Mine", "not/a/module: no such module"),
        ("my_model.py", "python:FILE.py:NAME"),
        ("my_model.py:mine", 'my_model.py: nothing in it is called "mine"; did you mean "Mine"?'),
        ("my_model.py:Spoilt", "my_model.py:22: OSError: no weights"),
        ("my_model.py:Mute", "my_model.py:Mute: has no answer(question)"),
        ("my_model.py:LIMIT", "my_model.py:LIMIT: has no answer(question)"),
        ("raises.py:Mine", "raises.py:2: NameError: name 'Question' is not defined"),
        ("raises:Mine", "raises.py:2: NameError: name 'Question' is not defined"),
        ("deeper.py:Mine", "raises.py:2: NameError: name 'Question' is not defined"),
        ("lacking.py:Mine", "lacking.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("syntax.py:Mine", "syntax.py:2: SyntaxError:"),
        ("leaves.py:Mine", "leaves.py:2: SystemExit: 3"),
    ],
)
def test_what_is_wrong_is_one_line(here: Path, named: str, told: str) -> None:
    (here / "raises.py").write_text("class Mine:\n    def answer(self, question: Question): ...\n")
    (here / "deeper.py").write_text("import raises\n")
    (here / "lacking.py").write_text("import nowhere_to_be_found\n")
    (here / "syntax.py").write_text("class Mine:\n    def answer(self question): ...\n")
    (here / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    done = call("terrascope-bench", "run", f"python:{named}", "--bench", "bench", "-o", "p.jsonl")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert told in done.stderr
    assert not Path("p.jsonl").exists()


def test_options_are_not_for_it(here: Path) -> None:
    command = ("run", "python:my_model.py:Mine", "--bench", "bench", "-o", "p.jsonl", "--masks", "rle")
    done = call("terrascope-bench", *command)
    assert done.returncode == 2
    assert "--masks: python:my_model.py:Mine takes no options" in done.stderr
