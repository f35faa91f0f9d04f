"""Training tiles that show what is held out are found by ground, by image and by picture; neighbours are not leaks."""

from __future__ import annotations

import pytest
from pyproj import Geod

from terra_cot.balance.leakage import Leak, Place, leaks, refuse_leaks
from terra_cot.errors import DataError

GEOD = Geod(ellps="sphere")
HASH = "0f" * 32


def place(
    name: str, lon: float | None = 10.0, lat: float | None = 48.0, phash: str | None = None, **more: str
) -> Place:
    return Place(name, more.get("source", "s"), more.get("source_id", name), lon, lat, 1.28, phash)


def moved(name: str, east_km: float, north_km: float) -> Place:
    lon, lat, _ = GEOD.fwd(10.0, 48.0, 90 if east_km >= 0 else -90, 1000 * abs(east_km))
    lon, lat, _ = GEOD.fwd(lon, lat, 0 if north_km >= 0 else 180, 1000 * abs(north_km))
    return place(name, lon, lat)


def found(train: list[Place], held: list[Place], **options: float) -> list[tuple[str, str]]:
    return [(leak.train.tile_id, leak.why) for leak in leaks(train, held, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("east", "north", "gap", "leaking"),
    [
        (0, 0, 0, True),
        (2.5, 0, 0, True),
        (2.57, 0, 0, False),
        (2.5, -2.5, 0, True),
        (2.57, 2.57, 0, False),
        (-3.0, 0, 0.5, True),
        (-3.2, 0, 0.5, False),
        (0, 40, 0, False),
    ],
)
def test_ground_in_common_is_a_leak_and_a_neighbour_is_not(
    east: float, north: float, gap: float, leaking: bool
) -> None:
    got = found([moved("t", east, north)], [place("h")], gap_km=gap)
    assert got == ([("t", "same_ground")] if leaking else [])


def test_the_antimeridian_does_not_hide_a_leak() -> None:
    assert found([place("t", -179.995, 0.0)], [place("h", 179.995, 0.0)]) == [("t", "same_ground")]


def test_an_image_without_a_place_leaks_by_its_name() -> None:
    held = place("h", None, None, source_id="road_7")
    train = [place("t", None, None, source_id="road_7"), place("u", None, None, source_id="road_8")]
    assert found(train, [held]) == [("t", "same_source_image")]
    assert found([place("t", source_id="x")], [place("h", 11.0, source_id="x")]) == [], "another tile of one scene"


def test_a_copy_elsewhere_leaks_by_its_picture_where_pictures_are_compared() -> None:
    held = [place("h", phash=HASH), place("flat", 20.0)]
    near, far = "0e" + HASH[2:], "00" * 32
    train = [place("t", 30.0, phash=near), place("u", 31.0, phash=far), place("v", 32.0)]
    assert found(train, held, bits=4) == [("t", "same_picture")]
    assert found(train, held) == []
    assert found(train, []) == []


def test_thousands_are_streamed_and_each_leak_is_told_once() -> None:
    held = [place(f"h{number}", number / 100, 10.0) for number in range(50)]
    train = (place(f"t{number}", number / 100, 10.0 + (0 if number % 1000 == 7 else 5)) for number in range(10_000))
    assert [leak.train.tile_id for leak in leaks(train, held)] == ["t7"]


def test_leaks_are_refused_with_their_names_and_number() -> None:
    refuse_leaks([], "the benchmark")
    many = [Leak(place(f"t{number}"), place("h"), "same_ground") for number in range(7)]
    with pytest.raises(
        DataError, match=r"7 training tiles show what the benchmark shows.*t0 and h: same ground.*\.\.\."
    ):
        refuse_leaks(many, "the benchmark")
