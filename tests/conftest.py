"""The terminal of whoever runs the tests is no part of them: xdist gives its workers 80 columns, a CI has colours."""

from __future__ import annotations

import os

for variable in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(variable, None)
