"""Predictions at rest: any order of finishing, any cut, any number of errors asked again gives the same bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terra_cot.errors import ConflictError, DataError
from terrascope_bench.journal import open_journal
from terrascope_bench.prediction import Prediction

NAMES = [f"q{number}-opt" for number in range(9)]
RUN = {"model": "m", "seed": 0, "benchmark": "b"}


def answer(name: str, error: bool = False) -> Prediction:
    return Prediction(name, None if error else f"<answer>{name}</answer>\n", None, error="down: x" if error else None)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 400), failing=st.sets(st.sampled_from(NAMES)))
def test_bytes_do_not_depend_on_how_it_went(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: int, failing: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    with open_journal(folder / "whole.jsonl", RUN) as whole:
        whole.append(map(answer, NAMES))
        whole.put_in_order(NAMES)
    order = list(NAMES)
    random.Random(seed).shuffle(order)
    path = folder / "p.jsonl"
    with open_journal(path, RUN) as journal:
        journal.append(answer(name, name in failing) for name in order)
        assert journal.errors == failing
    path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
    with open_journal(path, RUN) as journal:
        journal.forget_errors()
        assert not journal.done & failing
        journal.append(answer(name) for name in order if name not in journal.done)
        journal.put_in_order(NAMES)
    assert path.read_bytes() == (folder / "whole.jsonl").read_bytes()


def test_an_empty_file_claims_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with open_journal(path, RUN):
        assert path.with_name("p.jsonl.run.json").exists()
    assert [entry.name for entry in tmp_path.iterdir() if not entry.name.endswith(".lock")] == []
    with open_journal(path, {**RUN, "seed": 1}) as journal:
        journal.append([answer("q0-opt")])
    with pytest.raises(ConflictError, match="seed was 1, is 0"), open_journal(path, RUN):
        pass


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    with open_journal(path, RUN) as journal:
        journal.append([answer("q0-opt")])
    path.write_bytes(path.read_bytes() + b'{"question_id": 5}\n')
    with pytest.raises(DataError, match=r"p\.jsonl:2: not a line of a run"), open_journal(path, RUN):
        pass
