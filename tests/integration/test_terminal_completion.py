"""TAB in a real shell, with the script that --install-completion leaves in a home folder."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from terminal import environment

INSTALLED = {
    "bash": ".bash_completions/{program}.sh",
    "fish": ".config/fish/completions/{program}.fish",
    "zsh": ".zfunc/_{program}",
}
# The words before TAB; what must be offered; what must not.
OFFERED = [
    ("terra-cot ver", {"verify"}, {"view"}),
    ("terra-cot run big", {"bigearthnet"}, {"demo"}),
    ("terra-cot run my", {"my.yaml"}, {"my.txt"}),
    ("terra-cot scan ", {"bigearthnet", "xbd", "stac"}, {"demo"}),
    ("terra-cot export out --to co", {"coco", "conversations"}, {"geo"}),
    ("terra-cot run demo --eng", {"--engine"}, {"--quiet"}),
    ("terra-cot run demo --engine ", {"local", "ray"}, set()),
    ("terrascope-bench run g", {"gold"}, {"random"}),
    ("terrascope-bench run ", {"gold", "random", "openai:"}, set()),
    ("terrascope-bench score p.jsonl --extractor off", {"official-infer", "official-eval"}, {"strict"}),
    ("terrascope-bench build d --split t", {"train", "test"}, {"all"}),
]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home folder a shell that is here, completion of both programs installed from within that shell."""
    homes = {}
    for shell in filter(shutil.which, INSTALLED):
        home = homes[shell] = tmp_path_factory.mktemp(shell)
        for program in ("terra-cot", "terrascope-bench"):
            # The second command keeps the shell from being replaced by the program, which looks at its parent.
            command = [shell, "-c", f"{program} --install-completion; true"]
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment(HOME=str(home)), cwd=home, check=False
            )
            assert f"{shell} completion installed" in done.stdout, done.stdout + done.stderr
            assert (home / INSTALLED[shell].format(program=program)).is_file()
    return homes


def home_of(shell: str, homes: dict[str, Path]) -> Path:
    if shell not in homes:
        pytest.skip(f"no {shell} on this machine: apt-get install {shell}")
    return homes[shell]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("my.yaml", "my.txt", "predictions.jsonl"):
        (tmp_path / name).touch()
    return tmp_path


def bash(line: str, home: Path, folder: Path) -> set[str]:
    """COMPREPLY, as readline would get it: the words and the number of the one under the cursor."""
    words = line.split(" ")
    function = f"_{words[0].replace('-', '_')}_completion"
    script = (
        f"source ~/.bashrc; complete -p {words[0]} >&2; COMP_WORDS=({shlex.join(words)}); "
        f'COMP_CWORD={len(words) - 1}; {function} {words[0]}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, env=environment(HOME=str(home)), cwd=folder,
        check=False,
    )  # fmt: skip
    assert f"-o default -F {function}" in done.stderr  # files where nothing is offered
    return set(done.stdout.split())


def fish(line: str, home: Path, folder: Path) -> set[str]:
    command = ["fish", "-c", f"complete -C {shlex.quote(line)}"]
    kept = {name: value for name, value in environment(HOME=str(home)).items() if not name.startswith("XDG_")}
    done = subprocess.run(command, capture_output=True, text=True, env=kept, cwd=folder, check=False)
    return {row.partition("\t")[0] for row in done.stdout.splitlines()}


@pytest.mark.parametrize(("line", "offered", "absent"), OFFERED)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_names_are_offered(
    shell: str, line: str, offered: set[str], absent: set[str], homes: dict[str, Path], folder: Path
) -> None:
    found = {"bash": bash, "fish": fish}[shell](line, home_of(shell, homes), folder)
    assert offered <= found
    assert not absent & found


def test_where_a_file_is_wanted_nothing_stands_in_its_way(homes: dict[str, Path], folder: Path) -> None:
    """bash falls back to files where the function offers nothing; fish shows them itself."""
    assert bash("terrascope-bench validate pred", home_of("bash", homes), folder) == set()
    if "fish" in homes:
        assert "predictions.jsonl" in fish("terrascope-bench validate pred", homes["fish"], folder)


@pytest.mark.parametrize(("line", "offered", "absent"), OFFERED[:3])
def test_zsh_is_offered_the_same(
    line: str, offered: set[str], absent: set[str], homes: dict[str, Path], folder: Path
) -> None:
    """What the installed function evaluates in zsh; the menu itself wants a person."""
    home = home_of("zsh", homes)
    program = line.split(" ")[0]
    words = shlex.join(line.split(" "))
    # `compdef` and `_arguments` belong to an interactive zsh: here they tell what they are given.
    script = (
        f"compdef() {{ : }}; _arguments() {{ print -r -- $@ }}; source ~/.zfunc/_{program}; "
        f"words=({words}); CURRENT=$#words; _{program.replace('-', '_')}_completion"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", script], capture_output=True, text=True, env=environment(HOME=str(home)), cwd=folder,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(f'"{name}"' in done.stdout for name in offered)
    assert not any(f'"{name}"' in done.stdout for name in absent)


def test_bash_completes_a_line_that_is_typed(homes: dict[str, Path], folder: Path) -> None:
    """An interactive bash on a pseudo-terminal, with TAB pressed: the whole way, readline included."""
    import pty
    import select
    import time

    home = home_of("bash", homes)
    with (home / ".bashrc").open("a") as rc:
        rc.write("PS1='ready> '\n")  # a distribution may have its own
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-i"], environment(HOME=str(home), TERM="dumb"))
    shown = b""
    end = time.monotonic() + 120

    def until(word: bytes) -> None:
        nonlocal shown
        while word not in shown and time.monotonic() < end:
            if select.select([master], [], [], 1)[0]:
                shown += os.read(master, 4096)
        assert word in shown, shown

    try:
        until(b"ready> ")
        os.write(master, b"echo terra-cot; terra-cot scan deepg\t")
        until(b"deepglobe-road")
        os.write(master, b"\x15: terrascope-bench; terrascope-bench validate predi\t")
        until(b"predictions.jsonl")
    finally:
        os.write(master, b"\x15exit\n")
        os.close(master)
        os.waitpid(pid, 0)
