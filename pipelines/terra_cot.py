"""`terra-cot`: satellite scenes in, verified pixel-grounded chain-of-thought samples out.

Each command is a file of `pipelines/cot` and one line here.
"""

from __future__ import annotations

from pipelines import console
from pipelines.apps import new_app
from pipelines.cot.demo import demo
from pipelines.cot.doctor import doctor
from pipelines.cot.explain import EPILOG as EXPLAIN
from pipelines.cot.explain import explain
from pipelines.cot.export import export
from pipelines.cot.generate import generate
from pipelines.cot.review import review
from pipelines.cot.run import run
from pipelines.cot.scan import EPILOG as SCAN
from pipelines.cot.scan import scan
from pipelines.cot.show import show
from pipelines.cot.stats import stats
from pipelines.cot.tile import tile
from pipelines.cot.verify import verify
from pipelines.cot.view import view
from pipelines.cot.world import world

app = new_app(
    "terra-cot",
    "Regenerate Terra-CoT: satellite scenes in, verified pixel-grounded chain-of-thought samples out.",
    example="terra-cot demo out/  # everything, on a built-in synthetic world",
)

app.command(epilog="Example: terra-cot demo out/  # then open out/report/index.html")(demo)
app.command(epilog="Example: terra-cot world world/ --scenes 6")(world)
app.command(epilog=SCAN)(scan)
app.command(epilog="Example: terra-cot run bigearthnet --set source.root=/archive/ben -o out/")(run)
app.command(epilog="Example: terra-cot tile scenes.parquet -o out/ --set tile.size_px=256")(tile)
app.command(epilog="Example: terra-cot generate out/ --set generate.l1_max=6")(generate)
app.command(epilog="Example: terra-cot verify out/")(verify)
app.command(epilog="Example: terra-cot stats out/ --html stats.html")(stats)
app.command(epilog="Example: terra-cot show out/ SAMPLE_ID -o sample.png")(show)
app.command(epilog="Example: terra-cot view out/  # then open out-view/index.html")(view)
app.command(epilog="Example: terra-cot export out/ --to coco -o coco/ --split train")(export)
app.command(epilog=EXPLAIN)(explain)
app.command(epilog="Example: terra-cot review out/bench --reviewer Ana --reviewer Ben")(review)
app.command(epilog="Example: terra-cot doctor /data")(doctor)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
