"""What a question asks about is read by fixed rules; whatever is not plain has a reason instead."""

from __future__ import annotations

import pytest

from terrascope_bench.published.ask import Asked, Unclear, understand

YES_NO = ("Yes", "No")
NUMBERS = ("1 %", "2 %", "3 %", "4 %")


def asked(code: str, question: str, options: tuple[str, ...], legend: str = "worldcover") -> tuple[str, ...] | str:
    found = understand(code, question, options, legend)
    return found.reason if isinstance(found, Unclear) else found.names


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What percentage of the image is water?", ("water",)),
        ("How much is covered by Built-up areas?", ("developed area",)),
        ("What share do tree cover (forest) pixels have?", ("tree",)),
        ("What share do bare / sparse vegetation pixels have?", ("bare land",)),
        ("What share is developed_area?", ("developed area",)),
        ("What share do mangroves have?", ("mangrove",)),
        ("What share do permanent water bodies have?", ("water",)),
        ("What share has snow and ice?", ("snow",)),
        ("What share has the largest class?", "no_class_named"),
        ("Of water, crop and tree, what share is crop?", "several_classes_named"),
        ("What share is not covered by water?", "question_not_understood"),
        ("What share isn't covered by water?", "question_not_understood"),
        ("What share do cropped pictures have?", "no_class_named"),
    ],
)
def test_one_class(question: str, names: tuple[str, ...] | str) -> None:
    assert asked("CA", question, NUMBERS) == names
    assert asked("AQ", question, NUMBERS) == names


@pytest.mark.parametrize(
    ("question", "view", "names"),
    [
        ("How far is forest from water?", "display", ("tree", "water")),
        ("How far are broad-leaved forests from inland waters?", "native", ("broad-leaved forest", "inland waters")),
        (
            "How far is transitional woodland-shrub from pastures?",
            "native",
            ("transitional woodland-shrub", "pastures"),
        ),
        ("How far are moors and heathland from arable land?", "native", ("moors and heathland", "arable land")),
    ],
)
def test_two_views_of_one_legend(question: str, view: str, names: tuple[str, ...]) -> None:
    assert understand("DM", question, NUMBERS, "corine-19") == Asked(view, names)  # type: ignore[arg-type]


def test_classes_that_a_map_cannot_tell() -> None:
    assert asked("CA", "What share do mangroves have?", NUMBERS, "corine-19") == "class_not_in_legend"
    assert asked("DM", "How far is water from pastures?", NUMBERS, "corine-19") == "classes_of_two_views"
    assert asked("DM", "How far is one lake from the next?", NUMBERS) == "no_class_named"
    assert asked("DM", "How far is water from the nearest water?", NUMBERS) == "one_class_named"
    assert asked("DM", "How far are water, crop and tree?", NUMBERS) == "several_classes_named"
    assert asked("BCE", "How many buildings are destroyed?", NUMBERS) == "task_without_rule"


@pytest.mark.parametrize(
    ("question", "options", "names"),
    [
        ("Do water and crop share a boundary?", YES_NO, ("water", "crop")),
        ("Is grassland adjacent to forest?", ("No.", "Yes, it is"), ("grass", "tree")),
        ("Does water touch crop?", ("True", "False"), ("water", "crop")),
        ("Does water touch crop?", ("They touch", "They do not"), "options_not_understood"),
        ("Does water touch crop?", ("Yes", "Yes"), "options_not_understood"),
        ("Are water and crop separated?", YES_NO, "question_not_understood"),
        ("Do water and crop not touch?", YES_NO, "question_not_understood"),
        ("Are water and crop both here?", YES_NO, "question_not_understood"),
        ("Does water touch water?", YES_NO, "one_class_named"),
    ],
)
def test_boundary(question: str, options: tuple[str, ...], names: tuple[str, ...] | str) -> None:
    assert asked("BRD", question, options) == names


@pytest.mark.parametrize(
    ("question", "options", "names"),
    [
        ("Which is larger: water or crop?", ("Water", "Crop"), ("water", "crop")),
        ("Which is larger: water or crop?", ("Crop", "Water"), ("crop", "water")),
        ("Which covers less: water or crop?", ("Water", "Crop"), ("crop", "water")),
        ("Which class covers more area?", ("Cropland", "Tree cover"), ("crop", "tree")),
        ("Is water larger than crop?", YES_NO, ("water", "crop")),
        ("Is water larger than crop?", ("No", "Yes"), ("crop", "water")),
        ("Is water smaller than crop?", YES_NO, ("crop", "water")),
        ("Does water exceed crop in area?", YES_NO, ("water", "crop")),
        ("Which holds?", ("Water > Crop", "Crop > Water"), ("water", "crop")),
        ("Which holds?", ("Water < Crop", "Crop < Water"), ("crop", "water")),
        ("Which holds?", ("Water is larger than crop", "Water is smaller than crop"), ("water", "crop")),
        ("Which holds?", ("Water covers more", "Water covers less"), "one_class_named"),
        ("Compared with water, is crop larger?", YES_NO, "question_not_understood"),
        ("Which is it: water or crop?", ("Water", "Crop"), "question_not_understood"),
        ("Which is larger, which smaller?", ("Water", "Crop"), "question_not_understood"),
        ("Which is larger: water or tree?", ("Water", "Crop"), "several_classes_named"),
        ("Which is larger: water or crop?", ("Water", "Crop", "Tree"), "options_not_understood"),
        ("Which is larger?", ("The first", "The second"), "options_not_understood"),
        ("Which is larger: water or crop?", ("Water", "Neither"), "question_not_understood"),
        ("Which holds?", ("Water > Crop", "Water > Crop"), "options_not_understood"),
    ],
)
def test_comparison(question: str, options: tuple[str, ...], names: tuple[str, ...] | str) -> None:
    """Class k is the one whose being larger makes option k right."""
    assert asked("CR", question, options) == names
