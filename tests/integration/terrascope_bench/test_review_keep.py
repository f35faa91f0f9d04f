"""From reviews to a benchmark: the export has a line a question, and `keep` drops nothing without a reason."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import publishedfactory
import pytest
from jsonschema import Draft202012Validator

from terra_cot.mask import encode
from terra_cot.schema import schema
from terra_cot.store.manifest import read_manifest
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.published.importing import import_published
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.review import export_consensus, keep_consensus, open_ledger, progress
from terrascope_bench.review.checks import CHECKS, Review
from terrascope_bench.review.consensus import REASONS
from terrascope_bench.review.items import Items, open_items
from terrascope_bench.tasks import TASKS

HIGH = Review(("high",) * 4)
Reviewed = tuple[Path, Items]


@pytest.fixture
def copy(bench: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bench, tmp_path / "bench"))


def say(folder: Path, words: Callable[[int, str], dict[str, Review | None]]) -> Items:
    """A review by Ana and Ben in which `words` says what each says of each question."""
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256) as ledger:
        ledger.enrol(["Ana", "Ben"], None, items.units())
        for number, head in enumerate(items.heads):
            for name, review in words(number, head.question_id).items():
                if review is not None:
                    ledger.save(head.question_id, name, review)
    return items


def export(folder: Path, items: Items) -> tuple[Path, dict[str, int]]:
    out = folder.parent / "consensus.jsonl"
    with open_ledger(folder, items.benchmark.sha256) as ledger:
        return out, export_consensus(items, ledger, out)


def grown(question: Question, by: int) -> tuple[str | None, ...]:
    """The question's first mask with `by` more pixels, the others as they are."""
    assert question.masks is not None
    array = np.ascontiguousarray(question.masks[0].to_array())
    free = np.flatnonzero(~array.ravel())[:by]
    array.ravel()[free] = True
    return (encode(array), *[None] * (len(question.masks) - 1))


def test_every_question_has_a_line_and_only_unanimous_high_stays(copy: Path) -> None:
    medium = replace(HIGH, grades=("high", "high", "medium", "high"), comment="\u202e<script>")
    kinds: list[dict[str, Review | None]] = [
        {"Ana": HIGH, "Ben": HIGH},
        {"Ana": HIGH, "Ben": medium},
        {"Ana": HIGH, "Ben": None},
        {"Ana": None, "Ben": None},
    ]
    items = say(copy, lambda number, _: kinds[number % 4])
    path, counts = export(copy, items)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    validator = Draft202012Validator(schema("consensus"))
    for row in rows:
        validator.validate(row)
    assert [row["question_id"] for row in rows] == [head.question_id for head in items.heads]
    assert Counter(row["reason"] or "kept" for row in rows) == {k: n for k, n in counts.items() if n}
    assert [row["reason"] for row in rows[:4]] == [None, "not_high", "incomplete", "incomplete"]
    assert rows[1]["grades"]["distractors"] == {"low": 0, "medium": 1, "high": 1}
    first = path.read_bytes()
    assert export(copy, items)[0].read_bytes() == first

    manifest = keep_consensus(copy, path, copy.parent / "kept")
    Draft202012Validator(schema("benchmark_manifest")).validate(manifest)
    told = manifest["review"]["questions"]
    assert told["read"] == told["kept"] + sum(told["dropped"].values()) == len(rows)
    kept = list(open_benchmark(copy.parent / "kept").questions())
    assert [question.question_id for question in kept] == [row["question_id"] for row in rows if row["keep"]]
    by_id = {question.question_id: question for question in open_benchmark(copy).questions()}
    assert all(question == by_id[question.question_id] for question in kept)
    drops = [json.loads(line) for line in (copy.parent / "kept" / "review.jsonl").read_text().splitlines()]
    assert Counter(drop["reason"] for drop in drops) == told["dropped"]
    adds_up(manifest)


def adds_up(manifest: dict[str, Any]) -> None:
    """The laws of a benchmark manifest hold after a review."""
    for entry in manifest["tasks"].values():
        assert entry["candidates"] == entry["questions"] + sum(entry["refused"].values()) + sum(entry["left"].values())
        assert sum(entry["letters"].values()) == entry["questions"] == sum(entry["balanced_within"])
    tiles = manifest["tiles"]
    assert tiles["read"] == tiles["used"] + sum(tiles["dropped"].values())
    assert sum(manifest["rows"].values()) == sum(part["rows"] for part in manifest["parts"])
    assert sum(entry["questions"] for entry in manifest["sources"]) == sum(
        entry["questions"] for entry in manifest["tasks"].values()
    )


def test_schemas_know_every_reason() -> None:
    assert schema("consensus")["properties"]["reason"]["enum"] == [*REASONS, None]
    review = schema("benchmark_manifest")["$defs"]["review"]
    assert set(review["properties"]["questions"]["properties"]["dropped"]["propertyNames"]["enum"]) == set(REASONS)
    assert list(schema("consensus")["$defs"]["byCheck"]["propertyNames"]["enum"]) == list(CHECKS)


def test_repaired_masks_enter_with_their_evidence_or_drop_the_question(copy: Path) -> None:
    questions = {question.question_id: question for question in open_benchmark(copy).questions(images=False)}

    def words(number: int, name: str) -> dict[str, Review | None]:
        if number % 3 == 0:
            return {"Ana": HIGH, "Ben": HIGH}
        repaired = replace(HIGH, masks=grown(questions[name], 1 if number % 3 == 1 else 4000))
        return {"Ana": repaired, "Ben": repaired if number % 5 else HIGH}

    items = say(copy, words)
    path, counts = export(copy, items)
    assert counts["masks_differ"] > 0
    validator = Draft202012Validator(schema("consensus"))
    for line in path.read_text().splitlines():
        validator.validate(json.loads(line))
    manifest = keep_consensus(copy, path, copy.parent / "kept")
    Draft202012Validator(schema("benchmark_manifest")).validate(manifest)
    adds_up(manifest)
    told = manifest["review"]
    # What `--stats` and `--export` count is what `keep` keeps, reason by reason; the details are those of the masks.
    assert told["questions"] == {
        "read": len(items.heads),
        "kept": counts["kept"],
        "dropped": {reason: n for reason, n in sorted(counts.items()) if n and reason != "kept"},
    }
    with open_ledger(copy, items.benchmark.sha256) as ledger:
        assert progress(items, ledger)["verdicts"] == counts
    drops = [json.loads(line) for line in (copy.parent / "kept" / "review.jsonl").read_text().splitlines()]
    assert all(drop["detail"] for drop in drops if drop["reason"] == "answer_does_not_follow")
    assert told["questions"]["dropped"]["masks_differ"] == counts["masks_differ"]
    assert told["questions"]["dropped"]["answer_does_not_follow"] > 0
    assert told["repaired"] > 0
    changed = 0
    for question in open_benchmark(copy.parent / "kept").questions():
        before = questions[question.question_id]
        assert question.masks is not None
        assert before.masks is not None
        regions = [Region(mask.size, mask.counts) for mask in question.masks]
        option = TASKS[question.task].follow(question, regions)
        assert option is not None
        assert question.letters[option] == question.answer
        if question.masks != before.masks:
            changed += 1
            pixels = question.value_of("pixels")
            assert pixels is None or pixels == regions[0].px
            assert regions[0].px - Region(before.masks[0].size, before.masks[0].counts).px in (1, 4000)
    assert changed == told["repaired"]
    again = keep_consensus(copy, path, copy.parent / "again")
    assert again == manifest


def test_stats_say_how_far_and_how_alike(copy: Path) -> None:
    low = replace(HIGH, grades=("low", "high", "high", "high"))

    def words(number: int, name: str) -> dict[str, Review | None]:
        first = low if number % 4 == 0 else HIGH
        return {"Ana": first, "Ben": low if number % 8 == 0 else HIGH if number % 2 else first}

    items = say(copy, words)
    with open_ledger(copy, items.benchmark.sha256) as ledger:
        found = progress(items, ledger)
    n = len(items.heads)
    assert found["reviews"] == {"given": 2 * n, "of": 2 * n}
    assert sum(found["verdicts"].values()) == found["questions"] == n
    assert found["reviewers"]["Ana"] == {"given": n, "of": n, "drafts": 0, "repaired": 0}
    mask = found["agreement"]["mask"]
    assert mask["n"] == mask["pairs"][0]["n"] == n
    assert mask["observed"] == 1.0
    assert mask["fleiss"] == pytest.approx(1.0)
    assert mask["pairs"][0]["cohen"] == pytest.approx(1.0)
    assert found["agreement"]["answer"]["fleiss"] is None


def test_commands_export_count_and_keep(copy: Path, cli: Callable[..., Any], cot: Callable[..., Any]) -> None:
    nothing = cot("review", copy, "--export", copy.parent / "c.jsonl")
    assert nothing.returncode == 2
    assert "nothing was reviewed here" in nothing.stderr
    say(copy, lambda number, _: {"Ana": HIGH, "Ben": HIGH if number % 2 else None})
    done = cot("review", copy, "--export", copy.parent / "c.jsonl")
    assert done.returncode == 0, done.stderr
    assert "kept; dropped:" in done.stdout
    refused = cot("review", copy, "--export", copy.parent / "c.jsonl")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    stats = cot("review", copy, "--stats")
    assert "Cohen" in stats.stdout
    assert json.loads(cot("review", copy, "--json").stdout)["per_question"] == 2
    kept = cli("keep", copy, "--consensus", copy.parent / "c.jsonl", "-o", copy.parent / "kept")
    assert kept.returncode == 0, kept.stderr
    assert "dropped: incomplete" in kept.stdout
    assert cli("keep", copy, "--consensus", copy.parent / "c.jsonl", "-o", copy.parent / "kept").returncode == 2
    forced = cli("keep", copy, "--consensus", copy.parent / "c.jsonl", "-o", copy.parent / "kept", "--force", "--json")
    assert json.loads(forced.stdout) == read_manifest(copy.parent / "kept", "benchmark")
    itself = cli("keep", copy, "--consensus", copy.parent / "c.jsonl", "-o", copy, "--force")
    assert itself.returncode == 2
    assert "is the benchmark itself" in itself.stderr
    gold = cli("run", "gold", "--bench", copy.parent / "kept", "-o", copy.parent / "gold.jsonl")
    assert gold.returncode == 0, gold.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[1:], "has no line"),
        (lambda rows: [*rows, rows[0]], "comes twice"),
        (lambda rows: [{**rows[0], "benchmark_sha256": "0" * 64}, *rows[1:]], "another version"),
        (lambda rows: [{**rows[0], "keep": "yes"}, *rows[1:]], "not a valid consensus"),
        (lambda rows: [{**row, "keep": False, "reason": "not_high"} for row in rows], "no question is left"),
        (
            lambda rows: [
                {**rows[0], "masks": [{"frame": "t0", "label": "x", "size": [2, 2], "counts": "9"}]},
                *rows[1:],
            ],
            "RLE",
        ),
    ],
)
def test_a_consensus_that_does_not_fit_is_refused(copy: Path, change: Any, says: str) -> None:
    from terra_cot.errors import TerraError

    items = say(copy, lambda number, _: {"Ana": HIGH, "Ben": HIGH})
    path, _ = export(copy, items)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
    with pytest.raises(TerraError, match=says):
        keep_consensus(copy, path, copy.parent / "kept")
    assert not (copy.parent / "kept" / "manifest.json").exists()


@pytest.mark.parametrize("labelled", [True, False])
def test_an_imported_benchmark_is_reviewed_too(tmp_path: Path, labelled: bool) -> None:
    """With masks, and without: then there is no mask check. Of forty questions one stays."""
    made = publishedfactory.make({"coverage_percentage": 20, "boundary_detection": 20}, scenes=40)
    file, labels = made.write(tmp_path / "published.parquet"), made.write_labels(tmp_path / "labels")
    import_published(file, tmp_path / "bench", labels=labels if labelled else None)
    items = open_items(tmp_path / "bench")
    assert all(head.has_masks == labelled for head in items.heads)
    high = HIGH if labelled else Review((None, "high", "high", "high"))
    say(tmp_path / "bench", lambda number, _: {"Ana": high, "Ben": high if number == 7 else None})
    path, counts = export(tmp_path / "bench", items)
    assert counts["kept"] == 1
    manifest = keep_consensus(tmp_path / "bench", path, tmp_path / "kept")
    Draft202012Validator(schema("benchmark_manifest")).validate(manifest)
    assert manifest["import"] == items.benchmark.manifest["import"]
    (question,) = open_benchmark(tmp_path / "kept").questions()
    assert question.question_id == items.heads[7].question_id
    assert {entry["path"] for entry in manifest["files"]} >= {"blind.parquet", "dropped.jsonl", "review.jsonl"}
