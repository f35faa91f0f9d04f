"""L2 pressure: is a natural class mostly close to built or cultivated land, by the rule that the question states?"""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level2.near import near_rows
from terra_cot.chains.level2.roles import role
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence

_CLEAR_PCT = 5.0  # nearer to a half than this, the rule would hang on few pixels
_TRIES = 3


def propose(view: TileView, seed: int) -> list[Draft]:
    """The first pair of a drawn order that fits, as in `near`."""
    roles = {number: role(view.entry(number).name) for number in view.present}
    pairs = [
        (natural, source)
        for natural in view.present
        for source in view.present
        if roles[natural] in ("wild", "water") and roles[source] in ("built", "cultivated")
    ]
    for natural, source in shuffled(pairs, seed, "pairs")[:_TRIES]:
        *_, reach, share = near_rows(view, natural, source)
        if abs(share.value - 50) < _CLEAR_PCT:
            continue
        targets = tuple(Target(view.frame, view.entry(number).name) for number in (natural, source))
        rows = (
            evidence("pixels", (0,), view.pixels(natural)),
            evidence("area", (1,), view.pixels(source) * view.gsd_m**2),
            reach,
            share,
        )
        return [Draft("pressure", targets, rows)]
    return []


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    natural, source = context.subject(one), context.subject(two)
    reach, share = numbers.gsd(draft.value("buffer")), numbers.percent(draft.value("near_share", 0, 1))
    be, Be = verb(natural, "is", "are"), verb(natural, "Is", "Are")
    rule = f"when more than half of it lies within {reach} of {source.noun}"
    question = (
        f"Call a natural class under pressure {rule}. {Be} the {natural.noun} under pressure here?",
        f"A natural class counts as under pressure {rule}. By that rule, {be} the {natural.noun} under pressure?",
        f"By the rule that a natural class is under pressure {rule}, what holds for the {natural.noun}?",
    )[draw(3, seed, "question")]
    options = ("under pressure", "not under pressure")
    answer = options[draft.value("near_share", 0, 1) <= 50]
    chain = (
        f"{capital(natural.noun)} {seg(one, context.dated)} {verb(natural, 'fills', 'fill')} "
        f"{numbers.pixels(draft.value('pixels', 0))}. {capital(source.noun)} {seg(two, context.dated)} "
        f"{verb(source, 'takes up', 'take up')} {numbers.area(draft.value('area', 1))}. "
        f"Of the {natural.noun}, {share} {verb(natural, 'lies', 'lie')} within {reach} of {source.noun}. "
        f"So, by the rule, the {natural.noun} {be} {answer}."
    )
    return Text(question, chain, answer, options)


TASK = Task("pressure", "l2_semantic", True, propose, under_cloud(write))
