"""`terrascope-bench ablate`: killed, it keeps what is finished; side by side or one by one, the table is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import terrascopefactory as factory  # skips where torch is absent
from benchfactory import write_dataset
from gate import Gate
from jsonschema import Draft202012Validator

from terrascope_bench.terrascope import store

Cli = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = (sys.executable, "-c", "from pipelines.terrascope_bench import main; main()")
SCHEMA = Path(__file__).parents[3] / "schemas" / "ablation.schema.json"

RECIPE = """
name: small
model: {start}
seeds: [0, 1]
split: null
limit: 1
max_tokens: 8
save_every: 1
shared:
  - {{name: sight, teaches: sight, trains: [vision, projector], lr: 1.0e-3, batch: 1, steps: 2}}
arms:
  no chain:
    about: the letter alone
    stages:
      - &none {{name: questions, teaches: questions, chain: none, sensors: [optical], trains: [language], lr: 1.0e-3,
               batch: 1, steps: 2}}
  mask tokens:
    about: the method
    stages: [{{<<: *none, chain: masks}}]
  asked otherwise:
    stages: [{{<<: *none, chain: masks}}]
    test_rules: {{evidence: box}}
groups:
  chain:
    title: The chain
    tasks: [CA, CR]
    reported: {{no chain: 33.8, mask tokens: 68.9, asked otherwise: null}}
    orderings: [[mask tokens, no chain]]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights to start from, a dataset, a benchmark and a recipe."""
    house = tmp_path_factory.mktemp("ablate")
    store.save(*factory.make(), house / "start")
    write_dataset(house / "data", 8, 2)
    (house / "recipe.yaml").write_text(RECIPE.format(start=house / "start"))
    words = ["build", house / "data", "-o", house / "bench", "--per-task", "4", "--quiet"]
    subprocess.run([*PROGRAM, *words], check=True)
    return house


def pieces(out: Path) -> dict[str, int]:
    """When each finished piece was finished."""
    marks = [*out.glob("*/*/model/config.json"), *out.glob("scored/*/scorecard.json")]
    return {str(mark.relative_to(out)): mark.stat().st_mtime_ns for mark in marks}


def test_a_killed_ablation_goes_on_and_says_what_holds(house: Path, tmp_path: Path, cli: Cli) -> None:
    inputs = (house / "recipe.yaml", "--data", house / "data", "--bench", house / "bench")
    killed = tmp_path / "killed"
    words = [*PROGRAM, "ablate", *inputs, "-o", killed]
    gate = Gate(tmp_path / "gate", "*/model/config.json", at=3)
    going = subprocess.Popen(
        list(map(str, words)),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=gate.environment(),
    )
    gate.wait(going)
    os.killpg(going.pid, signal.SIGKILL)
    going.wait()
    kept = pieces(killed)
    assert len(kept) >= 2
    assert not (killed / "ablation.json").exists()
    done = cli("ablate", *inputs, "-o", killed, "--json")
    assert done.returncode == 0, done.stderr
    assert {name: pieces(killed)[name] for name in kept} == kept  # none was made again
    table = orjson.loads(done.stdout)
    assert table == orjson.loads((killed / "ablation.json").read_bytes())
    Draft202012Validator(orjson.loads(SCHEMA.read_bytes())).validate(table)
    arms = {arm["arm"]: arm for arm in table["groups"]["chain"]["arms"]}
    assert list(arms) == ["no chain", "mask tokens", "asked otherwise"]
    assert arms["no chain"]["giou"] is None
    assert (arms["no chain"]["reported"], arms["asked otherwise"]["reported"]) == (0.338, None)
    assert len(list((killed / "trained").iterdir())) == 4  # the third arm is the second, asked otherwise
    assert not list(killed.glob("*/*/checkpoint.pt"))
    assert "as reported in the paper" in (killed / "ablation.md").read_text()
    assert (killed / "ablation.png").read_bytes().startswith(b"\x89PNG")

    again = cli("ablate", *inputs, "-o", tmp_path / "whole", "--jobs", 2, "--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (tmp_path / "whole" / "ablation.json").read_bytes() == (killed / "ablation.json").read_bytes()


def test_what_cannot_be_done_is_told_in_one_line(house: Path, tmp_path: Path, cli: Cli) -> None:
    inputs = (house / "recipe.yaml", "--data", house / "data", "--bench", house / "bench", "-o", tmp_path / "out")
    unknown = cli("ablate", *inputs, "--only", "mask token")
    assert unknown.returncode == 2
    assert 'did you mean "mask tokens"' in unknown.stderr
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    taken = cli("ablate", *inputs)
    assert taken.returncode == 2
    assert "holds something else" in taken.stderr
