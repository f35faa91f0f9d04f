"""Two dates compared: the class on both, the ground where it came or went, its area, and what was or is there instead.

What each task asks of a pair is a `Question`; how it is proposed and told is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal.sensors import clouded, readings
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.change import Change, Kind
from terra_cot.tile import Modality

CHANGE_MIN_PCT, CHANGE_MIN_PX = 0.2, 16
"""A change smaller than this share of the known pixels, or than so many pixels, is too little to talk about."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: whether a class of `names` came or went, in which words; `none` answers where it did not.

    Templates have the fields of the class's noun (`a`), the dates `t` and `u`, `seg`, and sizes.
    """

    task: str
    kind: Kind
    names: tuple[str, ...]
    questions: tuple[str, ...]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    none: str


_BEFORE = (
    "In {t} {a.the} {seg} cover{a.s} {size}.",
    "{a.The} of {t} {seg} take{a.s} up {size}.",
    "First I mark {a.the} of {t} {seg}: {size}.",
)
_AFTER = (
    "In {u} {a.it} cover{a.s} {size} {seg}, {gap}.",
    "In {u} the mask {seg} holds {size}, {gap}.",
    "The same class in {u} {seg} comes to {size}, {gap}.",
)
_TO_GROUND = (
    "At {side} a pixel side, that ground measures {total}.",
    "With pixels of {side} on a side, that is {total}.",
    "A pixel is {side} on a side, which makes {total}.",
)
_WAS = (
    "Of it, {part} was {other} in {t} {seg}.",
    "In {t}, {part} of it belonged to the class {other} {seg}.",
)
_IS = (
    "Of it, {part} is {other} in {u} {seg}.",
    "In {u}, {part} of it belongs to the class {other} {seg}.",
)
_ABSENT_BEFORE = (
    "In {t} there {a.is_} no {a.noun} {seg}: {size}.",
    "I look for {a.noun} in {t} {seg} and find {size}.",
)


def large(view: SeriesView, pixels: int, frame: str) -> bool:
    """Whether a change of so many pixels can be talked about."""
    return pixels >= CHANGE_MIN_PX and view.share(pixels, frame) >= CHANGE_MIN_PCT


def changes(view: SeriesView, question: Question) -> list[Draft]:
    """A draft for each pair of dates between which a class came or went."""
    drafts = []
    for number, before, after in _pairs(view, question):
        if large(view, view.changed_px(question.kind, number, before, after), after):
            drafts.append(_draft(view, question, number, before, after, True))
    return [draft for draft in drafts if draft is not None]


def stays(view: SeriesView, question: Question) -> list[Draft]:
    """A draft for each pair of dates between which a class that is there neither came nor went by a single pixel."""
    drafts = []
    for number, before, after in _pairs(view, question):
        there = view.share(view.pixels(number, before), before) >= view.min_share_pct
        if there and not view.changed_px(question.kind, number, before, after):
            drafts.append(_draft(view, question, number, before, after, False))
    return [draft for draft in drafts if draft is not None]


def _pairs(view: SeriesView, question: Question) -> Iterator[tuple[int, str, str]]:
    for number in view.numbers(question.names):
        for before, after in view.pairs:
            yield number, before, after


def _other(view: SeriesView, question: Question, number: int, before: str, after: str) -> int | None:
    """The class that most of the ground was before it came, or is after it went; None where no text speaks of it."""
    table = view.transitions(before, after)
    line = (table[:, number] if question.kind == "new" else table[number, :]).copy()
    line[[0, number]] = 0
    other = int(line.argmax())
    return other if line[other] and view.entry(other).subject else None


def _draft(view: SeriesView, question: Question, number: int, before: str, after: str, moved: bool) -> Draft | None:
    name = view.entry(number).name
    change = Change(question.kind, name, before).label()
    targets = [Target(before, name), Target(after, name), Target(after, change)]
    wanted: list[tuple[str, tuple[int, ...]]] = [
        ("area", (0,)),
        ("area", (1,)),
        ("area_change", (0, 1)),
        ("pixels", (2,)),
    ]
    if moved:
        wanted += [("gsd", ()), ("area", (2,))]
    other = _other(view, question, number, before, after) if moved else None
    if other is not None:
        targets.append(Target(before if question.kind == "new" else after, view.entry(other).name))
        wanted.append(("shared_area", (2, 3)))
    return view.draft(question.task, targets, *wanted)


def write(question: Question, draft: Draft, context: Context, seed: int) -> Text:
    one, two, change, *rest = draft.targets
    noun = words(context.subject(one))
    fields = {"a": noun, "t": one.frame, "u": two.frame}
    pixels = draft.value("pixels", 2)
    asked = phrase(question.questions, seed, "question", **fields)
    area = draft.value("area", 0)
    before = phrase(_BEFORE if area else _ABSENT_BEFORE, seed, "before", seg=seg(one, True), size=numbers.area(area),
                    **fields)  # fmt: skip
    gap = _gap(draft.value("area_change", 0, 1))
    size = numbers.area(draft.value("area", 1))
    after = phrase(_AFTER, seed, "after", seg=seg(two, True), size=size, gap=gap, **fields)
    start = sentences(clouded(draft, seed), before, after)
    last = {"seg": seg(change, True), "size": numbers.pixels(pixels)}
    if not pixels:
        return Text(asked, sentences(start, phrase(question.missing, seed, "close", **last, **fields)),
                    question.none.format(**fields))  # fmt: skip
    total = numbers.area(draft.value("area", 2))
    parts = [
        start,
        phrase(question.found, seed, "close", **last, **fields),
        phrase(_TO_GROUND, seed, "ground", side=numbers.gsd(draft.value("gsd")), total=total),
    ]
    for target in rest:
        part = numbers.area(draft.value("shared_area", 2, 3))
        other = context.subject(target).noun
        told = _WAS if question.kind == "new" else _IS
        parts.append(phrase(told, seed, "other", part=part, other=other, seg=seg(target, True), **fields))
    return Text(asked, sentences(*parts, readings(draft, context, seed)), total)


def _gap(area_change: float) -> str:
    if not area_change:
        return "as much as before"
    return f"{numbers.area_gap(area_change)} {'more' if area_change > 0 else 'less'}"


def pair_task(question: Question, kind: str, reading: tuple[tuple[Modality, str], ...]) -> SeriesTask:
    """The task that asks this question of legends of one kind; `reading`: quantities measured where it changed."""
    return SeriesTask(
        question.task,
        "l1",
        (kind,),
        "pair",
        lambda view, seed: changes(view, question),
        lambda view, seed: stays(view, question),
        partial(write, question),
        reading=reading,
    )
