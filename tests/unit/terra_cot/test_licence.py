"""A licence that the Hub lists is named as it does; another is `other` with a name, and a link where one is stated."""

from __future__ import annotations

import re

import pytest
import yaml
from huggingface_hub import DatasetCard

from terra_cot.store.licence import hub_licence

CASES = {
    ("CC0-1.0",): {"license": ["cc0-1.0"]},
    ("CC0-1.0", "CC-BY-4.0", "CC0-1.0"): {"license": ["cc-by-4.0", "cc0-1.0"]},
    (): {"license": ["unknown"]},
    ("not stated", "CC-BY-4.0"): {"license": ["cc-by-4.0", "unknown"]},
    ("DeepGlobe terms of use",): {"license": "other", "license_name": "deepglobe-terms-of-use"},
    ("DeepGlobe terms of use", "CC-BY-NC-SA-4.0"): {
        "license": "other",
        "license_name": "cc-by-nc-sa-4.0-and-deepglobe-terms-of-use",
    },
    ("Our terms, see https://example.org/terms.html.",): {
        "license": "other",
        "license_name": "our-terms-see",
        "license_link": "https://example.org/terms.html",
    },
    ("A http://a.example", "B http://b.example"): {"license": "other", "license_name": "a-and-b"},
    ("許可",): {"license": "other", "license_name": "named-in-this-card"},
    tuple(f"Terms number {n} of a long list" for n in range(9)): {
        "license": "other",
        "license_name": "several-named-in-this-card",
    },
}


@pytest.mark.parametrize("names", CASES, ids=lambda names: str(names)[:40])
def test_the_front_matter(names: tuple[str, ...]) -> None:
    assert hub_licence(names) == CASES[names]


@pytest.mark.parametrize("bad", ["x\n---\nlicense: mit", "{name} %s", "license: 'mit'", "# [x](y)", "\u202e\x00"])
def test_a_hostile_name_stays_one_name(bad: str) -> None:
    found = hub_licence([bad])
    assert found["license"] == "other"
    assert re.fullmatch(r"[a-z0-9.-]+", found["license_name"])
    assert DatasetCard(f"---\n{yaml.safe_dump(found)}---\n").data.to_dict() == found
