"""What a class is to people, by its name: what the rules of semantic questions group by."""

from __future__ import annotations

from typing import Literal

Role = Literal["built", "cultivated", "water", "wild"]

# CORINE level 1 draws the same lines: 1 artificial surfaces, 2 agricultural areas, 3 forest and semi-natural areas,
# 4 wetlands and 5 water bodies.
_ROLES: dict[str, Role] = {
    **dict.fromkeys(("developed area", "built-up", "urban fabric", "industrial or commercial units"), "built"),
    **dict.fromkeys(
        (
            "crop",
            "cropland",
            "arable land",
            "permanent crops",
            "pastures",
            "complex cultivation patterns",
            "agriculture with natural vegetation",
            "agro-forestry areas",
        ),
        "cultivated",
    ),
    **dict.fromkeys(
        (
            "water",
            "permanent water",
            "inland waters",
            "marine waters",
            "wetland",
            "herbaceous wetland",
            "inland wetlands",
            "coastal wetlands",
        ),
        "water",
    ),
}


def role(name: str) -> Role:
    """The role of the class `name`; what is neither built, cultivated nor wet is wild."""
    return _ROLES.get(name, "wild")
