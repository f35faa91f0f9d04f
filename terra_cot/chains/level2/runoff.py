"""L2 runoff: how readily water takes up what runs off built or cultivated land, by a stated rule of touch and size."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level2.roles import role
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence

_MARGIN = 1.1  # areas nearer to each other than this are not told apart
_OPTIONS = ("high", "moderate", "low")


def propose(view: TileView, seed: int) -> list[Draft]:
    roles = {number: role(view.entry(number).name) for number in view.present}
    pairs = [
        (source, water)
        for source in view.present
        for water in view.present
        if roles[source] in ("built", "cultivated") and roles[water] == "water"
    ]
    drafts = []
    for source, water in shuffled(pairs, seed, "pairs"):
        low, high = sorted((view.pixels(source), view.pixels(water)))
        if high < low * _MARGIN:
            continue
        rows = (
            evidence("pixels", (0,), view.pixels(source)),
            evidence("pixels", (1,), view.pixels(water)),
            evidence("adjacent", (0, 1), float(view.facts.adjacent[source, water])),
        )
        targets = tuple(Target(view.frame, view.entry(number).name) for number in (source, water))
        drafts.append(Draft("runoff", targets, rows))
    return drafts


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    source, water = context.subject(one), context.subject(two)
    rule = (
        f"high where {source.noun} {verb(source, 'touches', 'touch')} {water.noun} and "
        f"{verb(source, 'covers', 'cover')} more ground, moderate where {verb(source, 'it touches', 'they touch')} "
        f"{water.noun} but {verb(source, 'covers', 'cover')} less, and low where the two stay apart"
    )
    question = (
        f"Rate the risk of runoff as {rule}. What is it here?",
        f"The risk of runoff is {rule}. How high is it in this scene?",
        f"Take the risk of runoff to be {rule}. Which of the three applies here?",
    )[draw(3, seed, "question")]
    sizes = [draft.value("pixels", mask) for mask in (0, 1)]
    touching, larger = bool(draft.value("adjacent", 0, 1)), sizes[0] > sizes[1]
    answer = _OPTIONS[2 if not touching else 0 if larger else 1]
    meet = "they touch" if touching else "they stay apart"
    size = "more" if larger else "less"
    chain = (
        f"{capital(source.noun)} {seg(one, context.dated)} {verb(source, 'fills', 'fill')} {numbers.pixels(sizes[0])}. "
        f"{capital(water.noun)} {seg(two, context.dated)} {verb(water, 'fills', 'fill')} {numbers.pixels(sizes[1])}, "
        f"so the {source.noun} {verb(source, 'covers', 'cover')} {size} ground. "
        f"Grown by a single pixel, the first mask {'meets' if touching else 'misses'} the second: {meet}. "
        f"So, by the rule, the risk of runoff is {answer}."
    )
    return Text(question, chain, answer, _OPTIONS)


TASK = Task("runoff", "l2_semantic", True, propose, under_cloud(write))
