"""A prompt of the mask decoder is asked of every tile of a date, and the tiles' scores become one mask.

A prompt says what to look for, not where ("water"), so one that the chain made on the overview holds for every tile.
What the mask encoder made of a tile is kept for the next step while it fits; steps on the same date then only decode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from terrascope_bench.explain.tiles import Layout, Scores, merged
from terrascope_bench.explain.views import View, Views
from terrascope_bench.terrascope.images import Shown
from terrascope_bench.terrascope.mask_head import at_size, changed, decode, sensed
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.specks import cleaned
from terrascope_bench.terrascope.vision import Encoded, mask_features

KEPT_BYTES = 256 * 2**20
"""The most that encoded tiles may take up between steps."""
NOTHING = -10.0
"""The score of a tile that no image shows: what is masked out anyway need not be computed."""
_TOGETHER = 16


class TiledEye:
    """(row, date, prompt) -> mask of the whole scene; `on_tile` is called after each tile."""

    def __init__(
        self, model: TerraScope, views: Views, layout: Layout, on_tile: Callable[[], None] | None = None
    ) -> None:
        self._model, self._views, self.layout, self._on_tile = model, views, layout, on_tile
        self._kept: dict[tuple[str, int, int], tuple[Any, NDArray[np.bool_]]] = {}
        self._free = KEPT_BYTES
        self._valid: dict[str, NDArray[np.bool_]] = {}

    def __call__(self, row: int, date: str, prompt: Any) -> NDArray[np.bool_]:
        """The mask (bool HW) that `prompt` (C) finds on `date`; what no image of the date shows is not in it."""
        valid = np.zeros(self.layout.size, np.bool_)

        def look(places: Sequence[tuple[int, int]]) -> Iterator[Scores]:
            for start in range(0, len(places), _TOGETHER):
                part = places[start : start + _TOGETHER]
                seen = self._beside(date, part)
                there = [features for features, _ in seen if features is not None]
                logits = iter(decode(self._model, there, prompt.expand(len(there), -1)) if there else [])
                for (top, left), (features, known) in zip(part, seen, strict=True):
                    inside = valid[top : top + known.shape[0], left : left + known.shape[1]]
                    inside |= known[: inside.shape[0], : inside.shape[1]]
                    if features is None:
                        yield np.full(self.layout.shape, NOTHING, np.float32)
                    else:
                        yield at_size(next(logits)[None], self.layout.shape)[0].cpu().numpy()
                    if self._on_tile:
                        self._on_tile()

        mask = merged(self.layout, look)
        self._valid[date] = valid
        # As `mask_of` does: the share is one of what the model sees at once.
        return cleaned(mask & valid, self._model.config.speck_px(self.layout.shape))

    def valid(self, date: str) -> NDArray[np.bool_]:
        """Bool HW: where a date that was looked at shows something."""
        return self._valid[date]

    def _beside(self, date: str, places: Sequence[tuple[int, int]]) -> list[tuple[Any, NDArray[np.bool_]]]:
        """As `_seen`; of a model that sees a date beside the one before it, with what the two say together."""
        own = self._seen(date, places)
        dates = self._views.dates
        number = dates.index(date)
        if self._model.config.mask_dates == "own" or number == 0:
            return own
        before = self._seen(dates[number - 1], places)
        return [
            (now if now is None or then is None else changed(self._model, now, then), known)
            for (now, known), (then, _) in zip(own, before, strict=True)
        ]

    def _seen(self, date: str, places: Sequence[tuple[int, int]]) -> list[tuple[Any, NDArray[np.bool_]]]:
        """(features, valid HW) of each tile; of one that shows nothing the features are None."""
        absent = [place for place in places if (date, *place) not in self._kept]
        made: dict[tuple[int, int], tuple[Any, NDArray[np.bool_]]] = {}
        tiles = [self._views.window(date, *place, self.layout.shape) for place in absent]
        for place, views, features in zip(absent, tiles, self._encoded(tiles), strict=True):
            known = np.logical_or.reduce([view.valid for view in views])
            made[place] = (features, known)
            size = sum(level.numel() * level.element_size() for level in features or ()) + known.nbytes
            if size <= self._free:
                self._free -= size
                self._kept[date, *place] = made[place]
        return [made[place] if place in made else self._kept[date, *place] for place in places]

    def _encoded(self, tiles: Sequence[list[View]]) -> list[Any]:
        """The maps that the mask decoder works on, of tiles shown by one sensor or two; None for empty ones."""
        shown = [self._shown(views) if any(view.valid.any() for view in views) else [] for views in tiles]
        flat = [image for images in shown for image in images]
        maps = iter(mask_features(self._model, flat) if flat else [])
        out: list[Any] = []
        for images in shown:
            encoded = [Encoded(image.frame, image.modality, image.size, None, None, next(maps)) for image in images]
            out.append(sensed(self._model, encoded)[1] if encoded else None)
        return out

    def _shown(self, views: Sequence[View]) -> list[Shown]:
        """The images that this model's masks are made from: of two sensors optical alone, unless it weighs both."""
        wanted = [view for view in views if view.modality == "optical"] or list(views)
        return [shown(view) for view in (views if self._model.config.mask_from == "fused" else wanted)]


def shown(view: View) -> Shown:
    """A view as the encoders take it."""
    pixels = np.ascontiguousarray(np.moveaxis(view.pixels, -1, 0))
    return Shown(view.frame, view.modality, torch.from_numpy(pixels))
