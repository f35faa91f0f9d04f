"""A program that stands still just before it gives a file its name: what a test does to it then, it does there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LONG_S = 300.0
"""No test waits so long for what comes; it only keeps a hang from lasting for ever."""

# Python imports a module of this name at its start: here, in the program, and in every worker that it starts.
_HOOK = """
import os, sys, time
from fnmatch import fnmatchcase

room, pattern, left = {room!r}, {pattern!r}, {at}

def stand(event, given):
    global left
    if event == "os.rename" and fnmatchcase(os.fsdecode(given[1]), pattern):
        left -= 1
        if left == 0:
            with open(f"{{room}}/half", "w") as mark:
                mark.write(str(os.getpid()))
            os.replace(f"{{room}}/half", f"{{room}}/reached")
            while not os.path.exists(f"{{room}}/open"):
                time.sleep(0.005)

sys.addaudithook(stand)
"""


@dataclass(frozen=True)
class Gate:
    """A gate in `room` before the `at`-th file whose path fits `pattern`, counted in each process by itself."""

    room: Path
    pattern: str
    at: int = 1

    def __post_init__(self) -> None:
        self.room.mkdir()
        hook = _HOOK.format(room=str(self.room), pattern=self.pattern, at=self.at)
        (self.room / "sitecustomize.py").write_text(hook)

    def environment(self) -> dict[str, str]:
        """What a program is to be started with."""
        path = [str(self.room), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}

    def wait(self, program: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
        """Wait until a process of the program stands at the gate; returns its id."""
        reached, until = self.room / "reached", time.monotonic() + LONG_S
        while not reached.exists():
            assert program.poll() is None, "it ended before it came to the gate"
            assert time.monotonic() < until, "it does not come to the gate"
            time.sleep(0.005)
        return int(reached.read_text())

    def open(self) -> None:
        (self.room / "open").touch()


def killed_at(room: Path, pattern: str, command: list[str], at: int = 1) -> None:
    """Run a command and kill it, as it is about to give the `at`-th file that fits `pattern` its name."""
    gate = Gate(room, pattern, at)
    program = subprocess.Popen(command, env=gate.environment(), start_new_session=True)
    try:
        gate.wait(program)
    finally:
        end(program)


def end(program: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    """SIGKILL to the program alone, not to its workers; returns its exit code once they are gone too.

    The program must have a session of its own. Workers see that it is gone and end, but a moment later.
    """
    program.send_signal(signal.SIGKILL)
    code, until = program.wait(), time.monotonic() + LONG_S
    while _alive(program.pid):
        assert time.monotonic() < until, "a killed program left processes running"
        time.sleep(0.01)
    return code


def _alive(group: int) -> bool:
    """Whether a process of the group still runs. One that ended and that nobody has asked after does not."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, own, *_ = status.read_text().rpartition(")")[2].split()
            if int(own) == group and state not in "ZX":
                return True
    return False
