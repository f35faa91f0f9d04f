"""Did the model get it right, in words and in pixels?

Law of imports: this package uses the kernel of `terra_cot` and is used by `pipelines`; importing it loads no torch,
rasterio or typer.

Two roads lead through it. Tiles to questions: `build` asks each of `tasks` for candidates, whose options stand on a
`ladder`; `selection` balances them; `question` and `benchmark` are what is written and read. Predictions to a
scorecard: `submission` reads lines, `prediction` checks them, `judge` compares one with the truth (`answer`,
`masks`, `outcome`), `statistics` adds up with intervals, `score` writes the card. `run` lets one of `models`
make predictions.
"""
