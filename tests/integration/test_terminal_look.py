"""What people see: colours on a terminal, none in a pipe, NO_COLOR and FORCE_COLOR obeyed; tables in shape."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from gate import LONG_S
from terminal import ROOT, environment, start

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TABLE = (
    "from pipelines import console\n"
    "console.print_table('a title that is longer than its table', ['name', 'n', 'what it is'],"
    " [['first', 7, 'word ' * 60], ['[/b] \\x1b[31m', 1200, None]], ['green', 'red'])\n"
)


def draw(**more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TABLE], capture_output=True, text=True, env=environment(**more), cwd=ROOT, check=True
    )
    assert done.stderr == ""
    return done.stdout


def on_a_terminal(command: list[str], **more: str) -> str:
    """What a command shows on a pseudo-terminal, standard output and error together."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment(**more), cwd=ROOT)
    os.close(slave)
    shown = b""
    while True:
        try:
            some = os.read(master, 65536)
        except OSError:  # Linux says EIO where the other end is closed
            break
        if not some:
            break
        shown += some
    os.close(master)
    process.wait(timeout=LONG_S)
    return shown.decode().replace("\r\n", "\n")


def test_in_a_pipe_a_row_is_a_line_and_plain() -> None:
    shown = draw()
    assert "\x1b" not in shown
    title, _, head, rule, first, second, _ = shown.split("\n")[:7]
    assert title == "a title that is longer than its table"
    assert head.split() == ["name", "n", "what", "it", "is"]
    assert set(rule.strip()) == {"─"}
    assert first.count("word") == 60
    assert first.index("7") == second.index("1200") + 3  # numbers to the right
    assert second.split() == ["[/b]", "␛[31m", "1200", "-"]
    assert all(line == line.rstrip() for line in shown.split("\n"))


def test_forced_colours_survive_a_pipe_and_change_no_letter() -> None:
    forced = draw(FORCE_COLOR="1")
    assert "\x1b[1;36m" in forced
    assert [line.rstrip() for line in ESCAPE.sub("", forced).split("\n")] == draw().split("\n")
    assert "\x1b[1;36m" in draw(FORCE_COLOR="1", TERM="dumb")
    assert "\x1b" not in draw(FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b" not in draw(NO_COLOR="1")
    assert "\x1b" not in draw(FORCE_COLOR="", NO_COLOR="")  # empty is not set


@pytest.mark.parametrize("columns", [60, 100])
def test_columns_decide_the_width(columns: int) -> None:
    lines = draw(COLUMNS=str(columns)).split("\n")
    assert columns - 4 <= max(map(len, lines)) <= columns
    assert sum("word" in line for line in lines) > 1
    helped = start("terrascope-bench", "run", "--help", COLUMNS=str(columns)).stdout.split("\n")
    options = [line for line in helped if not line.startswith("Example")]
    assert columns - 20 <= max(map(len, options)) <= columns


def test_a_terminal_shows_colours_unless_told_not_to() -> None:
    command = [sys.executable, "-c", TABLE]
    assert "\x1b[1;36m" in on_a_terminal(command)
    assert "\x1b" not in on_a_terminal(command, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(command, TERM="dumb")
    shown = ESCAPE.sub("", on_a_terminal(command, COLUMNS="72"))
    assert max(map(len, shown.split("\n"))) <= 72


def test_help_and_errors_are_coloured_by_the_same_rule() -> None:
    for words in (["--help"], ["score", "--help"], ["scoer"]):
        piped = start("terrascope-bench", *words)
        forced = start("terrascope-bench", *words, FORCE_COLOR="1")
        assert "\x1b" not in piped.stdout + piped.stderr
        assert "\x1b[" in forced.stdout + forced.stderr
        assert ESCAPE.sub("", forced.stdout) == piped.stdout
        assert ESCAPE.sub("", forced.stderr) == piped.stderr
    shown = on_a_terminal(["terra-cot", "run", "demoo", "-o", "x"])
    assert shown.startswith('\x1b[1;31merror: \x1b[0mno recipe "demoo"; did you mean "demo"?')
    assert "\x1b" not in on_a_terminal(["terra-cot", "--help"], NO_COLOR="1")


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`| head -1` of more than a pipe holds: no traceback, no complaint of Python's at its end."""
    (tmp_path / "lots.py").write_text(
        "from pipelines import console\nfrom pipelines.apps import new_app\n"
        "app = new_app('lots', 'Much.', example='lots json')\n"
        "app.command()(lambda: None)\n"
        "app.command('json')(lambda: console.print_json(['word'] * 100_000))\n"
        "console.run(app)\n"
    )
    line = f"{sys.executable} {tmp_path}/lots.py json 2>{tmp_path}/said | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, env=environment(), check=False)
    assert done.stdout == "[\n"
    assert (tmp_path / "said").read_text() == ""


def test_numbers_are_whole_however_narrow_the_terminal() -> None:
    """Half a number is another number: a column without room is left out, and named."""
    code = (
        "from pipelines import console\n"
        "console.print_table('spread', ['what', 'min', 'max', 'note'],"
        " [['cloud fraction', 0.512, 123456, 'a word or two'], ['shift', 0.001, 7, 'more']])\n"
    )
    for columns in ("20", "40", "60"):
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(COLUMNS=columns), cwd=ROOT, check=True
        )
        words = set(done.stdout.split())
        assert {"0.512", "0.001", "min"} <= words, done.stdout
        # The numbers of a column stand whole, or its name stands among those that are left out.
        assert {"max", "123456", "7"} <= words or "max" in done.stdout.split("--json")[1], done.stdout
        assert not {word for word in words if word[0].isdigit()} - {"0.512", "123456", "0.001", "7", "1", "2", "3"}


def test_a_bar_has_the_fields_that_fit_and_a_rate_that_means_something() -> None:
    code = (
        "import time\nfrom pipelines.progress import progress\n"
        "with progress('generate', 'tiles') as step:\n"
        "    step(0, 9)\n    time.sleep(0.7)\n    step(4, 9)\n    time.sleep(0.3)\n    step(9, 9)\n"
    )
    for columns, fields in (("30", ""), ("40", "left"), ("60", "left tiles/s"), ("120", "left tiles/s ━")):
        shown = ESCAPE.sub("", on_a_terminal([sys.executable, "-c", code], COLUMNS=columns))
        assert "…" not in shown
        last = [line for line in re.split(r"[\r\n]+", shown) if line.strip()][-1]
        assert last.startswith("generate")
        assert "9/9" in last
        assert {word for word in ("left", "tiles/s", "━") if word in last} == set(fields.split())
    quick = code.replace("0.7", "0").replace("0.3", "0")
    piped = subprocess.run(
        [sys.executable, "-c", quick], capture_output=True, text=True, env=environment(), cwd=ROOT, check=True
    )
    assert piped.stderr == "generate: 9/9 tiles\n"


@pytest.mark.parametrize("words", ["json", "--help"])
def test_a_closed_pipe_is_141_and_silent(tmp_path: Path, words: str) -> None:
    """A reader that is gone before a word is written: 1 would say that a check failed."""
    code = (
        "from pipelines import console\nfrom pipelines.apps import new_app\n"
        "app = new_app('lots', 'Much.', example='lots json')\n"
        "app.command()(lambda: None)\n"
        "app.command('json')(lambda: console.say('word'))\n"
        "console.run(app)\n"
    )
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", code, words]
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment(), cwd=ROOT, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
