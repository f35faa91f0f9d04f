"""Dates become t0, t1, ... in order of time, however written; a SAR image joins the optical date it is near."""

from __future__ import annotations

import pytest

from terra_cot.errors import DataError
from terra_cot.scene import Asset, SceneFrame
from terra_cot.tile import Modality
from terra_cot.timeline import iso, name_frames, parse_datetime


def frame(date: str, modality: Modality = "optical") -> SceneFrame:
    return SceneFrame("", iso(parse_datetime(date)), modality, (Asset(f"{modality}_{date}.tif", ("B04",)),))


@pytest.mark.parametrize(
    "text",
    [
        "2017-06-13T10:10:31",
        "20170613T101031",
        "2017-06-13T10:10:31Z",
        "2017-06-13 12:10:31+02:00",
        " 20170613T101031 ",
    ],
)
def test_one_moment_is_read_from_every_form(text: str) -> None:
    assert iso(parse_datetime(text)) == "2017-06-13T10:10:31Z"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2017-13-40", "20170613T99", "1e9", "13/06/2017", "0001-01-01T00:00:00+10:00"]
)
def test_other_text_is_no_date(text: str) -> None:
    with pytest.raises(DataError, match="not a date") as caught:
        parse_datetime(text)
    assert caught.value.reason == "no_date"


def names(*frames: SceneFrame, pair_days: float = 6) -> list[tuple[str, str, str]]:
    named, _ = name_frames("s", frames, pair_days)
    return [(entry.frame, entry.modality, entry.datetime[:10]) for entry in named]


def test_the_order_given_does_not_matter() -> None:
    dates = [frame("2023-08-01"), frame("2023-05-01"), frame("2024-01-01"), frame("2023-05-03", "sar")]
    expected = [("t0", "optical", "2023-05-01"), ("t0", "sar", "2023-05-03"), ("t1", "optical", "2023-08-01"),
                ("t2", "optical", "2024-01-01")]  # fmt: skip
    assert names(*dates) == expected
    assert names(*reversed(dates)) == expected


def test_sar_joins_the_nearest_optical_date_within_reach() -> None:
    pair = [frame("2023-05-01"), frame("2023-05-11"), frame("2023-05-07", "sar")]
    assert names(*pair)[2][:2] == ("t1", "sar")
    assert names(*pair, pair_days=2) == [
        ("t0", "optical", "2023-05-01"),
        ("t1", "sar", "2023-05-07"),
        ("t2", "optical", "2023-05-11"),
    ]
    tie = [frame("2023-05-01"), frame("2023-05-11"), frame("2023-05-06", "sar")]
    assert names(*tie)[1][:2] == ("t0", "sar"), "halfway it joins the earlier"


def test_of_two_sar_images_within_reach_the_nearer_stays() -> None:
    dates = [frame("2023-05-10"), frame("2023-05-05", "sar"), frame("2023-05-11", "sar"), frame("2023-05-14", "sar")]
    assert names(*dates) == [("t0", "optical", "2023-05-10"), ("t0", "sar", "2023-05-11")]


def test_sar_alone_has_dates_of_its_own() -> None:
    assert names(frame("2023-05-11", "sar"), frame("2023-05-01", "sar")) == [
        ("t0", "sar", "2023-05-01"),
        ("t1", "sar", "2023-05-11"),
    ]


def test_a_second_image_of_a_day_is_dropped_and_named() -> None:
    named, drops = name_frames("s", [frame("2023-05-01T10:20:00"), frame("2023-05-01T10:10:00")], 6)
    assert [entry.datetime for entry in named] == ["2023-05-01T10:10:00Z"], "the earlier stays"
    assert [(drop.level, drop.reason) for drop in drops] == [("frame", "duplicate_date")]
    assert "10:20:00" in drops[0].item
