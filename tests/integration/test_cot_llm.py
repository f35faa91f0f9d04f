"""Through the real command line, against a real socket: a model writes, lies, fails, and the run ends well."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from gate import LONG_S, end
from geofactory import SCRIPT, cli, cli_here, rasters_archive
from llmserver import Answer, Body, completion, error, phrases, says, serving, well

KEPT = ("tiles", "samples", "README.md", "croissant.json", "manifest.json", "dropped.jsonl")
KEY = "sk-verysecret-0123456789abcdef"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that a user gets, by its name."""
    paths = [
        path for name in KEPT for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "samples").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def drops(folder: Path) -> list[dict[str, str]]:
    found = map(json.loads, (folder / "dropped.jsonl").read_text().splitlines())
    return [drop for drop in found if drop["stage"] == "llm"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scene, nine tiles, three parts."""
    folder = tmp_path_factory.mktemp("archive")
    values = rasters_archive(folder / "data", scenes=1, side=192) | {"part_tiles": 3}
    values["generate"] = {"res": 0, "caption": 1, "l1_min": 1, "l1_max": 1, "l2_min": 2, "l2_max": 2}
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def composed(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset without a model."""
    out = tmp_path_factory.mktemp("composed") / "out"
    assert cli_here("run", recipe, "-o", out, "--quiet").returncode == 0
    return out


def asks(url: str, **settings: object) -> list[str]:
    named = {"base_url": url, "model": "tester/model-1", "max_retries": 0, **settings}
    return [part for key, value in named.items() for part in ("--set", f"llm.{key}={value}")]


def varied(body: Body, number: int) -> Answer:
    """Never the same reply twice: only a cache can make two runs alike."""
    said = well(body)
    words = ["First", "Next", "Then", "Now", "Finally", "Here", "Also"]
    lead = " ".join(words[(number // 7**place) % 7].lower() for place in range(4))
    return Answer(completion(json.dumps({**said, "chain": f"Look {lead}. {said['chain']}"}), body))


def test_a_model_writes_and_verify_reads_it(recipe: Path, composed: Path, tmp_path: Path) -> None:
    """The same facts and masks in other words; a second run from the cache needs no server; no key is anywhere."""
    env = {"A_KEY": KEY, "PATH": "/usr/bin:/bin", "OPENAI_LOG": "debug"}
    with serving(varied) as endpoint:
        given = asks(endpoint.url, api_key_env="A_KEY", cache=tmp_path / "cache")
        done = cli("run", recipe, "-o", tmp_path / "out", *given, env=env)
        assert done.returncode == 0, done.stderr
        assert all(headers["authorization"] == f"Bearer {KEY}" for headers, _ in endpoint.seen)
    written = [row for row in rows(tmp_path / "out") if row["writer"] == "llm:tester/model-1"]
    assert len(written) == len(endpoint.seen) == 27
    assert {row["tier"] for row in written} == {"caption", "l2_spatial", "l2_semantic"}
    for row, plain in zip(rows(tmp_path / "out"), rows(composed), strict=True):
        for key in ("sample_id", "masks", "evidence", "options", "frames"):
            assert row[key] == plain[key]
        if row["tier"] != "caption":
            assert row["answer"] == plain["answer"]
        assert (row["chain"] == plain["chain"]) == row["writer"].startswith("template:")
    counts = json.loads((tmp_path / "out" / "manifest.json").read_bytes())["counts"]
    assert counts["llm_texts"] == {"read": 27, "kept": 27, "dropped": {}}
    assert cli("verify", tmp_path / "out", "--quiet").returncode == 0

    again = cli("run", recipe, "-o", tmp_path / "again", *given, "--quiet", env=env)  # nobody listens any more
    assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "again") == contents(tmp_path / "out")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 40
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in done.stdout + done.stderr + again.stdout + again.stderr


def lies(body: Body, number: int) -> Any:
    """Another lie each time."""
    true, offered = well(body), phrases(body)
    marks = [phrase.name for phrase in offered if phrase.kind == "mark"]
    own = [phrase for phrase in offered if phrase.kind in ("quantity", "place") and phrase.owner == 0]
    chain = true["chain"]
    tail = "{conclusion}" if "{conclusion}" in chain else ""
    body_of = chain.removesuffix(tail)
    swapped = f"{{c1}}: {{{own[0].name}}}." if own else "{c0} covers {c1}."
    return [
        {**true, "chain": f"{body_of} The {{c0}} covers 99.9 % of the scene. {tail}"},
        {**true, "chain": f"{body_of} There is a large volcano. {tail}"},
        {**true, "chain": f"{body_of} Mangroves are here. {tail}"},
        {**true, "chain": f"{body_of} {swapped} {tail}"},
        {**true, "chain": f"{body_of} {{{marks[0]}}}. {tail}"},
        {**true, "chain": chain.replace("{m0}", "{c0}")},
        {**true, "answer": "not under pressure at all"},
        {**true, "chain": f"{body_of} It covers two thirds. {tail}"},
        {**true, "chain": f"{body_of} {{c0}} is not visible. {tail}"},
        {**true, "question": "How many volcanoes are there?"},
        "I am a language model and I cannot see images.",
        '{"question": "What is',
        "",
        [],
    ][number % 14]


def test_nothing_false_gets_through(recipe: Path, composed: Path, tmp_path: Path) -> None:
    """Whatever a model makes up, the composer's rows stand, and every refusal is named with its reason."""
    with serving(lambda body, number: says(lambda request: lies(request, number))(body, number)) as endpoint:
        done = cli_here("run", recipe, "-o", tmp_path / "out", *asks(endpoint.url), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(tmp_path / "out") == rows(composed)
    refused = drops(tmp_path / "out")
    assert len(refused) == 27 * 3, "three attempts each"
    assert 60 < len(endpoint.seen) <= 81, "the same conversation twice is asked once"
    reasons = Counter(drop["reason"] for drop in refused)
    assert {
        "number_without_evidence", "unknown_word", "class_without_mask", "mask_order", "wrong_answer",
        "number_in_words", "not_json",
    } <= set(reasons)  # fmt: skip
    assert {"wrong_pair", "unsupported_claim"} & set(reasons)
    counts = json.loads((tmp_path / "out" / "manifest.json").read_bytes())["counts"]
    assert counts["llm_texts"] == {"read": 81, "kept": 0, "dropped": dict(sorted(reasons.items()))}
    assert cli_here("verify", tmp_path / "out", "--quiet").returncode == 0


def test_a_refused_text_is_asked_for_again_with_its_faults(recipe: Path, tmp_path: Path) -> None:
    """A model that gets it right at the second attempt writes the row; its first attempt is in dropped.jsonl."""

    def learns(body: Body) -> Any:
        told = [message for message in body["messages"] if message["role"] == "user"]
        if len(told) == 1:
            return {**well(body), "question": "How many volcanoes are there?"}
        assert '"volcanoes" must not be used' in told[1]["content"]
        return well(body)

    with serving(says(learns)) as endpoint:
        assert cli_here("run", recipe, "-o", tmp_path / "out", *asks(endpoint.url), "--quiet").returncode == 0
    assert len(endpoint.seen) == 54
    assert len(drops(tmp_path / "out")) == 27
    assert sum(row["writer"].startswith("llm:") for row in rows(tmp_path / "out")) == 27


def test_an_outage_keeps_what_is_finished_and_the_run_goes_on(recipe: Path, tmp_path: Path) -> None:
    def fails(body: Body, number: int) -> Answer:
        return varied(body, number) if number < 14 else error(503, "maintenance")

    out = tmp_path / "out"
    with serving(fails) as endpoint:
        given = asks(endpoint.url, concurrency=1)
        done = cli_here("run", recipe, "-o", out, *given, "--quiet")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "maintenance" in done.stderr
        assert "run the same command again" in done.stderr
        finished = {path: path.read_bytes() for path in (out / "samples").glob("part-*.parquet")}
        assert len(finished) == 1
        assert not (out / "manifest.json").exists()
        endpoint.seen.clear()
        endpoint.answer = varied
        done = cli_here("run", recipe, "-o", out, *given, "--quiet")
        assert done.returncode == 0, done.stderr
        assert len(endpoint.seen) == 27 - 14
    assert {path: path.read_bytes() for path in finished} == finished
    assert cli_here("verify", out, "--quiet").returncode == 0


@pytest.mark.parametrize("moment", range(4))
def test_killed_at_any_moment_it_goes_on_to_the_bytes_of_its_cache(recipe: Path, tmp_path: Path, moment: int) -> None:
    """SIGKILL while requests are under way. Replies never repeat, so only the cache can bring the same bytes."""
    asked, out, killed = random.Random(moment).randrange(1, 24), tmp_path / "out", threading.Event()

    def slowly(body: Body, number: int) -> Answer:
        if number >= asked:
            killed.wait(LONG_S)  # so many are answered, and it cannot end before it is killed
        return Answer(varied(body, number).body, wait_s=0.03)

    with serving(slowly) as endpoint:
        given = asks(endpoint.url, cache=tmp_path / "cache", concurrency=3)
        command = [str(SCRIPT), "run", str(recipe), "-o", str(out), "--quiet", "--workers", str(1 + moment % 2), *given]
        running = subprocess.Popen(command, start_new_session=True)
        until = time.monotonic() + LONG_S
        while len(endpoint.seen) < asked and time.monotonic() < until:
            time.sleep(0.002)
        end(running)
        killed.set()
        assert not (out / "manifest.json").exists()
        done = cli_here("run", recipe, "-o", out, "--quiet", *given)
        assert done.returncode == 0, done.stderr
        assert endpoint.most <= 6, "three of the killed run, three of the next"
        seen = len(endpoint.seen)
        assert cli_here("run", recipe, "-o", tmp_path / "other", "--quiet", *given).returncode == 0
        assert len(endpoint.seen) == seen, "all from the cache"
    assert contents(tmp_path / "other") == contents(out)
    assert cli_here("verify", out, "--quiet").returncode == 0


def test_no_more_requests_at_once_than_the_recipe_says(recipe: Path, tmp_path: Path) -> None:
    full = threading.Event()

    def slowly(body: Body, number: int) -> Answer:
        if endpoint.most >= 3:
            full.set()
        full.wait(LONG_S)  # until as many are under way as may be
        return Answer(completion(json.dumps(well(body)), body), wait_s=0.15)

    with serving(slowly) as endpoint:
        given = asks(endpoint.url, concurrency=3)
        assert cli_here("run", recipe, "-o", tmp_path / "one", "--quiet", *given).returncode == 0
        assert endpoint.most == 3
        endpoint.most = 0
        assert cli("run", recipe, "-o", tmp_path / "four", "--quiet", "--workers", 4, *given).returncode == 0
        assert 1 <= endpoint.most <= 3
    assert contents(tmp_path / "one") == contents(tmp_path / "four")


def test_a_spent_budget_stops_cleanly_and_more_of_it_goes_on(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with serving(says(well)) as endpoint:
        done = cli_here("run", recipe, "-o", out, "--quiet", *asks(endpoint.url, budget_tokens=12000, concurrency=1))
        assert done.returncode == 1
        assert "llm.budget_tokens 12,000" in done.stderr
        assert done.stderr.count("\n") == 1
        spent = json.loads((out / ".progress" / "llm" / "spent.json").read_bytes())
        first = len(endpoint.seen)
        assert spent["requests"] == first > 3
        assert spent["prompt_tokens"] + spent["reply_tokens"] <= 12_000
        done = cli_here("run", recipe, "-o", out, "--quiet", *asks(endpoint.url, budget_tokens=900_000))
        assert done.returncode == 0, done.stderr
        assert len(endpoint.seen) == 27
    assert cli_here("verify", out, "--quiet").returncode == 0


def test_generate_takes_a_model_for_tiles_already_cut(recipe: Path, composed: Path, tmp_path: Path) -> None:
    shutil.copytree(composed, tmp_path / "out")
    with serving(says(well)) as endpoint:
        given = asks(endpoint.url, tiers="[caption]")
        assert cli_here("generate", tmp_path / "out", "--quiet", *given).returncode == 0
    written = [row for row in rows(tmp_path / "out") if row["writer"].startswith("llm:")]
    assert {row["tier"] for row in written} == {"caption"}
    assert len(written) == 9
    assert cli_here("verify", tmp_path / "out", "--quiet").returncode == 0


def test_an_altered_word_of_a_model_is_named(recipe: Path, tmp_path: Path) -> None:
    """Numbers that change hands, a mask that goes, a word that claims: verify reads a model's words as strictly."""
    out = tmp_path / "out"
    with serving(says(well)) as endpoint:
        assert cli_here("run", recipe, "-o", out, "--quiet", *asks(endpoint.url)).returncode == 0
    path = out / "samples" / "part-00000.parquet"
    table = pq.read_table(path)
    found = table.to_pylist()
    captions = [row for row in found if row["tier"] == "caption" and len(row["masks"]) > 1]
    shares = [item["value"] for item in captions[0]["evidence"] if item["fact"] == "share"]
    one, two = (f"{value:.1f} %" for value in shares[:2])
    assert one != two
    captions[0]["chain"] = captions[0]["chain"].replace(one, "@").replace(two, one).replace("@", two)
    semantic = next(row for row in found if row["tier"] == "l2_semantic")
    semantic["answer"] = next(option for option in semantic["options"] if option != semantic["answer"])
    spatial = next(row for row in found if row["tier"] == "l2_spatial")
    spatial["chain"] = f"There is a lake. {spatial['chain']}"
    pq.write_table(pa.Table.from_pylist(found, schema=table.schema), path)
    done = cli_here("verify", out)
    assert done.returncode == 1
    for row, reason in ((captions[0], "wrong_pair"), (semantic, "wrong_answer"), (spatial, "class_without_mask")):
        assert f"{row['sample_id']}:chain: {reason}" in done.stderr


def test_a_recipe_that_cannot_be_asked_is_one_line(recipe: Path, tmp_path: Path) -> None:
    with serving(lambda body, number: error(401, "bad key")) as endpoint:
        for given, code, says_so in (
            (asks(endpoint.url, api_key_env="NOT_SET_ANYWHERE"), 2, "llm.api_key_env"),
            (asks("http://me:secret@host/v1"), 2, "api_key_env"),
            (asks(endpoint.url), 1, "bad key"),
        ):
            done = cli_here("run", recipe, "-o", tmp_path / "out", "--quiet", *given, "--force")
            assert done.returncode == code
            assert done.stderr.count("\n") == 1
            assert says_so in done.stderr
            assert "secret" not in done.stderr
