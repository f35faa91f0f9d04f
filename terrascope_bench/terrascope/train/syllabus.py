"""What the lessons of a stage follow from, as plain values: another process makes the same lessons of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terra_cot.draw import seed_of
from terrascope_bench.terrascope.train.masks import mask_lessons
from terrascope_bench.terrascope.train.questions import Lesson
from terrascope_bench.terrascope.train.recipe import Stage, TrainRecipe
from terrascope_bench.terrascope.train.sittings import Eye, sittings
from terrascope_bench.terrascope.train.stream import Lessons, Source, chains
from terrascope_bench.terrascope.train.text import text_lessons


@dataclass(frozen=True, slots=True, eq=False)
class Syllabus:
    """A stage of a recipe, its folders, and how many lessons `by_folder`; `eye` is that of the model.

    `rank` of so many `processes` is the one whose lessons they are. `replies`, by task, are what a stage of text draws
    from.
    """

    recipe: TrainRecipe
    stage: Stage
    folders: Sequence[Path]
    by_folder: Sequence[int]
    eye: Eye
    rank: int = 0
    processes: int = 1
    replies: dict[str, list[Lesson]] = field(default_factory=dict)

    def lessons(self, state: dict[str, Any] | None = None) -> Lessons:
        """The stream from its beginning, or from the `state` that another one was in."""
        seed = seed_of(self.recipe.seed, "lessons", self.stage.name)
        lessons = Lessons(self._sources(seed), seed, self.rank)
        if state:
            lessons.drawn, lessons.taken = state["drawn"], [list(pair) for pair in state["taken"]]
        return lessons

    def _sources(self, seed: int) -> list[Source]:
        stage, split, place = self.stage, self.recipe.split, (seed, self.rank, self.processes)
        if stage.teaches == "text":
            alone = stage.alone * stage.batch * stage.accumulate * self.processes
            return [Source("text", 1, text_lessons(self.replies, alone, stage.drills, *place))]
        how = (stage.sensors, stage.chain, self.recipe.told(stage), self.eye)
        opened: dict[str, Callable[[Path], Any]] = {
            "masks": lambda folder: mask_lessons(folder, split, *self.eye, *place),
            "sight": lambda folder: mask_lessons(folder, split, None, 1, *place),
            "questions": lambda folder: sittings(folder, split, how, *place),
            "chains": lambda folder: chains(
                folder, split, stage.tiers, *place, form=stage.chain, eye=self.eye if stage.window else None
            ),
        }
        return [
            Source(str(folder), count, opened[stage.teaches](folder))
            for folder, count in zip(self.folders, self.by_folder, strict=True)
            if count
        ]
