"""Consensus is unanimous: every expert of a question grades every check high, and all of them mean the same masks.

| reason | a question that is not kept |
|---|---|
| incomplete | an expert to whom it was given has not reviewed it |
| not_high | all have, and at least one grade is not high |
| masks_differ | all grades are high, but the experts did not repair the masks alike |

Where all is high and the masks were repaired alike, the question is measured again on them (`repair`), and its reasons
follow: what is told here is what `keep` keeps.

An export has one line per question, in the order of the folder (`schemas/consensus.schema.json`). Masks stand in a line
where the experts agree on repaired ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from terra_cot.errors import DataError
from terra_cot.mask import Mask, check_counts
from terra_cot.schema import check
from terra_cot.store.atomic import write_bytes
from terrascope_bench.review.checks import CHECKS, GRADES, Review
from terrascope_bench.review.items import Items
from terrascope_bench.review.ledger import Answer, Ledger
from terrascope_bench.review.repair import REASONS as MEASURED
from terrascope_bench.review.repair import Dropped, repair, with_repairs

REASONS = ("incomplete", "not_high", "masks_differ", *MEASURED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is None for a question that stays; `repairs` are its repaired masks (RLE text, None as it was)."""

    reason: str | None
    repairs: tuple[str | None, ...] = ()


def decide(reviewers: Sequence[str], reviews: Mapping[str, Review], has_masks: bool) -> Verdict:
    """What becomes of a question from the reviews of its experts, by name."""
    if not reviewers or any(name not in reviews for name in reviewers):
        return Verdict("incomplete")
    given = [reviews[name] for name in reviewers]
    if not all(review.high(has_masks) for review in given):
        return Verdict("not_high")
    if len({review.masks for review in given}) > 1:
        return Verdict("masks_differ")
    return Verdict(None, given[0].masks)


def follows(items: Items, number: int, verdict: Verdict) -> Verdict:
    """A verdict after its repaired masks were measured: dropped where the question does not stand on them."""
    if verdict.reason is not None or not verdict.repairs:
        return verdict
    question = items.question(number)
    found = repair(question, with_repairs(question.masks or (), verdict.repairs))
    return replace(verdict, reason=found.reason) if isinstance(found, Dropped) else verdict


def verdicts(items: Items, ledger: Ledger) -> Iterator[tuple[int, Verdict, dict[str, Review], list[str]]]:
    """(number, verdict, reviews by name, experts) of every question, in order."""
    assigned = ledger.assigned()
    by_question = reviews_by_question(ledger.answers())
    for number, head in enumerate(items.heads):
        reviewers, reviews = assigned.get(head.question_id, []), by_question.get(head.question_id, {})
        yield number, follows(items, number, decide(reviewers, reviews, head.has_masks)), reviews, reviewers


def reviews_by_question(answers: Sequence[Answer]) -> dict[str, dict[str, Review]]:
    found: dict[str, dict[str, Review]] = {}
    for answer in answers:
        found.setdefault(answer.question, {})[answer.reviewer] = answer.review
    return found


def export_consensus(items: Items, ledger: Ledger, out: Path) -> dict[str, int]:
    """Write the consensus as JSONL; returns how many questions are kept, and dropped by reason."""
    lines, counts = [], Counter(dict.fromkeys(("kept", *REASONS), 0))
    for number, verdict, reviews, reviewers in verdicts(items, ledger):
        counts[verdict.reason or "kept"] += 1
        lines.append(orjson.dumps(_line(items, number, verdict, reviews, reviewers), option=orjson.OPT_APPEND_NEWLINE))
    write_bytes(out, b"".join(lines))
    return dict(counts)


def _line(
    items: Items, number: int, verdict: Verdict, reviews: Mapping[str, Review], reviewers: Sequence[str]
) -> dict[str, Any]:
    head = items.heads[number]
    grades = {
        check: {grade: sum(dict(review.named())[check] == grade for review in reviews.values()) for grade in GRADES}
        for check in CHECKS
        if head.has_masks or check != "mask"
    }
    return {
        "question_id": head.question_id,
        "benchmark_sha256": items.benchmark.sha256,
        "keep": verdict.reason is None,
        "reason": verdict.reason,
        "reviewers": list(reviewers),
        "grades": grades,
        "reviews": [
            {
                "reviewer": name,
                "grades": {check: grade for check, grade in review.named() if head.has_masks or check != "mask"},
                "comment": review.comment,
                "repaired": review.repaired,
            }
            for name, review in sorted(reviews.items())
        ],
        "masks": [mask.to_row() for mask in with_repairs(items.masks(number) or (), verdict.repairs)]
        if verdict.repairs
        else None,
    }


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of an export, as `keep` needs it; `masks` are the question's masks where some were repaired."""

    reason: str | None
    masks: tuple[Mask, ...] | None


def read_consensus(path: Path, version: str) -> dict[str, Decision]:
    """The decisions of an export by question.

    Raises:
        DataError: a line is not JSON, a question comes twice, a mask is not sound, or the benchmark is another one.
        SchemaError: a line is not what the schema says.
    """
    found: dict[str, Decision] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise DataError("no such file", file=path, fix="write it with `terra-cot review DIR --export FILE`") from None
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise DataError(f"not JSON ({error})", file=path, row=number) from None
        check(row, "consensus", path, number)
        if row["benchmark_sha256"] != version:
            raise DataError(
                "the consensus is about another version of the benchmark",
                file=path,
                row=number,
                field="benchmark_sha256",
                got=row["benchmark_sha256"],
                expected=version,
            )
        if row["question_id"] in found:
            raise DataError("a question comes twice", file=path, row=number, got=row["question_id"])
        for mask in row["masks"] or ():
            check_counts(mask["size"], mask["counts"])
        masks = None if row["masks"] is None else tuple(Mask.from_row(mask) for mask in row["masks"])
        found[row["question_id"]] = Decision(None if row["keep"] else row["reason"], masks)
    return found
