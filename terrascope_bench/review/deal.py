"""Each question goes to k experts: the same ones for the same names and seed, loads equal, every pair meeting as often.

Variants of one question go together to the same experts. A question is given to those with the least to do; of equals,
to those who have met each other least; of those, by a draw. With single questions loads differ by at most one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from terra_cot.draw import digest
from terra_cot.errors import ConfigError

Dealt = dict[str, tuple[str, ...]]


def deal(
    units: Mapping[str, Sequence[str]],
    reviewers: Sequence[str],
    per_question: int,
    seed: int,
    begun: Mapping[str, Iterable[str]] | None = None,
) -> Dealt:
    """The experts of each question, in the order of their names.

    Args:
        units: questions of each unit (variants of one question) by the unit's name.
        begun: experts of a unit who have begun and keep it, when names are added later.

    Raises:
        ConfigError: fewer experts than a question needs.
    """
    if len(reviewers) < per_question:
        raise ConfigError(
            f"{len(reviewers)} reviewers cannot give {per_question} reviews per question; "
            f"name more with --reviewer, or --per-question {max(1, len(reviewers))}"
        )
    held = {unit: tuple(names) for unit, names in (begun or {}).items()}
    load: Counter[str] = Counter(dict.fromkeys(reviewers, 0))
    met: Counter[tuple[str, str]] = Counter()
    for unit, names in held.items():
        _count(load, met, names, len(units[unit]))
    dealt: Dealt = {}
    for unit in sorted(units, key=lambda name: digest(seed, "deal", name)):
        chosen = list(held.get(unit, ()))
        before = tuple(chosen)
        while len(chosen) < per_question:
            free = (name for name in reviewers if name not in chosen)
            chosen.append(
                min(
                    free,
                    key=lambda name: (
                        load[name],
                        sum(met[_pair(name, other)] for other in chosen),
                        digest(seed, "deal", unit, name),
                    ),
                )
            )
        new = tuple(name for name in chosen if name not in before)
        load.update(dict.fromkeys(new, len(units[unit])))
        met.update({_pair(*both): len(units[unit]) for both in combinations(chosen, 2) if not set(both) <= set(before)})
        for question in units[unit]:
            dealt[question] = tuple(sorted(chosen))
    return dealt


def _count(load: Counter[str], met: Counter[tuple[str, str]], names: Sequence[str], weight: int) -> None:
    load.update(dict.fromkeys(names, weight))
    met.update({_pair(*both): weight for both in combinations(names, 2)})


def _pair(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)
