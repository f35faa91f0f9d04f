"""A text is accepted if every word of it is a phrase of the book or a word that claims nothing, rightly joined.

The same check reads what a model has written and, in `verify`, what stands in a dataset: it needs the final text only.
Laws: marks in order, once each; a quantity or place stands in a sentence that names its class and no other; verbs of
size are followed by a quantity; question, conclusion and answer are the composer's where the book is `fixed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from terra_cot.chains.draft import Text
from terra_cot.llm import lexicon
from terra_cot.llm.phrasebook import Book, Kind, Slot

MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is refused: a stable word to count by, and what to change."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Token:
    """A phrase (the slots it may be), a word in lower case, or a mark of punctuation."""

    kind: Literal["phrase", "word", "stop", "comma", "strange"]
    text: str
    slots: tuple[Slot, ...] = ()

    def among(self, *kinds: Kind) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if slot.kind in kinds)


def faults(book: Book, text: Text) -> list[Fault]:
    """What is wrong with a text; nothing if it may stand."""
    found = [
        Fault("too_long", f"{name} has {len(part)} characters, at most {MOST_CHARACTERS}")
        for name, part in (("question", text.question), ("chain", text.chain), ("answer", text.answer))
        if len(part) > MOST_CHARACTERS
    ]
    if found:
        return found
    found += _question(book, text.question)
    found += _chain(book, text.chain)
    if book.fixed:
        if (text.answer, text.options) != (book.composed.answer, book.composed.options):
            found.append(Fault("wrong_answer", f'the evidence gives "{book.composed.answer}", not "{text.answer}"'))
    else:
        found += _answer(book, text.answer)
    return found


def _question(book: Book, text: str) -> Iterator[Fault]:
    tokens = _tokens(text, [slot for slot in book.slots if slot.kind == "ask"])
    if book.fixed and sum(bool(token.among("ask")) for token in tokens) != 1:
        yield Fault("question_changed", "the question must hold {ask}, once")
    if not book.fixed and not any(token.text in lexicon.ASKING for token in tokens):
        yield Fault("question_changed", f"the question must ask to {', '.join(sorted(lexicon.ASKING))}")
    yield from _words(tokens)


def _chain(book: Book, text: str) -> Iterator[Fault]:
    tokens = _tokens(text, [slot for slot in book.slots if slot.kind != "ask"])
    marks = [token.among("mark")[0].masks[0] for token in tokens if token.among("mark")]
    if marks != list(range(len(book.entries))):
        expected = ", ".join(f"{{m{mask}}}" for mask in range(len(book.entries)))
        got = ", ".join(f"{{m{mask}}}" for mask in marks) or "none"
        yield Fault("mask_order", f"the chain must hold {expected}, each once, in this order; it holds {got}")
    said = {slot.name for token in tokens for slot in token.slots}
    said |= {f"e{number}" for number in _bound_facts(book, said)}
    needed = [slot for slot in book.slots if slot.required and slot.kind in ("quantity", "clause")]
    lacking = [slot for slot in needed if slot.name not in said]
    if lacking:
        yield Fault("missing_fact", f"the chain must state {', '.join(f'{{{slot.name}}}' for slot in lacking)}")
    if not book.fixed:
        shares = {mask for token in tokens for slot in token.among("quantity", "bound") for mask in slot.masks}
        silent = [f"{{m{mask}}}" for mask in range(len(book.entries)) if mask not in shares]
        if silent:
            yield Fault("missing_fact", f"the chain must state how much {', '.join(silent)} cover")
    if book.fixed:
        body = [token for token in tokens if token.kind != "stop"]
        ends = [bool(token.among("conclusion")) for token in body]
        if not body or ends.count(True) != 1 or not ends[-1]:
            yield Fault("missing_conclusion", "the chain must end with {conclusion}")
    yield from _words(tokens)
    for sentence in _sentences(tokens):
        yield from _sentence(book, sentence)


def _answer(book: Book, text: str) -> Iterator[Fault]:
    """The caption of a grounded caption: classes and quantities under the laws of a chain, without marks."""
    tokens = _tokens(text, [slot for slot in book.slots if slot.kind not in ("ask", "conclusion")])
    if any(token.among("mark") for token in tokens):
        yield Fault("mask_order", "the answer must hold no mask: write {c0} or {s0} there")
    if not any(token.among("name", "bound") for token in tokens):
        yield Fault("empty", "the answer names no class")
    yield from _words(tokens)
    for sentence in _sentences(tokens):
        yield from _sentence(book, sentence)


def _bound_facts(book: Book, said: set[str]) -> Iterator[int]:
    """Numbers of the evidence whose share is said within a bound phrase ({s0})."""
    bound = {slot.masks for slot in book.slots if slot.kind == "bound" and slot.name in said}
    for slot in book.slots:
        if slot.kind == "quantity" and slot.masks in bound and slot.text.endswith(" of the scene"):
            yield int(slot.name[1:])


def _words(tokens: Sequence[Token]) -> Iterator[Fault]:
    """Words outside the lexicon, digits outside phrases, and signs that no sentence needs."""
    for token in tokens:
        if token.kind == "word" and token.text not in lexicon.WORDS:
            yield Fault(lexicon.reason(token.text), f'"{token.text}" must not be used')
        elif token.kind == "strange":
            digits = any(char.isdigit() for char in token.text)
            marker = any(char in "[]" for char in token.text)
            why = "number_without_evidence" if digits else "mask_order" if marker else "strange_sign"
            yield Fault(why, f'"{token.text}" stands outside the phrases')


def _sentence(book: Book, tokens: Sequence[Token]) -> Iterator[Fault]:
    text = " ".join(token.text for token in tokens)
    named = {slot.masks[0] for token in tokens for slot in token.among("mark", "name", "bound")[:1]}
    stated = any(token.among("clause", "conclusion") for token in tokens)
    bears = any(token.among("quantity", "place") for token in tokens)
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1] if at else None, tokens[at + 1 :]
        bearers = token.among("quantity", "place")
        if stated and not token.among("clause", "conclusion"):
            if token.kind == "phrase" or (token.kind == "word" and token.text not in lexicon.LEADING):
                told = f'"{token.text}" must not stand in one sentence with a whole statement'
                yield Fault("unsupported_claim", f'{told}: "{text}"')
            continue
        if bearers and not any({*slot.masks} == named for slot in bearers):
            whose = " or ".join(sorted({f"{{c{slot.masks[0]}}}" for slot in bearers}))
            told = f'"{token.text}" belongs to {whose}; its sentence must name that class alone'
            yield Fault("wrong_pair", f'{told}: "{text}"')
        if token.kind != "word":
            continue
        if bears and token.text == "to" and before is not None and before.text == "up":
            yield Fault("unsupported_claim", f'"up to" is a bound, not a measurement: "{text}"')
        if bears and not _bearing(tokens, at):
            yield Fault("unsupported_claim", f'"{token.text}" must not stand in a sentence with a quantity: "{text}"')
        if token.text in lexicon.EXTENT and not (_subject(before) and _leads_to_quantity(after)):
            yield Fault("unsupported_claim", f'"{token.text}" must stand between a class and its quantity: "{text}"')
        if token.text in lexicon.BEING and not _harmless(before, after):
            yield Fault("unsupported_claim", f'"{token.text}" claims what no evidence says: "{text}"')
        subject = before.among("mark", "name") if before else ()
        if subject:
            entry = book.entries[subject[0].masks[0]]
            listed = len([one for one in tokens[:at] if one.among("mark", "name", "bound")]) > 1
            if token.text in (lexicon.SINGULAR if entry.plural or listed else lexicon.PLURAL):
                yield Fault("grammar", f'the verb "{token.text}" does not agree with {entry.noun}: "{text}"')
    classes = [at for at, token in enumerate(tokens) if token.among("mark", "name", "bound")]
    for first, second in pairwise(classes):
        between = tokens[first + 1 : second]
        if not all(token.kind == "comma" or token.text in lexicon.JOINTS for token in between):
            yield Fault("unsupported_claim", f'two classes of a sentence may only be listed: "{text}"')


def _subject(before: Token | None) -> bool:
    """Whether a verb of size or place speaks of the class of its sentence."""
    if before is None:
        return False
    return bool(before.among("mark", "name")) or (before.kind == "word" and before.text in lexicon.SUBJECTS)


def _bearing(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word may stand in a sentence that states a quantity or a place."""
    text = tokens[at].text
    if text in lexicon.SCENES:  # "In this scene, ..."
        return at == 2 and tokens[0].text == "in" and tokens[1].text in ("the", "this")
    if text in lexicon.MEASURES and not (at and tokens[at - 1].text in ("its", "their")):
        rest = [token for token in tokens[at + 1 :] if token.text not in lexicon.AFTER_EXTENT]
        return bool(rest) and bool(rest[0].among("mark", "name", "quantity"))
    return text in lexicon.BEARING or text not in lexicon.WORDS  # the latter is a fault of its own


def _leads_to_quantity(after: Sequence[Token]) -> bool:
    for token in after:
        if token.kind == "word" and token.text in lexicon.AFTER_EXTENT:
            continue
        return bool(token.among("quantity"))
    return False


def _harmless(before: Token | None, after: Sequence[Token]) -> bool:
    """Whether a form of to be or to lie says no more than that something is there, or how much, or where."""
    if not after:
        return False
    if after[0].among("place", "quantity"):
        return _subject(before) or (before is not None and before.text in lexicon.MEASURES)
    if after[0].kind != "word":
        return False
    if after[0].text in ("in", "on"):
        return len(after) > 2 and after[1].text in ("the", "this") and after[2].text in lexicon.SCENES
    return after[0].text in lexicon.AFTER_BEING


def _sentences(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for token in tokens:
        if token.kind == "stop":
            if sentence:
                yield sentence
            sentence = []
        else:
            sentence.append(token)
    if sentence:
        yield sentence


_LOOSE = re.compile(
    r"(?P<word>(?:[Ll]and cover|[A-Za-z]+(?:[-'][A-Za-z]+)*)(?![A-Za-z]))"
    r"|(?P<stop>[.!?;\n])|(?P<comma>[,:])|(?P<space>\s+)|(?P<strange>\S)"
)
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")


def _tokens(text: str, slots: Sequence[Slot]) -> list[Token]:
    """A text cut into phrases, the longest first, and what stands between them."""
    by_text: dict[str, list[Slot]] = {}
    for slot in slots:
        by_text.setdefault(_key(slot.text), []).append(slot)
    phrases = sorted(by_text, key=lambda key: (-len(key), key))
    pattern = re.compile("|".join(_pattern(key) for key in phrases) or r"(?!)")
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = pattern.match(text, at) if at == 0 or not (text[at - 1].isalnum() and text[at].isalnum()) else None
        if found:
            tokens.append(Token("phrase", found.group(), tuple(by_text[_key(found.group())])))
        else:
            found = _NUMBER.match(text, at)
            if found:
                tokens.append(Token("strange", found.group()))
            else:
                found = _LOOSE.match(text, at)
                assert found is not None, "every character is a sign"
                kind = found.lastgroup
                if kind == "word":
                    tokens.append(Token("word", found.group().casefold()))
                elif kind in ("stop", "comma", "strange"):
                    tokens.append(Token(kind, found.group()))  # type: ignore[arg-type]
        at = found.end()
    return tokens


def _key(phrase: str) -> str:
    """A phrase with its first letter small: it may start a sentence."""
    return phrase[:1].lower() + phrase[1:]


def _pattern(key: str) -> str:
    first = re.escape(key[0])
    start = f"[{key[0]}{key[0].upper()}]" if key[0].isalpha() else first
    return f"{start}{re.escape(key[1:])}(?![A-Za-z0-9])"
