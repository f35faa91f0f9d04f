"""How far a review is, and how far its experts agree; agreement is measured on answers that were given blind."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

from terrascope_bench.review.agreement import cohen_kappa, fleiss_kappa, observed
from terrascope_bench.review.checks import CHECKS
from terrascope_bench.review.consensus import REASONS, reviews_by_question, verdicts
from terrascope_bench.review.items import Items
from terrascope_bench.review.ledger import Ledger


def progress(items: Items, ledger: Ledger) -> dict[str, Any]:
    """Counts and agreement of a review.

    Returns:
        `questions`; `per_question`; `reviews` {"given", "of"}; `verdicts`, questions kept and by reason not (they sum
        to `questions`); `reviewers`, by name {"given", "of", "drafts", "repaired"}; `agreement`, by check {"n",
        "observed", "fleiss", "pairs"} over questions that all their experts graded, where `pairs` has {"reviewers",
        "n", "observed", "cohen"} of each two. None where there is nothing to measure.
    """
    assigned = ledger.assigned()
    counts = Counter(dict.fromkeys(("kept", *REASONS), 0))
    counts.update(verdict.reason or "kept" for _, verdict, _, _ in verdicts(items, ledger))
    of = Counter(name for names in assigned.values() for name in names)
    answers = ledger.answers()
    given = Counter(answer.reviewer for answer in answers)
    repaired = Counter(answer.reviewer for answer in answers if answer.review.repaired)
    return {
        "benchmark_sha256": items.benchmark.sha256,
        "questions": len(items.heads),
        "per_question": ledger.per_question,
        "reviews": {"given": sum(given.values()), "of": sum(of.values())},
        "verdicts": dict(counts),
        "reviewers": {
            name: {
                "given": given[name],
                "of": of[name],
                "drafts": len(ledger.drafts_of(name)),
                "repaired": repaired[name],
            }
            for name in ledger.reviewers
        },
        "agreement": _agreement(items, ledger),
    }


def _agreement(items: Items, ledger: Ledger) -> dict[str, Any]:
    blind = reviews_by_question(ledger.answers(blind=True))
    assigned = ledger.assigned()
    out: dict[str, Any] = {}
    for place, check in enumerate(CHECKS):
        graded: list[dict[str, str]] = []
        for question, reviews in blind.items():
            grades = {name: review.grades[place] for name, review in reviews.items()}
            known = {name: grade for name, grade in grades.items() if grade is not None}
            if known and (check != "mask" or items.heads[items.numbers[question]].has_masks):
                graded.append(known)
        full = [tuple(row.values()) for row in graded if len(row) == ledger.per_question > 1]
        pairs = []
        for first, second in combinations(ledger.reviewers, 2):
            both = [(row[first], row[second]) for row in graded if first in row and second in row]
            if any(first in names and second in names for names in assigned.values()):
                kappa = cohen_kappa([one for one, _ in both], [other for _, other in both])
                pairs.append({"reviewers": [first, second], "n": len(both), "observed": observed(both), "cohen": kappa})
        out[check] = {"n": len(full), "observed": observed(full), "fleiss": fleiss_kappa(full), "pairs": pairs}
    return out
