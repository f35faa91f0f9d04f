"""The tables of docs/extractors.md are made from code and golden file: `python tests/extractortable.py`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extractors.md"
GOLDEN = ROOT / "tests" / "golden" / "answers.json"


def rendered(page: str) -> str:
    """The page with its two generated tables made anew."""
    from terrascope_bench import answer

    specification = "\n".join(line for line in (answer.__doc__ or "").splitlines() if line.startswith("|"))
    for name, table in (("specification", specification), ("rows", _rows(json.loads(GOLDEN.read_text())))):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, found = pattern.subn(lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}", page)
        assert found == 1, f"no place for {name}"
    return page


def _rows(rows: list[dict[str, Any]]) -> str:
    from terrascope_bench.answer import EXTRACTORS

    lines = ["| case | reply | options | " + " | ".join(EXTRACTORS) + " |", "|---" * (3 + len(EXTRACTORS)) + "|"]
    for row in rows:
        parts = [("", row["response"]), ("`answer` is ", row["answer"])]
        reply = "; ".join(f"{before}{_code(text)}" for before, text in parts if text is not None)
        letters = [row[name] or "-" for name in EXTRACTORS]
        shown = [letter if letter == letters[0] else f"**{letter}**" for letter in letters]
        lines.append(f"| {row['why']} | {reply} | {', '.join(row['options'])} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _code(text: str) -> str:
    """Any text as a code span of a table: signs that cannot be seen spelled out."""
    seen = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    seen = seen.replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", seen)), default=0))
    inner = f" {seen} " if len(fence) > 1 or not seen.strip() else seen
    return f"{fence}{inner}{fence}" if seen else "(empty)"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(rendered(PAGE.read_text()))
