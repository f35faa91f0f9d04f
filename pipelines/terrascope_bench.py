"""`terrascope-bench`: parse, call one function of the package, print. Scores answers and masks of any model.

Each command is a file of `pipelines/bench` and one line here.
"""

from __future__ import annotations

from pipelines import console
from pipelines.apps import new_app
from pipelines.bench.ablate import EPILOG as ABLATE
from pipelines.bench.ablate import ablate
from pipelines.bench.blind import blind
from pipelines.bench.build import build
from pipelines.bench.compare import compare
from pipelines.bench.convert import convert
from pipelines.bench.from_log import from_log
from pipelines.bench.import_ import import_
from pipelines.bench.keep import keep
from pipelines.bench.leaderboard import leaderboard
from pipelines.bench.reproduce import reproduce
from pipelines.bench.run import EPILOG, run
from pipelines.bench.score import score
from pipelines.bench.train import train
from pipelines.bench.validate import validate

app = new_app(
    "terrascope-bench",
    "Build the benchmark, check and score predictions, run models.",
    example="terrascope-bench score predictions.jsonl --bench out/bench -o scorecard.json",
)

app.command(epilog="Example: terrascope-bench build out/dataset -o out/bench --per-task 100")(build)
app.command(epilog="Example: terrascope-bench blind out/bench")(blind)
app.command("import", epilog="Example: terrascope-bench import test.parquet -o out/bench --labels /archive")(import_)
app.command(epilog="Example: terrascope-bench validate predictions.jsonl --bench out/bench")(validate)
app.command(epilog="Example: terrascope-bench score predictions.jsonl --bench out/bench -o scorecard.json")(score)
app.command(epilog="Example: terrascope-bench compare baseline.json mine.json")(compare)
app.command(epilog="Example: terrascope-bench leaderboard scorecards/*.json -o out/site")(leaderboard)
app.command(epilog="Example: terrascope-bench reproduce scorecard.json")(reproduce)
app.command(epilog="Example: terrascope-bench keep out/bench --consensus consensus.jsonl -o out/reviewed")(keep)
app.command(epilog=EPILOG)(run)
app.command(name="from-log", epilog="Example: terrascope-bench from-log logs/NAME.eval -o predictions.jsonl")(from_log)
app.command(epilog="Example: terrascope-bench train terrascope-8b --data ben -o trained")(train)
app.command(epilog=ABLATE)(ablate)
app.command(epilog="Example: terrascope-bench convert TerraScope-8B -o weights")(convert)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
