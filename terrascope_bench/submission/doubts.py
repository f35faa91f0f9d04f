"""A doubt is no defect: the line is scored as it stands, but it probably does not say what its author meant.

| kind | counts |
|---|---|
| label_not_asked | masks with a label that no mask of the question has: they pair with nothing and score 0 |
| label_other_frame | masks with a label that the question asks for, but on another frame: likewise |
| answer_no_option | answers that are a letter which the question does not have: they are unparsed |

Only questions whose evidence masks are known have labels to compare with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from terra_cot.errors import shorten
from terrascope_bench.answer import strict
from terrascope_bench.masks import name_of
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import LETTERS

Asked = frozenset[tuple[str, str]]
"""(frame, label as `name_of` compares it) of the masks that a question's answer is measured from."""
_ANY_LETTER = tuple("\0" for _ in LETTERS)
_KEPT = 1000
_SHOWN = 4
_KINDS = {
    "label_not_asked": ("mask has a label", "masks have a label", "that their question does not ask for"),
    "label_other_frame": ("mask has a label", "masks have a label", "that their question asks for on another frame"),
    "answer_no_option": ("answer is", "answers are", "none of the options of the question"),
}


@dataclass(slots=True)
class Doubts:
    """What was found, by kind and by what is said of it; `hints` tells what was meant, as far as that can be told."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    hints: dict[tuple[str, str], str] = field(default_factory=dict)

    def look(self, prediction: Prediction, asked: Asked | None, words: Mapping[str, str], options: int | None) -> None:
        """Count the doubts of one prediction.

        Args:
            asked: None where the evidence of the question is not known.
            words: other words for a label, as `judge.aliases` gives them.
            options: how many options the question has; None if answers are not to be looked at.
        """
        if asked is not None:
            for mask in prediction.masks:
                if mask.label is not None:
                    name = name_of(mask.label)
                    if (mask.frame, words.get(name, name)) not in asked:
                        self._label(mask.label, words.get(name, name), mask.frame, asked, words)
        if options is not None:
            letter = strict(prediction.response, prediction.answer, _ANY_LETTER)
            if letter is not None and LETTERS.index(letter) >= options:
                self._add("answer_no_option", letter, "")

    def _label(self, label: str, name: str, frame: str, asked: Asked, words: Mapping[str, str]) -> None:
        frames = sorted(at for at, other in asked if other == name)
        if frames:
            self._add("label_other_frame", f"'{shorten(label, 40)}' on {frame}", f"asked on {', '.join(frames)}")
            return
        shown = f"'{shorten(label, 40)}'"
        if ("label_not_asked", shown) in self.hints:
            self.counts["label_not_asked"][shown] += 1
            return
        labels = {other for _, other in asked}
        known = sorted(labels | {word for word, of in words.items() if of in labels})
        near = get_close_matches(name[:40], known, n=1)
        some = ", ".join(f"'{other}'" for other in sorted(labels)[:3])
        hint = (
            f"did you mean '{near[0]}'?" if near else f"asked, for example: {some}" if some else "it asks for no mask"
        )
        self._add("label_not_asked", shown, hint)

    def _add(self, kind: str, shown: str, hint: str) -> None:
        held = self.counts.setdefault(kind, Counter())
        if shown not in held and len(held) >= _KEPT:
            shown, hint = "others", ""
        held[shown] += 1
        self.hints.setdefault((kind, shown), hint)

    def lines(self) -> list[str]:
        """A line a kind: `108 masks have a label that their question does not ask for: 'trees' (...)`."""
        return [self._line(kind, self.counts[kind]) for kind in _KINDS if kind in self.counts]

    def _line(self, kind: str, held: Counter[str]) -> str:
        one, many, what = _KINDS[kind]
        n = held.total()
        told = []
        for shown, count in sorted(held.items(), key=lambda entry: (-entry[1], entry[0]))[:_SHOWN]:
            hint = self.hints.get((kind, shown))
            told.append(f"{f'{count} x ' if len(held) > 1 else ''}{shown}{f' ({hint})' if hint else ''}")
        if len(held) > _SHOWN:
            told.append(f"and {len(held) - _SHOWN} more")
        if n == 1:
            what = what.replace("their", "its")
        return f"{n} {one if n == 1 else many} {what}: {', '.join(told)}"

    def to_json(self) -> list[dict[str, Any]]:
        """One object a kind: its word, how many, how many of each, and the line that people read."""
        return [
            {"kind": kind, "n": held.total(), "of": dict(sorted(held.items())), "message": self._line(kind, held)}
            for kind in _KINDS
            if (held := self.counts.get(kind))
        ]
