"""Two models that answered the same questions differ by chance this often, or less: exact p-values, corrected by Holm.

The test looks only at questions where one of the two is right and the other wrong. If the models were equals, each of
them would be as likely to be the one that is right, so the number of those where the second is right would be binomial
with 1/2: McNemar's test (1947) in its exact form, two-sided. Where a question is shown in several variants, these are
no independent evidence; then whole stems swap sides instead of questions. A stem's difference d (right answers of the
second minus those of the first) is as likely +|d| as -|d|, and p is the share of all such swaps whose sum lies at least
as far from 0 as the one seen. With one question a stem the two tests are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
"""Significant digits of a p-value: the same on every machine."""


def exact_p(differences: NDArray[np.int64]) -> float:
    """Two-sided p of the differences of independent groups of questions, whole numbers; 1.0 where none differs."""
    sizes = Counter(np.abs(differences[differences != 0]).tolist())
    if not sizes:
        return 1.0
    from scipy.stats import binom, binomtest

    seen = abs(int(differences.sum()))
    if list(sizes) == [1]:
        plus = int(np.count_nonzero(differences > 0))
        return rounded(float(binomtest(plus, sizes[1], 0.5).pvalue))
    # The sum of `count` swaps of +-size is size x (2 x binomial - count): the sum of all is a convolution of those.
    chances, start = np.ones(1), 0
    for size, count in sorted(sizes.items()):
        spread = np.zeros(2 * size * count + 1)
        spread[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, spread)
        start -= size * count
    sums = start + np.arange(len(chances))
    return rounded(min(1.0, float(chances[np.abs(sums) >= seen].sum())))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction of a family of p-values, in their order."""
    order = sorted(range(len(values)), key=lambda number: values[number])
    corrected, highest = [0.0] * len(values), 0.0
    for place, number in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[number]))
        corrected[number] = rounded(highest)
    return corrected


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
