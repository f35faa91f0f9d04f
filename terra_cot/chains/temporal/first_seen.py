"""When it happened: the first image of a series that shows the change, or none of them."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal import clearing, flood, roads, urban
from terra_cot.chains.temporal.pair import Question, large
from terra_cot.chains.temporal.sensors import clouded
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.change import Change, parse_change

_EVENTS: tuple[Question, ...] = (flood.QUESTION, clearing.QUESTION, urban.QUESTION, roads.QUESTION)
_NEW = (
    "Which image of the series is the first to show {a.noun} where {t} has none?",
    "When does ground that is not {a.noun} in {t} first turn to {a.noun}?",
    "From {t} to {u}: in which image does new {a.noun} first appear?",
    "In which image can a spread of {a.the} of {t} first be seen?",
)
_LOST = (
    "Which image of the series is the first to lack some of the {a.noun} of {t}?",
    "When does ground with {a.noun} in {t} first turn to something else?",
    "From {t} to {u}: in which image is some of {a.the} of {t} first gone?",
    "In which image can a loss of {a.noun} since {t} first be seen?",
)
_START = (
    "I start from {a.the} of {t} {seg}, {size}.",
    "The series opens with {a.the} {seg} over {size} in {t}.",
    "In {t} {a.the} {seg} take{a.s} up {size}.",
)
_NO_START = (
    "In {t} there {a.is_} no {a.noun} {seg}: {size}.",
    "The series opens without {a.noun} {seg}, {size} in {t}.",
)
_EACH = {
    "new": ("Against it I mark what is newly {a.noun} on each later date: {parts}.",
            "Ground that became {a.noun} since {t}, date by date: {parts}."),
    "lost": ("Against it I mark what is gone on each later date: {parts}.",
             "Ground that lost its {a.noun} since {t}, date by date: {parts}."),
}  # fmt: skip
_FIRST = ("The first that is not empty is {when}.", "So the change is first seen in {when}.")
_NEVER = ("All of them are empty: no image shows the change.", "Each is empty, so the change did not happen.")
NONE = "none of them"


def propose(view: SeriesView, seed: int) -> list[Draft]:
    return _drafts(view, happened=True)


def unchanged(view: SeriesView, seed: int) -> list[Draft]:
    return _drafts(view, happened=False)


def _drafts(view: SeriesView, *, happened: bool) -> list[Draft]:
    """Changes against the first date whose beginning is clear: nothing before it, enough to see from it on."""
    first, *later = view.dates
    if len(later) < 2 or not all(view.comparable(first, date) for date in later):
        return []
    drafts = []
    for question in _EVENTS:
        for number in view.numbers(question.names):
            sizes = [view.changed_px(question.kind, number, first, date) for date in later]
            at = next((n for n, size in enumerate(sizes) if size), None)
            there = view.share(view.pixels(number, first), first) >= view.min_share_pct
            if (at is not None) != happened or (at is not None and not large(view, sizes[at], later[at])):
                continue
            if at is None and not there:
                continue
            drafts.append(_draft(view, question, number))
    return [draft for draft in drafts if draft is not None]


def _draft(view: SeriesView, question: Question, number: int) -> Draft | None:
    first, *later = view.dates
    name = view.entry(number).name
    label = Change(question.kind, name, first).label()
    targets = (Target(first, name), *(Target(date, label) for date in later))
    return view.draft("first_seen", targets, *(("pixels", (at,)) for at in range(len(targets))))


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, *later = draft.targets
    change = parse_change(later[0].label)
    if change is None:
        raise ValueError("no change is asked about")
    noun = words(context.subject(one))
    fields = {"a": noun, "t": one.frame, "u": later[-1].frame}
    sizes = [draft.value("pixels", at) for at in range(len(draft.targets))]
    parts = [f"{seg(target, True)} {numbers.pixels(size)}" for target, size in zip(later, sizes[1:], strict=True)]
    when = next((target.frame for target, size in zip(later, sizes[1:], strict=True) if size), NONE)
    start = _START if sizes[0] else _NO_START
    chain = sentences(
        clouded(draft, seed),
        phrase(start, seed, "start", seg=seg(one, True), size=numbers.pixels(sizes[0]), **fields),
        phrase(_EACH[change.kind], seed, "each", parts="; ".join(parts), **fields),
        phrase(_NEVER if when == NONE else _FIRST, seed, "close", when=when),
    )
    asked = phrase(_NEW if change.kind == "new" else _LOST, seed, "question", **fields)
    return Text(asked, chain, when, (*(target.frame for target in later), NONE))


TASK = SeriesTask("first_seen", "l1", ("land_cover", "objects"), "series", propose, unchanged, write)
