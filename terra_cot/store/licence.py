"""A card names the licences of its sources as the Hugging Face Hub lists them; what the Hub does not list is `other`.

The Hub's card format (hub-docs, `datasetcard.md`) knows `license` (one identifier of its list, or several), and beside
`other` a `license_name` (an identifier of one's own) and a `license_link` (a file of the repository, or an address).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

SPDX = {"CC0-1.0": "cc0-1.0", "CDLA-Permissive-1.0": "cdla-permissive-1.0", "CC-BY-4.0": "cc-by-4.0"}
SPDX |= {"CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0", "Apache-2.0": "apache-2.0"}
UNSTATED = ("", "unknown", "not stated")

_LONGEST = 96
_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?()\[\]]")


def hub_licence(names: Iterable[str]) -> dict[str, Any]:
    """The entries of a card's front matter that tell the licence of what was made from sources.

    Args:
        names: licences as the sources state them; SPDX names, other words, or one of `UNSTATED`.

    Returns:
        `license` as a list where the Hub lists every name (`unknown` stands for what is not stated). Else `license`
        is `other`, `license_name` names all of them, and `license_link` is there if exactly one address is stated:
        none is guessed.
    """
    stated = sorted(set(names))
    listed = {name: "unknown" if name in UNSTATED else SPDX.get(name) for name in stated}
    if all(listed.values()):
        return {"license": sorted({str(found) for found in listed.values()}) or ["unknown"]}
    words = "-and-".join(dict.fromkeys(listed[name] or _identifier(name) for name in stated))
    links = {link for name in stated for link in _ADDRESS.findall(name)}
    out = {"license": "other", "license_name": words if len(words) <= _LONGEST else "several-named-in-this-card"}
    return out | ({"license_link": links.pop()} if len(links) == 1 else {})


def _identifier(name: str) -> str:
    words = re.sub(r"[^a-z0-9.]+", "-", _ADDRESS.sub("", name).lower()).strip("-.")
    return words or "named-in-this-card"
