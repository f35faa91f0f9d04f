"""A leaderboard ranks what can be checked: rows that follow from their own numbers, on one benchmark version each.

`table` reads scorecards, refuses what does not add up and ranks the rest; `reported` holds what a paper printed, apart
from what was scored here; `worst` chooses questions to look at and `cards` draws them; `charts` places bars and points;
`page` writes the folder. Everything that comes from a submission is text that nobody can trust: the template engine
escapes it, `visible` spells out what would steer a screen, no file is named after it, and the page's policy lets no
script run but the page's own.
"""

from terrascope_bench.leaderboard.page import write_leaderboard

__all__ = ["write_leaderboard"]
