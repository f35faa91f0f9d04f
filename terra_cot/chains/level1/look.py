"""The first step of a chain on one class: the class, its mask, and how many pixels that is."""

from __future__ import annotations

LOOK = (
    "{a.The} {seg} take{a.s} up {size}.",
    "First I mark {a.the} {seg}, which gives {size}.",
    "This is the extent of {a.the} {seg}: {size}.",
    "I segment {a.the} {seg} and count {size}.",
    "{a.The} {a.is_} found here {seg}, over {size}.",
    "The mask of {a.the} {seg} holds {size}.",
)
NOTHING = (
    "I look for {a.noun} {seg}, but the mask stays empty: {size}.",
    "First I try to mark {a.the} {seg}, which gives {size}: there {a.is_} none.",
    "There {a.is_} no {a.noun} in this image {seg}: {size}.",
    "I search the image for {a.noun} {seg} and count {size}.",
    "No pixel shows {a.noun} {seg}: the mask holds {size}.",
    "The mask of {a.the} {seg} is empty, with {size}.",
)
