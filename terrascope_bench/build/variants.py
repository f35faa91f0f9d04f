"""A variant is a way to show a question: the same options and answer, other frames; the ending of the id names it.

| variant | of a question about one date | of a question about a change |
|---|---|---|
| optical | `opt`: the optical frame of the label's date | `opt-pair`: the optical frames of both dates |
| sar | `sar`: the SAR frame of that date | `sar-pair` |
| optical+sar | `opt+sar`: both | `opt+sar-pair`: both of both dates |
| bitemporal | `opt-pair`: the optical frames of that date and of the nearest other one | the same as optical |

Where nothing optical is there to show, `optical` is shown by what is: the SAR frame, or of a change each date by the
frame that it has. Frames stand in the order of their dates, optical before SAR.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from terra_cot.errors import ConfigError, did_you_mean
from terra_cot.timeline import parse_datetime

VARIANTS = ("optical", "sar", "optical+sar", "bitemporal")
MODALITIES = {"optical": ("optical",), "sar": ("sar",), "optical+sar": ("optical", "sar"), "bitemporal": ("optical",)}
REASONS = ("no_optical_frame", "no_sar_frame", "no_second_optical_date", "same_as_optical")
_NO_OPTICAL, _NO_SAR, _NO_SECOND, _SAME = REASONS


class Shown(Protocol):
    """What is asked of a frame."""

    @property
    def frame(self) -> str: ...
    @property
    def modality(self) -> str: ...
    @property
    def datetime(self) -> str | None: ...


F = TypeVar("F", bound=Shown)


@dataclass(frozen=True, slots=True)
class Showing(Generic[F]):
    """How a variant shows a question: `frames`, or none and the `reason` why it cannot.

    With frames and a reason the variant is not possible, and something else is shown in its place.
    """

    variant: str
    frames: tuple[F, ...]
    reason: str | None = None


def check_variants(names: Sequence[str]) -> tuple[str, ...]:
    """The variants called `names`, in the order of VARIANTS.

    Raises:
        ConfigError: an unknown name, or none.
    """
    for name in names:
        if name not in VARIANTS:
            raise ConfigError(f"no variant {name!r}{did_you_mean(name, VARIANTS)} (known: {', '.join(VARIANTS)})")
    if not names:
        raise ConfigError(f"name at least one variant (known: {', '.join(VARIANTS)})")
    return tuple(name for name in VARIANTS if name in names)


def showings(frames: Sequence[F], asked: str, change: bool, variants: Collection[str]) -> list[Showing[F]]:
    """Every variant of a question, in their order, from the frames of its tile (in the order of their dates).

    Args:
        asked: the date that the label map describes.
        change: the question is about what became of the date before `asked`, or of the first other one.
    """
    names = list(dict.fromkeys(frame.frame for frame in frames))
    dates = [asked]
    if change:
        dates.insert(0, next(name for name in names if name != asked))
    out = [
        _showing(frames, dates, variant, change and "optical" in variants)
        for variant in VARIANTS
        if variant in variants
    ]
    made = {ending(item.frames) for item in out if item.frames and item.reason is None}
    return [Showing(item.variant, (), item.reason) if _told(item, made) else item for item in out]


def _told(item: Showing[F], made: Collection[str]) -> bool:
    """Whether what stands in for a variant is shown as a variant of its own."""
    return bool(item.frames) and item.reason is not None and ending(item.frames) in made


def _showing(frames: Sequence[F], dates: Sequence[str], variant: str, repeats: bool) -> Showing[F]:
    if variant == "bitemporal" and repeats:
        return Showing(variant, (), _SAME)
    found = _of(frames, dates, MODALITIES[variant])
    if found is None:
        missing = _NO_SAR if _of(frames, dates, ("optical",)) is not None or variant == "sar" else _NO_OPTICAL
        return Showing(variant, _any(frames, dates) if variant == "optical" else (), missing)
    if variant == "bitemporal" and len(dates) == 1:
        other = _nearest(frames, found[0])
        if other is None:
            return Showing(variant, (), _NO_SECOND)
        found = tuple(frame for frame in frames if frame is other or frame is found[0])
    return Showing(variant, found)


def _of(frames: Sequence[F], dates: Sequence[str], modalities: Sequence[str]) -> tuple[F, ...] | None:
    """One frame of every modality of every date; None where one is not there."""
    out = []
    for date in dates:
        for modality in modalities:
            frame = next((f for f in frames if f.frame == date and f.modality == modality), None)
            if frame is None:
                return None
            out.append(frame)
    return tuple(out)


def _any(frames: Sequence[F], dates: Sequence[str]) -> tuple[F, ...]:
    """The optical frame of every date, else its SAR frame."""
    return tuple(
        min((frame for frame in frames if frame.frame == date), key=lambda frame: frame.modality) for date in dates
    )


def _nearest(frames: Sequence[F], shown: F) -> F | None:
    """The optical frame of another date that is nearest in time, the earlier of equals; by order without dates."""
    others = [f for f in frames if f.modality == "optical" and f.frame != shown.frame]
    if not others:
        return None
    names = list(dict.fromkeys(frame.frame for frame in frames))

    def apart(frame: F) -> float:
        if any(entry.datetime is None for entry in (*others, shown)):
            return abs(names.index(frame.frame) - names.index(shown.frame))
        return abs(_moment(frame) - _moment(shown))

    return min(others, key=apart)


def _moment(frame: Shown) -> float:
    assert frame.datetime is not None
    return parse_datetime(frame.datetime).timestamp()


def ending(frames: Sequence[Shown]) -> str:
    """How an id ends whose question is shown with these frames."""
    modality = "+".join(sorted({"opt" if frame.modality == "optical" else "sar" for frame in frames}))
    pair = len({frame.frame for frame in frames}) > 1
    return f"{modality}-pair" if pair else modality


def worded(question: str, frames: Sequence[Shown], asked: str, change: bool) -> str:
    """The text of a variant: of two dates shown it says which one a question about one date asks about."""
    dates = list(dict.fromkeys(frame.frame for frame in frames))
    if change or len(dates) == 1:
        return question
    place = ("first", "second")[dates.index(asked)]
    return f"The two images show one place on two dates; the question is about the {place} image. {question}"
