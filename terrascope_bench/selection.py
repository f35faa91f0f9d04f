"""A selection is made of complete sets: within a cell every letter is right equally often, so texts tell nothing.

A cell is what a reader without the image can know: class and option set, or class pair. Each candidate names its cells
from narrow to wide. Sets are first made within narrow cells, one a cell in turn, so that rare classes and option sets
come before a second helping of common ones; what is left is tried in the next wider cells.
Where the number wanted is no multiple of the letters, the last few questions have different letters.

The order of everything is the hash of (seed, task, tile, names): the order of input files, workers and dictionaries
does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from terra_cot.draw import digest, draw
from terrascope_bench.tasks import Candidate

PER_TILE = 2
_KEEP_FACTOR = 2


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen candidates of one task, and why the others were not.

    `levels[k]` counts the questions that stand in complete sets of their k-th cell, the last entry those of the last,
    partial set.
    """

    chosen: tuple[Candidate, ...]
    levels: tuple[int, ...]
    left: Counter[str]


@dataclass
class Pool:
    """Candidates of one task. Memory is bounded: of each cell and letter only the first by hash are kept."""

    seed: int
    target: int
    kept: dict[tuple[str, str], list[tuple[bytes, Candidate]]] = field(default_factory=lambda: defaultdict(list))
    pruned: int = 0

    def add(self, candidate: Candidate) -> None:
        key = digest(self.seed, "order", candidate.task, candidate.tile_id, *candidate.names)
        shelf = self.kept[candidate.cells[0], candidate.answer]
        shelf.append((key, candidate))
        if len(shelf) >= 2 * self._limit:
            shelf.sort(key=lambda entry: entry[0])
            self.pruned += len(shelf) - self._limit
            del shelf[self._limit :]

    @property
    def size(self) -> int:
        """Candidates that were offered."""
        return self.pruned + sum(map(len, self.kept.values()))

    @property
    def _limit(self) -> int:
        return max(64, _KEEP_FACTOR * self.target)

    def select(self, asked: set[tuple[str, ...]]) -> Selection:
        """At most `target` candidates, at most `PER_TILE` of one tile, none that `asked` holds; adds what it chose.

        `asked` holds (tile, classes) of other tasks' questions. Two questions about one thing tell on each other: the
        ladders of CA and AQ cross at the truth, and whoever is asked for a distance knows that nothing touches.
        """
        entries = sorted((entry for shelf in self.kept.values() for entry in shelf), key=lambda entry: entry[0])
        everyone = [candidate for _, candidate in entries]
        remaining = [candidate for candidate in everyone if _subject(candidate) not in asked]
        left: Counter[str] = Counter(asked_in_another_task=len(everyone) - len(remaining))
        chosen: list[Candidate] = []
        per_tile: Counter[str] = Counter()
        levels = []
        depth = len(remaining[0].cells) if remaining else 0
        letters = "ABCDEFGHIJ"[: len(remaining[0].options)] if remaining else ""
        for level in range(depth):
            before = len(chosen)
            _fill(remaining, level, letters, self.target, chosen, per_tile, self.seed)
            levels.append(len(chosen) - before)
            taken = set(map(id, chosen))
            remaining = [candidate for candidate in remaining if id(candidate) not in taken]
        room = self.target - len(chosen)
        # Where candidates ran out before the target, a broken set would only unbalance what there is.
        partial = _partial(remaining, room, per_tile) if room < len(letters) else []
        chosen += partial
        taken = set(map(id, partial))
        for candidate in remaining:
            if id(candidate) in taken:
                continue
            if per_tile[candidate.tile_id] >= PER_TILE:
                left["more_than_2_a_tile"] += 1
            elif len(chosen) >= self.target:
                left["not_needed"] += 1
            else:
                left["letters_unbalanced"] += 1
        if self.pruned:
            left["not_needed"] += self.pruned
        asked.update(map(_subject, chosen))
        if len(letters) == 2:
            chosen = _in_drawn_order(chosen, self.seed)
        return Selection(tuple(chosen), (*levels, len(partial)), left)


def _in_drawn_order(chosen: list[Candidate], seed: int) -> list[Candidate]:
    """Show the options of each set of two, one right and one left, in one drawn order: the letters stay balanced."""
    out = []
    for number, candidate in enumerate(chosen):
        first = chosen[number - number % 2]
        options, answer = candidate.options, candidate.answer
        if draw(2, seed, "options", first.task, first.tile_id, *first.names):
            options, answer = options[::-1], "BA"["AB".index(answer)]
        question = candidate.question.format(*options)
        out.append(replace(candidate, question=question, options=options, answer=answer))
    return out


def _subject(candidate: Candidate) -> tuple[str, ...]:
    return candidate.tile_id, *candidate.names


def _fill(
    remaining: Iterable[Candidate],
    level: int,
    letters: str,
    target: int,
    chosen: list[Candidate],
    per_tile: Counter[str],
    seed: int,
) -> None:
    """Append complete sets, one a cell in turn, until `target` or until no cell can make another."""
    cells: dict[str, dict[str, deque[Candidate]]] = defaultdict(lambda: {letter: deque() for letter in letters})
    for candidate in remaining:
        cells[candidate.cells[level]][candidate.answer].append(candidate)
    order = deque(sorted(cells, key=lambda cell: digest(seed, "cell", level, cell)))
    while order and len(chosen) + len(letters) <= target:
        cell = order.popleft()
        complete = _one_set(cells[cell], per_tile)
        if complete:
            chosen += complete
            order.append(cell)


def _one_set(queues: dict[str, deque[Candidate]], per_tile: Counter[str]) -> list[Candidate]:
    """One candidate of every letter, counted in `per_tile`; nothing where a letter has none left."""
    out: list[Candidate] = []
    for queue in queues.values():
        while queue and per_tile[queue[0].tile_id] >= PER_TILE:
            queue.popleft()
        if not queue:
            per_tile.subtract(candidate.tile_id for candidate in out)
            return []
        out.append(queue.popleft())
        per_tile[out[-1].tile_id] += 1
    return out


def _partial(remaining: Iterable[Candidate], room: int, per_tile: Counter[str]) -> list[Candidate]:
    """Fewer than a set: candidates of different letters, in hash order."""
    out: list[Candidate] = []
    for candidate in remaining:
        if len(out) >= room:
            break
        if per_tile[candidate.tile_id] < PER_TILE and all(candidate.answer != other.answer for other in out):
            out.append(candidate)
            per_tile[candidate.tile_id] += 1
    return out
