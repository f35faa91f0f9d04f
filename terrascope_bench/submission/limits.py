"""Limits are generous to every honest file and small against memory; each is checked before what it limits is made."""

from __future__ import annotations

MAX_LINE = 16 * 2**20
"""Bytes of a line, row or result: 30 masks of full noise on a 1024 x 1024 image."""
MAX_OBJECTS = 10_000
MAX_LISTS = 1_000_000
"""In one line, counted as the character "[", which RLE text may hold too: once in 64 characters, so a legal line has a
quarter. Small objects and lists take twenty times their text in memory."""
MAX_DEPTH = 64
"""Nested objects and lists of a result; a mask needs four."""
FREE_UNPACKED = 256 * 2**20
MAX_RATIO = 200
"""What a compressed file may expand to: FREE_UNPACKED bytes, or MAX_RATIO times its size, whichever is more.

Answers without masks shrink to a twentieth, RLE text to a third; deflate can pack 1,032 to one, Parquet a million.
"""
LEAST_UNPACKED = 256
"""Bytes that an unpacked line or row counts for at least, so that a bomb of empty ones comes to an end too."""
MAX_ROWS = 1_000_000
"""Rows of a Parquet file, or twice the benchmark's questions, whichever is more: a row can take no bytes at all."""
READER_BYTES = 512 * 2**20
"""Memory of the process that unpacks Parquet (data, without the libraries' code); enforced by the kernel on Linux."""
PIECE = 2**20


def unpacked_limit(packed: int) -> int:
    """Bytes that a compressed file of `packed` bytes may expand to."""
    return max(FREE_UNPACKED, MAX_RATIO * packed)
