"""A shift between two images of one place is found and checked without a word about files or tiles.

`describe` says what is compared, `surface` how alike it is at each displacement, `estimate` what is believed, `series`
which frame of a tile is compared with which.
"""

from terra_cot.coregister.estimate import estimate_shift

__all__ = ["estimate_shift"]
