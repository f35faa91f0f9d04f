"""What changed between two dates: the class that gained most ground, or none."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal.pair import large
from terra_cot.chains.temporal.sensors import clouded
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.words import phrase, seg, sentences
from terra_cot.change import Change, parse_change
from terra_cot.draw import shuffled

_MOST = 5  # classes offered beside "none"
_MARGIN = 1.2  # gains nearer to each other than this are not told apart
NONE = "none of them"

_QUESTIONS = (
    "Which class gained most ground from {t} to {u}?",
    "Compare {t} with {u}: what did most of the changed ground turn into?",
    "Between {t} and {u}, which class took over most new ground?",
    "What grew most from {t} to {u}?",
)
_START = (
    "For each class I mark what it covers in {u} but not in {t}: {parts}.",
    "New ground in {u} against {t}, class by class: {parts}.",
    "Going through the classes for ground won since {t}: {parts}.",
)
_CLOSE = ("The largest gain is that of {noun}.", "So {noun} gained most.")
_NEVER = ("None of them won a pixel: nothing changed.", "Every mask is empty, so none of them gained ground.")


def propose(view: SeriesView, seed: int) -> list[Draft]:
    drafts = []
    for before, after in view.pairs:
        gains = _gains(view, before, after)
        order = sorted(gains.values(), reverse=True)
        clear = order and large(view, order[0], after) and (len(order) == 1 or order[0] >= _MARGIN * order[1])
        if clear and len(gains) > 1:
            drafts.append(_draft(view, before, after, gains, seed))
    return [draft for draft in drafts if draft is not None]


def unchanged(view: SeriesView, seed: int) -> list[Draft]:
    drafts = []
    for before, after in view.pairs:
        table = view.transitions(before, after)[1:, 1:]
        if table.sum() == table.trace() and len(gains := _gains(view, before, after)) > 1:
            drafts.append(_draft(view, before, after, gains, seed))
    return [draft for draft in drafts if draft is not None]


def _gains(view: SeriesView, before: str, after: str) -> dict[int, int]:
    """Pixels won by each class that is there on the later date or that won any."""
    gains = {number: view.changed_px("new", number, before, after) for number in view.numbers()}
    there = {n for n in gains if view.share(view.pixels(n, after), after) >= view.min_share_pct}
    return {number: gain for number, gain in gains.items() if gain or number in there}


def _draft(view: SeriesView, before: str, after: str, gains: dict[int, int], seed: int) -> Draft | None:
    """The classes with the largest gains, in the order of the legend."""
    order = sorted(shuffled(sorted(gains), seed, before, after), key=lambda number: -gains[number])
    targets = [
        Target(after, Change("new", view.entry(number).name, before).label()) for number in sorted(order[:_MOST])
    ]
    return view.draft("what_changed", targets, *(("pixels", (at,)) for at in range(len(targets))))


def write(draft: Draft, context: Context, seed: int) -> Text:
    changes = [parse_change(target.label) for target in draft.targets]
    named = [context.legend.find(change.name).noun for change in changes if change]
    since = next(change.since for change in changes if change)
    fields = {"t": since, "u": draft.targets[0].frame}
    sizes = [draft.value("pixels", at) for at in range(len(draft.targets))]
    parts = [
        f"{noun} {seg(target, True)} {numbers.pixels(size)}"
        for noun, target, size in zip(named, draft.targets, sizes, strict=True)
    ]
    answer = named[sizes.index(max(sizes))] if max(sizes) else NONE
    chain = sentences(
        clouded(draft, seed),
        phrase(_START, seed, "start", parts="; ".join(parts), **fields),
        phrase(_NEVER if answer == NONE else _CLOSE, seed, "close", noun=answer),
    )
    return Text(phrase(_QUESTIONS, seed, "question", **fields), chain, answer, (*named, NONE))


TASK = SeriesTask("what_changed", "l1", ("land_cover",), "pair", propose, unchanged, write)
