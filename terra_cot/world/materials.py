"""A cell of the landscape is made of one material; a material belongs to one land-cover class.

A cell holds a 16-bit surface number. Numbers below `FIRST_PARCEL` are the materials
listed here; above, each parcel of farmland has two numbers of its own (as a field, as
a meadow), so that every parcel can have its own crop, vigour and calendar.
"""

from enum import IntEnum

import numpy as np

from terra_cot.world.noise import U8, U16

TREE, SHRUB, GRASS, CROP, BUILT, BARE, WATER, WETLAND = 10, 20, 30, 40, 50, 60, 80, 90
CLASSES = (TREE, SHRUB, GRASS, CROP, BUILT, BARE, WATER, WETLAND)
"""The ESA WorldCover 2021 codes that occur in the world."""

PARCELS = 32000
FIRST_PARCEL = 64
SURFACES = FIRST_PARCEL + 2 * PARCELS


class Material(IntEnum):
    """What a cell is made of."""

    RIVER = 1
    LAKE = 2
    FLOOD = 3
    REED = 4
    WET_MEADOW = 5
    POOL = 6
    BROADLEAF = 7
    CONIFER = 8
    YOUNG_WOOD = 9
    SHRUB = 10
    HEATH = 11
    UPLAND_GRASS = 12
    QUARRY_FACE = 13
    QUARRY_FLOOR = 14
    ROCK = 15
    GRAVEL = 16
    TRACK = 17
    ROOF_RED = 18
    ROOF_GREY = 19
    ROOF_DARK = 20
    ROOF_BRIGHT = 21
    ASPHALT = 22
    CONCRETE = 23
    LAWN = 24
    GARDEN_TREE = 25
    CUT_SOIL = 26
    CUT_REGROWTH = 27
    HEDGE = 28
    PITCH = 29
    CUT_SLASH = 30


def field_surface(parcel: U16) -> U16:
    """Return the surface number of each parcel under a crop."""
    return (np.uint16(FIRST_PARCEL) + parcel * np.uint16(2)).astype(np.uint16)


def meadow_surface(parcel: U16) -> U16:
    """Return the surface number of each parcel under grass."""
    return (np.uint16(FIRST_PARCEL + 1) + parcel * np.uint16(2)).astype(np.uint16)


def canopy_heights() -> U8:
    """Return the height above ground of each surface number, in metres (uint8)."""
    heights = np.zeros(SURFACES, np.uint8)
    tall = {
        Material.BROADLEAF: 19,
        Material.CONIFER: 24,
        Material.YOUNG_WOOD: 7,
        Material.SHRUB: 2,
        Material.REED: 2,
        Material.ROOF_RED: 8,
        Material.ROOF_GREY: 11,
        Material.ROOF_DARK: 9,
        Material.ROOF_BRIGHT: 10,
        Material.GARDEN_TREE: 9,
        Material.HEDGE: 8,
    }
    for material, height in tall.items():
        heights[material] = height
    return heights
