"""L2 nearer: of two classes, the one that comes closer to a third."""

from __future__ import annotations

from itertools import combinations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence

_MARGIN_PX, _MARGIN = 2.0, 1.2  # nearer by less than both is a matter of the pixel grid
_MOST = 6


def propose(view: TileView, seed: int) -> list[Draft]:
    apart = view.facts.distance_px
    drafts = []
    for anchor in view.present:
        others = [number for number in view.present if number != anchor and apart[anchor, number] >= 1]
        for pair in combinations(others, 2):
            low, high = sorted(float(apart[anchor, number]) for number in pair)
            if high >= low * _MARGIN and high - low >= _MARGIN_PX:
                drafts.append((anchor, *shuffled(pair, seed, "order", anchor, *pair)))
    return [_draft(view, numbers_) for numbers_ in shuffled(drafts, seed, "triples")[:_MOST]]


def _draft(view: TileView, classes: tuple[int, ...]) -> Draft:
    anchor, *others = classes
    rows = [evidence("gsd", (), view.gsd_m)]
    for mask, number in enumerate(others, start=1):
        apart = float(view.facts.distance_px[anchor, number])
        rows += [
            evidence("separation", (0, mask), apart),
            evidence("distance", (0, mask), facts.distance_m(apart, view.gsd_m)),
        ]
    return Draft("nearer", tuple(Target(view.frame, view.entry(number).name) for number in classes), tuple(rows))


def write(draft: Draft, context: Context, seed: int) -> Text:
    anchor, first, second = (context.subject(target) for target in draft.targets)
    marks = [seg(target, context.dated) for target in draft.targets]
    question = (
        f"Which lies nearer to the {anchor.noun}: {first.noun} or {second.noun}?",
        f"Does {first.noun} or {second.noun} come closer to the {anchor.noun}?" if not first.plural
        else f"Do {first.noun} or {second.noun} come closer to the {anchor.noun}?",
        f"Starting from the {anchor.noun}, what is reached first in a straight line: {first.noun} or {second.noun}?",
    )[draw(3, seed, "question")]  # fmt: skip
    steps = [f"The {anchor.noun} {verb(anchor, 'is', 'are')} here: {marks[0]}."]
    for mask, entry in ((1, first), (2, second)):
        apart = numbers.separation(draft.value("separation", 0, mask))
        total = numbers.metres(draft.value("distance", 0, mask))
        comes = f"{verb(entry, 'comes', 'come')} within {apart}"
        steps.append(f"{capital(entry.noun)} {marks[mask]} {comes} of the {anchor.noun}, which makes {total}.")
    steps.insert(1, f"A pixel is {numbers.gsd(draft.value('gsd'))} on a side, and isolated pixels are left out.")
    second_wins = draft.value("distance", 0, 2) < draft.value("distance", 0, 1)
    winner, loser = (second, first) if second_wins else (first, second)
    lies = verb(winner, "lies", "lie")
    steps.append(f"So the {winner.noun} {lies} nearer to the {anchor.noun} than the {loser.noun}.")
    return Text(question, " ".join(steps), winner.noun, (first.noun, second.noun))


TASK = Task("nearer", "l2_spatial", True, propose, under_cloud(write))
