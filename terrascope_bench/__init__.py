"""Did the model get it right, in words and in pixels?

Law of imports: this package uses the kernel of `terra_cot` and is used by `pipelines`; importing it loads no torch,
rasterio or typer.

Two roads lead through it. Tiles to questions: `build` asks each of `tasks` for candidates, whose options stand on a
`ladder`, and `selection` balances them; `published` reads the authors' file instead; `blind` tells what needs no image;
`question` and `benchmark` are what is written and read. Predictions to a scorecard: `submission` reads lines into
`prediction`s; `score` takes them to the `answer_key`, `judge` compares one with the truth (`answer`, `masks`, `stated`,
`outcome`), the `tally` keeps what became of it, `scorecard` makes tables of the tally with intervals (`statistics`),
`verdicts` are the tally at rest. `compare`, `reproduce` and `leaderboard` go on from scorecards. `run` lets one of
`models` make predictions; `adapters` are for people who run theirs in another harness.
"""
