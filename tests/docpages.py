"""The five-minute pages as programs: their blocks are run as written, top to bottom, in an empty folder.

The comment before a block says what it is: `<!-- file: NAME -->` is saved, `<!-- needs WHAT -->` is not run here,
`<!-- once -->` is the same on every page and is run once for all of them, `<!-- code -->` is only shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs"
_BLOCK = re.compile(r"(?:<!-- (needs|file:|once|code)(?: ((?!-->)[^\n]+?))? -->\n)?```(\w+)\n(.*?)```\n", re.DOTALL)
_SECONDS = 1200


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and what the comment before it says."""

    mark: str
    said: str
    language: str
    text: str


@dataclass
class Walk:
    """What was done on a page: outputs of the blocks that ran, and what the others would have needed."""

    ran: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))]


def shell(room: Path) -> dict[str, str]:
    """The environment of a shell that has this checkout's commands, and nothing in its home."""
    programs = room / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    calls = {
        name: f"-c 'from pipelines.{module} import main; main()'"
        for name, module in (("terra-cot", "terra_cot"), ("terrascope-bench", "terrascope_bench"))
    }
    for name, code in {**calls, "python": ""}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {code} "$@"\n')
        (programs / name).chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"},
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(room / "huggingface"),
        "HF_HUB_OFFLINE": "1",
    }


def run(text: str, folder: Path, environment: dict[str, str]) -> str:
    """Standard output of a block, run as a shell runs a paste; a failure shows all that it said."""
    command = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=_SECONDS)
    assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def once(session: Path, text: str) -> Path:
    """The folder that the shared block leaves; made by whichever worker of the test run comes first."""
    made, half = session / "once", session / "once.half"
    with FileLock(session / "once.lock"):
        if not made.is_dir():
            shutil.rmtree(half, ignore_errors=True)  # of a worker that failed
            half.mkdir()
            run(text, half, shell(session / "once.shell"))
            half.rename(made)
    return made


Serving = Callable[[Path, Block], AbstractContextManager[str]]


def walk(page: str, room: Path, session: Path, serve: Serving | None = None) -> tuple[Path, Walk]:
    """Walk a page; the folder that it leaves. `serve` gives the text to run for a block that needs a server."""
    folder, environment, done = room / "empty", shell(room), Walk()
    folder.mkdir()
    for block in blocks(page):
        if block.mark == "file:":
            (folder / block.said).write_text(block.text, encoding="utf-8")
        elif block.mark == "once":
            # Links, not copies: every write of ours replaces a file and leaves the old one alone.
            shutil.copytree(once(session, block.text), folder, copy_function=os.link, dirs_exist_ok=True)
        elif block.mark == "needs" and block.said == "a server" and serve:
            with serve(folder, block) as text:
                done.ran.append(run(text, folder, environment))
        elif block.mark == "needs":
            done.skipped.append(block.said)
        elif block.mark != "code":
            assert block.language == "sh", f"{page}: a block of {block.language} that is neither file nor code"
            done.ran.append(run(block.text, folder, environment))
    return folder, done


def pages() -> Iterator[Path]:
    yield from sorted(PAGES.rglob("*.md"))
