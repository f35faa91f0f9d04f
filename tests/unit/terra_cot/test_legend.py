"""A name means one set of codes in every view of a legend, and a code that a legend does not know is refused."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from terra_cot.errors import ConfigError, DataError
from terra_cot.legend import LEGENDS, Legend, View, legend

# Sumbul et al. 2021 (BigEarthNet-MM), table 2, in its order: class and its CORINE level-3 codes.
BIGEARTHNET_19 = [
    (111, 112), (121,), (211, 212, 213), (221, 222, 223, 241), (231,), (242,), (243,), (244,), (311,), (312,), (313,),
    (321, 333), (322, 323), (324,), (331,), (411, 412), (421, 422), (511, 512), (521, 522, 523),
]  # fmt: skip
# All 44 classes of CORINE land cover.
CORINE_44 = {
    111, 112, 121, 122, 123, 124, 131, 132, 133, 141, 142, 211, 212, 213, 221, 222, 223, 231, 241, 242, 243, 244,
    311, 312, 313, 321, 322, 323, 324, 331, 332, 333, 334, 335, 411, 412, 421, 422, 423, 511, 512, 521, 522, 523,
}  # fmt: skip
EVERY = pytest.mark.parametrize("source", LEGENDS.values(), ids=LEGENDS)


@EVERY
def test_a_name_means_one_thing(source: Legend) -> None:
    """Verification tells the view by the names of the masks: native, display and groups share none."""
    names = [entry.name for entry in (*source.native, *source.display, *source.groups)]
    assert len(names) == len(set(names))


@EVERY
@pytest.mark.parametrize("view", ["native", "display"])
def test_classes_of_a_view_are_disjoint(source: Legend, view: View) -> None:
    for first, second in combinations(source.vocabulary(view).classes, 2):
        assert not set(first.codes) & set(second.codes), (first.name, second.name)


@EVERY
@pytest.mark.parametrize("view", ["native", "display"])
def test_index_map_and_mask_agree(source: Legend, view: View) -> None:
    """`Vocabulary.index` and `Legend.mask` are two ways to the same pixels, for every code at once."""
    codes = np.array(sorted(source.known_codes()), np.uint16)[None]
    vocabulary = source.vocabulary(view)
    index = vocabulary.index(codes)
    for number, entry in enumerate(vocabulary.classes, start=1):
        np.testing.assert_array_equal(index == number, source.mask(codes, entry.name))
        assert set(codes[index == number].tolist()) == set(entry.codes)
        assert vocabulary.number(entry.name) == number
    held = {code for entry in vocabulary.classes for code in entry.codes}
    assert set(codes[index == 0].tolist()) == source.known_codes() - held


@EVERY
def test_unknown_codes_are_refused_and_named(source: Legend) -> None:
    known = source.known_codes()
    for strange in [next(code for code in range(1, 65536) if code not in known), max(known) + 1, 65535]:
        label = np.full((3, 4), min(known), np.uint16)
        label[2, 1] = strange
        with pytest.raises(DataError, match=str(strange)) as caught:
            source.vocabulary("native").index(label)
        assert caught.value.reason == "unknown_label_code"


@EVERY
def test_nouns_read_as_nouns_and_colours_differ(source: Legend) -> None:
    for entries in (source.native, source.display):
        assert len({entry.color for entry in entries}) == len(entries)
        assert len({entry.noun for entry in entries}) == len(entries)
        for entry in entries:
            assert entry.noun == entry.noun.strip().lower()
            assert " and " not in entry.noun or entry.plural, f"{entry.noun}: two things are plural"


def test_bigearthnet_has_its_nineteen_classes() -> None:
    assert [entry.codes for entry in LEGENDS["corine-19"].native] == BIGEARTHNET_19


def test_every_corine_code_is_known() -> None:
    """A map of any European place is read; 990 and above are the sea and no-data codes of the archive."""
    assert LEGENDS["corine-19"].known_codes() >= CORINE_44 | {0, 999}


def test_worldcover_has_its_eleven_classes() -> None:
    source = LEGENDS["worldcover"]
    assert sorted(source.known_codes()) == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100]
    assert {entry.codes for entry in source.native} == {entry.codes for entry in source.display}


def test_damage_has_no_land_cover_view() -> None:
    source = LEGENDS["xbd-damage"]
    assert source.kind == "damage"
    assert not source.display
    label = np.array([[0, 1, 2, 3, 4, 5]], np.uint8)
    assert source.mask(label, "building").tolist() == [[False, True, True, True, True, True]]


def test_wrong_names_are_answered_with_near_ones() -> None:
    with pytest.raises(ConfigError, match='did you mean "worldcover"'):
        legend("worldcovr")
    with pytest.raises(DataError, match='did you mean "water"'):
        LEGENDS["worldcover"].find("watr")
    with pytest.raises(ConfigError, match='did you mean "water"'):
        LEGENDS["worldcover"].vocabulary("display").number("watr")


def test_negative_codes_are_refused() -> None:
    with pytest.raises(DataError):
        LEGENDS["worldcover"].vocabulary("native").index(np.array([[10, -1]], np.int16))
