"""`run hf:PATH` with a real model of transformers, small and untrained: the reply is the library's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import tinyvlm
from jsonschema import Draft202012Validator

from terra_cot.errors import ConfigError, ConflictError
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.build import build_benchmark
from terrascope_bench.models.options import HfOptions
from terrascope_bench.models.prompt import Style, system, user
from terrascope_bench.run import RunReport, run_model

pytestmark = pytest.mark.skipif(tinyvlm.missing() is not None, reason=str(tinyvlm.missing()))
Cli = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def small(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 questions, two of them on two dates."""
    out = tmp_path_factory.mktemp("small") / "bench"
    build_benchmark([dataset], out, per_task=2)
    return out


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on one busy core wait for each other."""
    import torch

    before, os.environ["OMP_NUM_THREADS"] = torch.get_num_threads(), "1"
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    del os.environ["OMP_NUM_THREADS"]


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinyvlm.write_tiny_llava(tmp_path_factory.mktemp("weights") / "llava")


def run(llava: Path, bench: Path, out: Path, **given: Any) -> RunReport:
    rest = {name: given.pop(name) for name in ("seed", "force", "concurrency") if name in given}
    settings = {"max_tokens": 24, "device": "cpu", "dtype": "float32", **given}
    return run_model(f"hf:{llava}", bench, out, given=settings, **rest)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_replies_are_those_of_the_library(llava: Path, small: Path, tmp_path: Path) -> None:
    """By another road: template, images and greedy search called here, one question at a time."""
    import torch
    from PIL import Image
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    out = tmp_path / "p.jsonl"
    report = run(llava, small, out)
    assert (report.answered, report.errors) == (12, {})
    processor = AutoProcessor.from_pretrained(llava)
    model = LlavaForConditionalGeneration.from_pretrained(llava, dtype=torch.float32).eval()
    replies = []
    for question in open_benchmark(small).questions():
        seen = [Image.open(BytesIO(frame.image)).convert("RGB") for frame in question.frames]
        shown = [_picture(frame.frame, image.size) for frame, image in zip(question.frames, seen, strict=True)]
        told = "".join(part if isinstance(part, str) else "<image>" for part in user(question, shown, Style()))
        text = f"system: {system(Style())}\nuser: {told}\nassistant: "
        inputs = processor(text=text, images=seen, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**inputs, max_new_tokens=24, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        replies.append(processor.tokenizer.decode(ids).split("<eos>")[0])
    got = [row["response"] for row in rows(out)]
    assert got == replies
    assert len(set(got)) > 4, "the reply depends on the question"


def _picture(frame: str, size: tuple[int, int]) -> Any:
    from terrascope_bench.models.pictures import Picture

    return Picture.of_size(frame, *size)


def test_what_is_seen_changes_the_reply(llava: Path, small: Path) -> None:
    from dataclasses import replace

    from terrascope_bench.models.hf import Hf

    model = Hf.load(str(llava), HfOptions(max_tokens=24, device="cpu"), 0)
    changed = 0
    for question in list(open_benchmark(small).questions())[:6]:
        from PIL import Image

        buffer = BytesIO()
        Image.effect_noise((question.width, question.height), 90).convert("RGB").save(buffer, "PNG")
        other = replace(question, frames=tuple(replace(frame, image=buffer.getvalue()) for frame in question.frames))
        changed += model.answer(question).response != model.answer(other).response
    assert changed >= 4


def test_batches_resume_and_the_command_line(llava: Path, small: Path, tmp_path: Path, cli: Cli) -> None:
    """Batches of five (one is short) of one and two images; a run that lost lines finds the same batches again."""
    out = tmp_path / "p.jsonl"
    done = cli("run", f"hf:{llava}", "-b", small, "-o", out, "--batch-size", "5", "--max-tokens", "24",
               "--device", "cpu", "--dtype", "float32")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "12 of 12 rows answered" in done.stdout
    whole = out.read_bytes()
    run(llava, small, tmp_path / "single.jsonl")
    single = [row["response"] for row in rows(tmp_path / "single.jsonl")]
    assert sum(a["response"] == b for a, b in zip(rows(out), single, strict=True)) >= 10, (
        "padding moves no more than noise"
    )
    lines = whole.splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:3] + lines[7:9]))
    report = run(llava, small, out, batch_size=5)
    assert (report.resumed, report.answered) == (5, 7)
    assert out.read_bytes() == whole
    assert cli("validate", out, "--bench", small).returncode == 0
    record = json.loads(out.with_name("p.jsonl.run.json").read_text())
    Draft202012Validator(json.loads((ROOT / "schemas" / "run.schema.json").read_text())).validate(record)
    with pytest.raises(ConflictError, match="batch_size was 5, is 1"):
        run(llava, small, out)


def test_samples_are_drawn_from_the_seed_and_the_question(llava: Path, small: Path, tmp_path: Path) -> None:
    run(llava, small, tmp_path / "a.jsonl", temperature=1.0)
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    run(llava, small, tmp_path / "b.jsonl", temperature=1.0)
    (tmp_path / "b.jsonl").write_bytes(b"".join(lines[6:]))
    assert run(llava, small, tmp_path / "b.jsonl", temperature=1.0).answered == 6
    assert (tmp_path / "b.jsonl").read_bytes() == b"".join(lines), "whatever was asked before it"
    run(llava, small, tmp_path / "c.jsonl", temperature=1.0, seed=1)
    assert sum(a != b for a, b in zip(lines, (tmp_path / "c.jsonl").read_bytes().splitlines(True), strict=True)) > 8
    with pytest.raises(ConfigError, match="--batch-size"):
        run(llava, small, tmp_path / "d.jsonl", temperature=1.0, batch_size=2)


def test_a_template_without_a_system_turn_gets_the_rules_first(small: Path, tmp_path: Path) -> None:
    strict = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}" + tinyvlm.TEMPLATE
    )
    folder = tinyvlm.write_tiny_llava(tmp_path / "llava", template=strict)
    assert run(folder, small, tmp_path / "p.jsonl").errors == {}


def test_one_bad_question_does_not_spoil_its_batch(
    llava: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from terrascope_bench.models import hf

    names = list(open_benchmark(small).question_ids())
    real = hf.pictures

    def torn(question: Any, px: Any) -> Any:
        if question.question_id == names[1]:
            raise OSError("torn image")
        return real(question, px)

    monkeypatch.setattr(hf, "pictures", torn)
    report = run(llava, small, tmp_path / "p.jsonl", batch_size=4)
    assert report.errors == {"OSError": 1}
    assert [row["question_id"] for row in rows(tmp_path / "p.jsonl") if "error" in row] == [names[1]]


def test_weights_that_cannot_be_used_are_one_line(
    llava: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def message(folder: object, **given: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            run_model(f"hf:{folder}", small, tmp_path / "p.jsonl", given=given)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no such folder" in message(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    assert "no usable image-text-to-text model" in message(tmp_path / "empty")

    bare = tinyvlm.write_tiny_llava(tmp_path / "bare", template=None)
    assert "chat template" in message(bare)

    pickled = shutil.copytree(llava, tmp_path / "pickled")
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    assert "no usable image-text-to-text model" in message(pickled), "nothing is unpickled"

    coded = shutil.copytree(llava, tmp_path / "coded")
    config = json.loads((coded / "config.json").read_text())
    ours = {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}
    (coded / "config.json").write_text(json.dumps({**config, "model_type": "own", "auto_map": ours}))
    (coded / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: pass\nclass Model: pass\n")
    assert "code of its own" in message(coded)
    assert not (tmp_path / "ran").exists()

    assert "--device" in message(llava, device="gpu")
    assert "--device cuda:7" in message(llava, device="cuda:7")
    with pytest.raises(ConfigError, match="--batch-size"):
        run(llava, small, tmp_path / "p.jsonl", concurrency=2)
    assert list(tmp_path.glob("p.jsonl*")) == [], "a run that answered nothing leaves nothing"


@pytest.mark.parametrize("hub", ["HF_ENDPOINT", "HF_HUB_OFFLINE"])
def test_a_name_that_is_nowhere_is_one_line(hub: str, small: Path, tmp_path: Path) -> None:
    """Where the hub cannot be asked its retries are not waited for, nor told one by one."""
    code = "from pipelines.terrascope_bench import main; main()"
    told = {"HF_ENDPOINT": "https://no-such-hub.invalid", "HF_HUB_OFFLINE": "1"}[hub]
    names = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "hf:nope/nope", "--bench", str(small), "-o", str(tmp_path / "p.jsonl")],
        capture_output=True,
        text=True,
        env={**names, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "cache"), hub: told},
        timeout=120,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    why = {"HF_ENDPOINT": "nobody knows the name no-such-hub.invalid", "HF_HUB_OFFLINE": "HF_HUB_OFFLINE is set"}[hub]
    assert f"no folder of this name here, not in the cache, and the hub cannot be asked ({why}" in done.stderr
    assert "name a folder of weights" in done.stderr


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("x is not a local folder and is not a valid model identifier listed on", "no such model on the hub"),
        ("You are trying to access a gated repo.\nMake sure", "accept its terms on the hub"),
        ("line one\nline two", "no usable image-text-to-text model; line one"),
    ],
)
def test_what_the_hub_says_is_one_line_with_what_to_do(said: str, told: str, tmp_path: Path) -> None:
    from terrascope_bench.models.hf import _unusable

    line = str(_unusable(str(tmp_path), OSError(said)))
    assert told in line
    assert "\n" not in line
