"""How long `--help` takes: CPU and wall medians for both programs and every command. Run by hand.

python tests/speed/help.py [RUNS]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from terminal import MODULES, commands, environment


def once(words: list[str]) -> tuple[float, float]:
    """(CPU, wall) seconds of one process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, env=environment(), stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    calls = [[program, "--help"] for program in MODULES] + [[*pair, "--help"] for pair in commands()]
    bare = [once([sys.executable, "-c", "pass"]) for _ in range(runs)]
    print(f"python alone: {statistics.median(cpu for cpu, _ in bare):.3f} CPU-s")
    worst = 0.0
    for words in calls:
        found = [once(words) for _ in range(runs)]
        cpu, wall = (statistics.median(column) for column in zip(*found, strict=True))
        worst = max(worst, cpu)
        print(f"{' '.join(words):<42} {cpu:.3f} CPU-s {wall:.3f} s")
    print(f"slowest: {worst:.3f} CPU-s")


if __name__ == "__main__":
    main()
