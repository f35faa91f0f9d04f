"""A selection is made of complete sets: within a cell every letter is right equally often, so texts tell nothing.

A cell is all that a reader without the image can know: classes and options. Sets are made within cells, one a cell in
turn, so that rare classes and option sets come before a second helping of common ones. A candidate may stand in several
cells, its truth on another rung in each (`Candidate.turns`); it is asked in one. What completes no set is left out:
there are fewer questions where there are few tiles, never questions that can be guessed.
Where the number wanted is no multiple of the letters, the last few questions have different letters.

The order of everything is the hash of (seed, task, tile, names, cell): the order of input files, workers and
dictionaries does not matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from terra_cot.draw import digest, draw
from terrascope_bench.tasks import Candidate

PER_TILE = 2
_KEEP_FACTOR, _KEEP_LEAST = 8, 64
Subject = tuple[str, ...]
"""What a candidate is about, on whatever rung: its tile and classes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen candidates of one task, and why the others were not.

    `levels` counts the questions that stand in complete sets, and those of the last, partial one.
    """

    chosen: tuple[Candidate, ...]
    levels: tuple[int, int]
    left: Counter[str]


@dataclass
class Pool:
    """Candidates of one task. Memory is bounded: of each cell and letter only the first by hash are kept.

    Cells give one set in turn, so the more cells there are, the less of each is needed. What is kept beyond that
    depends on the order of arrival, and is cut off before anything is chosen.
    """

    seed: int
    target: int
    kept: dict[tuple[str, str], list[tuple[bytes, Candidate]]] = field(default_factory=lambda: defaultdict(list))
    size: int = 0
    """Candidates that were offered."""

    def add(self, candidate: Candidate) -> None:
        self.size += 1
        for turn in (replace(candidate, turns=()), *candidate.turns):
            key = digest(self.seed, "order", turn.task, turn.tile_id, *turn.names, turn.cell)
            shelf = self.kept[turn.cell, turn.answer]
            shelf.append((key, turn))
            if len(shelf) >= 2 * self._limit:
                self._cut(shelf)

    def _cut(self, shelf: list[tuple[bytes, Candidate]]) -> None:
        shelf.sort(key=lambda entry: entry[0])
        del shelf[self._limit :]

    @property
    def _limit(self) -> int:
        """How many of a shelf are kept; it never grows."""
        return max(_KEEP_LEAST, _KEEP_FACTOR * self.target // max(1, len(self.kept)))

    def select(self, asked: set[Subject]) -> Selection:
        """At most `target` candidates, at most `PER_TILE` of one tile, none that `asked` holds; adds what it chose.

        `asked` holds (tile, classes) of other tasks' questions. Two questions about one thing tell on each other: the
        ladders of CA and AQ cross at the truth, and whoever is asked for a distance knows that nothing touches.
        """
        for shelf in self.kept.values():
            self._cut(shelf)
        entries = sorted((entry for shelf in self.kept.values() for entry in shelf), key=lambda entry: entry[0])
        known = dict.fromkeys(_subject(turn) for _, turn in entries)
        open_to = [turn for _, turn in entries if _subject(turn) not in asked]
        left: Counter[str] = Counter(asked_in_another_task=sum(subject in asked for subject in known))
        letters = "ABCDEFGHIJ"[: len(open_to[0].options)] if open_to else ""
        chosen: list[Candidate] = []
        per_tile: Counter[str] = Counter()
        _fill(open_to, letters, self.target, chosen, per_tile, self.seed)
        complete = len(chosen)
        room = self.target - complete
        # Where candidates ran out before the target, a broken set would only unbalance what there is.
        if room < len(letters):
            chosen += _partial(open_to, room, per_tile, set(map(_subject, chosen)))
        taken = set(map(_subject, chosen))
        for subject in known:
            if subject in taken or subject in asked:
                continue
            if per_tile[subject[0]] >= PER_TILE:
                left["more_than_2_a_tile"] += 1
            elif len(chosen) >= self.target:
                left["not_needed"] += 1
            else:
                left["letters_unbalanced"] += 1
        # What the shelves no longer know gave way to enough others of its cells and letters.
        left["not_needed"] += self.size - len(known)
        asked.update(taken)
        levels = (complete, len(chosen) - complete)
        if len(letters) == 2:
            chosen = _in_drawn_order(chosen, self.seed)
        return Selection(tuple(chosen), levels, left)


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


def _subject(candidate: Candidate) -> Subject:
    return candidate.tile_id, *candidate.names


def _fill(
    turns: Iterable[Candidate],
    letters: str,
    target: int,
    chosen: list[Candidate],
    per_tile: Counter[str],
    seed: int,
) -> None:
    """Append complete sets, one a cell in turn, until `target` or until no cell can make another."""
    cells: dict[str, dict[str, deque[Candidate]]] = defaultdict(lambda: {letter: deque() for letter in letters})
    for turn in turns:
        cells[turn.cell][turn.answer].append(turn)
    order = deque(sorted(cells, key=lambda cell: digest(seed, "cell", cell)))
    taken: set[Subject] = set()
    while order and len(chosen) + len(letters) <= target:
        cell = order.popleft()
        complete = _one_set(cells[cell], per_tile, taken)
        if complete:
            chosen += complete
            order.append(cell)


def _one_set(queues: dict[str, deque[Candidate]], per_tile: Counter[str], taken: set[Subject]) -> list[Candidate]:
    """One candidate of every letter, counted in `per_tile` and `taken`; nothing where a letter has none left."""
    out: list[Candidate] = []
    for queue in queues.values():
        while queue and (per_tile[queue[0].tile_id] >= PER_TILE or _subject(queue[0]) in taken):
            queue.popleft()
        if not queue:
            per_tile.subtract(candidate.tile_id for candidate in out)
            taken.difference_update(map(_subject, out))
            return []
        out.append(queue.popleft())
        per_tile[out[-1].tile_id] += 1
        taken.add(_subject(out[-1]))
    return out


def _partial(turns: Iterable[Candidate], room: int, per_tile: Counter[str], taken: set[Subject]) -> list[Candidate]:
    """Fewer than a set: candidates of different letters, in hash order."""
    out: list[Candidate] = []
    for turn in turns:
        if len(out) >= room:
            break
        if (
            per_tile[turn.tile_id] < PER_TILE
            and _subject(turn) not in taken
            and all(turn.answer != other.answer for other in out)
        ):
            out.append(turn)
            per_tile[turn.tile_id] += 1
            taken.add(_subject(turn))
    return out
