"""A series task asks about two dates or about all of them; its drafts tell a change, or that there was none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from terra_cot.chains.draft import Context, Draft, Text
from terra_cot.chains.temporal.series import SeriesView
from terra_cot.chains.temporal.shown import MODES, Mode
from terra_cot.tile import Modality

Span = Literal["pair", "series"]


@dataclass(frozen=True, slots=True)
class SeriesTask:
    """A kind of temporal sample.

    `propose(view, seed)` gives the drafts in which something changed (or in which a decision over the series falls),
    `unchanged(view, seed)` those whose answer is that the change did not happen. `write` puts either into words.
    A "series" shows every date of the view, a "pair" the two dates of its masks. `modes`: which images may carry it.
    `reading`: what the sensors measure on the ground that changed, by modality.
    """

    name: str
    tier: str
    kinds: tuple[str, ...]
    span: Span
    propose: Callable[[SeriesView, int], Sequence[Draft]]
    unchanged: Callable[[SeriesView, int], Sequence[Draft]]
    write: Callable[[Draft, Context, int], Text]
    modes: tuple[Mode, ...] = MODES
    reading: tuple[tuple[Modality, str], ...] = ()


def nothing(view: SeriesView, seed: int) -> Sequence[Draft]:
    """For tasks that cannot be asked where nothing changed."""
    return ()
