"""The explanation as one page: images under masks that come and go, the chain, areas, files; nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup
from PIL import Image

from terra_cot.picture import RIM, outline
from terra_cot.sample import SEG
from terra_cot.visible import visible
from terrascope_bench.explain.chain import in_lines
from terrascope_bench.explain.marked import Marked, base_of
from terrascope_bench.explain.remarks import caveat, remarks
from terrascope_bench.explain.views import View
from terrascope_bench.question import LETTERS

_RIM_PX = 800
"""About as wide as the picture stands on a screen: an outline is two of these pixels inside and two outside."""


def page(
    note: Mapping[str, Any],
    views: Sequence[View],
    marked: Sequence[Marked],
    roads: Sequence[Sequence[tuple[float, float]]],
) -> str:
    """HTML of an explanation.

    Args:
        note: what answer.json holds.
        roads: lines under water, as places (x, y) from 0 to 1 of the picture's width and height.
    """
    folder = files(__package__).joinpath("page")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plain"] = lambda text: visible(str(text))
    style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("explain.css", "explain.js"))
    height, width = views[0].valid.shape
    return environment.from_string(folder.joinpath("index.html.j2").read_text(encoding="utf-8")).render(
        note=note,
        answer=spelt(note["answer"] or "", note["options"] or ()),
        caveat=caveat(note),
        remarks=remarks(note),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        width=width,
        height=height,
        images=[_image(view, note) for view in views],
        masks=[_mask(entry, views, number) for number, entry in enumerate(marked, start=1)],
        pieces=pieces(note["chain"], len(note["steps"])),
        roads=[" ".join(f"{x * width:.2f},{y * height:.2f}" for x, y in line) for line in roads],
    )


def spelt(answer: str, options: Sequence[str]) -> str:
    """An answer that is the letter of an option, with the option's text."""
    number = LETTERS.find(answer) if len(answer) == 1 else -1
    return f"{answer}. {options[number]}" if 0 <= number < len(options) else answer


def pieces(chain: str, steps: int) -> list[dict[str, Any]]:
    """A chain as text and marks: {"text"} and {"step"}, a mark for each [SEG] that has a mask."""
    out: list[dict[str, Any]] = []
    for number, part in enumerate(in_lines(chain).split(SEG)):
        if number:
            out.append({"step": number} if number <= steps else {"text": SEG})
        if part:
            out.append({"text": visible(part, lines=True)})
    return out


def _hash(text: str) -> str:
    """What a content security policy lets run: this text alone."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _image(view: View, note: Mapping[str, Any]) -> dict[str, Any]:
    told = next(
        entry for entry in note["scene"]["images"] if (entry["frame"], entry["modality"]) == (view.frame, view.modality)
    )
    day = f", {told['datetime'][:10]}" if told["datetime"] else ""
    return {
        "id": f"{view.frame}-{view.modality}",
        "date": view.frame,
        "title": f"{view.frame} {'SAR' if view.modality == 'sar' else view.modality}{day}",
        "source": _embedded(Image.fromarray(view.pixels), "JPEG" if min(view.valid.shape) > 400 else "PNG"),
    }


def _mask(entry: Marked, views: Sequence[View], number: int) -> dict[str, Any]:
    alpha = np.rint(entry.share * 255).astype(np.uint8)
    layer = np.empty((*alpha.shape, 4), np.uint8)
    layer[..., :3], layer[..., 3] = entry.color, alpha
    base = base_of(views, entry.date)
    return {
        "number": number,
        "stem": entry.stem,
        "title": entry.title,
        "area": entry.area,
        "date": entry.date,
        "base": f"{base.frame}-{base.modality}",
        "color": "#{:02x}{:02x}{:02x}".format(*entry.color),
        "source": _embedded(Image.fromarray(layer), "PNG"),
        "rim": _rim(entry),
        "empty": not entry.share.any(),
    }


def _rim(entry: Marked) -> str:
    """The outline of a mask as in `overlay.png`, as wide where the pixels of the scene are large."""
    times = max(1, round(_RIM_PX / max(entry.share.shape)))
    region = np.kron(entry.share > 0.5, np.ones((times, times), np.bool_))
    inside, outside = outline(region, max(1, round(max(region.shape) / _RIM_PX * 2)))
    codes = np.zeros(region.shape, np.uint8)
    codes[outside], codes[inside] = 1, 2
    image = Image.fromarray(codes, "P")
    image.putpalette((0, 0, 0, 0, 0, 0, *entry.color))
    data = BytesIO()
    image.save(data, "PNG", optimize=True, transparency=bytes((0, round(255 * (1 - RIM)), 255)))
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _embedded(image: Image.Image, kind: str) -> str:
    data = BytesIO()
    image.save(data, kind, **({"quality": 88} if kind == "JPEG" else {"optimize": True}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"
