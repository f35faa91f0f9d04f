"""A legend says what each code of a label map means; a view of it groups the codes into the classes of a text.

`native` is the publisher's nomenclature, `display` the short list that TerraScope-Bench asks about (water, developed
area, bare land, grass, crop, tree, shrub; wetland, snow, mangrove and moss where WorldCover has them).
Codes: ESA WorldCover 2021 v200 product user manual; CORINE level-3 codes grouped into the 19 classes of BigEarthNet
(Sumbul et al. 2021, table 2); xBD `properties.subtype` numbered as in the xView2 baseline's targets;
DeepGlobe road masks after the publisher's threshold.
A code that a legend knows but no class of the view holds is void: it is no part of the valid pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from terra_cot.change import parse_change
from terra_cot.errors import ConfigError, DataError, did_you_mean

View = Literal["native", "display"]
_UNKNOWN = 255
_LOST = (255, 90, 30)


@dataclass(frozen=True, slots=True)
class LandClass:
    """A class as texts and pictures need it: `name` is the mask label, `noun` reads well in a sentence.

    `subject` False: the ground that objects stand on. Its pixels are valid, but nothing is asked about it.
    """

    name: str
    codes: tuple[int, ...]
    color: tuple[int, int, int]
    noun: str
    plural: bool = False
    subject: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Disjoint classes over the codes of one legend. Class i of `classes` is i + 1 in an index map; 0 is void."""

    legend: str
    view: View
    classes: tuple[LandClass, ...]
    _lut: NDArray[np.uint8] = field(repr=False)

    def index(self, label: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Index map (HW uint8, 0 void, 1..K classes) of a label map of codes (HW).

        Raises:
            DataError: the label map holds a code that the legend does not know.
        """
        highest = int(label.max(initial=0))
        if highest < len(self._lut) and int(label.min(initial=0)) >= 0:
            index: NDArray[np.uint8] = self._lut[label]
            if not (index == _UNKNOWN).any():
                return index
        known = np.flatnonzero(self._lut != _UNKNOWN)
        strange = np.setdiff1d(np.unique(label), known)
        raise DataError(
            "unknown class codes in the label map",
            got=strange[:8].tolist(),
            expected=f"codes of the legend {self.legend}",
            fix="check that the recipe names the right legend",
            reason="unknown_label_code",
        )

    def number(self, name: str) -> int:
        """The value of class `name` in an index map."""
        for number, entry in enumerate(self.classes, start=1):
            if entry.name == name:
                return number
        names = tuple(entry.name for entry in self.classes)
        raise ConfigError(f'no class "{name}" in the {self.view} view of {self.legend}{did_you_mean(name, names)}')


@dataclass(frozen=True, slots=True)
class Legend:
    """Codes of a label map, the classes they form, and groups of codes that overlap classes (all buildings).

    `kind` says which tasks apply: "land_cover" fills the image, "objects" marks things on a background that counts only
    as the rest of the image, "damage" grades objects after an event.
    """

    name: str
    kind: Literal["land_cover", "objects", "damage"]
    native: tuple[LandClass, ...]
    display: tuple[LandClass, ...]
    void: tuple[int, ...] = (0,)
    groups: tuple[LandClass, ...] = ()

    def known_codes(self) -> set[int]:
        return set(self.void) | {code for entry in (*self.native, *self.display) for code in entry.codes}

    def find(self, name: str) -> LandClass:
        """The class or group called `name`, in any view: a name means the same codes in all of them.

        The label of a change (`new water since t0`) has no codes: it takes two dates to tell.
        """
        for entry in (*self.native, *self.display, *self.groups):
            if entry.name == name:
                return entry
        change = parse_change(name)
        if change is not None and parse_change(change.name) is None:
            entry = self.find(change.name)
            color = entry.color if change.kind == "new" else _LOST
            return replace(entry, name=name, codes=(), color=color, noun=f"{change.kind} {entry.noun}")
        names = tuple(entry.name for entry in (*self.native, *self.display, *self.groups))
        raise DataError(f'no class "{name}" in legend {self.name}{did_you_mean(name, names)}', field="label")

    def mask(self, label: NDArray[np.integer], name: str) -> NDArray[np.bool_]:
        """Bool HW: where the label map holds a code of class `name`."""
        return np.isin(label, np.array(self.find(name).codes, dtype=label.dtype))

    def view_of(self, name: str) -> View:
        """The view whose classes hold `name`: native where both do."""
        return "native" if any(entry.name == name for entry in self.native) else "display"

    def vocabulary(self, view: View) -> Vocabulary:
        return _vocabulary(self.name, view)


def legend(name: str) -> Legend:
    """The legend called `name`; ConfigError names the nearest where there is none."""
    try:
        return LEGENDS[name]
    except KeyError:
        known = ", ".join(LEGENDS)
        raise ConfigError(f'no legend "{name}"{did_you_mean(name, tuple(LEGENDS))} (known: {known})') from None


def noun_of(name: str | None, label: str) -> str:
    """What texts call the masks `label` on a tile of the legend `name`; the label itself where it is no class."""
    try:
        return legend(name).find(label).noun if name else label
    except (ConfigError, DataError):  # such as a change: masks may be called anything
        return label


@cache
def _vocabulary(name: str, view: View) -> Vocabulary:
    source = legend(name)
    classes = source.native if view == "native" else source.display
    lut = np.full(max(source.known_codes()) + 1, _UNKNOWN, np.uint8)
    lut[sorted(source.known_codes())] = 0
    for number, entry in enumerate(classes, start=1):
        lut[list(entry.codes)] = number
    lut.setflags(write=False)
    return Vocabulary(name, view, classes, lut)


_WATER, _DEVELOPED, _BARE = (0, 100, 200), (250, 0, 0), (180, 180, 180)
_GRASS, _CROP, _TREE, _SHRUB = (255, 255, 76), (240, 150, 255), (0, 100, 0), (255, 187, 34)
_WETLAND, _SNOW, _MANGROVE, _MOSS = (0, 150, 160), (240, 240, 240), (0, 207, 117), (250, 230, 160)


def _display(**codes: tuple[int, ...]) -> tuple[LandClass, ...]:
    """The display classes that a legend can fill, in one order for all legends. Colours: WorldCover's own."""
    every = (
        ("water", _WATER, "water"),
        ("developed_area", _DEVELOPED, "developed area"),
        ("bare_land", _BARE, "bare land"),
        ("grass", _GRASS, "grass"),
        ("crop", _CROP, "cropland"),
        ("tree", _TREE, "tree cover"),
        ("shrub", _SHRUB, "shrubland"),
        ("wetland", _WETLAND, "wetland"),
        ("snow", _SNOW, "snow"),
        ("mangrove", _MANGROVE, "mangrove forest"),
        ("moss", _MOSS, "moss"),
    )
    return tuple(
        LandClass(key.replace("_", " "), codes[key], color, noun) for key, color, noun in every if key in codes
    )


_WORLDCOVER = Legend(
    "worldcover",
    "land_cover",
    native=(
        LandClass("tree cover", (10,), _TREE, "tree cover"),
        LandClass("shrubland", (20,), _SHRUB, "shrubland"),
        LandClass("grassland", (30,), _GRASS, "grassland"),
        LandClass("cropland", (40,), _CROP, "cropland"),
        LandClass("built-up", (50,), _DEVELOPED, "built-up land"),
        LandClass("bare or sparse vegetation", (60,), _BARE, "bare or sparsely vegetated land"),
        LandClass("snow and ice", (70,), _SNOW, "snow and ice", True),
        LandClass("permanent water", (80,), _WATER, "permanent water"),
        LandClass("herbaceous wetland", (90,), _WETLAND, "herbaceous wetland"),
        LandClass("mangroves", (95,), _MANGROVE, "mangroves", True),
        LandClass("moss and lichen", (100,), _MOSS, "moss and lichen", True),
    ),
    display=_display(
        water=(80,), developed_area=(50,), bare_land=(60,), grass=(30,), crop=(40,), tree=(10,), shrub=(20,),
        wetland=(90,), snow=(70,), mangrove=(95,), moss=(100,),
    ),
)  # fmt: skip

_CORINE_19 = Legend(
    "corine-19",
    "land_cover",
    native=(
        LandClass("urban fabric", (111, 112), (230, 0, 77), "urban fabric"),
        LandClass("industrial or commercial units", (121,), (204, 77, 242), "industrial or commercial units", True),
        LandClass("arable land", (211, 212, 213), (255, 255, 168), "arable land"),
        LandClass("permanent crops", (221, 222, 223, 241), (230, 128, 0), "permanent crops", True),
        LandClass("pastures", (231,), (230, 230, 77), "pastures", True),
        LandClass("complex cultivation patterns", (242,), (255, 230, 77), "complex cultivation patterns", True),
        LandClass(
            "agriculture with natural vegetation", (243,), (230, 204, 77), "agricultural land with natural vegetation"
        ),
        LandClass("agro-forestry areas", (244,), (242, 204, 166), "agro-forestry areas", True),
        LandClass("broad-leaved forest", (311,), (128, 255, 0), "broad-leaved forest"),
        LandClass("coniferous forest", (312,), (0, 166, 0), "coniferous forest"),
        LandClass("mixed forest", (313,), (77, 255, 0), "mixed forest"),
        LandClass("natural grassland and sparse vegetation", (321, 333), (204, 242, 77),
                  "natural grassland and sparse vegetation", True),
        LandClass("moors and heathland", (322, 323), (166, 255, 128), "moors and heathland", True),
        LandClass("transitional woodland-shrub", (324,), (166, 242, 0), "transitional woodland-shrub"),
        LandClass("beaches, dunes, sands", (331,), (230, 230, 230), "beaches, dunes and sands", True),
        LandClass("inland wetlands", (411, 412), (166, 166, 255), "inland wetlands", True),
        LandClass("coastal wetlands", (421, 422), (204, 204, 255), "coastal wetlands", True),
        LandClass("inland waters", (511, 512), (0, 204, 242), "inland waters", True),
        LandClass("marine waters", (521, 522, 523), (0, 153, 230), "marine waters", True),
    ),
    # 141, 142 (green urban), 243, 244 (mosaics), 334 (burnt), 422, 423 stay void here: no single display class is true.
    display=_display(
        water=(511, 512, 521, 522, 523), developed_area=(111, 112, 121, 122, 123, 124, 133),
        bare_land=(131, 132, 331, 332, 333), grass=(231, 321), crop=(211, 212, 213, 221, 222, 223, 241, 242),
        tree=(311, 312, 313), shrub=(322, 323, 324), wetland=(411, 412, 421), snow=(335,),
    ),
    void=(0, 122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423, 990, 995, 999),
)  # fmt: skip

_XBD_DAMAGE = Legend(
    "xbd-damage",
    "damage",
    native=(
        LandClass("background", (0,), (32, 32, 32), "background"),
        LandClass("undamaged building", (1,), (70, 180, 90), "undamaged buildings", True),
        LandClass("building with minor damage", (2,), (240, 220, 60), "buildings with minor damage", True),
        LandClass("building with major damage", (3,), (250, 140, 30), "buildings with major damage", True),
        LandClass("destroyed building", (4,), (220, 30, 40), "destroyed buildings", True),
        LandClass("unclassified building", (5,), (150, 150, 160), "unclassified buildings", True),
    ),
    display=(),
    void=(),
    groups=(LandClass("building", (1, 2, 3, 4, 5), (90, 150, 230), "buildings", True),),
)

_DEEPGLOBE_ROAD = Legend(
    "deepglobe-road",
    "objects",
    native=(
        LandClass("background", (0,), (32, 32, 32), "background", subject=False),
        LandClass("road", (1,), (255, 255, 255), "roads", True),
    ),
    display=(),
    void=(),
)

LEGENDS = {entry.name: entry for entry in (_WORLDCOVER, _CORINE_19, _XBD_DAMAGE, _DEEPGLOBE_ROAD)}


def class_names() -> list[str]:
    """Every class and group that a text can name, of every legend, in order of the alphabet."""
    return sorted(
        {entry.name for source in LEGENDS.values() for entry in (*source.display, *source.native, *source.groups)}
    )
