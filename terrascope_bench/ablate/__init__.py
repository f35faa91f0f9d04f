"""Ablations: arms of one model that differ in one rule, trained alike, asked the same questions, over several seeds.

`recipe` says the arms and what a paper reported of them; `plan` what is trained once for which arms; `subset` the
questions; `work` does one piece, `run` all of them side by side; `table` says means, intervals and which orderings
hold; `page` and `picture` show it.
"""

from __future__ import annotations
