"""The terminal of whoever runs the tests is no part of them: xdist gives its workers 80 columns, a CI has colours."""

from __future__ import annotations

import os
import signal

for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(variable, None)

# A shell that runs a script in the background has Ctrl-C ignored, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
