"""Bars and points are placed here in numbers; the template only draws them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

from terra_cot.visible import visible

BARS_SHOWN = 20
"""Models of a chart; the table has all."""
LABEL_CHARACTERS = 20
_ROW_PX, _LEFT_PX, _BAR_PX = 22, 150, 140
_PLOT = {"left": 52, "top": 14, "width": 520, "height": 340}
_LINE_PX, _LABEL_GAP_PX, _TURN = 15, 6, 0.62
_LIFT_PX = 11  # a name stands above the line of its interval


def bars(rows: Sequence[dict[str, Any]], code: str, chance: float | None) -> dict[str, Any]:
    """The accuracy of each model on one task: bar, interval and text in pixels of a chart of its own."""
    placed = []
    for number, row in enumerate(rows[:BARS_SHOWN]):
        value = row["tasks"][code]["accuracy"]
        placed.append(
            {
                "label": short(row["model"]),
                "name": visible(row["model"], limit=200),
                "y": number * _ROW_PX,
                "value": value,
                **{name: _px(_BAR_PX * value[name]) for name in ("low", "high")},
                "length": _px(_BAR_PX * value["value"]),
            }
        )
    return {
        "code": code,
        "n": rows[0]["tasks"][code]["n"],
        "rows": placed,
        "hidden": max(0, len(rows) - BARS_SHOWN),
        "chance": None if chance is None else _px(_BAR_PX * chance),
        "chance_share": chance,
        "left": _LEFT_PX,
        "bar": _BAR_PX,
        "width": _LEFT_PX + _BAR_PX + 46,
        "height": len(placed) * _ROW_PX + 18,
    }


def scatter(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Macro accuracy (x) against macro gIoU (y) with both intervals; None where no model has a gIoU."""
    points = []
    for row in rows:
        macro = row["overall"]["macro"]
        if macro["accuracy"] is not None and macro["giou"] is not None:
            points.append((row, macro["accuracy"], macro["giou"]))
    if not points:
        return None
    axes = [_axis([value for point in points for value in point[k].values()]) for k in (1, 2)]
    left, top, width, height = (_PLOT[name] for name in ("left", "top", "width", "height"))

    def at(axis: int, share: float) -> float:
        low, high = axes[axis]
        part = (share - low) / (high - low)
        return _px(left + width * part if axis == 0 else top + height * (1 - part))

    placed = [
        {
            "name": visible(row["model"], limit=200),
            "label": short(row["model"]),
            "x": at(0, accuracy["value"]),
            "y": at(1, giou["value"]),
            "x_low": at(0, accuracy["low"]),
            "x_high": at(0, accuracy["high"]),
            "y_low": at(1, giou["low"]),
            "y_high": at(1, giou["high"]),
            "accuracy": accuracy,
            "giou": giou,
        }
        for row, accuracy, giou in points[:BARS_SHOWN]
    ]
    _place_labels(placed, left + _TURN * width, top + _LINE_PX / 2, top + height - 4)
    return {
        "points": placed,
        "hidden": len(rows) - len(placed),
        "x_ticks": [{"at": at(0, share), "text": f"{100 * share:.0f}"} for share in _ticks(*axes[0])],
        "y_ticks": [{"at": at(1, share), "text": f"{100 * share:.0f}"} for share in _ticks(*axes[1])],
        "right": left + width,
        "bottom": top + height,
        "total_width": left + width + 16,
        "total_height": top + height + 44,
        **_PLOT,
    }


def short(name: str) -> str:
    return visible(name, limit=LABEL_CHARACTERS)


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Bounds in whole tenths that hold all values, at least 0.2 apart, within 0 to 1."""
    low, high = floor(min(values) * 10 - 1e-9), ceil(max(values) * 10 + 1e-9)
    low, high = max(0, low), min(10, high)
    while high - low < 2:
        low, high = max(0, low - 1), min(10, high + 1)
    return low / 10, high / 10


def _ticks(low: float, high: float) -> list[float]:
    step = 0.1 if high - low <= 0.6 else 0.2
    first = ceil(low / step - 1e-9)
    return [round(number * step, 6) for number in range(first, floor(high / step + 1e-9) + 1)]


def _place_labels(points: list[dict[str, Any]], turn_px: float, top_px: float, bottom_px: float) -> None:
    """Names stand beside their points, on the side with more room, and none covers another of its side."""
    for side in ("start", "end"):
        mine = sorted(
            (point for point in points if (point["x"] > turn_px) == (side == "end")),
            key=lambda point: (point["y"], point["x"]),
        )
        y = top_px - _LINE_PX
        for point in mine:
            y = max(point["y"] - _LIFT_PX, y + _LINE_PX)
            point["label_y"] = y
        lowest = bottom_px + _LINE_PX
        for point in reversed(mine):
            lowest = min(point["label_y"], lowest - _LINE_PX)
            point["label_y"] = _px(lowest)
            point["anchor"] = side
            point["label_x"] = _px(point["x"] + (_LABEL_GAP_PX if side == "start" else -_LABEL_GAP_PX))


def _px(value: float) -> float:
    return round(value, 2)
