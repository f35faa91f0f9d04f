"""A sample is one row of the samples table: a question, a chain with one [SEG] a mask, and the evidence behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from terra_cot.mask import Mask
from terra_cot.tile import Modality

SEG = "[SEG]"


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame as the question shows it: the name of the date and the modality of the image."""

    frame: str
    modality: Modality


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured fact. `masks` are indices into the sample's masks; `value` is exact, in `unit`.

    The facts and their units are listed in `evidence.py`.
    """

    fact: str
    masks: tuple[int, ...]
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Sample:
    """See the contract's samples table: fields in the same order and meaning."""

    sample_id: str
    tile_id: str
    tier: str
    task: str
    frames: tuple[ShownFrame, ...]
    question: str
    options: tuple[str, ...] | None
    answer: str
    chain: str
    masks: tuple[Mask, ...]
    evidence: tuple[Evidence, ...]
    writer: str
    split: str
    seed: int

    def __post_init__(self) -> None:
        if self.chain.count(SEG) != len(self.masks):
            raise ValueError(f"{self.sample_id}: {self.chain.count(SEG)} [SEG] for {len(self.masks)} masks")

    def to_row(self) -> dict[str, Any]:
        return {
            "sample_id": self.sample_id,
            "tile_id": self.tile_id,
            "tier": self.tier,
            "task": self.task,
            "frames": [{"frame": shown.frame, "modality": shown.modality} for shown in self.frames],
            "question": self.question,
            "options": None if self.options is None else list(self.options),
            "answer": self.answer,
            "chain": self.chain,
            "masks": [mask.to_row() for mask in self.masks],
            "evidence": evidence_rows(self.evidence),
            "writer": self.writer,
            "split": self.split,
            "seed": self.seed,
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Sample:
        values = dict(row)
        values["frames"] = tuple(ShownFrame(shown["frame"], shown["modality"]) for shown in row["frames"])
        values["options"] = None if row["options"] is None else tuple(row["options"])
        values["masks"] = tuple(Mask.from_row(mask) for mask in row["masks"])
        values["evidence"] = evidence_from_rows(row["evidence"])
        return cls(**values)


def evidence_rows(evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    return [{"fact": item.fact, "masks": list(item.masks), "value": item.value, "unit": item.unit} for item in evidence]


def evidence_from_rows(rows: list[dict[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(row["fact"], tuple(row["masks"]), float(row["value"]), row["unit"]) for row in rows)
