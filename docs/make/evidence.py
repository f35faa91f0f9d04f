"""A page of every fact that a sample may state and the rule that it is measured by: the words of the module itself."""

from __future__ import annotations

PAGE = "formats/evidence.md"
_HEAD = """# Facts and their rules

Every number of a chain is a row of the sample's `evidence`, measured on the masks that the row names;
`terra-cot verify` measures it again. "Isolated pixels left out" in a chain is the 3 x 3 opening below.
"""


def pages() -> dict[str, str]:
    """Path below docs/ -> Markdown."""
    import terra_cot.evidence

    _, told = (terra_cot.evidence.__doc__ or "").split("\n", 1)
    return {PAGE: f"{_HEAD}\n{told}"}
