"""Cap-CoT: the scene described class by class, largest first, each with its mask, then in one sentence."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, listing, place, seg, verb
from terra_cot.draw import pick
from terra_cot.evidence import evidence
from terra_cot.sample import Evidence

_QUESTIONS = (
    "Describe the land cover of this scene, step by step.",
    "What does this satellite image show? Go through it class by class.",
    "Give a grounded caption: name each kind of land cover, show where it is, and sum up.",
)
_MOST_CLASSES = 6


def propose(view: TileView, seed: int) -> list[Draft]:
    order = sorted(view.present, key=lambda number: (-view.pixels(number), number))[:_MOST_CLASSES]
    if not order:
        return []
    rows: list[Evidence] = [evidence("valid_pixels", (), view.facts.valid_px)]
    for mask, number in enumerate(order):
        row, column = view.facts.centroid[number]
        rows += [
            evidence("pixels", (mask,), view.pixels(number)),
            evidence("share", (mask,), view.share(number)),
            evidence("row", (mask,), row),
            evidence("column", (mask,), column),
        ]
    targets = tuple(Target(view.frame, view.entry(number).name) for number in order)
    return [Draft("caption", targets, tuple(rows))]


def write(draft: Draft, context: Context, seed: int) -> Text:
    steps, parts = [], []
    for mask, target in enumerate(draft.targets):
        entry = context.subject(target)
        share = numbers.percent(draft.value("share", mask))
        where = place(draft.value("row", mask), draft.value("column", mask), context.compass)
        cover, own = verb(entry, "makes up", "make up"), verb(entry, "its", "their")
        mark = seg(target, context.dated)
        size = numbers.pixels(draft.value("pixels", mask))
        lead = f"{capital(entry.noun)} {mark} {cover} {share} of the scene ({size})"
        steps.append(f"{lead}, with {own} mean position in the {where}.")
        parts.append(f"{entry.noun} ({share})")
    valid = numbers.pixels(draft.value("valid_pixels"))
    steps.append(f"Shares are of the {valid} with a known class.")
    main, rest = parts[0], parts[1:]
    answer = f"A scene of {main}." if not rest else f"A scene of mostly {main}, with {listing(rest)}."
    if rest and draft.value("share", 0) <= 50:
        answer = f"A mixed scene: {listing(parts)}."
    return Text(pick(_QUESTIONS, seed, "phrase"), " ".join(steps), answer)


TASK = Task("caption", "caption", True, propose, write)
