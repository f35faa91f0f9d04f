"""What MkDocs calls while it builds: pages made from code and schemas join the written ones."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def on_config(config: Any) -> Any:
    """Put the page of every schema below `Formats`, and pages that the nav does not name below `Guides`."""
    _, formats, options, evidence = _modules()
    names = [{schema["title"]: f"{formats.FOLDER}/{name}.md"} for name, schema in formats.schemas().items()]
    reference = next(part["Reference"] for part in config.nav if isinstance(part, dict) and "Reference" in part)
    for entry in reference:
        if "Formats" in entry:
            own = [{"Options of a source": options.PAGE}, {"Facts and their rules": evidence.PAGE}]
            entry["Formats"] = [f"{formats.FOLDER}/index.md", *own, *names]
    named = set(_leaves(config.nav))
    guides = next(part["Guides"] for part in config.nav if isinstance(part, dict) and "Guides" in part)
    guides += sorted(path.name for path in Path(config.docs_dir).glob("*.md") if path.name not in named)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    makers = _modules()
    for maker in makers:
        for path, text in maker.pages().items():
            files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Links of a notebook lead to pages as those of Markdown do; the notebook's plugin leaves them as they are."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    return re.sub(r'href="([^":]+)\.md((?:#[^"]*)?)"', r'href="\1.html\2"', html)


def _leaves(node: Any) -> Iterator[str]:
    """Every path of a nav."""
    if isinstance(node, str):
        yield node
    else:
        for below in node.values() if isinstance(node, dict) else node:
            yield from _leaves(below)


def _modules() -> tuple[Any, Any, Any, Any]:
    """The makers beside this file; the checkout's packages are the ones described."""
    for folder in (ROOT, Path(__file__).parent):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    import commands
    import evidence
    import formats
    import options

    return commands, formats, options, evidence
