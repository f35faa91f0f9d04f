"""Text to token numbers and back; the tokenizer is a file beside the weights, never a guess.

`numbers: magnitude` (nano): a whole number is one token for its two leading digits and its length, then single digits:
38697549 is <8>38 6 9 7 5 4 9. A small language model that sees the size of a number in one token can compare numbers;
from single digits it cannot. Of a number of three significant digits the rest is one token too: 38600000 is <8>38
<.600000>, so that what stands before a number is as near to what stands behind it as for a short one. Thousands
separators go, and come back where the text is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers import Regex as TokenRegex

from terra_cot.errors import DataError
from terrascope_bench.terrascope import prompt
from terrascope_bench.terrascope.prompt import Piece

FILE = "tokenizer.json"
LENGTH_MAX = 9
SPECIAL = (
    *(prompt.PAD, prompt.TURN, prompt.END, prompt.IMAGE_OPEN, prompt.IMAGE_TOKEN, prompt.IMAGE_CLOSE, prompt.SEG),
    *(prompt.THINK_OPEN, prompt.THINK_CLOSE, prompt.ANSWER_OPEN, prompt.ANSWER_CLOSE),
)
_NUMBER = re.compile(r"(?: |(?<![\w.,⟨⟩]))(\d{1,3}(?:,\d{3})+|\d+)(?![\d,]*\d)")
_MARKED = re.compile(r"(⟨⟩)?⟨\d⟩(\d+)(?:⟨\.(\d+)⟩)?|⟨\.(\d+)⟩")
_MARK = "⟨{}⟩"
_REST = "⟨.{}⟩"
_BARE = "⟨⟩"
"""Before a number that no space stands before."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A tokenizer and the numbers of the tokens that mean something to the model."""

    tokenizer: Any
    magnitude: bool
    seg: int
    image: int
    end: int
    pad: int

    @classmethod
    def of(cls, tokenizer: Any, where: object = FILE) -> Words:
        """Checks that `tokenizer` (tokenizers.Tokenizer) knows the tokens that the model cannot do without."""
        ids = {name: tokenizer.token_to_id(name) for name in (prompt.SEG, prompt.IMAGE_TOKEN, prompt.END, prompt.PAD)}
        absent = [name for name, number in ids.items() if number is None]
        if absent:
            raise DataError(f"the tokenizer lacks {', '.join(absent)}", file=where)
        magnitude = tokenizer.token_to_id(f"{_MARK.format(2)}10") is not None
        return cls(tokenizer, magnitude, *ids.values())

    @classmethod
    def load(cls, folder: Path) -> Words:
        path = folder / FILE
        if not path.is_file():
            raise DataError("no tokenizer beside the weights", file=path)
        return cls.of(Tokenizer.from_file(str(path)), path)

    def save(self, folder: Path) -> None:
        self.tokenizer.save(str(folder / FILE))

    @property
    def size(self) -> int:
        """Token numbers in use: the language model needs at least so many rows."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str, special: bool = True) -> list[int]:
        """Token numbers; unless `special`, a marker such as [SEG] in the text is spelled out."""
        self.tokenizer.encode_special_tokens = not special
        ids: list[int] = self.tokenizer.encode(marked(text) if self.magnitude else text, add_special_tokens=False).ids
        return ids

    def encode_pieces(self, pieces: Sequence[Piece]) -> tuple[list[int], list[int]]:
        """(token numbers, places of the question's tokens)."""
        ids: list[int] = []
        question: list[int] = []
        for piece in pieces:
            part = self.encode(piece.text, piece.special)
            if piece.question:
                question += range(len(ids), len(ids) + len(part))
            ids += part
        return ids, question

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False)
        return unmarked(text) if self.magnitude else text


def marked(text: str) -> str:
    """Each whole number as a length mark and its digits; the space before it is the mark's."""

    def mark(found: re.Match[str]) -> str:
        digits = found[1].replace(",", "")
        if len(digits) > LENGTH_MAX:
            return found[0]
        before = "" if found[0].startswith(" ") else _BARE
        leading, rest = digits[:2], digits[2:]
        if rest and not rest[1:].strip("0"):
            rest = _REST.format(rest)
        return f"{before}{_MARK.format(len(digits))}{leading}{rest}"

    return _NUMBER.sub(mark, text)


def unmarked(text: str) -> str:
    """The text that `marked` was given, bar thousands separators, which follow one rule: from 1,000 on."""

    def number(found: re.Match[str]) -> str:
        if found[2] is None:  # a rest that nothing leads: no number of ours, but what it says
            return found[4]
        digits = found[2] + (found[3] or "")
        # Zeros that lead are kept: they are not a number's, and `int` would lose them.
        digits = digits if digits.startswith("0") else f"{int(digits):,}"
        return digits if found[1] else f" {digits}"

    return _MARKED.sub(number, text)


def number_tokens() -> list[str]:
    """Every length mark with the leading digits it can stand before, in order."""
    out = [f"{_MARK.format(1)}{digit}" for digit in range(10)]
    for length in range(2, LENGTH_MAX + 1):
        out += [f"{_MARK.format(length)}{leading}" for leading in range(10, 100)]
    return out


def rest_tokens() -> list[str]:
    """What follows the two leading digits of a number of at most three significant ones."""
    return [_REST.format(f"{digit}{'0' * zeros}") for zeros in range(LENGTH_MAX - 2) for digit in range(10)]


def magnitude_of(token: str) -> float | None:
    """The value that a number token stands for at least: <8>38 is 38,000,000; None for other tokens."""
    found = re.fullmatch(r"⟨(\d)⟩(\d+)", token)
    return float(found[2]) * 10.0 ** (int(found[1]) - len(found[2])) if found else None


def trained(texts: Sequence[str], size: int) -> Words:
    """A tokenizer of at most `size` tokens for `texts`: words with the space before them, numbers by magnitude."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    split = TokenRegex(r" ?\p{L}[\p{L}\p{N}]*|⟨\d*⟩|\p{N}| ?[^\s\p{L}\p{N}]|\s")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(split, behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    numbers = number_tokens() + rest_tokens()
    # All printable ASCII is in the alphabet: no question of a user meets a character that has no token.
    alphabet = [chr(code) for code in range(32, 127)] + ["\n", "²", "⟨", "⟩"]
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(numbers) - len(SPECIAL) - 1,
        initial_alphabet=alphabet,
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator([marked(text) for text in texts], trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in (_BARE, *numbers)])
    return Words.of(tokenizer)
