"""A pair is one neighbourhood before and after, with one label for both."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from terra_cot.errors import ConfigError
from terra_cot.world.config import WorldConfig, generator
from terra_cot.world.disaster.damage import TYPES, DisasterType, Subtype, strike
from terra_cot.world.disaster.layout import make_layout
from terra_cot.world.disaster.render import Light, Soil, render
from terra_cot.world.disaster.xbd import label
from terra_cot.world.noise import U8

_NAMES: dict[DisasterType, str] = {
    "wind": "alder-tornado",
    "flooding": "brook-flooding",
    "fire": "cedar-wildfire",
    "earthquake": "dale-earthquake",
}


@dataclass(frozen=True, slots=True)
class WorldPair:
    """One disaster pair.

    Attributes:
        name: Stem shared by its files, for example "alder-tornado_00000000".
        split: "train" or "test".
        disaster_type: xBD disaster type.
        pre: HWC uint8 RGB before.
        post: HWC uint8 RGB after.
        pre_label: xBD label of `pre`.
        post_label: xBD label of `post`.
        subtypes: Damage level of each building, in the order of the labels.
    """

    name: str
    split: str
    disaster_type: DisasterType
    pre: U8
    post: U8
    pre_label: dict[str, Any]
    post_label: dict[str, Any]
    subtypes: tuple[Subtype, ...]


def make_pair(config: WorldConfig, index: int) -> WorldPair:
    """Return disaster pair `index`; of the config only `seed` and `pair_size_px` matter.

    Raises:
        ConfigError: The index is negative.
    """
    if index < 0:
        raise ConfigError(f"world: pair index must be 0 or more, got {index}")
    cv2.setNumThreads(1)

    def rng(purpose: str) -> np.random.Generator:
        return generator(config.seed, "pair", index, purpose)

    layout = make_layout(rng("layout"), config.pair_size_px)
    disaster = strike(rng("disaster"), layout, index)
    before, after = Light(rng("light/pre")), Light(rng("light/post"))
    soil = Soil(rng("ground"), layout)
    pre = render(soil, rng("pre"), layout, before, None)
    post = render(soil, rng("post"), layout, after, disaster)
    name = _NAMES[TYPES[index % len(TYPES)]]
    stem = f"{name}_{index:08d}"
    day = 1 + index % 28
    return WorldPair(
        name=stem,
        split="test" if index % 3 == 2 else "train",
        disaster_type=disaster.kind,
        pre=pre,
        post=post,
        pre_label=label(
            layout, disaster, name, f"{stem}_pre_disaster.png", index, f"2023-05-{day:02d}T10:30:00.000Z", False
        ),
        post_label=label(
            layout, disaster, name, f"{stem}_post_disaster.png", index, f"2023-06-{day:02d}T10:30:00.000Z", True
        ),
        subtypes=disaster.subtypes,
    )
