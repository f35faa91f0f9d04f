"""How many tokens a text has: by a tokenizer that is given, else as words, numbers and marks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from terra_cot.errors import ConfigError, DataError

PLAIN = "words, numbers and marks"
_PIECE = re.compile(r"\[SEG\]|\w+|[^\w\s]")


def plain_tokens(text: str) -> int:
    """Words, numbers and punctuation marks, each [SEG] one: near what tokenizers of language models give."""
    return len(_PIECE.findall(text))


def counter(tokenizer: Path | None) -> tuple[Callable[[str], int], str]:
    """A function that counts tokens, and in words what counts as one.

    Args:
        tokenizer: a `tokenizer.json` as the Hugging Face library `tokenizers` writes it.

    Raises:
        ConfigError: the library is not installed.
        DataError: no such file, or not a tokenizer.
    """
    if tokenizer is None:
        return plain_tokens, PLAIN
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ConfigError('--tokenizer needs the library tokenizers: pip install "terra-cot[model]"') from None
    try:
        text = tokenizer.read_text(encoding="utf-8")
        found = Tokenizer.from_str(text)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read ({error})", file=tokenizer, fix="give a tokenizer.json") from None
    except Exception as error:  # noqa: BLE001 - the library raises plain Exception
        raise DataError(f"not a tokenizer ({error})", file=tokenizer, fix="give a tokenizer.json") from None
    return lambda text: len(found.encode(text, add_special_tokens=False).ids), f"tokens of {tokenizer.name}"
