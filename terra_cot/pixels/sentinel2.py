"""What the metadata of a Sentinel-2 product (MTD_MSIL1C.xml, MTD_MSIL2A.xml) say about its digital numbers.

reflectance = (DN + offset of the band) / quantification value, and a special value without data (Sentinel-2 products
specification, PSD 14.9 on). Offsets came with processing baseline 04.00: before it there are none, from it on a product
that names none is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from terra_cot.errors import DataError
from terra_cot.scene import Scale

REFLECTANCE = 10_000
"""Imagery is kept in reflectance times this."""

_OFFSET_SINCE = 4.0
_LEVELS = {
    "Level-1C_User_Product": ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET"),
    "Level-2A_User_Product": ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET"),
}


@dataclass(frozen=True, slots=True)
class Product:
    """The value that means no data, and by band (B01, ..., B8A, ...) what makes reflectance x 10000 of a number."""

    nodata: float
    scales: dict[str, Scale]

    def scale(self, band: str) -> Scale:
        if band not in self.scales:
            raise DataError(
                "a band that the metadata do not describe",
                got=band,
                expected=", ".join(self.scales),
                fix="name the bands as Sentinel-2 does",
                reason="bad_metadata",
            )
        return self.scales[band]


def read_product(path: Path) -> Product:
    """The product metadata of an L1C or L2A SAFE.

    Raises:
        DataError: no such file, another file, or one without what its baseline must have.
    """
    root = root_of(path)
    level = _local(root)
    if level not in _LEVELS:
        raise DataError(
            "no metadata of a Sentinel-2 product", file=path, got=level, expected=list(_LEVELS), reason="bad_metadata"
        )
    quantification, offset = _LEVELS[level]
    quantum = number(path, root, quantification)
    if quantum <= 0:
        raise DataError("no scale", file=path, field=quantification, got=quantum, reason="bad_metadata")
    special = {
        (held.findtext("{*}SPECIAL_VALUE_TEXT") or "").strip(): held for held in root.iterfind(".//{*}Special_Values")
    }
    if "NODATA" not in special:
        raise DataError("no value for no data", file=path, field="Special_Values", reason="bad_metadata")
    names = {
        held.get("bandId"): _band(held.get("physicalBand", "")) for held in root.iterfind(".//{*}Spectral_Information")
    }
    if not names:
        raise DataError("no bands", file=path, field="Spectral_Information", reason="bad_metadata")
    offsets = {held.get("band_id"): held for held in root.iterfind(f".//{{*}}{offset}")}
    baseline = number(path, root, "PROCESSING_BASELINE")
    if (offsets or baseline >= _OFFSET_SINCE) and not names.keys() <= offsets.keys():
        raise DataError(
            "bands without an offset",
            file=path,
            field=offset,
            got=f"{len(offsets)} offsets, baseline {baseline:05.2f}",
            expected=f"{len(names)}",
            reason="bad_metadata",
        )
    unit = REFLECTANCE / quantum
    scales = {
        name: Scale(unit, _value(path, offset, offsets[key].text) * unit if offsets else 0.0)
        for key, name in names.items()
    }
    return Product(number(path, special["NODATA"], "SPECIAL_VALUE_INDEX"), scales)


def root_of(path: Path) -> ElementTree.Element:
    """The root of an XML file."""
    try:
        return ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise DataError("no such file", file=path, reason="missing_file") from None
    except (OSError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"unreadable ({error})", file=path, reason="bad_metadata") from None


def number(path: Path, root: ElementTree.Element, field: str) -> float:
    """The number in the one element of this name."""
    texts = {held.text for held in root.iterfind(f".//{{*}}{field}")}
    if len(texts) != 1:
        raise DataError("not there, or not once", file=path, field=field, got=len(texts), reason="bad_metadata")
    return _value(path, field, texts.pop())


def _value(path: Path, field: str, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise DataError("not a number", file=path, field=field, got=text, reason="bad_metadata") from None


def _band(physical: str) -> str:
    """B1 is called B01 in names of files."""
    return f"B0{physical[1:]}" if len(physical) == 2 else physical


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
