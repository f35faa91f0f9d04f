"""Dates become frame names: t0, t1, ... in order of time; a SAR image joins the optical date that it is nearest to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from terra_cot.errors import DataError
from terra_cot.scene import Drop, SceneFrame


def parse_datetime(text: str) -> datetime:
    """Any ISO 8601 date or time, or the compact form of Sentinel names (20170613T101031), as aware UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DataError(
            "not a date", field="datetime", got=text, expected="ISO 8601, such as 2023-04-12", reason="no_date"
        ) from None


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def name_frames(
    scene_id: str, frames: Iterable[SceneFrame], pair_days: float
) -> tuple[tuple[SceneFrame, ...], list[Drop]]:
    """Frames with their names, oldest date first, optical before sar; and what a date already had.

    A SAR image within `pair_days` of an optical one takes its name: masks belong to the date. Of two images of one
    modality that fall on one date, the nearest to the optical one stays, of equals the earlier.
    """
    ordered = sorted(frames, key=lambda frame: (frame.datetime or "", frame.modality))
    optical = [parse_datetime(frame.datetime or "") for frame in ordered if frame.modality == "optical"]
    dated: list[tuple[datetime, timedelta, SceneFrame]] = []
    for frame in ordered:
        moment = taken = parse_datetime(frame.datetime or "")  # frames without dates are no series: refused
        if frame.modality == "sar" and optical:
            nearest = min(optical, key=lambda other: (abs(other - moment), other))
            if abs(nearest - moment).total_seconds() <= pair_days * 86400:
                moment = nearest
        dated.append((moment, abs(moment - taken), frame))
    dated.sort(key=lambda item: (item[0], item[2].modality, item[1]))
    days = list(dict.fromkeys(moment.date() for moment, _, _ in dated))
    named: dict[tuple[str, str], SceneFrame] = {}
    drops: list[Drop] = []
    for moment, _, frame in dated:
        name = f"t{days.index(moment.date())}"
        if (name, frame.modality) in named:
            item = f"{scene_id}/{frame.assets[0].path}"
            drops.append(Drop("frame", item, "duplicate_date", f"{name} has a {frame.modality} image already"))
        else:
            named[name, frame.modality] = replace(frame, frame=name)
    return tuple(named.values()), drops
