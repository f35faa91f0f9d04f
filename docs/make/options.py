"""A page of what a recipe may say below `source`, made from the models that read it when the site is built."""

from __future__ import annotations

import formats

PAGE = "formats/source-options.md"
_HEAD = """# Options of a source

What stands below `source` in a recipe, beside `kind` and `root`; `--set source.KEY=VALUE` changes one, and
`terra-cot scan KIND ROOT` takes the same. An unknown key is refused. A field with \\* must be there. Where to get each
archive, and how it must lie on disk: [sources](../sources.md).

In a pattern `{scene}` stands for part of a path without `/`, `{date}` for a day (`20230412` or `2023-04-12`, with a
time of day if it has one), `*` for any part of a name and `**/` for any folders. Files with the same `{scene}` are one
scene; those of them with the same `{date}` are one date of it.
"""


def pages() -> dict[str, str]:
    """Path below docs/ -> Markdown."""
    from terra_cot.sources import SOURCES, source

    parts = [_HEAD]
    for kind in SOURCES:
        told = source(kind)
        schema = told.options.model_json_schema(ref_template=f"#/$defs/{kind}-{{model}}")
        schema["$defs"] = {f"{kind}-{name}": body for name, body in schema.get("$defs", {}).items()}
        parts.append(f"## {kind}\n\n{told.title}. {schema.get('description', '')}\n\n{formats.tables(schema, '###')}")
    return {PAGE: "\n".join(parts)}
