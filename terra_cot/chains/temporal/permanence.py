"""Season or change: is what happens to a class over a series seasonal, temporary, permanent, or not yet to be told?

The rule, decided on every date of the series and stated in the question. Let L_k be the ground of the class on the
first date that is another class on date k.
- *Seasonal variation*: every L_k is empty, and the mean NDVI of the class's ground moves by a fifth or more between
  its lowest and its highest date: the look varies, the land cover stays.
- *Permanent change*: from the first date with a loss to the last date, on two dates or more, at least nine tenths of
  the ground first lost stays lost.
- *Temporary change*: ground is lost on some date, and of no date's loss more than a tenth is still lost on the last.
- *Cannot be told*: the loss shows on the last date only.
Whatever lies between (part of it came back) is not asked about.

Every date that has both shows optical and radar. NDVI is given for each date that has one, in all four cases: a falling
NDVI alone does not tell a harvest from a clearing.
"""

from __future__ import annotations

from collections.abc import Sequence

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal.pair import large
from terra_cot.chains.temporal.sensors import clouded
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask, nothing
from terra_cot.chains.words import Words, listing, phrase, seg, sentences, words
from terra_cot.change import Change
from terra_cot.filters import shown_modalities
from terra_cot.sample import Evidence

SEASONAL, TEMPORARY, PERMANENT, OPEN = OPTIONS = (
    "seasonal variation",
    "temporary change",
    "permanent change",
    "cannot be told from this series",
)
SWING = 0.2
STAYS_PCT, GOES_PCT = 90.0, 10.0
LEAST_DATES = 3
_TRIES = 4

_RULE = (
    "Call it seasonal variation if the class stays and only its mean NDVI moves, by a fifth or more; permanent change "
    "if ground is lost to another class and nine tenths or more of it stay lost to the end; temporary change if no "
    "more than a tenth of any loss is left in the end; if the loss shows in the last image alone, it cannot be told."
)
_QUESTIONS = (
    "Look at {a.the} of {t} over the whole series up to {u}. Does {a.it} see seasonal variation, temporary change or "
    "permanent change? {rule}",
    "From {t} to {u}, is what happens to {a.the} of {t} seasonal, temporary or permanent? {rule}",
    "Season or change: what does the whole series, {t} to {u}, say about {a.the} of {t}? {rule}",
)
_START = (
    "{a.The} of {t} {seg} cover{a.s} {size}.",
    "I mark {a.the} of {t} {seg}, {size}.",
    "At the start, in {t}, {a.the} {seg} take{a.s} up {size}.",
)
_EACH = (
    "Ground of it that is another class on a later date: {parts}.",
    "On each later date I mark what of it has become another class: {parts}.",
    "What of it is lost to other classes, date by date: {parts}.",
)
_NDVI = (
    "Where the optical images are clear, the mean NDVI over the ground marked in {t} is {values}.",
    "Over the clear pixels of the first mask NDVI averages {values}.",
    "Measured on clear pixels of the ground marked in {t}, the mean NDVI is {values}.",
)
_CLOSE = {
    SEASONAL: "No pixel changes its class on any date, while the mean NDVI ranges from {low} to {high}: this is "
    "seasonal variation.",
    TEMPORARY: "The largest loss is that of {most}; of it {left} is still lost in {u}: the change was temporary.",
    PERMANENT: "The loss begins in {first}, and {left} of it is still lost in {u}, with no return between: the change "
    "is permanent.",
    OPEN: "Only the last image, {u}, shows a loss: whether it will last cannot be told from this series.",
}


def propose(view: SeriesView, seed: int) -> list[Draft]:
    """One draft a class whose series falls under one of the four cases; the changed ones first."""
    first, *later = view.dates
    if len(view.dates) < LEAST_DATES or not all(view.comparable(first, date) for date in later):
        return []
    drafts: list[Draft] = []
    stays: list[int] = []
    for number in view.numbers():
        if view.share(view.pixels(number, first), first) < view.min_share_pct:
            continue
        losses = [view.changed_px("lost", number, first, date) for date in later]
        if not any(losses):
            stays.append(number)
        elif large(view, max(losses), later[losses.index(max(losses))]):
            draft = _draft(view, number, losses)
            drafts += [draft] if draft else []
    for number in sorted(stays, key=lambda n: (-view.pixels(n, first), n))[:_TRIES]:
        draft = _draft(view, number, [0] * len(later))
        drafts += [draft] if draft else []
    return drafts


def _draft(view: SeriesView, number: int, losses: Sequence[int]) -> Draft | None:
    first, *later = view.dates
    name = view.entry(number).name
    label = Change("lost", name, first).label()
    targets = (Target(first, name), *(Target(date, label) for date in later))
    wanted: list[tuple[str, tuple[int, ...]]] = [("pixels", (at,)) for at in range(len(targets))]
    last = len(later)
    wanted += [("inside_share", (at, last)) for at, loss in enumerate(losses, start=1) if loss and at < last]
    begin = next((at for at, loss in enumerate(losses, start=1) if loss), None)
    if begin is not None:
        # Every date after the first loss, against it: nothing may come back between.
        wanted += [("inside_share", (begin, at)) for at in range(begin + 1, last) if losses[at - 1]]
    draft = view.draft("permanence", targets, *dict.fromkeys(wanted))
    if draft is None:
        return None
    looks = _looks(view, targets)
    draft = Draft(draft.task, draft.targets, (*draft.evidence, *looks))
    return draft if decide(draft) else None


def _looks(view: SeriesView, targets: Sequence[Target]) -> tuple[Evidence, ...]:
    """Mean NDVI over the clear pixels of the first mask, on every date whose optical image is shown and gives one."""
    rows: list[Evidence] = []
    for date in view.dates if view.images else ():
        if any("optical" in choice for choice in shown_modalities(view.tile, date)):
            rows += view.measured(targets, (f"ndvi@{date}", (0,))) or ()
    return tuple(rows)


def decide(draft: Draft) -> str | None:
    """Which of the four cases the evidence falls under, by the rule of the module; None for none of them."""
    last = len(draft.targets) - 1
    losses = [draft.value("pixels", at) for at in range(1, last + 1)]
    if not any(losses):
        shown = [round(value, 2) for value in _ndvi(draft).values()]
        return SEASONAL if len(shown) > 1 and max(shown) - min(shown) >= SWING - 1e-9 else None
    begin = next(at for at, loss in enumerate(losses, start=1) if loss)
    if begin == last:
        return OPEN
    left = {at: draft.value("inside_share", at, last) for at in range(1, last) if losses[at - 1]}
    if all(share <= GOES_PCT for share in left.values()) and losses[last - 1] <= GOES_PCT / 100 * max(losses):
        return TEMPORARY
    between = [draft.value("inside_share", begin, at) if losses[at - 1] else 0.0 for at in range(begin + 1, last)]
    return PERMANENT if min(left[begin], *between, left[begin]) >= STAYS_PCT else None


def _ndvi(draft: Draft) -> dict[str, float]:
    """Mean NDVI by date, where it is known."""
    rows = (item for item in draft.evidence if item.fact.startswith("ndvi@"))
    return {item.fact.partition("@")[2]: item.value for item in rows}


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, *later = draft.targets
    noun: Words = words(context.subject(one))
    fields = {"a": noun, "t": one.frame, "u": later[-1].frame}
    answer = decide(draft)
    if answer is None:
        raise ValueError("the evidence falls under none of the cases")
    sizes = [draft.value("pixels", at) for at in range(len(draft.targets))]
    parts = [f"{seg(target, True)} {numbers.pixels(size)}" for target, size in zip(later, sizes[1:], strict=True)]
    looks = [f"{numbers.index(value)} in {date}" for date, value in _ndvi(draft).items()]
    chain = sentences(
        clouded(draft, seed),
        phrase(_START, seed, "start", seg=seg(one, True), size=numbers.pixels(sizes[0]), **fields),
        phrase(_EACH, seed, "each", parts="; ".join(parts), **fields),
        phrase(_NDVI, seed, "ndvi", values=listing(looks), **fields) if len(looks) > 1 else "",
        _close(draft, answer, fields),
    )
    return Text(phrase(_QUESTIONS, seed, "question", rule=_RULE, **fields), chain, answer, OPTIONS)


def _close(draft: Draft, answer: str, fields: dict[str, object]) -> str:
    last = len(draft.targets) - 1
    losses = [draft.value("pixels", at) for at in range(1, last + 1)]
    more: dict[str, object] = {}
    if answer == SEASONAL:
        values = _ndvi(draft).values()
        more = {"low": numbers.index(min(values)), "high": numbers.index(max(values))}
    elif answer != OPEN:
        begin = next(at for at, loss in enumerate(losses, start=1) if loss)
        most = losses[: last - 1].index(max(losses[: last - 1])) + 1
        at = begin if answer == PERMANENT else most
        more = {"left": numbers.percent(draft.value("inside_share", at, last)),
                "first": draft.targets[begin].frame, "most": draft.targets[most].frame}  # fmt: skip
    return _CLOSE[answer].format(**more, **fields)


TASK = SeriesTask("permanence", "l2_semantic", ("land_cover",), "series", propose, nothing, write, modes=("both",))
