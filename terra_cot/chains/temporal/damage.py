"""Building damage after an event: how many of the buildings of the first image the second shows destroyed."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask
from terra_cot.chains.words import phrase, seg, sentences

BUILDING, DESTROYED = "building", "destroyed building"

_COUNT = (
    "How many of the buildings of {t} are destroyed in {u}?",
    "The images were taken before and after a disaster. How many buildings did it destroy?",
    "Compare {t} with {u} and count the destroyed buildings.",
    "How many buildings that stand in {t} lie destroyed in {u}?",
)
_PERCENT = (
    "What percentage of the buildings of {t} is destroyed in {u}?",
    "The images were taken before and after a disaster. What percentage of the buildings did it destroy?",
    "Compare {t} with {u}: which share of the buildings, in percent, is destroyed?",
    "Of the buildings that stand in {t}, what percentage lies destroyed in {u}?",
)
_BEFORE = (
    "Before the event, in {t}, I mark the buildings {seg} and count {n}.",
    "The image {t} shows the buildings as they stood {seg}: {n} in all.",
    "I count the buildings that stood before the event {seg}: {n}.",
)
_AFTER = (
    "Those destroyed in {u} {seg} number {n}.",
    "In {u} I mark the destroyed ones {seg} and count {n}.",
    "Of them, {u} shows destroyed {seg}: {n}.",
)
_NONE = (
    "In {u} I look for destroyed buildings {seg} and count {n}: none is destroyed.",
    "In {u} the mask of destroyed buildings {seg} stays empty, with {n} of them.",
)
_SHARE = (
    "That is {share} of all buildings.",
    "Set against all buildings of {t}, this is {share}.",
    "Out of all of them, that makes {share}.",
)


def propose(view: SeriesView, seed: int) -> list[Draft]:
    return _drafts(view, destroyed=True)


def unchanged(view: SeriesView, seed: int) -> list[Draft]:
    return _drafts(view, destroyed=False)


def _drafts(view: SeriesView, *, destroyed: bool) -> list[Draft]:
    before, after = view.dates
    targets = (Target(before, BUILDING), Target(after, DESTROYED))
    if not view.region(targets[0]).any() or view.region(targets[1]).any() != destroyed:
        return []
    counts = (("components", (0,)), ("components", (1,)))
    found = [view.draft("building_damage", targets, *counts)]
    found.append(view.draft("building_damage", targets, *counts, ("component_share", (1, 0))))
    return [draft for draft in found if draft is not None]


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    fields = {"t": one.frame, "u": two.frame}
    total, destroyed = (numbers.count(draft.value("components", at)) for at in (0, 1))
    percent = any(item.fact == "component_share" for item in draft.evidence)
    asked = phrase(_PERCENT if percent else _COUNT, seed, "question", **fields)
    before = phrase(_BEFORE, seed, "before", seg=seg(one, True), n=total, **fields)
    after = phrase(_AFTER if draft.value("components", 1) else _NONE, seed, "after", seg=seg(two, True), n=destroyed,
                   **fields)  # fmt: skip
    if not percent:
        return Text(asked, sentences(before, after), destroyed)
    share = numbers.percent(draft.value("component_share", 1, 0))
    return Text(asked, sentences(before, after, phrase(_SHARE, seed, "share", share=share, **fields)), share)


TASK = SeriesTask("building_damage", "l1", ("damage",), "pair", propose, unchanged, write)
