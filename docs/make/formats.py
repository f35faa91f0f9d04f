"""A page a schema, made when the site is built: every field of every file that crosses the border.

A field's path reads as in jq: `masks[].size`; `{}` stands for any key. An object that the schema names (`$defs`) has a
table of its own, told once however often it is used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2] / "schemas"
FOLDER = "formats"
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "fits `{}`",
    "contentMediaType": "{}, base64 in JSON",
}
_SAME = {"at least 1 characters": "not empty", "at least 1 items": "not empty"}
_REQUIRED = " \\*"
_HEAD = "| field | is | about |\n|---|---|---|\n"

Node = dict[str, Any]


def schemas() -> dict[str, Node]:
    """Name -> schema, in order of name."""
    files = sorted(ROOT.glob("*.schema.json"))
    return {path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8")) for path in files}


def pages() -> dict[str, str]:
    """Path below docs/ -> Markdown: one page a schema, and the list of them."""
    found = schemas()
    rows = "".join(
        f"| [{schema['title']}]({name}.md) | {_cell(schema['description'].split(chr(10) + chr(10))[0])} |\n"
        for name, schema in found.items()
    )
    head = (
        "# Formats\n\nJSON Schemas (draft 2020-12) of every JSON and JSONL that crosses the border, and of the rows\n"
        "of the Parquet files. They are in `schemas/` of the repository and in the wheel (`terra_cot/schemas`); these\n"
        "pages are generated from them. A change of a format is a new `format_version`.\n\n"
        "| format | is |\n|---|---|\n"
    )
    made = {f"{FOLDER}/{name}.md": page(name, schema) for name, schema in found.items()}
    return {f"{FOLDER}/index.md": head + rows, **made}


def page(name: str, schema: Node) -> str:
    """The fields of one schema as tables: its own, then those of the objects that it names."""
    version = f", version {schema['version']}" if "version" in schema else ""
    extra = "" if schema.get("additionalProperties", True) else " No other fields."
    return (
        f"# {schema['title']}\n\n{schema['description']}\n\nSchema `schemas/{name}.schema.json`{version}. A field with"
        f"{_REQUIRED} must be there.{extra}\n\n{tables(schema, '##')}"
    )


def tables(schema: Node, heading: str) -> str:
    """The table of a schema's own fields, then one below a `heading` for each object that it names."""
    table = _Table(schema)
    table.add(schema, "")
    parts = [f"{_HEAD}{''.join(table.rows)}"]
    for key in table.named:  # grows while it is read: a named object may name others
        below = _Table(schema, named=table.named)
        below.add(schema["$defs"][key], "")
        said = schema["$defs"][key].get("description", "")
        parts.append(f"{heading} {key}\n\n{said}\n\n{_HEAD}{''.join(below.rows)}")
    return "\n".join(parts)


@dataclass
class _Table:
    """Rows of one table, and the objects named on the way, in order."""

    root: Node
    rows: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    def add(self, node: Node, path: str) -> None:
        """Rows for what lies below a node that is shown at `path`."""
        for part in [*node.get("allOf", []), *node.get("anyOf", []), *node.get("oneOf", [])]:
            if "$ref" not in part or self._name(part) is None:
                self.add(self._followed(part), path)
        required = set(node.get("required", ()))
        for name, child in node.get("properties", {}).items():
            if isinstance(child, dict):
                self._field(child, f"{path}.{name}" if path else name, name in required)
        others = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
        for child in others:
            if isinstance(child, dict) and child:
                self._field(child, f"{path}.{{}}" if path else "{}", False)
        items = node.get("items")
        if isinstance(items, dict) and self._name(items) is None:
            self.add(self._followed(items), f"{path}[]")

    def _field(self, child: Node, path: str, required: bool) -> None:
        whole = self._followed(child)
        kind = self._kind(child) + (_REQUIRED if required else "")
        self.rows.append(f"| `{path}` | {kind} | {_cell(_told(whole))} |\n")
        if self._name(child) is None:
            self.add(whole, path)

    def _name(self, node: Node) -> str | None:
        """Name of the object that a node refers to, if it has fields of its own."""
        name = node.get("$ref", "").removeprefix("#/$defs/")
        target = self.root.get("$defs", {}).get(name, {})
        choices = [target, *target.get("anyOf", []), *target.get("oneOf", [])]
        if not any("properties" in choice for choice in choices):
            return None
        if name not in self.named:
            self.named.append(name)
        return str(name)

    def _followed(self, node: Node) -> Node:
        while "$ref" in node:
            target = self.root["$defs"][node["$ref"].removeprefix("#/$defs/")]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def _kind(self, node: Node) -> str:
        """Type of a node in words."""
        if name := self._name(node):
            return f"[{name}](#{name.lower()})"
        node = self._followed(node)
        if "const" in node:
            return f"`{json.dumps(node['const'])}`"
        if "enum" in node:
            return " or ".join(f"`{json.dumps(value)}`" for value in node["enum"])
        for key in ("anyOf", "oneOf"):
            if key in node:
                return " or ".join(dict.fromkeys(map(self._kind, node[key])))
        given = node.get("type", "object" if "properties" in node else "any")
        kinds = [given] if isinstance(given, str) else list(given)
        if "array" in kinds:
            inner = self._kind(node["items"]) if isinstance(node.get("items"), dict) else "any"
            kinds[kinds.index("array")] = "list" if inner == "any" else f"list of {inner}"
        return " or ".join(kinds)


def _told(node: Node) -> str:
    """Description, bounds and default of a node."""
    bounds = [text.format(node[key]) for key, text in _BOUNDS.items() if key in node]
    bounds = [_SAME.get(bound, bound) for bound in bounds]
    if "minItems" in node and node["minItems"] == node.get("maxItems"):
        bounds = [f"{node['minItems']} items", *(bound for bound in bounds if not bound.endswith(" items"))]
    if "default" in node and not isinstance(node["default"], dict):
        bounds.append(f"default `{json.dumps(node['default'])}`")
    return " ".join(filter(None, [node.get("description", ""), f"({'; '.join(bounds)})" if bounds else ""]))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
