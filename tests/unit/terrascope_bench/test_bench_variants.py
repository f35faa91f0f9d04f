"""Variants: which frames show a question, in what order, and why a variant cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from terra_cot.errors import ConfigError
from terrascope_bench.build.variants import VARIANTS, check_variants, ending, showings, worded


@dataclass(frozen=True)
class Frame:
    frame: str
    modality: str
    datetime: str | None = None


def dated(*entries: str) -> list[Frame]:
    """`t0 optical 2024-05-01`."""
    return [Frame(*entry.split()) for entry in entries]


def shown(
    frames: list[Frame], asked: str = "t0", change: bool = False, variants: tuple[str, ...] = VARIANTS
) -> dict[str, object]:
    """By variant its frames and the ending, or the reason."""
    out: dict[str, object] = {}
    for item in showings(frames, asked, change, variants):
        names = " ".join(f"{frame.frame}{frame.modality[0]}" for frame in item.frames)
        out[item.variant] = (names, ending(item.frames), item.reason) if item.frames else item.reason
    return out


SERIES = dated(
    "t0 optical 2024-01-01", "t0 sar 2024-01-03", "t1 optical 2024-03-01", "t2 optical 2024-04-01", "t2 sar 2024-04-01"
)


def test_a_question_about_one_date() -> None:
    assert shown(SERIES, "t2") == {
        "optical": ("t2o", "opt", None),
        "sar": ("t2s", "sar", None),
        "optical+sar": ("t2o t2s", "opt+sar", None),
        "bitemporal": ("t1o t2o", "opt-pair", None),
    }
    assert shown(SERIES, "t0")["bitemporal"] == ("t0o t1o", "opt-pair", None)
    assert shown(SERIES, "t1")["bitemporal"] == ("t1o t2o", "opt-pair", None)
    assert shown(SERIES, "t1")["sar"] == shown(SERIES, "t1")["optical+sar"] == "no_sar_frame"


def test_the_nearest_date_is_the_earlier_of_equals_and_told_by_order_without_dates() -> None:
    equal = dated("t0 optical 2024-01-01", "t1 optical 2024-01-11", "t2 optical 2024-01-21")
    assert shown(equal, "t1")["bitemporal"] == ("t0o t1o", "opt-pair", None)
    near = dated("t0 optical 2024-01-01", "t1 optical 2024-01-11", "t2 optical 2024-01-12")
    assert shown(near, "t1")["bitemporal"] == ("t1o t2o", "opt-pair", None)
    undated = [Frame(frame.frame, frame.modality) for frame in near]
    assert shown(undated, "t1")["bitemporal"] == ("t0o t1o", "opt-pair", None)


def test_one_date_and_one_sensor() -> None:
    assert shown(dated("t0 optical")) == {
        "optical": ("t0o", "opt", None),
        "sar": "no_sar_frame",
        "optical+sar": "no_sar_frame",
        "bitemporal": "no_second_optical_date",
    }
    radar = dated("t0 sar", "t1 optical")
    assert shown(radar) == {
        "optical": "no_optical_frame",
        "sar": ("t0s", "sar", None),
        "optical+sar": "no_optical_frame",
        "bitemporal": "no_optical_frame",
    }
    assert shown(radar, variants=("optical",)) == {"optical": ("t0s", "sar", "no_optical_frame")}


def test_a_change_is_a_pair_in_every_variant() -> None:
    both = dated("t0 optical", "t0 sar", "t1 optical", "t1 sar")
    assert shown(both, "t1", True) == {
        "optical": ("t0o t1o", "opt-pair", None),
        "sar": ("t0s t1s", "sar-pair", None),
        "optical+sar": ("t0o t0s t1o t1s", "opt+sar-pair", None),
        "bitemporal": "same_as_optical",
    }
    assert shown(both, "t1", True, ("bitemporal",)) == {"bitemporal": ("t0o t1o", "opt-pair", None)}
    mixed = dated("t0 optical", "t1 sar")
    assert shown(mixed, "t1", True) == {
        "optical": ("t0o t1s", "opt+sar-pair", "no_optical_frame"),
        "sar": "no_sar_frame",
        "optical+sar": "no_optical_frame",
        "bitemporal": "same_as_optical",
    }


def test_a_pair_tells_which_image_is_asked_about() -> None:
    frames = dated("t1 optical", "t2 optical")
    assert "the second image. How" in worded("How?", frames, "t2", False)
    assert "the first image. How" in worded("How?", frames, "t1", False)
    assert worded("How?", frames, "t2", True) == worded("How?", frames[:1], "t1", False) == "How?"


def test_names_are_checked_and_ordered() -> None:
    assert check_variants(["bitemporal", "sar", "sar"]) == ("sar", "bitemporal")
    with pytest.raises(ConfigError, match=r"no variant 'optcal'.*optical"):
        check_variants(["optcal"])
    with pytest.raises(ConfigError, match="at least one variant"):
        check_variants([])
