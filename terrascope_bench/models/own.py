"""`python:FILE.py:NAME` and `python:MODULE:NAME`: a model of one's own, without a line changed in this package.

NAME is a class without arguments that has `answer`, an object that has it, or a function; each takes a Question and
gives a Prediction. A run goes on only where the file is the same. The code is the user's own, and runs as any program
of theirs; what it raises while it is loaded is told with its file and line, what `answer` raises is its question's.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module, util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from terra_cot.errors import ConfigError, TerraError, did_you_mean, shorten
from terrascope_bench.models.model import Entry, Job
from terrascope_bench.models.options import flag
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

if TYPE_CHECKING:
    from terrascope_bench.benchmark import Benchmark
    from terrascope_bench.models.model import Model

T = TypeVar("T")
_HERE = Path(__file__)


def open_own(argument: str, given: Mapping[str, Any], job: Job) -> Entry:
    """`python:FILE.py:NAME` or `python:MODULE:NAME`.

    Raises:
        ConfigError: no such file, module or name, an error while it is loaded, or an option: it takes none.
    """
    if given:
        raise ConfigError(f"{flag(next(iter(given)))}: python:{argument} takes no options; write them into the file")
    place, colon, name = argument.rpartition(":")
    if not (colon and place and name):
        raise ConfigError(f"python:{argument}: say what to run in it: python:FILE.py:NAME or python:MODULE:NAME")
    module = _file(place) if place.endswith(".py") else _module(place)
    if not hasattr(module, name):
        known = [known for known in vars(module) if not known.startswith("_")]
        raise ConfigError(f'{place}: nothing in it is called "{name}"{did_you_mean(name, known)}')
    found = getattr(module, name)
    model = _ran(f"{place}:{name}", found) if isinstance(found, type) else found
    answer = getattr(model, "answer", None) or (None if isinstance(found, type) else model)
    if not callable(answer):
        raise ConfigError(f"{place}:{name}: has no answer(question), and is no function of a question")

    def make(benchmark: Benchmark, seed: int) -> Model:
        return Own(answer)

    source = Path(module.__file__ or "")
    asked = {"file": source.name, "sha256": sha256(source.read_bytes()).hexdigest()} if source.is_file() else {}
    return Entry(argument, True, make, asked=asked)


@dataclass(frozen=True, slots=True)
class Own:
    """Holds a user's function to what is written: a Prediction for the question that was asked."""

    function: Callable[[Question], object]

    def answer(self, question: Question) -> Prediction:
        """Raises TypeError or ValueError where it is none; else what the function raises."""
        said = self.function(question)
        if not isinstance(said, Prediction):
            raise TypeError(f"answer gave {shorten(type(said).__name__)}, not a Prediction")
        if said.question_id != question.question_id:
            raise ValueError(f"answer is for question {shorten(said.question_id)}, asked was {question.question_id}")
        texts = (said.response, said.answer, said.error)
        if not any(texts) or not all(isinstance(text, str | None) for text in texts):
            raise ValueError("a Prediction has a response, an answer or an error, each a text")
        return said


def _file(place: str) -> ModuleType:
    """The module in a file; what lies beside it can be imported, as in a script."""
    path = Path(place).resolve()
    if not path.is_file():
        raise ConfigError(f"{place}: no such file")
    sys.path.insert(0, str(path.parent))
    spec = util.spec_from_file_location(f"own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up by name
    _ran(place, lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    return module


def _module(place: str) -> ModuleType:
    """An installed module, or one of the folder that the command is called in."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        known = util.find_spec(place) is not None
    except (ModuleNotFoundError, ValueError):
        known = False
    if not known:
        raise ConfigError(f"{place}: no such module here or installed; a file is named with its ending, as mine.py")
    return _ran(place, lambda: import_module(place))


def _ran(what: str, load: Callable[[], T]) -> T:
    """What `load` gives.

    Raises:
        ConfigError: it raises; with the last line of the user's code that led there.
    """
    try:
        return load()
    except TerraError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  the border to a user's code
        if isinstance(error, SyntaxError) and error.filename:
            at: tuple[str, int | None] | None = (error.filename, error.lineno)
            problem = error.msg
        else:
            lines = [(line.filename, line.lineno) for line in traceback.extract_tb(error.__traceback__)]
            at = next((line for line in reversed(lines) if _users(line[0])), None)
            problem = str(error)
        where = f"{at[0]}:{at[1]}" if at else what
        raise ConfigError(f"{where}: {type(error).__name__}: {shorten(problem, 300)}") from None


def _users(file: str) -> bool:
    """Whether a line of a traceback may be the user's to mend: no part of Python's import, of a package, or of this."""
    return not (file.startswith("<") or "site-packages" in Path(file).parts or Path(file) == _HERE)
