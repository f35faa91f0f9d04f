"""From a served catalogue through the command line: verified, resumed, and whole again after its server was not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from geofactory import cli, cli_here
from stacfactory import Served, served, source_of, world_items, write_static

from terra_cot.sources.stac import catalogue


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("stac")
    write_static(folder, world_items(folder, 128))
    with served(folder) as running:
        yield running


def recipe(folder: Path, url: str) -> Path:
    path = folder / "stac.yaml"
    body = {"name": "stac", "source": source_of(f"{url}/catalog.json"), "tile": {"size_px": 64}, "part_tiles": 2}
    path.write_text(yaml.safe_dump({**body, "generate": {"res": 1}}))
    return path


def test_scan_takes_an_url(server: Served, tmp_path: Path) -> None:
    source = source_of(f"{server.url}/catalog.json")
    settings = [f"--set=source.{key}={json.dumps(source[key])}" for key in ("optical", "sar", "label")]
    done = cli_here("scan", "stac", source["root"], "-o", tmp_path / "scenes.parquet", "--json", *settings)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["scenes"], told["dropped"]) == (1, {})


def test_a_run_survives_its_server_and_is_whole_when_it_is_back(server: Served, tmp_path: Path) -> None:
    given, out = recipe(tmp_path, server.url), tmp_path / "out"
    server.dies_after = 25
    try:
        done = cli_here("run", given, "-o", out, "--quiet")
    finally:
        server.dies_after = None
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    drops = [json.loads(line) for line in (out / "dropped.jsonl").read_text().splitlines()]
    assert "unreachable" in {drop["reason"] for drop in drops}
    assert all("127.0.0.1" in drop["detail"] for drop in drops if drop["reason"] == "unreachable")

    server.log.clear()  # a process of its own: GDAL remembers within one what it could not open
    done = cli("run", given, "-o", out, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {status for _, _, status, _ in server.rasters()} == {206}, "files are read by ranges"
    counts = json.loads((out / "manifest.json").read_bytes())["counts"]
    assert (counts["tiles"]["kept"], counts["tiles"]["dropped"], counts["frames_dropped"]["tile"]) == (4, {}, {})
    assert counts["samples"]["kept"] > 10
    done = cli_here("verify", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == []

    server.log.clear()
    before = (out / "manifest.json").read_bytes()
    assert cli_here("run", given, "-o", out, "--quiet").returncode == 0
    assert server.rasters() == [], "a finished part is not read again"
    assert (out / "manifest.json").read_bytes() == before


def test_a_server_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "RETRIES", 0)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody else can take the port, and it is not listened on
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        done = cli_here("run", recipe(tmp_path, url), "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "catalog.json: the catalogue cannot be read" in done.stderr
