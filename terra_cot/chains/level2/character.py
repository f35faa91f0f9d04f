"""L2 character: is the scene mainly natural or shaped by people, by the grouping that the question states?"""

from __future__ import annotations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level2.roles import role
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import listing, seg
from terra_cot.draw import draw
from terra_cot.evidence import evidence

_CLEAR_PCT = 10.0
_MOST_CLASSES = 6


def propose(view: TileView, seed: int) -> list[Draft]:
    """One draft, where both groups occur; every class of the scene is in it, however small: the sums must be true."""
    there = [number for number in view.numbers if view.pixels(number)]
    made = [number for number in there if _shaped(view.entry(number).name)]
    wild = [number for number in there if number not in made]
    if not (made and wild) or len(there) > _MOST_CLASSES:
        return []
    order = [*made, *wild]
    groups = [tuple(range(len(made))), tuple(range(len(made), len(order)))]
    joint = [facts.share_pct(sum(view.pixels(order[mask]) for mask in group), view.facts.valid_px) for group in groups]
    first, second = (value for value in joint if value is not None)
    if abs(first - second) < _CLEAR_PCT:
        return []
    rows = [evidence("share", (mask,), view.share(number)) for mask, number in enumerate(order)]
    rows += [evidence("joint_share", groups[0], first), evidence("joint_share", groups[1], second)]
    return [Draft("character", tuple(Target(view.frame, view.entry(number).name) for number in order), tuple(rows))]


def _shaped(name: str) -> bool:
    return role(name) in ("built", "cultivated")


def write(draft: Draft, context: Context, seed: int) -> Text:
    entries = [context.subject(target) for target in draft.targets]
    made = tuple(mask for mask, target in enumerate(draft.targets) if _shaped(target.label))
    wild = tuple(mask for mask in range(len(entries)) if mask not in made)
    rule = f"{listing([entries[mask].noun for mask in made])} as shaped by people and all else as natural"
    question = (
        f"Count {rule}. Which covers more of this scene: natural land or land shaped by people?",
        f"If you count {rule}, what is the character of this scene: mainly natural land or land shaped by people?",
        f"Taking {rule}, which of the two kinds of land prevails here?",
    )[draw(3, seed, "question")]

    def parts(masks: tuple[int, ...]) -> str:
        return listing([
            f"{entries[mask].noun} {seg(draft.targets[mask], context.dated)} with "
            f"{numbers.percent(draft.value('share', mask))}"
            for mask in masks
        ])  # fmt: skip

    shares = [draft.value("joint_share", *group) for group in (made, wild)]
    options = ("natural land", "land shaped by people")
    answer = options[shares[0] > shares[1]]
    chain = (
        f"Shaped by people: {parts(made)}, which makes {numbers.percent(shares[0])} of the scene. "
        f"Natural: {parts(wild)}, which makes {numbers.percent(shares[1])} of the scene. "
        f"So {answer} prevails in this scene."
    )
    return Text(question, chain, answer, options)


TASK = Task("character", "l2_semantic", True, propose, under_cloud(write))
