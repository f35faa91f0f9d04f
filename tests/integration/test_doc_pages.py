"""The five-minute pages are true: their commands, run as written from top to bottom in an empty folder, do it all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from benchserver import scripted
from docpages import PAGES, Block, blocks, once, run, shell, walk
from llmserver import serving
from PIL import Image

DOORS = ("make-a-dataset.md", "score-your-model.md", "check-a-result.md")
SERVER = "http://127.0.0.1:8000/v1"


@pytest.fixture
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


def macro(card: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(card.read_text())["overall"]["macro"]
    return found


def test_the_doors_share_one_block_and_each_has_a_page() -> None:
    shared = {block.text for page in DOORS for block in blocks(page) if block.mark == "once"}
    assert len(shared) == 1
    front = (PAGES / "index.md").read_text(encoding="utf-8")
    assert all(f"]({page})" in front for page in DOORS)


def test_a_dataset_is_made_as_the_page_says(tmp_path: Path, session: Path) -> None:
    folder, done = walk("make-a-dataset.md", tmp_path, session)
    assert done.skipped == ["the network", "an archive"]
    verified, shown, _, read, own = done.ran
    assert "0 problems" in verified
    assert "sample.png" in shown
    assert "masks" in read
    assert "done: mine" in own
    assert (folder / "dataset-view/index.html").is_file()
    assert (folder / "stats.html").stat().st_size > 10_000
    with Image.open(folder / "sample.png") as picture:
        assert picture.width > 300
    exported = json.loads((folder / "trainer/export.json").read_text())["counts"]
    made = json.loads((folder / "dataset/manifest.json").read_text())["counts"]
    assert exported["samples"]["read"] == made["samples"]["kept"] > 100
    assert json.loads((folder / "mine/manifest.json").read_text())["counts"]["samples"]["kept"] > 20


def test_a_model_is_scored_as_the_page_says(tmp_path: Path, session: Path) -> None:
    served = []

    @contextmanager
    def serve(folder: Path, block: Block) -> Iterator[str]:
        assert SERVER in block.text
        with serving(scripted(folder / "bench")) as server:
            # The scripted model fails some questions on purpose; then `run` says so and exits with 1.
            yield f"{block.text.strip().replace(SERVER, server.url)} 2>&1 || test $? = 1"
            served.append(len(server.seen))

    folder, done = walk("score-your-model.md", tmp_path, session, serve)
    assert set(done.skipped) == {"the network", "weights, and better a GPU"}
    cards = {name: macro(folder / f"{name}.json") for name in ("mine", "random", "gold")}
    assert cards["gold"]["accuracy"]["value"] == cards["gold"]["giou"]["value"] == 1.0
    assert 0 < cards["mine"]["accuracy"]["value"] < 1
    assert 0 < cards["mine"]["giou"]["value"] < 1
    assert (folder / "site/index.html").is_file()
    lines = [json.loads(line) for line in (folder / "my-vlm.jsonl").read_text().splitlines()]
    asked = json.loads((folder / "mine.json").read_text())["benchmark"]["n"]
    assert [len(lines)] == served == [asked]
    assert asked > 40
    assert any(line.get("masks") for line in lines)


def test_a_result_is_checked_as_the_page_says(tmp_path: Path, session: Path) -> None:
    folder, done = walk("check-a-result.md", tmp_path, session)
    assert done.skipped == ["the network", "a browser, and the extra [review]", "the published file and its archives"]
    verified, built, _, checked, altered, compared = done.ran
    assert "0 problems" in verified
    assert "guessable" in built
    assert "does not follow" not in checked
    assert "does not follow" in altered
    assert (folder / "altered.json").read_bytes() != (folder / "theirs.json").read_bytes()
    assert "random" in compared
    assert (folder / "site/index.html").is_file()
    assert json.loads((folder / "paper.json").read_text())["extractor"] == "paper"


def test_the_model_card_tells_the_stages_of_the_recipe_and_is_read_by_the_hub() -> None:
    from huggingface_hub import ModelCard

    from pipelines.recipes.train import recipe_path
    from terrascope_bench.terrascope.train.recipe import load_recipe

    card = ModelCard.load(PAGES / "nano.md")
    assert (card.data.license, card.data.pipeline_tag) == ("apache-2.0", "image-text-to-text")
    told = re.findall(r"^\| (\w+) \|.*\| ([\d,]+) x (\d+) \|$", card.text, re.MULTILINE)
    stages = load_recipe(recipe_path("terrascope-nano")).stages
    assert [(name, int(steps.replace(",", "")), int(batch)) for name, steps, batch in told] == [
        (stage.name, stage.steps, stage.batch) for stage in stages
    ]


def test_the_notebook_runs_and_shows_what_it_says(tmp_path: Path, session: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    made = next(block.text for block in blocks(DOORS[0]) if block.mark == "once")
    build = next(block.text for block in blocks(DOORS[1]) if block.text.startswith("terrascope-bench build"))
    folder, environment = tmp_path / "folder", shell(tmp_path)
    shutil.copytree(once(session, made), folder, copy_function=os.link)
    run(build, folder, environment)
    notebook = nbformat.read(PAGES / "explore.ipynb", as_version=4)
    kept = [shown(cell) for cell in notebook.cells]
    room = {"metadata": {"path": str(folder)}}
    patience = {"timeout": 1200, "startup_timeout": 300}
    nbclient.NotebookClient(notebook, **patience, kernel_name="python3", resources=room).execute(env=environment)
    assert [shown(cell) for cell in notebook.cells] == kept, "docs/make/pictures.py makes the outputs again"
    assert kept.count({"image/png", "text/plain"}) == 2
    assert (PAGES / "explore.ipynb").stat().st_size < 500_000
    first = notebook.cells[1].source
    lines = [*made.splitlines(), *build.splitlines()]
    assert all(line in first for line in lines), "the notebook makes another dataset than the pages"


def shown(cell: Any) -> set[str]:
    """Kinds of what a cell shows."""
    outputs = [output for output in cell.get("outputs", ()) if output.get("name") != "stderr"]
    assert not [output for output in outputs if output.output_type == "error"]
    return {kind for output in outputs for kind in output.get("data", {"stream": 0})}
