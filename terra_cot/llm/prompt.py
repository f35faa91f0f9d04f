"""What the model is told: the rules, the phrases of one sample, and after a refusal what was wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from terra_cot.chains.draft import Text
from terra_cot.chains.words import capital
from terra_cot.llm import lexicon
from terra_cot.llm.check import Fault
from terra_cot.llm.phrasebook import Book

_RULES = """You write one training sample about a satellite image. Every fact is measured and stands in a phrase. \
Write the phrases by their names in braces, such as {m0}; they are replaced by their texts. Answer with one JSON \
object with the keys question, chain and answer, each one string.
Rules for the chain:
1. Use every {m..} phrase exactly once, in the order m0, m1, m2: it names a class and marks its mask. To name the \
class again write {c..}.
2. State facts only through phrases. Never write a digit, a number in words, a place, a comparison or a negation.
3. A sentence with a phrase that belongs to one class names that class and no other. {s..} holds class and share in \
one.
4. Phrases marked "clause" are whole statements: give each a sentence of its own.
5. Verbs such as covers or fills must be followed by a quantity: "{m0} covers {e1}."
6. Beside the phrases use only these words: """

_FIXED = """
The question must hold {ask} unchanged; you may put a short lead-in before it. The chain ends with {conclusion}. \
The answer is exactly: """
_FREE = """
The question asks to describe, caption, summarise or explain the scene step by step. The answer is a caption of one \
or two sentences made of {s..} or {c..}, without {m..}."""


def schema_of(book: Book) -> dict[str, Any]:
    """JSON Schema of a reply."""
    answer: dict[str, Any] = {"type": "string"}
    if book.fixed:
        answer["enum"] = list(book.composed.options or (book.composed.answer,))
    return {
        "type": "object",
        "properties": {"question": {"type": "string"}, "chain": {"type": "string"}, "answer": answer},
        "required": ["question", "chain", "answer"],
        "additionalProperties": False,
    }


def messages_of(book: Book) -> list[dict[str, str]]:
    """The conversation that asks for a sample."""
    rules = _RULES + " ".join(sorted(lexicon.WORDS)) + "."
    rules += f'{_FIXED}"{book.composed.answer}".' if book.fixed else _FREE
    lines = [_line(book, number) for number in range(len(book.slots))]
    return [{"role": "system", "content": rules}, {"role": "user", "content": "Phrases:\n" + "\n".join(lines)}]


def _line(book: Book, number: int) -> str:
    slot = book.slots[number]
    notes: list[str] = [slot.kind]
    if slot.kind in ("quantity", "place", "bound"):
        notes.append(f"of {{c{slot.masks[0]}}}")
    if slot.kind == "mark" and book.entries[slot.masks[0]].plural:
        notes.append("plural")
    if slot.required:
        notes.append("required")
    return f"{{{slot.name}}} ({', '.join(notes)}): {slot.text}"


def again(content: str, found: Sequence[Fault]) -> list[dict[str, str]]:
    """What is said after a refusal."""
    wrong = "\n".join(f"- {fault.detail}" for fault in list(dict.fromkeys(found))[:8])
    return [
        {"role": "assistant", "content": content[:2000]},
        {"role": "user", "content": f"This was refused:\n{wrong}\nWrite the whole JSON object again, by the rules."},
    ]


_SLOT = re.compile(r"\{\s*(\w+)\s*\}")
_START = re.compile(r"(?:^|[.!?]\s+)([a-z])")


def filled(book: Book, question: str, chain: str, answer: str) -> tuple[Text, list[Fault]]:
    """The texts with their phrases filled in, sentences starting with a capital; faults for phrases there are not."""
    texts = {slot.name: slot.text for slot in book.slots}
    strange: list[Fault] = []

    def fill(text: str) -> str:
        def one(found: re.Match[str]) -> str:
            if found[1] not in texts:
                strange.append(Fault("unknown_phrase", f"there is no phrase {found[0]}"))
            return texts.get(found[1], found[0])

        whole = " ".join(_SLOT.sub(one, text).split())
        return _START.sub(lambda found: found[0][:-1] + found[1].upper(), whole)

    body = re.sub(r"\.(?:\s*\.)+", ".", fill(chain))
    whole = Text(
        _ended(capital(fill(question)), "?."),
        _ended(capital(body), "."),
        book.composed.answer if answer == book.composed.answer else fill(answer),
        book.composed.options,
    )
    if not book.fixed:
        whole = Text(whole.question, whole.chain, _ended(capital(whole.answer), "."), None)
    return whole, strange


def _ended(text: str, ends: str) -> str:
    return text if text and text[-1] in ends else f"{text}."
