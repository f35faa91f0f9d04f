"""The same replies through every extractor: how many letters hang on how a reply is read."""

from __future__ import annotations

from typing import Any

from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.statistics import DECIMALS
from terrascope_bench.tally import UNKNOWN, Tally


def extractors(tally: Tally) -> dict[str, Any]:
    """Accuracy (micro), replies without a letter, and letters that differ from the chosen extractor's."""
    n = len(tally.ids)
    out = {}
    for k, name in enumerate(EXTRACTORS):
        letters = tally.letters[:, k]
        out[name] = {
            "accuracy": round(int((letters == tally.truth).sum()) / n, DECIMALS) if n else None,
            "none_found": int((letters == UNKNOWN).sum()),
            "changed": int((letters != tally.letter).sum()),
        }
    return out
