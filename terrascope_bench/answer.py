"""An extractor turns a reply into a letter or nothing; four of them stand side by side, the default never guesses.

A submission gives `response` (the whole reply), `answer` (the final answer alone), or both.

| extractor | reads | finds | none found |
|---|---|---|---|
| strict | `answer`, else the response: after its last `</think>` the one `<answer>`, else the one `\\boxed{}`, else \
all of it | exactly one letter of the question, or exactly the text of one option, or both (`B. 25 %`), and nothing \
else; in either case, any width, and the wrappings below | unparsed |
| paper | the response; else `answer` | the first `\\b[A-D]\\b` | unparsed (the paper: wrong) |
| official-infer | inside the first `<answer>`; else `answer` | a leading letter, optional `.` or `)`; so "crop" is C, \
"Developed" is D, "about 58%" is A, and "(B)" nothing | unparsed |
| official-eval | the response; else `answer` | a leading letter at a word boundary; else the one inside `<answer>`; \
else the upper-cased text where that is a letter | unparsed |

What `strict` takes off, because it can mean nothing else: brackets and quotes, a full stop or colon after the letter,
Markdown emphasis and code, `$..$`, `\\boxed{}`, `\\text{}`, a label (`Answer:`, `Final answer:`, `Option`, `Choice`),
and a JSON object whose one field with "answer" in its name holds the text. What it does not read: sentences ("The
answer is B"), letters amid words, two answers (even equal ones), answers before `</think>`, text over 10,000
characters.

A letter that the question does not have is nothing found: it is unparsed, as wrong as any other. Where the published
scripts compare such text with the truth it is wrong too. docs/extractors.md shows what each makes of the rows of
tests/golden/answers.json. Sources: paper and published scripts as the project's notes restate them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any
from unicodedata import normalize

from terrascope_bench.question import LETTERS

_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think>", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]{0,400}(?:\{[^{}]{0,400}\}[^{}]{0,400})?)\}")
_MAX_FINAL = 10_000
_MAX_WRAPPINGS = 8
_WRAPPINGS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"```(?:json|text)?(.*)```",
        r"(?:final )?answer ?:(.*)",
        r"(?:option|choice) ?:?(?= ?[(\[]?[a-z](?:\W|$))(.*)",
        r"\\boxed ?\{(.*)\}",
        r"\\(?:text|textbf|mathrm|mathbf) ?\{(.*)\}",
        r"\$\$?([^$]*)\$\$?",
        r"\\\((.*)\\\)",
        r"`([^`]*)`",
        r"__?([^_]*)__?",
        r"[\"'“‘]([^\"'“”‘’]*)[\"'”’]",
    )
)
_BARE = re.compile(r"[(\[]? ?([a-z]) ?[)\]]? ?[.:]?")
_LETTER_AND_TEXT = re.compile(r"[(\[]?([a-z])(?:[)\]] ?[.:]?|[.:]) (.+)")
_PAPER = re.compile(r"\b[A-D]\b")
_LEADING = re.compile(r"\s*([A-Za-z])[.)]?")
_LEADING_WORD = re.compile(r"\s*([A-Za-z])\b")

Extractor = Callable[[str | None, str | None, Sequence[str]], str | None]


def strict(response: str | None, answer: str | None, options: Sequence[str]) -> str | None:
    """The letter that the reply is, and nothing that it might be."""
    final = _final(answer if answer is not None else response or "")
    if final is None or len(final) > _MAX_FINAL:
        return None
    letters = _letters(options)
    text = _plain(final)
    if not _BARE.fullmatch(text):  # most answers are a letter already
        unwrapped = _unwrapped(final)
        if unwrapped is None:
            return None
        text = _plain(unwrapped)
    if bare := _BARE.fullmatch(text):
        return _known(bare[1], letters)
    texts = [_plain(option) for option in options]
    named = [letter for letter, option in zip(letters, texts, strict=True) if option == text.rstrip(".")]
    if len(named) == 1:
        return named[0]
    if both := _LETTER_AND_TEXT.fullmatch(text):
        letter = _known(both[1], letters)
        if letter and texts[letters.index(letter)] == both[2].rstrip("."):
            return letter
    return None


def paper(response: str | None, answer: str | None, options: Sequence[str]) -> str | None:
    """The first capital A to D that stands alone, wherever it is."""
    found = _PAPER.search(_either(response, answer))
    return _known(found[0], _letters(options)) if found else None


def official_infer(response: str | None, answer: str | None, options: Sequence[str]) -> str | None:
    """The leading letter inside <answer>, of whatever word."""
    text = next(_inside(response or ""), answer)
    found = _LEADING.match(text) if text is not None else None
    return _known(found[1], _letters(options)) if found else None


def official_eval(response: str | None, answer: str | None, options: Sequence[str]) -> str | None:
    """A leading letter at a word boundary, of the reply, else of <answer>, else the upper-cased reply."""
    text = _either(response, answer)
    found = _LEADING_WORD.match(text)
    if not found and (inside := next(_inside(text), None)) is not None:
        found = _LEADING_WORD.match(inside)
    return _known(found[1] if found else text.strip(), _letters(options))


EXTRACTORS: dict[str, Extractor] = {
    "strict": strict,
    "paper": paper,
    "official-infer": official_infer,
    "official-eval": official_eval,
}


def _final(response: str) -> str | None:
    """The part of a reply that is its answer; None where it holds more than one."""
    start = 0
    for thought in _THOUGHT.finditer(response):
        start = thought.end()
    after = response[start:]
    for marked in (_inside(after), (box[1] for box in _BOXED.finditer(after))):
        found = list(islice(marked, 2))
        if found:
            return found[0] if len(found) == 1 else None
    return after


def _inside(text: str) -> Iterator[str]:
    """What stands between <answer> and the next </answer>. In one pass: a hostile reply may hold a million tags."""
    start: int | None = None
    for tag in _TAG.finditer(text):
        if not tag[1] and start is None:
            start = tag.end()
        elif tag[1] and start is not None:
            yield text[start : tag.start()]
            start = None


def _unwrapped(text: str) -> str | None:
    """The text without what is put around an answer; None where a JSON reply has not exactly one."""
    for _ in range(_MAX_WRAPPINGS):
        text = " ".join(normalize("NFKC", text).replace("*", " ").split())
        if text.startswith("{"):
            inner = _json_answer(text)
            if inner is None:
                return None
            text = inner
            continue
        wrapped = next((found for pattern in _WRAPPINGS if (found := pattern.fullmatch(text))), None)
        if wrapped is None:
            break
        text = wrapped[1]
    return text


def _json_answer(text: str) -> str | None:
    """The one field of a JSON object that has "answer" in its name, where it holds text."""
    named: list[Any] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        named.extend(value for name, value in pairs if "answer" in name.casefold())

    try:
        json.loads(text, object_pairs_hook=collect)
    except (ValueError, RecursionError):
        return None
    return named[0] if len(named) == 1 and isinstance(named[0], str) else None


def _plain(text: str) -> str:
    """Full-width letters and signs to plain ones, case folded, white space and Markdown emphasis gone."""
    return " ".join(normalize("NFKC", text).replace("*", " ").casefold().split())


def _either(response: str | None, answer: str | None) -> str:
    return response if response is not None else answer or ""


def _letters(options: Sequence[str]) -> str:
    return LETTERS[: len(options)]


def _known(letter: str, letters: str) -> str | None:
    upper = letter.upper() if len(letter) == 1 else ""
    return upper if len(upper) == 1 and upper in letters else None
