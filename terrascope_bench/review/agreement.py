"""Agreement beyond chance: Cohen's kappa of two experts, Fleiss' kappa where experts change from question to question.

Cohen (1960): each expert's own shares of the grades make the chance agreement. Fleiss (1971): the shares of all grades
together; every question has the same number of grades, by whomever. (p_o - p_e) / (1 - p_e), and None where there is
nothing to measure or where one grade was given throughout (p_e = 1): no agreement can then be told from chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.review.checks import GRADES


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's kappa of two experts' grades of the same questions, unweighted."""
    if not first:
        return None
    table = np.zeros((len(GRADES), len(GRADES)))
    for one, other in zip(first, second, strict=True):
        table[GRADES.index(one), GRADES.index(other)] += 1
    table /= len(first)
    return _beyond(float(np.trace(table)), float(table.sum(axis=1) @ table.sum(axis=0)))


def fleiss_kappa(rows: Sequence[Sequence[str]]) -> float | None:
    """Fleiss' kappa; each row has the grades of one question, all rows equally many (two or more)."""
    if not rows:
        return None
    counts = _counts(rows)
    shares = counts.sum(axis=0) / counts.sum()
    return _beyond(_observed(counts), float(shares @ shares))


def observed(rows: Sequence[Sequence[str]]) -> float | None:
    """Share of pairs of grades of the same question that are equal."""
    return _observed(_counts(rows)) if rows else None


def _counts(rows: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """Questions x grades."""
    return np.array([[row.count(grade) for grade in GRADES] for row in map(list, rows)], np.float64)


def _observed(counts: NDArray[np.float64]) -> float:
    raters = counts[0].sum()
    return float(((counts * counts).sum(axis=1) - raters).mean() / (raters * (raters - 1)))


def _beyond(seen: float, chance: float) -> float | None:
    return None if chance >= 1 - 1e-12 else (seen - chance) / (1 - chance)
