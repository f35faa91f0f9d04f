"""What has to be said beside an explanation, in sentences that page, picture and terminal share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terrascope_bench.terrascope.shipped import SHIPPED

_LITTLE = 0.0005


def remarks(note: Mapping[str, Any]) -> list[str]:
    """Sentences, from what answer.json holds: what follows from the mask where the answer differs, what cloud hides."""
    return [*_follows(note), *(_of_change(note) if note["change"] else _of_images(note))]


def caveat(note: Mapping[str, Any]) -> str:
    """What an answer is worth: there is no truth here that it was held against."""
    known = note["model"]["name"] in SHIPPED
    return "The model's answer; nobody has checked it" + (", and it knows little of real scenes." if known else ".")


def _follows(note: Mapping[str, Any]) -> list[str]:
    own = note["follows"]
    if own is None or own["letter"] == note["answer"]:
        return []
    amount = f"{own['value']:.1f}" if own["unit"] == "%" else f"{own['value']:,.0f}"
    return [f"From the mask, {own['letter']} follows ({amount} {own['unit']})."]


def _of_change(note: Mapping[str, Any]) -> list[str]:
    change = note["change"]
    hidden, lines = change["cloud"]["hidden_share"], []
    if hidden:
        both = f"{change['from']} or {change['to']}"
        lines.append(f"{_percent(hidden)} of the ground looks like cloud on {both}, and is not counted.")
    for date, why in _unknown(note, (change["from"], change["to"])).items():
        lines.append(f"Cloud is not recognised on {date} ({why}): ground under it is counted as seen.")
    return lines


def _of_images(note: Mapping[str, Any]) -> list[str]:
    lines = []
    for image in note["scene"]["images"]:
        cloud = image["cloud"]
        if cloud and (cloud["hidden_share"] or 0.0) >= _LITTLE:
            lines.append(
                f"{_percent(cloud['hidden_share'])} of {image['frame']} looks like cloud: a mask there is a guess."
            )
    lines += [f"Cloud is not recognised on {date} ({why})." for date, why in _unknown(note).items()]
    return lines


def _unknown(note: Mapping[str, Any], dates: tuple[str, ...] | None = None) -> dict[str, str]:
    """Why cloud cannot be told, by date; dates with one reason are one entry."""
    by_reason: dict[str, list[str]] = {}
    for image in note["scene"]["images"]:
        if image["cloud"] and image["cloud"]["unknown"] and (dates is None or image["frame"] in dates):
            by_reason.setdefault(image["cloud"]["unknown"], []).append(image["frame"])
    return {" and ".join(frames): why for why, frames in by_reason.items()}


def _percent(share: float) -> str:
    """A share as text; what is there is not written as nothing, nor what is not all as all."""
    return "less than 0.1 %" if share < _LITTLE else f"{min(100 * share, 99.9) if share < 1 else 100:.1f} %"
