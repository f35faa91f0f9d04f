"""Training: stages of a recipe over dataset folders, each with what trains and how fast; killed, it goes on as it was.

`recipe` says what; `stream` gives the lessons of chains, `masks`, `sight` and `text` those of a model that starts from
nothing (`questions` are its replies); `joint` teaches questions with their pictures (`sittings`), `forms` how they are
told; `parts` thaws and freezes; `loop` steps; `checkpoint` and `log` are what a killed run leaves; `curve` draws the
log.
"""

from __future__ import annotations
