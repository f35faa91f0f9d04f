"""Which sensor shows what is measured, never decoration: a sentence stands only on a fact of the image it speaks of.

Choosing facts (`with_sensors`): where a sample shows a SAR image beside an optical one with more than 20 % cloud, the
chain says how much is hidden and takes its readings from the radar alone. Else each modality shown gives one quantity:
of two drawn among those that its bands allow, the one in which the regions differ more (one region: from the rest).

Readings, by the value as written:
- NDVI: from 0.60 dense green vegetation, from 0.20 moderate, below little or none (USGS, NDVI as a foundation for
  remote sensing phenology, with its gap from 0.5 to 0.6 counted as moderate).
- NDWI: above zero is the water side (McFeeters 1996). NBR: its sign says which of the two bands is the brighter.
- VV: to -15.0 dB dark, from -8.0 dB bright; VH: to -22.0 and from -15.0. Ranges of Sentinel-1 over land: calm water
  lies below, towns and forest above.
- A region stands out from the rest of the image by a contrast of 0.20 of an index, or 3.0 dB (twice the power).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Text
from terra_cot.chains.words import listing, phrase, sentences, words
from terra_cot.draw import shuffled
from terra_cot.evidence import FACTS, evidence
from terra_cot.filters import CLOUD_MAX_OPTICAL
from terra_cot.pixels.images import TileImages
from terra_cot.pixels.spectral import INDICES, MODALITY, POLARISATIONS, band_names, formula
from terra_cot.sample import Evidence, ShownFrame
from terra_cot.tile import FrameRecord, Modality

APART = {"index": 0.20, "dB": 3.0}
MOST_REGIONS = 3

_CLOUDED = (
    "Cloud or its shadow hides {cloud} of the optical image, so I rely on the radar image, which sees through it.",
    "With {cloud} of the optical image under cloud or its shadow, the radar image is the safer one to read.",
    "Part of the optical image is hidden: {cloud} of it lies under cloud or its shadow. I turn to the radar image.",
    "I read the radar image here, because cloud or its shadow covers {cloud} of the optical one.",
    "Radar passes through cloud, and cloud or its shadow covers {cloud} of the optical image: I go by the radar.",
)
_ONE_INDEX = (
    "In the optical image {its} mean {name}, {formula}, is {value}: {reading}.",
    "Measured on the optical image, {name} = {formula} averages {value} there: {reading}.",
    "The optical bands give a mean {name}, {formula}, of {value} over {the}: {reading}.",
    "Over {the} the mean of {name} = {formula} is {value}: {reading}.",
    "From the optical image I take {name}, {formula}, with a mean of {value} over {the}: {reading}.",
)
_ONE_RADAR = (
    "In the radar image {its} mean {name} is {value}: {reading}.",
    "The radar image shows {the} {level}: mean {name} {value}.",
    "Measured on the radar image, {name} averages {value} there: {reading}.",
    "Over {the} the radar image has a mean {name} of {value}: {reading}.",
    "From the radar image I take {name}, with a mean of {value} over {the}: {reading}.",
)
_APART = (
    "That is {contrast} the mean of the rest, so {sensor} sets {them} apart.",
    "The rest of the image differs: this is {contrast} its mean, so {sensor} sets {them} apart.",
    "Compared with the rest of the image, that is {contrast} the mean, and {the} {stand} out in {sensor}.",
    "This is {contrast} the mean of all other pixels: {the} {stand} out in {sensor}.",
    "Set against the other pixels, that is {contrast} the mean, which makes {the} easy to tell in {sensor}.",
)
_ALIKE = (
    "That is {contrast} the mean of the rest, too near for {sensor} to set {them} apart.",
    "The rest of the image is much the same: this is {contrast} its mean, so {sensor} alone would not do.",
    "Compared with the rest of the image, that is {contrast} the mean, and {the} hardly {stand} out in {sensor}.",
    "This is {contrast} the mean of all other pixels: {sensor} alone would hardly single {them} out.",
    "Set against the other pixels, that is {contrast} the mean, too small a gap to go by {sensor} alone.",
)
_BOTH = {
    (True, True): (
        "Both sensors set {them} apart.",
        "Optical and radar agree in setting {them} apart.",
        "So {the} {stand} out in either image.",
        "Either sensor would do to tell {them} from the rest.",
        "The two sensors agree that {the} {differ} from the rest.",
    ),
    (True, False): (
        "It is the optical image that sets {them} apart, not the radar.",
        "The optical image tells {them} from the rest; the radar does not.",
        "So it is by the optical image that {the} can be told from the rest, and not by the radar.",
        "Here the optical image is the one to go by.",
        "Of the two sensors, the optical one separates {them} from the rest.",
    ),
    (False, True): (
        "It is the radar image that sets {them} apart, not the optical one.",
        "The radar tells {them} from the rest; this index does not.",
        "So it is by the radar image that {the} can be told from the rest, and not by this index.",
        "Here the radar image is the one to go by.",
        "Of the two sensors, the radar separates {them} from the rest.",
    ),
    (False, False): (
        "Neither of these readings alone sets {them} apart.",
        "By neither of the two would {the} stand out from the rest.",
        "Each of these readings is close to that of the rest.",
        "Neither reading would do by itself to tell {them} from the rest.",
        "On these readings alone neither sensor separates {them} from the rest.",
    ),
}
_SEVERAL = (
    "In {sensor} the mean {name} is {values}.",
    "{Sensor} gives a mean {name} of {values}.",
    "Measured on {sensor}, {name} averages {values}.",
    "The mean {name}, taken from {sensor}, is {values}.",
    "By {sensor}, {name} has a mean of {values}.",
)
_TOLD = (
    "That is far enough apart for {sensor} to tell the two from each other.",
    "So {sensor} keeps the two apart.",
    "The two differ clearly in {sensor}.",
    "With such a gap, {sensor} separates them.",
    "The gap is wide enough to separate them in {sensor}.",
)
_UNTOLD = (
    "That is too close for {sensor} alone to tell the two from each other.",
    "So {sensor} alone would hardly keep the two apart.",
    "The two look much alike in {sensor} by this measure.",
    "With so small a gap, {sensor} alone does not separate them.",
    "The gap is too narrow to separate them by {sensor} alone.",
)
_SENSOR: dict[Modality, str] = {"optical": "the optical image", "sar": "the radar image"}
_NAME = {"ndvi": "NDVI", "ndwi": "NDWI", "nbr": "NBR", "backscatter_vv": "VV", "backscatter_vh": "VH"}
_LEVELS = {"backscatter_vv": (-15.0, -8.0), "backscatter_vh": (-22.0, -15.0)}


def leans_on_sar(records: Sequence[FrameRecord]) -> bool:
    """Whether of the images shown an optical one is too cloudy to go by, beside a SAR one."""
    cloud = [record.cloud_fraction for record in records if record.modality == "optical"]
    sar = any(record.modality == "sar" for record in records)
    return sar and any(share is not None and share > CLOUD_MAX_OPTICAL for share in cloud)


def with_sensors(
    draft: Draft,
    masks: Sequence[NDArray[np.bool_]],
    shown: Sequence[ShownFrame],
    images: TileImages,
    measured: bool,
    seed: int,
) -> Draft:
    """A draft of one date with what the images shown say of its regions (`masks`, bool HW, in the order of targets).

    `measured` False reads no raster: only the cloud over the optical image is told then.
    """
    frame = draft.targets[0].frame
    modalities = {entry.modality for entry in shown}
    records = [record for record in images.tile.shown(frame) if record.modality in modalities]
    rows: list[Evidence] = []
    lean = leans_on_sar(records)
    if lean:
        rows.append(evidence("cloud", (), 100.0 * (images.cloud_fraction(frame) or 0.0)))
    regions = [number for number, mask in enumerate(masks) if mask.any()][:MOST_REGIONS]
    if measured and len(regions) == min(len(masks), MOST_REGIONS):
        for record in records:
            if record.modality == "sar" or not lean:
                rows += _measured(masks, regions, record, images, seed)
    return replace(draft, evidence=(*draft.evidence, *rows)) if rows else draft


def _measured(
    masks: Sequence[NDArray[np.bool_]], regions: list[int], record: FrameRecord, images: TileImages, seed: int
) -> list[Evidence]:
    """Of two quantities drawn, the more telling one on all the regions; nothing where none has a value on all."""
    image = images.image(record.frame, record.modality)
    kinds = INDICES if record.modality == "optical" else POLARISATIONS
    drawn = shuffled([name for name in kinds if band_names(name, record.bands)], seed, "quantity")[:2]
    best: list[Evidence] = []
    most = -1.0
    for quantity in drawn if image else ():
        assert image is not None
        found = [image.mean(quantity, masks[number]) for number in regions]
        values = [value for value in found if value is not None]
        if len(values) < len(regions):
            continue
        rows = [evidence(quantity, (number,), value) for number, value in zip(regions, values, strict=True)]
        gap = max(values) - min(values)
        if len(masks) == 1:
            contrast = image.contrast(quantity, masks[0])
            if contrast is not None:
                gap = contrast
                rows.append(evidence(f"{quantity}_contrast", (0,), contrast))
        telling = abs(gap) / APART[FACTS[quantity].unit]
        if telling > most:
            best, most = rows, telling
    return best


def opening(draft: Draft, context: Context, seed: int) -> str:
    """Why the chain goes by the radar, where it does; else nothing."""
    for item in draft.evidence:
        if item.fact == "cloud":
            return phrase(_CLOUDED, seed, "cloud", cloud=numbers.percent(item.value))
    return ""


def under_cloud(write: Callable[[Draft, Context, int], Text]) -> Callable[[Draft, Context, int], Text]:
    """A writer whose chain says first that it goes by the radar, where the draft does."""

    def told(draft: Draft, context: Context, seed: int) -> Text:
        text, lead = write(draft, context, seed), opening(draft, context, seed)
        return replace(text, chain=f"{lead} {text.chain}") if lead else text

    return told


def readings(draft: Draft, context: Context, seed: int) -> str:
    """What the images say of the draft's regions, as far as its evidence goes; nothing without any."""
    rows = [item for item in draft.evidence if item.fact in MODALITY]
    parts, apart = [], {}
    for quantity in dict.fromkeys(item.fact for item in rows):
        found = [item for item in rows if item.fact == quantity]
        if len(draft.targets) > 1:
            parts.append(_several(draft, context, quantity, found, seed))
            continue
        parts.append(_one(draft, context, quantity, found[0].value, seed))
        contrast = [item.value for item in draft.evidence if item.fact == f"{quantity}_contrast"]
        if contrast:
            apart[MODALITY[quantity]] = _stands_out(quantity, contrast[0])
            parts.append(_contrast(draft, context, quantity, contrast[0], seed))
    if len(apart) == 2:
        fields = _agreement(draft, context)
        parts.append(phrase(_BOTH[apart["optical"], apart["sar"]], seed, "both", **fields))
    return sentences(*parts)


def _one(draft: Draft, context: Context, quantity: str, value: float, seed: int) -> str:
    fields = _agreement(draft, context) | {"name": _NAME[quantity], "value": numbers.WRITTEN[quantity](value)}
    if quantity in POLARISATIONS:
        level = _level(quantity, value)
        like = {"dark": "as of a smooth surface", "bright": "as of a rough or built surface"}.get(level, "")
        reading = f"{level}, {like}" if like else "neither dark nor bright"
        return phrase(_ONE_RADAR, seed, quantity, level=level, reading=reading, **fields)
    named = formula(quantity, context.bands(draft.targets[0].frame, "optical"))
    return phrase(_ONE_INDEX, seed, quantity, formula=named, reading=_reading(quantity, value), **fields)


def _contrast(draft: Draft, context: Context, quantity: str, value: float, seed: int) -> str:
    size = numbers.WRITTEN[f"{quantity}_contrast"](value)
    rounded = _rounded(quantity, value)
    side = f"{size} above" if rounded > 0 else f"{size} below" if rounded < 0 else "level with"
    templates = _APART if _stands_out(quantity, value) else _ALIKE
    fields = _agreement(draft, context)
    return phrase(templates, seed, f"{quantity} rest", contrast=side, sensor=_SENSOR[MODALITY[quantity]], **fields)


def _several(draft: Draft, context: Context, quantity: str, found: list[Evidence], seed: int) -> str:
    values = [
        f"{numbers.WRITTEN[quantity](item.value)} over {words(context.subject(draft.targets[item.masks[0]])).the}"
        for item in found
    ]
    sensor, name = _SENSOR[MODALITY[quantity]], _NAME[quantity]
    if quantity in INDICES:
        name = f"{name} = {formula(quantity, context.bands(draft.targets[0].frame, 'optical'))}"
    text = phrase(
        _SEVERAL, seed, quantity, sensor=sensor, Sensor=sensor.capitalize(), name=name, values=listing(values)
    )
    if len(draft.targets) != 2 or len(found) != 2:
        return text
    gap = _rounded(quantity, found[0].value) - _rounded(quantity, found[1].value)
    told = _TOLD if _stands_out(quantity, gap) else _UNTOLD
    return sentences(text, phrase(told, seed, f"{quantity} gap", sensor=sensor))


def _agreement(draft: Draft, context: Context) -> dict[str, str]:
    noun = words(context.subject(draft.targets[0]))
    forms = {verb: f"{verb}{noun.s}" for verb in ("stand", "differ")}
    return {"the": noun.the, "its": noun.its, "them": noun.them, **forms}


def _reading(quantity: str, value: float) -> str:
    shown = _rounded(quantity, value)
    if quantity == "ndvi":
        if shown >= 0.6:
            return "dense green vegetation"
        return "moderate green vegetation" if shown >= 0.2 else "little or no green vegetation"
    if quantity == "ndwi":
        return (
            "above zero, the water side of that index" if shown > 0 else "not above zero, the land side of that index"
        )
    if shown == 0:
        return "on balance, the near infrared is as bright as the shortwave infrared"
    brighter = "brighter" if shown > 0 else "darker"
    return f"on balance, the near infrared is {brighter} than the shortwave infrared"


def _level(quantity: str, value: float) -> str:
    dark, bright = _LEVELS[quantity]
    shown = _rounded(quantity, value)
    return "dark" if shown <= dark else "bright" if shown >= bright else "neither dark nor bright"


def _stands_out(quantity: str, contrast: float) -> bool:
    return abs(_rounded(quantity, contrast)) >= APART[FACTS[quantity].unit]


def _rounded(quantity: str, value: float) -> float:
    """The value as the text writes it: a reading never contradicts the number beside it."""
    return round(value, 2 if quantity in INDICES else 1)
