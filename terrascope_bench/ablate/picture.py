"""An ablation as a picture: a panel a group, a bar an arm, both intervals, and what the paper reported beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from terra_cot.store.atomic import replacing

_OURS, _PAPER, _QUESTIONS = "#1f5fa8", "#b3541e", "#7a7a7a"


def draw_ablation(table: dict[str, Any], path: Path) -> None:
    """Write the picture (PNG) of a table as `table.tabulate` made it."""
    from matplotlib.figure import Figure

    groups = list(table["groups"].values())
    heights = [len(group["arms"]) + 1.2 for group in groups]
    figure = Figure(figsize=(9, 0.42 * sum(heights) + 0.8), layout="constrained")
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, group in zip(panels[:, 0], groups, strict=True):
        _panel(axes, group)
    panels[-1, 0].set_xlabel("percent right, macro over tasks")
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def _panel(axes: Any, group: dict[str, Any]) -> None:
    arms = group["arms"][::-1]
    places = range(len(arms))
    values = [100 * arm["macro"] for arm in arms]
    axes.barh(places, values, height=0.5, color=_OURS, alpha=0.35, label="ours, mean over seeds")
    for place, arm in zip(places, arms, strict=True):
        low, high = 100 * arm["questions"]["low"], 100 * arm["questions"]["high"]
        axes.plot([low, high], [place + 0.16] * 2, color=_QUESTIONS, linewidth=2)
        if arm["seeds"]:
            axes.plot(
                [100 * max(0, arm["seeds"]["low"]), 100 * min(1, arm["seeds"]["high"])],
                [place - 0.16] * 2,
                color=_OURS,
                linewidth=2,
            )
        axes.plot([100 * value for value in arm["by_seed"]], [place - 0.16] * len(arm["by_seed"]), "|", color=_OURS)
    axes.plot([], [], color=_OURS, linewidth=2, label="95 % over seeds")
    axes.plot([], [], color=_QUESTIONS, linewidth=2, label="95 % over questions")
    told = [
        (place, 100 * arm["reported"]) for place, arm in zip(places, arms, strict=True) if arm["reported"] is not None
    ]
    if told:
        axes.plot(
            [value for _, value in told],
            [place for place, _ in told],
            "D",
            color=_PAPER,
            markersize=5,
            label="as reported in the paper (8B)",
        )
    axes.set_yticks(list(places), [arm["arm"] for arm in arms], fontsize=9)
    axes.set_title(group["title"], fontsize=10, loc="left")
    axes.set_xlim(0, 100)
    axes.grid(axis="x", alpha=0.2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
