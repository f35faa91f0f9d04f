"""Measured evidence, our extension: what the decoded mask itself measures enters the sequence as text after [SEG].

In the paper's mode the language model writes every number and can invent it. Here the numbers of a mask are counted on
the mask by `terra_cot.facts`, with the rules of the benchmark's tasks, and stand in the chain before the model's own
words go on. It is on by `measured` in the configuration, and such a model says so in its name (`NAME+measured`).

    (9,800 px, 15.0 %, 980,000 m², 3 parts)
    (420 px, 0.6 %, 42,000 m², 1 part; from the last: 240 m, apart, 33.3 % of its parts)

Pixels, areas and distances are told to two digits: a mask is not better than that, and one token says it all.
"""

from __future__ import annotations

import re
from math import sqrt

import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]
_LONG = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d{3,})(?= (?:px|m²|m)\b)")


def measurement(mask: BoolMask, last: BoolMask | None, gsd_m: float | None) -> str:
    """The text of a mask (HW) and of how it lies to the `last` one, where there is one of the same size.

    Without a pixel size there are no metres: distances are in pixels then. Nothing is said of an empty mask's place.
    """
    from terra_cot.facts import adjacent, area_m2, components, distance_px, opened

    pixels, parts = int(np.count_nonzero(mask)), components(mask)
    own = [f"{pixels:,} px", f"{100 * pixels / mask.size:.1f} %"]
    if gsd_m is not None:
        own.append(f"{area_m2(pixels, gsd_m):,.0f} m²")
    own.append(f"{parts} part" if parts == 1 else f"{parts} parts")
    if last is None or last.shape != mask.shape:
        return rounded(f" ({', '.join(own)})")
    beside = []
    # As DM measures: isolated pixels go first, so one stray pixel does not bring two classes together.
    apart = distance_px(opened(last), opened(mask))
    if apart is not None:
        beside.append(f"{apart * gsd_m:,.0f} m" if gsd_m is not None else f"{apart:,.0f} px")
    if pixels and last.any():
        beside.append("touching" if adjacent(last, mask) else "apart")
    before = components(last)
    if before:
        beside.append(f"{100 * parts / before:.1f} % of its parts")
    near = f"; from the last: {', '.join(beside)}" if beside else ""
    return rounded(f" ({', '.join(own)}{near})")


def rounded(text: str) -> str:
    """A text whose pixels, areas and distances of three digits and more stand with their two leading ones."""

    def two(found: re.Match[str]) -> str:
        number = int(found[0].replace(",", ""))
        return f"{round(number, 2 - len(str(number))):,}"

    return _LONG.sub(two, text)


def jittered(mask: BoolMask, share: float, rng: np.random.Generator) -> BoolMask:
    """A true mask as a decoder would miss it: grown or eaten along its edge by up to `share` of its radius.

    Trained on exact masks alone, a model takes measurements for exact; those of its own masks are not.
    """
    radius = sqrt(max(int(mask.sum()), 1) / np.pi)
    steps = round(float(rng.uniform(-share, share)) * radius)
    out = mask
    for _ in range(abs(steps)):
        near = np.pad(out, 1, mode="edge")
        around = [near[1:-1, 1:-1], near[:-2, 1:-1], near[2:, 1:-1], near[1:-1, :-2], near[1:-1, 2:]]
        out = np.logical_or.reduce(around) if steps > 0 else np.logical_and.reduce(around)
    return np.ascontiguousarray(out)


def spoilt(mask: BoolMask, rng: np.random.Generator) -> BoolMask:
    """A true mask as a decoder would fail at it: most of it missed, far outgrown, or a patch found elsewhere.

    What such a mask measures lies off every option; a model that never met that says anything.
    """
    kind = int(rng.integers(3))
    if kind == 0:
        return _boxed(mask, rng, 0.1, 0.5)
    if kind == 1:
        return jittered(mask, 0.8, rng)
    patch = _boxed(np.ones_like(mask), rng, 0.05, 0.3)
    return np.asarray(mask | patch, dtype=np.bool_)


def _boxed(mask: BoolMask, rng: np.random.Generator, low: float, high: float) -> BoolMask:
    """What of a mask lies in a box anywhere, whose sides are between `low` and `high` of the image's."""
    out = np.zeros_like(mask)
    cuts = []
    for length in mask.shape:
        side = max(1, int(length * rng.uniform(low, high)))
        start = int(rng.integers(length - side + 1))
        cuts.append(slice(start, start + side))
    out[cuts[0], cuts[1]] = mask[cuts[0], cuts[1]]
    return out
