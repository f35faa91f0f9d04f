"""The words that may stand between phrases. They claim nothing by themselves: no number, size, order, place or sensor.

What is not here is refused. The last sets only give the reason a name.
"""

from __future__ import annotations

from functools import cache

from terra_cot.legend import LEGENDS


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


EXTENT = _set(
    """cover covers fill fills occupy occupies span spans account accounts make makes take takes represent represents
    measure measures amount amounts come comes has have"""
)
"""Verbs that claim a size: a class must stand before them and a quantity of it behind."""
AFTER_EXTENT = _set("up for to a an the total share area extent of")
"""Words that may stand between such a verb and its quantity."""

BEING = _set("is are lie lies sit sits")
AFTER_BEING = _set("here there shown seen visible found marked segmented located identified")

SUBJECTS = _set("and it they that")
"""Words that may stand before a verb of size or place instead of the class itself."""
MEASURES = _set("total area share extent")
"""Nouns for a quantity: where one is stated they must lead to a class or a quantity, or belong to "its" or "their"."""
SCENES = _set("scene image picture view")

_NEUTRAL = _set(
    """this these its their here there also then next first finally now so in on with by at i we us you let me
    look see find found mark marked segment segmented identify identified locate located observe note consider start
    begin shown seen visible"""
)
BEARING = EXTENT | AFTER_EXTENT | SUBJECTS | BEING | _NEUTRAL
"""The words of a sentence that states a quantity or a place: none of them can take the place of the class in it."""

LAND_COVER = "land cover"
"""Two words that claim nothing together; "land" alone would."""
ASKING = _set("describe caption summarise summarize explain")
"""What the question of a grounded caption asks for."""
LEADING = _set("first next then finally now also here so and that i we see find note observe")
"""The only words beside a whole statement in its sentence."""

WORDS = (
    {LAND_COVER}
    | BEARING
    | SCENES
    | _set(
        """as from out satellite class classes kind kinds mask masks region regions step steps
        measurement measurements figure figures place position marking noting begins describe caption summarise
        summarize explain name show shows think study read use using work answer question follow following step-by-step
        carefully"""
    )
)

JOINTS = _set("and then also next the")
"""Words that may stand between two classes of one sentence."""

SINGULAR = _set(
    "is has covers fills occupies spans accounts makes takes represents measures amounts comes lies sits shows"
)
PLURAL = _set("are have cover fill occupy span account make take represent measure amount come lie sit show")

NEGATIONS = _set("no not none never without neither nor absent lacks lack lacking missing nothing cannot")
NUMBER_WORDS = _set(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen half
    third thirds quarter quarters fifth tenth percent percentage double twice triple single both pair several many few
    majority minority most all every entire whole"""
)
COMPARISONS = _set(
    """more less larger largest smaller smallest bigger biggest greater greatest fewer least than main mainly mostly
    dominant dominates dominated predominantly chiefly nearly almost about around roughly approximately over under
    exceeds nearer nearest closer closest farther farthest only"""
)
_OTHER_COVER = _set("forest forests field fields river rivers lake lakes sea city town buildings road roads")


@cache
def class_words() -> frozenset[str]:
    """Every word of the name of a class in any legend, and of what a text might name besides."""
    names = [
        text
        for legend in LEGENDS.values()
        for entry in (*legend.native, *legend.display, *legend.groups)
        for text in (entry.noun, entry.name)
    ]
    found = {word for name in names for word in name.casefold().replace(",", " ").split()}
    return (_OTHER_COVER | found) - {"and", "or", "with"}


def reason(word: str) -> str:
    """Why a word outside the lexicon is refused."""
    if word in NEGATIONS:
        return "negation"
    if word in NUMBER_WORDS:
        return "number_in_words"
    if word in COMPARISONS:
        return "comparison"
    return "class_without_mask" if word in class_words() else "unknown_word"
