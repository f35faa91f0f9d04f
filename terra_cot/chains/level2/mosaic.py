"""L2 mosaic: does one class dominate the scene, or is it a mosaic, by the rule of the half that the question states?"""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence

_CLEAR_PCT = 2.0
_MOST_CLASSES = 3
MOSAIC = "a mosaic"


def propose(view: TileView, seed: int) -> list[Draft]:
    """The largest classes. What is left unnamed must be too little to dominate."""
    order = sorted(view.present, key=lambda number: (-view.pixels(number), number))[:_MOST_CLASSES]
    if len(order) < 2:
        return []
    shares = [view.share(number) for number in order]
    if abs(shares[0] - 50) < _CLEAR_PCT or sum(shares) <= 50:
        return []
    shown = shuffled(order, seed, "order")  # so that the first mask says nothing
    rows = tuple(evidence("share", (mask,), view.share(number)) for mask, number in enumerate(shown))
    return [Draft("mosaic", tuple(Target(view.frame, view.entry(number).name) for number in shown), rows)]


def write(draft: Draft, context: Context, seed: int) -> Text:
    entries = [context.subject(target) for target in draft.targets]
    shares = [draft.value("share", mask) for mask in range(len(entries))]
    rule = "dominated by the class that covers more than half of it, and a mosaic where none does"
    question = (
        f"Call a scene {rule}. Which is this one?",
        f"A scene is {rule}. What is the character of this one?",
        f"By the rule that a scene is {rule}, how would you describe this one?",
    )[draw(3, seed, "question")]
    options = (MOSAIC, *(f"dominated by {entry.noun}" for entry in entries))
    top = max(range(len(entries)), key=lambda mask: shares[mask])
    answer = options[1 + top] if shares[top] > 50 else MOSAIC
    steps = [
        f"{capital(entry.noun)} {seg(target, context.dated)} {verb(entry, 'covers', 'cover')} {numbers.percent(share)} "
        "of the scene."
        for entry, target, share in zip(entries, draft.targets, shares, strict=True)
    ]
    half = "more" if shares[top] > 50 else "less"
    lead = entries[top]
    steps.append(f"The largest of these, {lead.noun}, {verb(lead, 'has', 'have')} {half} than half of it.")
    steps.append(f"So, by the rule, this scene is {answer}.")
    return Text(question, " ".join(steps), answer, options)


TASK = Task("mosaic", "l2_semantic", True, propose, under_cloud(write))
