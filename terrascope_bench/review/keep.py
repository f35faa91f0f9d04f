"""A benchmark of what the experts kept: repaired masks go in, evidence is measured again, and the answer must follow.

Nothing vanishes: questions read = kept + dropped by reason, in the manifest's `review` and one line each in
`review.jsonl`. Reasons are those of the consensus and of `repair`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson
import yaml

from terra_cot.errors import ConflictError, DataError
from terra_cot.store.atomic import sha256_file, write_bytes
from terra_cot.store.manifest import NAME as MANIFEST
from terra_cot.store.manifest import file_entry, read_manifest, write_manifest
from terra_cot.store.shards import Part, write_part
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.blind import NAME as BLIND
from terrascope_bench.blind import blind_report, write_blind
from terrascope_bench.card import yaml_front
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.review.consensus import Decision, read_consensus
from terrascope_bench.review.repair import Dropped, repair

DROPS = "review.jsonl"
ROWS_PER_PART = 1024
_FRONT = "---\n"  # above and below the YAML of a card


@dataclass
class _Kept:
    """What one pass over the questions found. `texts` are the kept ones without pictures and masks."""

    texts: list[Question] = field(default_factory=list)
    dropped: list[tuple[Question, Dropped]] = field(default_factory=list)
    repaired: int = 0


def keep_consensus(
    bench: Path,
    consensus: Path,
    out: Path,
    *,
    force: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write the benchmark folder `out` with the questions of `bench` that `consensus` keeps; returns its manifest.

    Raises:
        ConflictError: `out` is in use.
        DataError: an input cannot be read, they do not belong together, nothing is left, or a question is missing from
            the consensus.
    """
    source = open_benchmark(bench)
    decisions = read_consensus(consensus, source.sha256)
    _claim(out, bench, force)
    kept = _Kept()
    step = on_step or (lambda done, total: None)
    rows = (question.to_row() for question in _questions(source, decisions, kept, consensus, step))
    parts: list[Part] = []
    for first in rows:
        parts.append(write_part(out, QUESTIONS, len(parts), chain((first,), islice(rows, ROWS_PER_PART - 1))))
    if not kept.texts:
        reasons = ", ".join(f"{reason} {n}" for reason, n in _reasons(kept).items())
        raise DataError("no question is left", file=consensus, got=f"dropped: {reasons}", fix="go on reviewing")
    table, blind = blind_report(kept.texts)
    files = _copied(source, out)
    lines = [orjson.dumps(drop.to_row(), option=orjson.OPT_APPEND_NEWLINE) for _, drop in kept.dropped]
    write_bytes(out / DROPS, b"".join(lines))
    entries = [write_blind(out, table), *(file_entry(out, name) for name in (*files, DROPS))]
    body = _body(source, kept)
    body["blind"] = blind
    body["files"] = sorted(entries, key=lambda entry: str(entry["path"]))
    body["review"] = {
        "benchmark_sha256": source.sha256,
        "consensus_sha256": sha256_file(consensus),
        "questions": {"read": source.size, "kept": len(kept.texts), "dropped": _reasons(kept)},
        "repaired": kept.repaired,
    }
    write_bytes(out / "README.md", _card(source, body, parts).encode())
    return write_manifest(out, "benchmark", body, parts)


def _claim(out: Path, bench: Path, force: bool) -> None:
    """Make `out` ready: an unfinished or finished benchmark may give way, the source and anything else never."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    if out.resolve() == bench.resolve():
        raise ConflictError(f"{out}: is the benchmark itself; name another folder")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if entries and MANIFEST in entries:
        found = read_manifest(out, "benchmark")
        if not force:
            raise ConflictError(f"{out}: holds a finished benchmark; use --force to replace it")
        ours = {MANIFEST, "README.md", QUESTIONS.name, *(entry["path"] for entry in found["files"])}
    else:
        ours = {"README.md", QUESTIONS.name, DROPS, BLIND}
    strange = sorted(entries - ours)
    if strange:
        raise ConflictError(f"{out}: holds something else ({', '.join(strange[:3])}); name another folder")
    for name in sorted(entries, key=lambda name: name != MANIFEST):
        if (out / name).is_dir():
            shutil.rmtree(out / name)
        else:
            (out / name).unlink()


def _questions(
    source: Benchmark,
    decisions: dict[str, Decision],
    kept: _Kept,
    consensus: Path,
    step: Callable[[int, int], None],
) -> Iterator[Question]:
    for number, question in enumerate(source.questions(), 1):
        step(number, source.size)
        decision = decisions.get(question.question_id)
        if decision is None:
            raise DataError(
                "a question of the benchmark has no line",
                file=consensus,
                field="question_id",
                expected=question.question_id,
                fix="export the consensus again",
            )
        found: Question | Dropped = question
        if decision.masks is not None:
            found = repair(question, decision.masks)
        if decision.reason is not None and not isinstance(found, Dropped):
            found = Dropped(question.question_id, question.task, decision.reason, "")
        if isinstance(found, Dropped):
            kept.dropped.append((question, found))
            continue
        kept.repaired += decision.masks is not None
        kept.texts.append(replace(found, frames=(), masks=None, evidence=()))
        yield found


def _reasons(kept: _Kept) -> dict[str, int]:
    return dict(sorted(Counter(drop.reason for _, drop in kept.dropped).items()))


def _copied(source: Benchmark, out: Path) -> list[str]:
    """Files of the source that are as true of a part of its questions: all but the blind table and older drops."""
    names = [entry["path"] for entry in source.manifest["files"] if entry["path"] not in (BLIND, DROPS)]
    for name in names:
        write_bytes(out / name, (source.folder / name).read_bytes())
    return names


def _body(source: Benchmark, kept: _Kept) -> dict[str, Any]:
    """The manifest of the source with the counts of what is left; what it says of its making stays true."""
    gone = ("kind", "format_version", "code_version", "parts", "files", "blind", "review")
    body = {name: value for name, value in source.manifest.items() if name not in gone}
    stems: dict[str, dict[str, Question]] = {code: {} for code in body["tasks"]}
    for question in kept.texts:
        stems[question.task].setdefault(question.stem, question)
    body["tasks"] = {code: _task(entry, stems[code]) for code, entry in body["tasks"].items()}
    sources = Counter((q.source, q.licence) for of in stems.values() for q in of.values())
    body["sources"] = [
        {"source": source, "licence": licence, "questions": n} for (source, licence), n in sorted(sources.items())
    ]
    if "tiles" in body:
        used = len({question.tile_id for question in kept.texts})
        dropped = dict(body["tiles"]["dropped"])
        if body["tiles"]["used"] > used:
            dropped["review"] = dropped.get("review", 0) + body["tiles"]["used"] - used
        body["tiles"] = {**body["tiles"], "used": used, "dropped": dropped}
    if "rows" in body:
        body["rows"] = dict(sorted(Counter(str(question.variant) for question in kept.texts).items()))
    return body


def _task(entry: dict[str, Any], stems: dict[str, Question]) -> dict[str, Any]:
    """Counts of one task: a question whose last variant was dropped is left over by review. No set is complete then."""
    out = {**entry, "questions": len(stems)}
    if "balanced_within" in out and entry["questions"] > len(stems):
        out["balanced_within"] = [0, len(stems)]
    out["letters"] = dict(sorted(Counter(question.answer for question in stems.values()).items()))
    if "left" in out and entry["questions"] > len(stems):
        lost = entry["questions"] - len(stems)
        out["left"] = {**out["left"], "review": out["left"].get("review", 0) + lost}
    return out


def _card(source: Benchmark, body: dict[str, Any], parts: Sequence[Part]) -> str:
    """The source's card with what the experts left of it."""
    review = body["review"]["questions"]
    dropped = ", ".join(f"{reason} {n}" for reason, n in review["dropped"].items()) or "none"
    path = source.folder / "README.md"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before.startswith(_FRONT):
        _, told, before = before.split(_FRONT, 2)
        before = yaml_front(yaml.safe_load(told), parts) + before
    return (
        f"{before.rstrip()}\n\n## Reviewed\n\n"
        f"Experts kept {review['kept']} of {review['read']} rows (dropped: {dropped}); "
        f"masks of {body['review']['repaired']} are repaired. What stands above describes the benchmark before that, "
        f"SHA-256 `{body['review']['benchmark_sha256']}`; `manifest.json` has the counts of this one.\n"
    )
