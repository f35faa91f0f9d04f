"""Damage by grade: the buildings of the first image sorted by what the second shows of them."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.temporal.damage import BUILDING
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.task import SeriesTask, nothing
from terra_cot.chains.words import capital, listing, phrase, seg, sentences

_GRADES = {
    "undamaged building": "undamaged",
    "building with minor damage": "with minor damage",
    "building with major damage": "with major damage",
    "destroyed building": "destroyed",
    "unclassified building": "unclassified",
}
"""Classes of a damage map, mildest first, and what a text says of a number of them."""

_QUESTIONS = (
    "Sort the buildings of {t} by the damage that {u} shows.",
    "How badly were the buildings of {t} damaged? Count them by grade in {u}.",
    "The images were taken before and after a disaster. How many buildings have which grade of damage?",
    "Compare {t} with {u} and count the buildings of each grade of damage.",
)
_BEFORE = (
    "In {t} I mark the buildings {seg} and count {n}.",
    "Before the event {t} shows the buildings as they stood {seg}: {n} in all.",
    "There are {n} in {t}, counting every building {seg}.",
)
_AFTER = (
    "In {u}, by grade: {grades}.",
    "Going through {u} grade by grade: {grades}.",
    "After the event, {u} shows them as follows: {grades}.",
)


def propose(view: SeriesView, seed: int) -> list[Draft]:
    """One draft: every grade that occurs, and that of destroyed buildings even where it is empty."""
    before, after = view.dates
    every = [Target(after, name) for name in _GRADES]
    there = [target for target in every if target.label == "destroyed building" or view.region(target).any()]
    targets = (Target(before, BUILDING), *there)
    if not view.region(targets[0]).any():
        return []
    draft = view.draft("damage_grades", targets, *(("components", (at,)) for at in range(len(targets))))
    return [draft] if draft else []


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, *grades = draft.targets
    fields = {"t": one.frame, "u": grades[0].frame}
    total = numbers.count(draft.value("components", 0))
    counts = [numbers.count(draft.value("components", at)) for at in range(1, len(draft.targets))]
    named = [_GRADES[target.label] for target in grades]
    parts = [f"{name} {seg(target, True)} {count}" for name, target, count in zip(named, grades, counts, strict=True)]
    answer = listing([f"{count} {name}" for name, count in zip(named, counts, strict=True)])
    chain = sentences(
        phrase(_BEFORE, seed, "before", seg=seg(one, True), n=total, **fields),
        phrase(_AFTER, seed, "after", grades="; ".join(parts), **fields),
    )
    return Text(phrase(_QUESTIONS, seed, "question", **fields), chain, capital(answer))


TASK = SeriesTask("damage_grades", "l1", ("damage",), "pair", propose, nothing, write)
