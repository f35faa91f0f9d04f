"""Whose machine runs the tests is no part of them: not its terminal, not its speed, not what chance draws there."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# A slow machine is no fault, and a law is tried on the same examples wherever it is; `--hypothesis-profile=explore`
# draws others each time.
settings.register_profile("same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

# xdist gives its workers 80 columns, a CI has colours.
for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(variable, None)

# A shell that runs a script in the background has Ctrl-C ignored, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
