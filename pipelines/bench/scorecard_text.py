"""A scorecard on a terminal: one table of tasks, and the lines that say how far to believe it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from terra_cot.counted import counted

Value = dict[str, float] | None
_METRICS = {
    "giou": "gIoU",
    "ciou": "cIoU",
    "boundary_iou": "bIoU",
    "grounded_accuracy": "grounded",
    "lucky": "lucky",
    "misread": "misread",
    "faithfulness": "faithful",
}
LEAST = ("misread", "lucky", "bIoU", "cIoU", "faithful", "grounded")
"""Columns that go first where there is little room."""


def scorecard_table(card: dict[str, Any]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows: a task a row, then macro and micro."""
    lost = [name for name in ("unparsed", "missing", "error") if any(task[name] for task in card["tasks"].values())]

    def cells(values: dict[str, Any]) -> list[object]:
        return [_interval(values["accuracy"]), *(_number(values[name]) for name in _METRICS)]

    rows: list[list[object]] = [
        [code, entry["n"], *(entry[name] for name in lost), *cells(entry)]
        for code, entry in card["tasks"].items()
        if entry["n"]
    ]
    for name, values in card["overall"].items():
        rows.append([name, card["benchmark"]["n"], *("" for _ in lost), *cells(values)])
    return ["task", "n", *lost, "accuracy (95 %)", *_METRICS.values()], rows


def scorecard_lines(card: dict[str, Any]) -> Iterator[str]:
    """What stands below the table; nothing that could not be measured."""
    analysis = card["analysis"]
    if analysis["masks"]["questions"] and analysis["iou_when_right"]:
        right, wrong = analysis["iou_when_right"], analysis["iou_when_wrong"]
        yield (
            f"IoU of right answers {_interval(right)}, of wrong ones {_interval(wrong)}; "
            f"Pearson r {_interval(analysis['pearson_r']['all'])}"
        )
        steps = ", ".join(
            f"{entry['threshold']:g}: {_number(entry['grounded_accuracy'])}" for entry in analysis["curve"]
        )
        yield f"right and IoU of at least {steps}"
    if analysis["faithfulness"]["asked"]:
        micro = card["overall"]["micro"]
        yield (
            f"from the model's own masks: the option follows {_interval(micro['option_faithfulness'])}, "
            f"the stated number {_interval(micro['number_faithfulness'])} "
            f"({analysis['faithfulness']['numbers']} stated)"
        )
    if analysis["unseen"]:
        rest = analysis["unseen"]["all"]
        rows = counted(rest["n"], "row")
        yield f"on the {rows} that no program without the image gets right: {_interval(rest['accuracy'])}"
    for gain in analysis["variants"]["gains"]:
        yield (
            f"{gain['of']} over {gain['over']}: {_interval(gain['gain'], sign=True)} "
            f"on {counted(gain['n'], 'question')}; same letter {_number(gain['same_letter'])}"
        )
    if analysis["calibration"]:
        told = analysis["calibration"]
        answers = counted(told["n"], "answer")
        yield f"confidence of {answers}: ECE {_interval(told['ece'])}, Brier {_interval(told['brier'])}"
    read = ", ".join(
        f"{name} {entry['accuracy']:.3f} ({_changed(entry['changed'])})"
        for name, entry in analysis["extractors"].items()
        if entry["accuracy"] is not None and name != card["extractor"]
    )
    yield f"read by another extractor: {read}"


def _changed(n: int) -> str:
    return f"{counted(n, 'letter')} differ{'s' if n == 1 else ''}"


def _interval(value: Value, *, sign: bool = False) -> str:
    """`0.500 (0.460-0.541)`."""
    if value is None:
        return "-"
    if sign or value["low"] < 0:
        return f"{value['value']:+.3f} ({value['low']:+.3f} to {value['high']:+.3f})"
    return f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"


def _number(value: Value) -> str:
    return "-" if value is None else f"{value['value']:.3f}"
