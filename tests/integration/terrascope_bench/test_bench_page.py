"""The page for model authors is true: its commands, run as written from top to bottom in an empty folder, do it all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from benchserver import scripted
from llmserver import serving

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/score-your-model.md"
_BLOCK = re.compile(r"(?:<!-- (needs|file:) (.+?) -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)
SKIPPED = {"the network", "weights, and better a GPU"}
SERVER = "http://127.0.0.1:8000/v1"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and what the comment before it says that it needs or which file it is."""

    language: str
    text: str
    needs: str | None
    file: str | None


def blocks() -> list[Block]:
    return [
        Block(language, text, said if mark == "needs" else None, said if mark == "file:" else None)
        for mark, said, language, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    ]


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that has this checkout's commands, and nothing in its home."""
    room = tmp_path / "bin"
    room.mkdir()
    calls = {
        name: f"-c 'from pipelines.{module} import main; main()'"
        for name, module in (("terra-cot", "terra_cot"), ("terrascope-bench", "terrascope_bench"))
    }
    for name, code in {**calls, "python": ""}.items():
        (room / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {code} "$@"\n')
        (room / name).chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"},
        "PATH": f"{room}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(tmp_path / "huggingface"),
        "HF_HUB_OFFLINE": "1",
    }


def test_the_page_runs_as_written(programs: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(text: str) -> str:
        command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=programs, timeout=500)
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    ran, served, skipped = [], 0, []
    for block in blocks():
        if block.file:
            (folder / block.file).write_text(block.text)
        elif block.needs == "a server":
            assert SERVER in block.text
            with serving(scripted(folder / "bench")) as server:
                # The scripted model fails some questions on purpose; then `run` says so and exits with 1.
                out = run(f"{block.text.strip().replace(SERVER, server.url)} 2>&1 || test $? = 1")
            assert "questions" in out
            served += len(server.seen)
        elif block.needs:
            skipped.append(block.needs)
        else:
            assert block.language == "sh"
            ran.append(run(block.text))
    assert set(skipped) == SKIPPED
    assert len(ran) == 6

    names = ("mine", "random", "gold")
    cards = {name: json.loads((folder / f"{name}.json").read_text()) for name in names}
    macro = {name: card["overall"]["macro"] for name, card in cards.items()}
    assert macro["gold"]["accuracy"]["value"] == macro["gold"]["giou"]["value"] == 1.0
    assert 0 < macro["mine"]["accuracy"]["value"] < 1
    assert 0 < macro["mine"]["giou"]["value"] < 1
    assert (folder / "site/index.html").is_file()
    lines = [json.loads(line) for line in (folder / "my-vlm.jsonl").read_text().splitlines()]
    assert len(lines) == served == cards["mine"]["benchmark"]["n"] > 40
    assert any(line.get("masks") for line in lines)


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
