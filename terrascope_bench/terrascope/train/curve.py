"""The losses of a training as a picture: each step faint, the running mean over it, stages apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from terra_cot.store.atomic import replacing
from terrascope_bench.terrascope.train.log import read_log

_SHOWN = (("text", "language model", "#1f5fa8"), ("dice", "Dice", "#b3541e"), ("pixels", "pixels", "#3c7a3c"))


def draw_curve(folder: Path) -> Path | None:
    """Write loss.png from log.csv; None where the log has no step."""
    from matplotlib.figure import Figure

    rows = read_log(folder)
    if not rows:
        return None
    steps = np.array([int(row["step"]) for row in rows])
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    stages = _stages([row["stage"] for row in rows])
    ends = [first for first, _ in stages[1:]] + [len(rows)]
    for column, label, colour in _SHOWN:
        values = np.array([float(row[column] or "nan") for row in rows])
        named = False
        for (first, _), end in zip(stages, ends, strict=True):
            part = values[first:end]
            if np.isnan(part).any():
                continue  # the stage does not measure it
            axes.plot(steps[first:end], part, color=colour, alpha=0.25, linewidth=0.8)
            axes.plot(
                steps[first:end], _running_mean(part), color=colour, linewidth=1.8, label=None if named else label
            )
            named = True
    for first, name in stages:
        axes.axvline(steps[first], color="#888888", linewidth=0.8, linestyle=":")
        axes.annotate(name, (steps[first], 1.01), xycoords=("data", "axes fraction"), fontsize=9, color="#555555")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None), xlim=(steps[0], max(steps[-1], steps[0] + 1)))
    axes.legend(frameon=False)
    axes.grid(alpha=0.2)
    path = folder / "loss.png"
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
    return path


def _running_mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Mean over the last twentieth of the steps so far: no step is smoothed by what came after it."""
    width = max(1, len(values) // 20)
    total = np.concatenate(([0.0], np.cumsum(values)))
    return [float((total[k + 1] - total[max(0, k + 1 - width)]) / min(k + 1, width)) for k in range(len(values))]


def _stages(names: Sequence[str]) -> list[tuple[int, str]]:
    return [(k, name) for k, name in enumerate(names) if k == 0 or names[k - 1] != name]
