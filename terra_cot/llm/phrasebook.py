"""The phrases that a model may join: each holds a mask, a name, or one measured fact as it is written.

A number that belongs to one class (quantity) may be combined with words, so `check` sees to it that its sentence names
that class and no other. A number that belongs to several, or to none, comes as a whole clause that says what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from terra_cot.chains.draft import Context, Draft, Text
from terra_cot.chains.numbers import WRITTEN
from terra_cot.chains.words import listing, place, seg, verb
from terra_cot.legend import LandClass

Kind = Literal["mark", "name", "bound", "quantity", "place", "clause", "ask", "conclusion"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A phrase: the `name` that the model writes in braces, the `text` it becomes, and the masks that it speaks of."""

    name: str
    kind: Kind
    text: str
    masks: tuple[int, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """The phrases of one sample, and the composer's text that stands where the model fails."""

    slots: tuple[Slot, ...]
    entries: tuple[LandClass, ...]
    composed: Text
    fixed: bool
    """Question and answer are the composer's: the model may only add to the question."""


def writable(draft: Draft, fixed: bool) -> bool:
    """Whether a model can be asked: a phrase book tells classes apart by their names, on one date, and where the text
    must bear out an answer (`fixed`) it needs a phrase for every fact."""
    labels, dates = {target.label for target in draft.targets}, {target.frame for target in draft.targets}
    told = {*_QUANTITIES, *_CLAUSES, "row", "column", "buffer"}
    known = not fixed or all(item.fact in told for item in draft.evidence)
    return bool(draft.targets) and len(labels) == len(draft.targets) and len(dates) == 1 and known


def book_of(draft: Draft, context: Context, composed: Text, fixed: bool) -> Book:
    """The phrases of a draft. `composed` is the composer's text; its last sentence concludes where `fixed`."""
    entries = tuple(context.subject(target) for target in draft.targets)
    slots = [
        slot
        for mask, (target, entry) in enumerate(zip(draft.targets, entries, strict=True))
        for slot in (
            Slot(f"m{mask}", "mark", f"{entry.noun} {seg(target, context.dated)}", (mask,), True),
            Slot(f"c{mask}", "name", entry.noun, (mask,)),
        )
    ]
    slots += _facts(draft, context, entries, fixed)
    if fixed:
        slots.append(Slot("ask", "ask", composed.question, required=True))
        slots.append(Slot("conclusion", "conclusion", composed.chain.rsplit(". ", 1)[-1], required=True))
    return Book(tuple(slots), entries, composed, fixed)


_PLAIN = {"pixels", "gsd", "buffer", "separation", "components", "largest_pixels", "adjacent", "valid_pixels"}
"""Facts that lead to another; a chain may leave them out if it has what they lead to."""


def _facts(draft: Draft, context: Context, entries: tuple[LandClass, ...], fixed: bool) -> list[Slot]:
    slots = []
    known = {(item.fact, item.masks) for item in draft.evidence}
    leads = {item.fact for item in draft.evidence if item.masks} - _PLAIN - {"row", "column"}
    for number, item in enumerate(draft.evidence):
        written = WRITTEN.get(item.fact)
        text = written(item.value) if written else ""
        required = bool(item.masks) and (item.fact in leads or (not leads and item.fact in _PLAIN)) and fixed
        nouns = [entries[mask] for mask in item.masks]
        if item.fact in _QUANTITIES and len(item.masks) == 1:
            slots.append(Slot(f"e{number}", "quantity", _QUANTITIES[item.fact](text), item.masks, required))
            if item.fact == "share":
                bound = f"{nouns[0].noun} ({text} of the scene)"
                slots.append(Slot(f"s{item.masks[0]}", "bound", bound, item.masks))
        elif item.fact in _CLAUSES:
            clause = _CLAUSES[item.fact](text, nouns, draft, context)
            slots.append(Slot(f"e{number}", "clause", clause, item.masks, required))
        elif item.fact == "row" and ("column", item.masks) in known:
            where = place(item.value, draft.value("column", *item.masks), context.compass)
            where = "middle" if where == "centre" else where
            slots.append(Slot(f"p{item.masks[0]}", "place", f"centred in the {where}", item.masks))
    return slots


_QUANTITIES: dict[str, Callable[[str], str]] = {
    "share": lambda text: f"{text} of the scene",
    "pixels": lambda text: text,
    "area": lambda text: text,
    "components": lambda text: f"{text} separate patch{'' if text == '1' else 'es'}",
}

_Clause = Callable[[str, list[LandClass], Draft, Context], str]


def _near(text: str, nouns: list[LandClass], draft: Draft, context: Context) -> str:
    reach = WRITTEN["buffer"](draft.value("buffer"))
    return f"{text} of the {nouns[0].noun} {verb(nouns[0], 'lies', 'lie')} within {reach} of {nouns[1].noun}"


def _side(down: bool) -> _Clause:
    def clause(text: str, nouns: list[LandClass], draft: Draft, context: Context) -> str:
        side = ("north of" if down else "west of") if context.compass else ("above" if down else "left of")
        lie = verb(nouns[0], "lies", "lie")
        return f"{text} of the {nouns[0].noun} {lie} {side} the centre of the {nouns[1].noun}"

    return clause


def _apart(text: str, nouns: list[LandClass]) -> str:
    return f"{nouns[0].noun} and {nouns[1].noun} are {text} apart at their closest"


def _touch(text: str, nouns: list[LandClass], draft: Draft, context: Context) -> str:
    masks = next(item.masks for item in draft.evidence if item.fact == "adjacent")
    touching = draft.value("adjacent", *masks)
    return f"{nouns[0].noun} and {nouns[1].noun} {'touch' if touching else 'stay apart'}"


_CLAUSES: dict[str, _Clause] = {
    "gsd": lambda text, nouns, draft, context: f"a pixel is {text} on a side",
    "valid_pixels": lambda text, nouns, draft, context: f"{text} of the scene have a known class",
    "separation": lambda text, nouns, draft, context: _apart(text, nouns),
    "distance": lambda text, nouns, draft, context: _apart(text, nouns),
    "adjacent": _touch,
    "largest_pixels": lambda text, nouns, draft, context: f"the largest patch of {nouns[0].noun} counts {text}",
    "largest_area": lambda text, nouns, draft, context: f"the largest patch of {nouns[0].noun} measures {text}",
    "largest_distance": lambda text, nouns, draft, context: (
        f"the largest patch of {nouns[0].noun} lies {text} from the nearest {nouns[1].noun}"
    ),
    "near_share": _near,
    "above_share": _side(True),
    "left_share": _side(False),
    "joint_share": lambda text, nouns, draft, context: (
        f"together, {listing([entry.noun for entry in nouns])} make up {text} of the scene"
        if len(nouns) > 1
        else f"{nouns[0].noun} alone {verb(nouns[0], 'makes', 'make')} up {text} of the scene"
    ),
}
