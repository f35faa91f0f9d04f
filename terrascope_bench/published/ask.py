"""What a question asks about is read from its words by fixed rules, or it is left alone with a named reason.

| reason | means |
|---|---|
| no_class_named, one_class_named, several_classes_named | not as many classes as the task needs |
| class_not_in_legend | a class that this label map cannot have |
| classes_of_two_views | one class of the display legend, one of the publisher's, and no view has both |
| question_not_understood | a negation, a comparison without direction, a relation in words that are not known |
| options_not_understood | options that are not the classes (CR) or not yes and no (BRD) |
| task_without_rule | a task that no single land-cover map answers |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from terra_cot.legend import View
from terrascope_bench.published.words import Mention, Text, name_in, read_text, view_of


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEGATIVE = _set("not without excluding except other neither nor non never cannot")
_APART = _set("separate separated apart disjoint isolated unconnected disconnected")
_TOUCH = _set(
    "share shares shared sharing border borders bordering bordered boundary boundaries adjacent adjacency touch "
    "touches touching neighbour neighbours neighbouring neighbor neighbors neighboring contact meet meets meeting "
    "adjoin adjoins adjoining abut abuts abutting edge next"
)
_MORE = _set(
    "larger largest greater greatest more most bigger biggest dominant dominates dominate exceed exceeds higher "
    "highest wider >"
)
_LESS = _set("smaller smallest less least fewer fewest lower lowest <")
_THAN = frozenset({"than", "exceed", "exceeds", ">", "<"})
_YES, _NO = ("yes", "true"), ("no", "false")


@dataclass(frozen=True, slots=True)
class Asked:
    """The classes of a question in a view of the legend, in the order that the task's rule wants its masks in.

    Of a comparison, class k is the one whose being larger makes option k right.
    """

    view: View
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """Why nothing is asked about."""

    reason: str


def understand(code: str, question: str, options: Sequence[str], legend_name: str) -> Asked | Unclear:
    """What the question of a task asks about, on a label map of this legend."""
    asked = read_text(question, legend_name)
    if code in ("CA", "AQ"):
        return _unclear_negation(asked) or _classes(asked.mentions, 1)
    if code == "DM":
        return _unclear_negation(asked) or _classes(asked.mentions, 2)
    if code == "BRD":
        if asked.has(_NEGATIVE | _APART) or not asked.has(_TOUCH):
            return Unclear("question_not_understood")
        return _classes(asked.mentions, 2) if _yes_no(options) else Unclear("options_not_understood")
    if code == "CR":
        return _comparison(asked, [read_text(option, legend_name) for option in options], options)
    return Unclear("task_without_rule")


def yes_or_no(text: str) -> bool | None:
    """Whether an option says yes; None where it says neither."""
    first = read_first(text)
    return True if first in _YES else False if first in _NO else None


def read_first(text: str) -> str:
    """The first word of a text, without what stands around it."""
    words = text.casefold().split()
    return words[0].strip(".,;:!()\"'") if words else ""


def _unclear_negation(asked: Text) -> Unclear | None:
    return Unclear("question_not_understood") if asked.has(_NEGATIVE) else None


def _classes(mentions: tuple[Mention, ...], wanted: int) -> Asked | Unclear:
    """The classes mentioned, each once, in order; exactly `wanted` of them."""
    if any(not entry.meaning for entry in mentions):
        return Unclear("class_not_in_legend")
    if not mentions:
        return Unclear("no_class_named")
    view = view_of(mentions)
    if view is None:
        return Unclear("classes_of_two_views")
    names = tuple(dict.fromkeys(str(name_in(entry, view)) for entry in mentions))
    if len(names) == wanted:
        return Asked(view, names)
    return Unclear("one_class_named" if len(names) < wanted else "several_classes_named")


def _yes_no(options: Sequence[str]) -> bool:
    """Whether there are two options, one that says yes and one that says no."""
    return sorted(map(str, map(yes_or_no, options))) == ["False", "True"]


def _comparison(asked: Text, read: list[Text], options: Sequence[str]) -> Asked | Unclear:
    if len(options) != 2:
        return Unclear("options_not_understood")
    if asked.has(_NEGATIVE) or any(option.has(_NEGATIVE) for option in read):
        return Unclear("question_not_understood")
    if _yes_no(options):
        found = _classes(asked.mentions, 2)
        if isinstance(found, Unclear):
            return found
        first = _first_wins(asked)
        if first is None:
            return Unclear("question_not_understood")
        # "Is A larger than B?": yes is right if A is larger.
        return found if first == yes_or_no(options[0]) else Asked(found.view, found.names[::-1])
    found = _classes((*read[0].mentions, *read[1].mentions), 2)
    if isinstance(found, Unclear):
        return found if found.reason != "no_class_named" else Unclear("options_not_understood")
    named = _classes((*asked.mentions, *read[0].mentions, *read[1].mentions), 2)
    if isinstance(named, Unclear):
        return named  # the question names a class that no option has
    return _by_options(asked, read, found.view)


def _by_options(asked: Text, read: list[Text], view: View) -> Asked | Unclear:
    """Each option names the class it stands for, or states the whole comparison ("A > B")."""
    winners = []
    both = {str(name_in(entry, view)) for text in read for entry in text.mentions}
    for text in read:
        names = list(dict.fromkeys(str(name_in(entry, view)) for entry in text.mentions))
        if len(names) == 1:
            more = _direction(text) if text.has(_MORE | _LESS) else _direction(asked)
            if more is None:
                return Unclear("question_not_understood")
            winners.append(names[0] if more else next(iter(both - {names[0]})))
        elif len(names) == 2:
            first = _first_wins(text)
            if first is None:
                return Unclear("options_not_understood")
            winners.append(names[0] if first else names[1])
        else:
            return Unclear("options_not_understood")
    return Asked(view, tuple(winners)) if len(set(winners)) == 2 else Unclear("options_not_understood")


def _direction(text: Text) -> bool | None:
    """True: the larger is asked for; False: the smaller; None: neither or both are named."""
    more, less = text.has(_MORE), text.has(_LESS)
    return None if more == less else more


def _first_wins(text: Text) -> bool | None:
    """Of "A .. larger .. than .. B": whether A is said to be the larger; None where the sentence is built otherwise."""
    direction = _direction(text)
    if direction is None or len(text.mentions) != 2:
        return None
    return direction if set(text.between(*text.mentions)) & _THAN else None
