"""How a site of ten thousand samples feels: time to open, to filter, to search, to draw frames while it scrolls.

python tests/speed/view.py [--samples 10000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

MEASURE = """async () => {
  const { filter, list } = terraCot, box = document.getElementById('search'), select = filter.selects[4];
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const timed = async (act) => {
    const start = performance.now();
    act();
    list.box.clientHeight; // lays the page out
    const took = performance.now() - start;
    await frame();
    return took;
  };
  const search = [], facet = [];
  for (const word of ['w', 'wa', 'water', 'water 12', 'no such words anywhere', '']) {
    search.push(await timed(() => { box.value = word; box.dispatchEvent(new Event('input')); }));
  }
  for (const word of [0, 1, 2, -1]) {
    facet.push(await timed(() => { select.value = word; select.dispatchEvent(new Event('change')); }));
  }
  const draws = [], gaps = [];
  let last = await frame(), rows = 0;
  for (let step = 0; step < 120; step++) {
    const start = performance.now();
    list.box.scrollTop += 1500;
    list.draw();
    list.box.clientHeight;
    draws.push(performance.now() - start);
    const now = await frame();
    gaps.push(now - last);
    last = now;
    rows = Math.max(rows, list.sizer.children.length);
  }
  return { search, facet, draws, gaps, rows };
}"""


def measure(opened: Any) -> dict[str, Any]:
    """Milliseconds of a search, a filter, drawing a scrolled list, and between frames; most rows in the page."""
    return opened.evaluate(MEASURE)  # type: ignore[no-any-return]


def line(name: str, values: list[float]) -> str:
    ordered = sorted(values)
    return f"{name}: median {ordered[len(ordered) // 2]:.1f} ms, worst {ordered[-1]:.1f} ms of {len(ordered)}"


def main() -> None:
    from browser import browser, open_site, page
    from viewfactory import repeated_dataset

    from terra_cot.view import write_site

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10_000)
    wanted = parser.parse_args().samples
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = repeated_dataset(folder, wanted)
        start = time.monotonic()
        note = write_site(dataset, folder / "site", limit=wanted)
        print(f"write: {time.monotonic() - start:.1f} s, {note['bytes'] / 1e6:.1f} MB, {note['samples']['how']}")
        with browser() as running, page(running) as (opened, _):
            start = time.monotonic()
            open_site(opened, folder / "site")
            print(f"open: {time.monotonic() - start:.2f} s until the whole list is read")
            found = measure(opened)
    for key in ("search", "facet", "draws", "gaps"):
        print(line({"draws": "draw while scrolling", "gaps": "between frames"}.get(key, key), found[key]))
    print(f"rows in the page: at most {found['rows']}")


if __name__ == "__main__":
    main()
