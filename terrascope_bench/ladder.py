"""Four options are four rungs of one ladder, and nothing but the image tells on which rung the truth stands.

How a published benchmark leaks: its wrong options are fixed multiples of the truth, so the pattern names the truth.
What is done here, per question:

1. The task has one fixed scale (log-odds for shares, log for distances, plain for counts) with marks at equal steps.
   The truth is taken to its nearest mark, so an option set is the same text whichever of its options is true.
2. The rung of the truth, 0 to 3, is drawn uniformly before anything else is known. The options are the four marks
   that lie one step (`marks` marks) apart and put the truth on that rung.
3. A ladder that leaves the range of possible truths is not drawn again (that would tell that the truth lies near an
   end): the candidate is dropped. What is dropped depends on the option set alone, not on the rung.

So, given the option set, the rung depends only on how common each of the four values is as a truth. `selection.py`
removes that last trace: among questions with the same lowest option each letter is right equally often.

Error of the marks: the truth lies within half a mark of its option, that is 1/8 step, and 7/8 step from the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, inf, log

RUNGS = 4
LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class Ladder:
    """Options as values in ascending order, the rung that is true, and the number of the lowest mark."""

    values: tuple[float, ...]
    rung: int
    anchor: int

    @property
    def letter(self) -> str:
        return LETTERS[self.rung]


@dataclass(frozen=True, slots=True)
class Scale:
    """A fixed scale: `forward` is monotone, `inverse` undoes it; `step` between options and `marks` a step.

    `low` and `high` bound the options, in units of the value.
    """

    forward: Callable[[float], float]
    inverse: Callable[[float], float]
    step: float
    marks: int
    low: float
    high: float

    def climb(self, truth: float, rung: int) -> Ladder | None:
        """The ladder that puts `truth` on `rung`; None where an option would leave [low, high]."""
        place = self.forward(truth)
        if place in (inf, -inf):
            return None
        spacing = self.step / self.marks
        anchor = round(place / spacing) - rung * self.marks
        top = anchor + (RUNGS - 1) * self.marks
        # A hair of tolerance, so that a bound which is a mark itself belongs to the range on every machine.
        if anchor < ceil(self.forward(self.low) / spacing - 1e-9) or top > floor(
            self.forward(self.high) / spacing + 1e-9
        ):
            return None
        values = tuple(self.inverse((anchor + k * self.marks) * spacing) for k in range(RUNGS))
        return Ladder(values, rung, anchor)

    def nearest(self, value: float, options: Sequence[float]) -> int:
        """Index of the option nearest to `value` on this scale, in whatever order they stand; the first in a tie."""
        place = self.forward(value)
        if place in (inf, -inf):  # beyond the scale: an option that is so too, nearest to it, else the outermost
            beyond = [k for k in range(len(options)) if self.forward(options[k]) == place]
            if beyond:
                return min(beyond, key=lambda k: abs(options[k] - value))
            return (max if place == inf else min)(range(len(options)), key=lambda k: options[k])
        return min(range(len(options)), key=lambda k: (abs(self.forward(options[k]) - place), k))


def _log_odds(percent: float) -> float:
    if percent <= 0:
        return -inf
    return inf if percent >= 100 else log(percent / (100 - percent))


def _from_log_odds(place: float) -> float:
    return 100 / (1 + exp(-place))


def odds_scale(low_pct: float, high_pct: float, ratio: float = 1.6) -> Scale:
    """Shares in percent; neighbouring options differ by `ratio` in odds."""
    return Scale(_log_odds, _from_log_odds, log(ratio), 4, low_pct, high_pct)


def ratio_scale(low: float, high: float, ratio: float = 1.5) -> Scale:
    """Positive quantities, counted from `low` up: mark 0 is `low` itself; neighbouring options differ by `ratio`."""
    return Scale(lambda x: log(x / low) if x > 0 else -inf, lambda place: low * exp(place), log(ratio), 4, low, high)


def count_scale(step: int, low: int, high: int) -> Scale:
    """Whole numbers; every count is a mark, neighbouring options differ by `step`."""
    return Scale(float, lambda place: float(round(place)), float(step), step, low, high)


def significant(value: float, digits: int = 3) -> float:
    """`value` rounded to significant digits: one rule for all options of a question."""
    return float(f"{value:.{digits}g}")
