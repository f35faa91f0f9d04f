"""L1 area: the ground a class covers, in metric units or as a share of the valid pixels."""

from __future__ import annotations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw
from terra_cot.evidence import evidence


def propose(view: TileView, seed: int) -> list[Draft]:
    drafts = []
    for number in view.present:
        target = (Target(view.frame, view.entry(number).name),)
        pixels = evidence("pixels", (0,), view.pixels(number))
        ground = evidence("area", (0,), facts.area_m2(view.pixels(number), view.gsd_m))
        share = evidence("share", (0,), view.share(number))
        drafts.append(Draft("area", target, (pixels, evidence("gsd", (), view.gsd_m), ground)))
        drafts.append(Draft("area", target, (pixels, evidence("valid_pixels", (), view.facts.valid_px), share)))
    return drafts


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    entry = context.subject(target)
    start = f"{capital(entry.noun)} {seg(target, context.dated)} {verb(entry, 'fills', 'fill')} "
    start += numbers.pixels(draft.value("pixels", 0))
    if any(item.fact == "area" for item in draft.evidence):
        total = numbers.area(draft.value("area", 0))
        side = numbers.gsd(draft.value("gsd"))
        question = (
            f"What area {verb(entry, 'does', 'do')} {entry.noun} take up?",
            f"How much ground {verb(entry, 'does', 'do')} {entry.noun} occupy?",
            f"In total, how large {verb(entry, 'is', 'are')} the {entry.noun}?",
        )[draw(3, seed, "question")]
        return Text(question, f"{start}. A pixel is {side} on a side, which makes {total} in all.", total)
    share = numbers.percent(draft.value("share", 0))
    valid = numbers.pixels(draft.value("valid_pixels"))
    question = (
        f"What percentage of the image {verb(entry, 'does', 'do')} {entry.noun} take up?",
        f"What share of the scene, in percent, {verb(entry, 'does', 'do')} {entry.noun} occupy?",
        f"How much of the scene, in percent, {verb(entry, 'does', 'do')} {entry.noun} fill?",
    )[draw(3, seed, "question")]
    return Text(question, f"{start} of the {valid} with a known class. That is {share}.", share)


TASK = Task("area", "l1", True, propose, write, kinds=("land_cover", "objects"))
