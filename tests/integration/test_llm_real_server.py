"""A real model on a real server. It is a weak writer: nothing false may get through, and the run must end well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import llamaserver
import pyarrow.parquet as pq
import pytest
import yaml
from geofactory import cli_here, rasters_archive

from terra_cot.llm.cache import Cache
from terra_cot.llm.client import Client
from terra_cot.llm.ledger import Ledger
from terra_cot.llm.options import LlmOptions

pytestmark = pytest.mark.skipif(llamaserver.missing() is not None, reason=str(llamaserver.missing()))
KEPT = ("manifest.json", "dropped.jsonl", "README.md", "samples/part-00000.parquet", "tiles/part-00000.parquet")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the server, started once."""
    server = subprocess.Popen(
        [sys.executable, llamaserver.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:"), "the server starts"
    yield f"{address}/v1"
    server.communicate(timeout=300)


@pytest.mark.timeout(1500)  # ten tokens a second where cores are shared
def test_a_small_model_writes_under_supervision(url: str, tmp_path: Path) -> None:
    """Structured output is honoured, refusals are named, the dataset verifies, and the cache alone makes it again."""
    options = LlmOptions(base_url=url, model="smollm2", max_tokens=40, timeout_s=240)
    client = Client(options, Cache(tmp_path / "asked"), Ledger(tmp_path / "spent.json", options))
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["blue", "green"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    reply = client.ask([{"role": "user", "content": "What colour is grass? Answer in JSON."}], schema)
    assert reply.finish == "stop"
    assert json.loads(reply.content)["colour"] in ("blue", "green")
    assert client._first == 0, "asked by JSON schema, the strictest way"

    values = rasters_archive(tmp_path / "data", scenes=1, side=64)
    values["generate"] = {"res": 1, "caption": 1, "l1_min": 1, "l1_max": 1, "l2_min": 1, "l2_max": 1}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    settings = {
        "base_url": url, "model": "smollm2", "attempts": 2, "max_tokens": 90, "timeout_s": 280, "max_retries": 1,
        "concurrency": 1, "budget_tokens": 50_000, "cache": tmp_path / "cache",
    }  # fmt: skip
    given = [part for key, value in settings.items() for part in ("--set", f"llm.{key}={value}")]
    done = cli_here("run", tmp_path / "recipe.yaml", "-o", tmp_path / "out", "--quiet", *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert cli_here("verify", tmp_path / "out", "--quiet").returncode == 0

    rows = pq.read_table(tmp_path / "out" / "samples" / "part-00000.parquet").to_pylist()
    asked = [row for row in rows if row["tier"] in ("caption", "l2_spatial", "l2_semantic")]
    assert len(asked) == 2
    texts = json.loads((tmp_path / "out" / "manifest.json").read_bytes())["counts"]["llm_texts"]
    assert texts["read"] == texts["kept"] + sum(texts["dropped"].values())
    assert texts["kept"] == sum(row["writer"] == "llm:smollm2" for row in asked)
    assert 2 <= texts["read"] <= 4, "asked, and asked again at most once"
    replies = [json.loads(path.read_bytes()) for path in (tmp_path / "cache").rglob("*.json")]
    assert replies
    assert all(entry["reply"]["content"] for entry in replies)
    spent = json.loads((tmp_path / "out" / ".progress" / "llm" / "spent.json").read_bytes())
    assert spent["requests"] == len(replies)
    assert spent["reply_tokens"] > 0

    # The recipe names the same address, and any request would be counted.
    done = cli_here("run", tmp_path / "recipe.yaml", "-o", tmp_path / "again", "--quiet", *given)
    assert done.returncode == 0, done.stderr
    for name in KEPT:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    again = json.loads((tmp_path / "again" / ".progress" / "llm" / "spent.json").read_bytes())
    assert again["requests"] == 0
