"""Whatever can be answered without the image is found here, before anyone takes it for sight.

`riddle` is what is left of a question without its image; each solver of the registry (`solvers`) answers riddles;
`folds` keeps those that learn honest; `table` runs them all, writes their letters into a benchmark folder and adds up.
"""

from __future__ import annotations

from terrascope_bench.blind.solvers import SOLVERS, Solver
from terrascope_bench.blind.table import NAME, blind_report, read_blind, report_of, solve, summarise, write_blind

__all__ = ["NAME", "SOLVERS", "Solver", "blind_report", "read_blind", "report_of", "solve", "summarise", "write_blind"]
