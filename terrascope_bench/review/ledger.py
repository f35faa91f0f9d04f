"""Every answer that is acknowledged is on the disk: SQLite in WAL mode, synchronous=FULL, one commit per answer.

It stands in `review/review.sqlite` of the folder that is reviewed, and belongs to one version of it (the hash of its
manifest). Answers are only ever added; the last of an expert on a question counts. `round` is 1 for an answer that was
given blind, 2 for one given after all experts of the question were done and could see each other: agreement is measured
on the former, consensus on the latter. Drafts are replaced, and go when the answer comes.

What an expert has on a question goes by a stamp. A page says which stamp it last saw; where something else stands by
now (another tab, another browser), nothing is written over it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any

import orjson

from terra_cot.errors import ConfigError, ConflictError, DataError
from terrascope_bench.review.checks import CHECKS, Review
from terrascope_bench.review.deal import deal

FOLDER, NAME = "review", "review.sqlite"
FORMAT = "1"
MAX_NAME = 60
_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reviewer (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assignment (
  question TEXT NOT NULL, reviewer TEXT NOT NULL, PRIMARY KEY (question, reviewer)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS assignment_of ON assignment (reviewer);
CREATE TABLE IF NOT EXISTS answer (
  number INTEGER PRIMARY KEY AUTOINCREMENT, question TEXT NOT NULL, reviewer TEXT NOT NULL, round INTEGER NOT NULL,
  mask TEXT, answer TEXT, distractors TEXT, clarity TEXT, comment TEXT NOT NULL, masks TEXT, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS answer_of ON answer (question, reviewer, number);
CREATE TABLE IF NOT EXISTS draft (
  question TEXT NOT NULL, reviewer TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (question, reviewer)
) WITHOUT ROWID;
"""
_COLUMNS = f"number, question, reviewer, {', '.join(CHECKS)}, comment, masks"


@dataclass(frozen=True, slots=True)
class Answer:
    """A review that was given: the `number` grows with every answer."""

    number: int
    question: str
    reviewer: str
    review: Review

    @property
    def stamp(self) -> str:
        """Of the question for this expert, as long as no draft follows."""
        return f"{self.number}-"


class ElsewhereError(ConflictError):
    """What an expert has on a question is no longer what the page saw."""


class Ledger:
    """An opened review; one connection, used by one thread at a time. Use as a context, or `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
        self._run("PRAGMA journal_mode = WAL")
        self._run("PRAGMA synchronous = FULL")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def _run(self, line: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._database.execute(line, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[None]:
        """All of it or nothing; on the disk when the block ends."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def prepare(self, version: str) -> None:
        """Make the tables, or check that they are of this release and of this version of the folder."""
        with self._lock:
            self._database.executescript(_TABLES)
        with self._change():
            for key, value in (("format", FORMAT), ("version", version)):
                self._run("INSERT OR IGNORE INTO about VALUES (?, ?)", (key, value))
        if self.about("format") != FORMAT:
            raise DataError("a review of another format", file=self.path, got=self.about("format"), expected=FORMAT)
        if self.about("version") != version:
            raise ConflictError(
                f"{self.path}: the review of another version of this folder ({self.about('version')}, now {version}); "
                "move it away to begin a new one"
            )

    def about(self, key: str) -> str | None:
        found = self._run("SELECT value FROM about WHERE key = ?", (key,))
        return found[0][0] if found else None

    @property
    def reviewers(self) -> list[str]:
        return [name for (name,) in self._run("SELECT name FROM reviewer ORDER BY name")]

    @property
    def per_question(self) -> int:
        return int(self.about("per_question") or 0)

    def remember(self, key: str, value: str) -> None:
        """Note something about the review in place of what was noted."""
        with self._change():
            self._run("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))

    def enrol(
        self,
        names: Sequence[str],
        per_question: int | None,
        units: Mapping[str, Sequence[str]],
        add: bool = False,
    ) -> None:
        """Name the experts and deal the questions; what was begun stays with those who began it.

        Args:
            per_question: reviews per question, fixed by the first call; None for the number it has, at first 2.
            add: a name that a begun review does not know is a new expert, not a slip.

        Raises:
            ConfigError: a name that is no name, an unknown one without `add`, nobody, too few, or another number of
                reviews than before.
        """
        for name in names:
            if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > MAX_NAME:
                raise ConfigError(f"--reviewer {name!r}: a name is 1 to {MAX_NAME} printable characters")
        with self._change():
            known = self.reviewers
            alike = {name.casefold(): name for name in known}
            for name in names:
                other = alike.setdefault(name.casefold(), name)
                if other != name:
                    raise ConfigError(f"--reviewer {name}: there is {other} already; names must be told apart")
            if known and not add:
                _known_only(names, known)
            before = self.per_question
            if before and per_question not in (None, before):
                raise ConfigError(
                    f"--per-question {per_question}: this review has {before}; move it away to begin anew"
                )
            everyone = sorted({*known, *names})
            if not everyone:
                raise ConfigError("nobody to review: name the experts, --reviewer Ana --reviewer Ben")
            if everyone == known:
                return
            wanted = before or per_question or 2
            dealt = deal(units, everyone, wanted, 0, self._begun(units))
            self._run("INSERT OR IGNORE INTO about VALUES ('per_question', ?)", (str(wanted),))
            self._database.executemany("INSERT OR IGNORE INTO reviewer VALUES (?)", [(name,) for name in everyone])
            self._run("DELETE FROM assignment")
            self._database.executemany(
                "INSERT INTO assignment VALUES (?, ?)",
                [(question, name) for question, given in dealt.items() for name in given],
            )

    def _begun(self, units: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """By unit, who has an answer or a draft on one of its questions."""
        rows = self._run("SELECT question, reviewer FROM answer UNION SELECT question, reviewer FROM draft")
        unit_of = {question: unit for unit, questions in units.items() for question in questions}
        begun: dict[str, set[str]] = {}
        for question, reviewer in rows:
            begun.setdefault(unit_of[question], set()).add(reviewer)
        return {unit: sorted(names) for unit, names in begun.items()}

    def assigned(self) -> dict[str, list[str]]:
        """Experts of each question, in the order of their names."""
        found: dict[str, list[str]] = {}
        for question, reviewer in self._run("SELECT question, reviewer FROM assignment ORDER BY question, reviewer"):
            found.setdefault(question, []).append(reviewer)
        return found

    def questions_of(self, reviewer: str) -> set[str]:
        return {name for (name,) in self._run("SELECT question FROM assignment WHERE reviewer = ?", (reviewer,))}

    def reviewers_of(self, question: str) -> list[str]:
        found = self._run("SELECT reviewer FROM assignment WHERE question = ? ORDER BY reviewer", (question,))
        return [name for (name,) in found]

    def stamp(self, question: str, reviewer: str) -> str:
        """Which answer and which draft an expert has on a question; another one as soon as either changes."""
        ((number,),) = self._run(
            "SELECT COALESCE(MAX(number), 0) FROM answer WHERE question = ? AND reviewer = ?", (question, reviewer)
        )
        found = self._run("SELECT body FROM draft WHERE question = ? AND reviewer = ?", (question, reviewer))
        return f"{number}-{sha256(found[0][0].encode()).hexdigest()[:16] if found else ''}"

    def _as_seen(self, question: str, reviewer: str, seen: str | None) -> None:
        if seen is not None and seen != self.stamp(question, reviewer):
            raise ElsewhereError("changed in another tab or browser")

    def save(self, question: str, reviewer: str, review: Review, seen: str | None = None) -> Answer:
        """Keep a complete review. When this returns it is on the disk.

        Raises:
            ElsewhereError: `seen` is given and is not the stamp of what stands there.
        """
        with self._change():
            self._as_seen(question, reviewer, seen)
            shown = self.all_done(question)
            row = (question, reviewer, 2 if shown else 1, *review.grades, review.comment, _dump(review.masks), _now())
            self._run(
                f"INSERT INTO answer (question, reviewer, round, {', '.join(CHECKS)}, comment, masks, at) "
                f"VALUES ({', '.join('?' * len(row))})",
                row,
            )
            ((number,),) = self._run("SELECT last_insert_rowid()")
            self._run("DELETE FROM draft WHERE question = ? AND reviewer = ?", (question, reviewer))
        return Answer(number, question, reviewer, review)

    def save_draft(self, question: str, reviewer: str, review: Review | None, seen: str | None = None) -> str:
        """Keep what is not finished in place of what was; None forgets it. Returns the new stamp.

        Raises:
            ElsewhereError: `seen` is given and is not the stamp of what stands there.
        """
        with self._change():
            self._as_seen(question, reviewer, seen)
            if review is None:
                self._run("DELETE FROM draft WHERE question = ? AND reviewer = ?", (question, reviewer))
            else:
                body = orjson.dumps([review.grades, review.comment, review.masks]).decode()
                self._run("INSERT OR REPLACE INTO draft VALUES (?, ?, ?)", (question, reviewer, body))
            return self.stamp(question, reviewer)

    def draft(self, question: str, reviewer: str) -> Review | None:
        found = self._run("SELECT body FROM draft WHERE question = ? AND reviewer = ?", (question, reviewer))
        if not found:
            return None
        grades, comment, masks = orjson.loads(found[0][0])
        return Review(tuple(grades), comment, tuple(masks))

    def drafts_of(self, reviewer: str) -> set[str]:
        return {name for (name,) in self._run("SELECT question FROM draft WHERE reviewer = ?", (reviewer,))}

    def all_done(self, question: str) -> bool:
        """Whether every expert of a question has given a review of it: from then on they see each other's."""
        ((open_,),) = self._run(
            "SELECT COUNT(*) FROM assignment AS a WHERE question = ? AND NOT EXISTS "
            "(SELECT 1 FROM answer WHERE question = a.question AND reviewer = a.reviewer)",
            (question,),
        )
        return bool(open_ == 0)

    def answers_on(self, question: str) -> list[Answer]:
        """The last answer of each expert on one question."""
        return self._answers("WHERE question = ?", (question,))

    def answers(self, blind: bool = False) -> list[Answer]:
        """The last answer of each expert on each question; `blind`: the last that was given without seeing others'."""
        return self._answers("WHERE round = 1" if blind else "", ())

    def changed_since(self, number: int) -> tuple[set[str], int]:
        """Questions answered after answer `number`, and the number of the last answer."""
        rows = self._run("SELECT question, number FROM answer WHERE number > ?", (number,))
        return {question for question, _ in rows}, max((last for _, last in rows), default=number)

    def _answers(self, where: str, values: Sequence[Any]) -> list[Answer]:
        rows = self._run(
            f"SELECT {_COLUMNS} FROM answer WHERE number IN "
            f"(SELECT MAX(number) FROM answer {where} GROUP BY question, reviewer) ORDER BY question, reviewer",
            values,
        )
        return [
            Answer(number, question, reviewer, Review(tuple(grades), comment, _load(masks)))
            for number, question, reviewer, *grades, comment, masks in rows
        ]


def open_ledger(folder: Path, version: str, create: bool = True) -> Ledger:
    """The review of a folder, which has the manifest hash `version`.

    Raises:
        DataError: it cannot be read, or there is none and `create` is not given.
        ConflictError: it belongs to another version of the folder.
    """
    path = folder / FOLDER / NAME
    if not create and not path.is_file():
        raise DataError("nothing was reviewed here", file=folder, fix=f"begin with `terra-cot review {folder}`")
    path.parent.mkdir(exist_ok=True)
    try:
        ledger = Ledger(path)
        ledger.prepare(version)
    except sqlite3.DatabaseError as error:
        raise DataError(f"not a usable review database ({error})", file=path) from None
    return ledger


def _known_only(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that the review does not know: an expert cannot be taken out again."""
    alike = {name.casefold(): name for name in known}
    for name in names:
        if name not in known:
            near = get_close_matches(name.casefold(), alike, 1)
            meant = f"did you mean {alike[near[0]]}?" if near else f"its experts are {', '.join(known)}."
            raise ConfigError(f"--reviewer {name}: nobody of this name reviews here; {meant} A new expert needs --add")


def _dump(masks: tuple[str | None, ...]) -> str | None:
    return orjson.dumps(masks).decode() if masks else None


def _load(masks: str | None) -> tuple[str | None, ...]:
    return tuple(orjson.loads(masks)) if masks else ()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
