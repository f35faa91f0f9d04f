"""Every command of both programs: help with an example that parses, shared options with one meaning, short errors."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from typing import Any

import pytest
from terminal import MODULES, ROOT, call, commands, environment, group

from pipelines import completion
from terra_cot.export import TARGETS
from terra_cot.sources import SOURCES
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.models import known_models

COMMANDS = commands()
each_command = pytest.mark.parametrize(("program", "name"), COMMANDS, ids=[" ".join(pair) for pair in COMMANDS])
HEAVY = (
    "cv2", "datasets", "jinja2", "jsonschema", "numba", "numpy", "openai", "orjson", "pandas", "PIL", "pyarrow",
    "pycocotools", "pydantic", "pyproj", "rasterio", "ray", "rich", "scipy", "shapely", "skimage", "sklearn",
    "starlette", "torch", "transformers", "xgboost", "yaml",
)  # fmt: skip
SHARED = ("--json", "--quiet", "--force", "--seed", "--workers", "--engine", "--set")


def command(program: str, name: str) -> Any:
    return group(program).commands[name]


def wrong(done: subprocess.CompletedProcess[str]) -> str:
    """What wrong usage says: exit code 2, one or two lines, nothing on standard output."""
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2
    assert lines[0].startswith("error: ")
    assert "\x1b" not in done.stderr
    return lines[0]


@each_command
def test_help_has_an_example_that_parses(program: str, name: str) -> None:
    done = call(program, name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--debug" in done.stdout
    examples = [line.removeprefix("Example: ") for line in done.stdout.splitlines() if line.startswith("Example: ")]
    assert examples
    for example in examples:
        words = shlex.split(example, comments=True)
        assert words[:2] == [program, name]
        command(program, name).make_context(name, words[2:])  # raises on an option or value that is none


@each_command
def test_every_command_has_json_and_quiet(program: str, name: str) -> None:
    flags = {flag for parameter in command(program, name).params for flag in parameter.opts}
    assert {"--json", "--quiet", "-q"} <= flags
    said = [line.strip() for line in call(program, name, "--help").stdout.splitlines()]
    assert any(line.startswith("--json") for line in said)


def test_the_same_option_means_the_same_everywhere() -> None:
    """One short form, one kind of value and one text for the options that recur; one short form for any other."""
    shorts, texts = defaultdict(set), defaultdict(set)
    for program, name in COMMANDS:
        for parameter in command(program, name).params:
            for flag in parameter.opts:
                if flag.startswith("--"):
                    shorts[flag].add(tuple(sorted(set(parameter.opts) - {flag})))
            for flag in set(parameter.opts) & set(SHARED) - ({"--set"} if name == "scan" else set()):
                texts[flag].add(parameter.help)
    assert {flag: forms for flag, forms in shorts.items() if len(forms) > 1} == {}
    assert set(texts) == set(SHARED)
    assert {flag: said for flag, said in texts.items() if len(said) > 1} == {}
    taken = defaultdict(set)
    for flag, forms in shorts.items():
        for short in next(iter(forms)):
            taken[short].add(flag)
    assert {short: flags for short, flags in taken.items() if len(flags) > 1} == {}


@each_command
def test_wrong_usage_is_two_lines_and_exit_code_2(program: str, name: str) -> None:
    line = wrong(call(program, name, "--jsno"))
    assert line == 'error: no option "--jsno"; did you mean "--json"?'
    required = [parameter for parameter in command(program, name).params if parameter.required]
    if required:
        assert "missing" in wrong(call(program, name))
    if not any(parameter.nargs == -1 for parameter in command(program, name).params):
        assert "unexpected extra argument" in wrong(call(program, name, *"abcdefghij", *_options(required)))


def _options(required: list[Any]) -> list[str]:
    return [word for parameter in required if parameter.opts[0].startswith("-") for word in (parameter.opts[-1], "x")]


@pytest.mark.parametrize("program", MODULES)
def test_a_program_tells_its_version_and_helps(program: str) -> None:
    assert call(program, "--version").stdout == f"{program} {import_module('terra_cot').__version__}\n"
    done = call(program, "--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for owner, name in COMMANDS if owner == program)
    assert all(word in done.stdout for word in ("--debug", "--version", "--install-completion", "Example: "))
    bare = call(program)
    assert (bare.returncode, bare.stdout, bare.stderr) == (2, "", done.stdout)


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("terra-cot verfy out", "verify"),
        ("terrascope-bench scoer p.jsonl", "score"),
        ("terrascope-bench imprt x", "import"),
        ("terra-cot run demo -o out --worker 2", "--workers"),
        ("terra-cot run bigearthnt -o {out}", "bigearthnet"),
        ("terra-cot run demo -o {out} --set sourse.root=x", "source"),
        ("terra-cot run demo -o {out} --set generate.captoin=x", "caption"),
        ("terra-cot run demo -o {out} --set source.root={out} --engine rya", "ray"),
        ("terra-cot scan bigearthnt {out} -o {out}/s.parquet", "bigearthnet"),
        ("terra-cot export {out} --to cocoo -o {out}/x", "coco"),
        ("terrascope-bench run gould --bench {out} -o {out}/p.jsonl", "gold"),
        ("terrascope-bench run openia:gpt --bench {out} -o {out}/p.jsonl", "openai:"),
        ("terrascope-bench score {out}/p.jsonl --bench {out} --extractor strcit", "strict"),
        ("terrascope-bench build {out} -o {out}/b --split tset", "test"),
        ("terrascope-bench build {out} -o {out}/b --variants optcal", "optical"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(line: str, near: str, tmp_path: Any) -> None:
    program, *rest = line.format(out=tmp_path).split()
    assert f'did you mean "{near}' in wrong(call(program, *rest))


def test_debug_shows_where_an_error_came_from(tmp_path: Any) -> None:
    """Anywhere on the line; without it a user's error has no traceback."""
    from terra_cot.errors import TerraError

    assert "no recipe" in wrong(call("terra-cot", "run", "no", "-o", tmp_path))
    for words in (("--debug", "run", "no", "-o", tmp_path), ("run", "no", "--debug", "-o", tmp_path)):
        with pytest.raises(TerraError):
            call("terra-cot", *words)


def test_help_lists_the_names_that_there_are() -> None:
    def told(program: str, name: str) -> str:
        return " ".join(call(program, name, "--help").stdout.split())

    assert all(kind in told("terra-cot", "scan") for kind in SOURCES)
    assert all(target in told("terra-cot", "export") for target in TARGETS)
    assert all(extractor in told("terrascope-bench", "score") for extractor in EXTRACTORS)
    assert all(model in told("terrascope-bench", "run") for model in known_models())


@pytest.mark.parametrize("program", MODULES)
def test_help_loads_nothing_heavy(program: str) -> None:
    """Of the program and of every command, in one process: what the last has not loaded none has."""
    names = [name for owner, name in COMMANDS if owner == program]
    code = f"""
import sys
from {MODULES[program]} import main
for words in {[["--help"], ["--version"], *([name, "--help"] for name in names)]!r}:
    sys.argv = [{program!r}, *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, words
print("HEAVY", *[name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY"


def test_what_a_shell_is_offered_is_what_there_is() -> None:
    def names(offers: list[tuple[str, str]]) -> list[str]:
        return [name for name, _ in offers]

    assert names(completion.sources(""))[: len(SOURCES)] == list(SOURCES)
    assert names(completion.sources("world")) == ["world"]
    assert names(completion.targets("co")) == ["coco", "conversations"]
    assert names(completion.extractors("official-")) == ["official-infer", "official-eval"]
    assert {"gold", "openai:", "hf:"} <= set(names(completion.models("")))
    assert names(completion.engines("r")) == ["ray"]
    assert names(completion.splits("t")) == ["train", "test"]
    assert names(completion.variants("optical,s")) == ["optical,sar"]
