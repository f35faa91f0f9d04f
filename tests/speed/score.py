"""Scoring, side by side: `python tests/speed/score.py kernel`, `... file`, `... scale 3837 100000 1000000`.

Masks are made: a smooth field with fine grain, cut at a level; the prediction is the same field disturbed (256 px:
1.5 kB of RLE text a mask, IoU about 0.85). Two masks a question. Medians of rounds in which the ways take turns; the
least CPU time beside it, since a busy machine stretches the clock. Asserts that the ways agree to the last digit.

kernel: IoU, boundary IoU and areas of the same masks by `score_many`; one question at a time; by decoding with
    pycocotools and comparing in numpy, the erosion by OpenCV; and the check of foreign text, in batches and alone.
file: reading and parsing the predictions line by line with orjson, reading them checked, and `score`, in one process
    (imports done) and as whole processes.
scale: `score` as a whole process by number of questions, with its peak memory; masks of `--side` (64) px.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from pycocotools import mask as coco

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from terra_cot.evidence import evidence
from terra_cot.mask import Mask, check_counts, encode
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import Part, write_tables
from terra_cot.tile import FrameRecord
from terrascope_bench.masks import NANO, check_many, score_many, score_masks
from terrascope_bench.masks.rims import reach
from terrascope_bench.prediction import PredictedMask
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.score import score
from terrascope_bench.submission import read_submission

ROOT = Path(__file__).resolve().parents[2]
N = 3837  # the published benchmark
POOL = 256
CHUNK = 256
ROWS_PER_PART = 1024
_NAME = "CR-NUMBER-opt"
LABELS = ("water", "crop")
PARSE = "import sys, orjson\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)['masks']"
SCORE = "from pipelines.terrascope_bench import main\ntry: main()\nexcept SystemExit as end: assert not end.code"
# VmHWM is of the program that runs; ru_maxrss would count this process, which started it, too.
PEAK = "\nimport re, sys; print(*re.findall(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()))"
Pool = list[tuple[str, str, int]]
"""Truth, prediction, truth pixels."""


def pool(side: int, count: int = POOL) -> Pool:
    """Pairs of RLE texts."""
    rng = np.random.default_rng(0)

    def field(sigma: float) -> NDArray[np.float32]:
        out = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), sigma)
        return out / out.std()

    pairs = []
    for _ in range(count):
        coarse, fine, other = field(side / 16), field(1.6), field(1.6)
        level, off = rng.uniform(-0.5, 1.2), rng.uniform(-0.2, 0.2)
        truth = coarse + 0.05 * fine > level
        pairs.append((encode(truth), encode(coarse + 0.04 * fine + 0.025 * other > level + off), int(truth.sum())))
    return pairs


@dataclass(frozen=True)
class Timed:
    """Seconds of each round, by the clock and of this process alone."""

    clock: list[float]
    cpu: list[float]

    def line(self, name: str, per: int, base: Timed | None = None) -> str:
        text = f"{name:44} {1e6 * statistics.median(self.clock) / per:9.1f} us  cpu {1e6 * min(self.cpu) / per:9.1f} us"
        if base is None:
            return text
        ratios = [a / b for a, b in zip(self.clock, base.clock, strict=True)]
        return f"{text}  x {statistics.median(ratios):6.2f} (cpu x {min(self.cpu) / min(base.cpu):6.2f})"


def timed(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, Timed]:
    out: dict[str, Timed] = {name: Timed([], []) for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            way()
            out[name].clock.append(time.perf_counter() - start[0])
            out[name].cpu.append(time.process_time() - start[1])
    return {name: Timed(both.clock[1:], both.cpu[1:]) for name, both in out.items()}


def plain(truth: str, predicted: str, side: int, square: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Intersection, union, pixels in both rims and in either, of decoded masks."""
    arrays = [coco.decode({"size": [side, side], "counts": text.encode()}) for text in (truth, predicted)]
    rims = [mask - cv2.erode(mask, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) for mask in arrays]
    counts = []
    for first, second in (arrays, rims):
        counts += [int(np.count_nonzero(first & second)), int(np.count_nonzero(first | second))]
    return counts[0], counts[1], counts[2], counts[3]


def kernel(side: int, n: int, rounds: int) -> None:
    pairs = pool(side, min(POOL, 2 * n))
    rng = np.random.default_rng(1)
    chosen = [rng.integers(0, len(pairs), 2).tolist() for _ in range(n)]
    size = (side, side)
    items = [
        (
            [Mask("t0", label, size, pairs[k][0]) for label, k in zip(LABELS, picked, strict=True)],
            [PredictedMask("t0", label, size, pairs[k][1]) for label, k in zip(LABELS, picked, strict=True)],
            {},
        )
        for picked in chosen
    ]
    distance = reach(side, side)
    square = np.ones((2 * distance + 1, 2 * distance + 1), np.uint8)
    few, some = items[: max(1, n // 8)], chosen[: max(1, n // 8)]
    texts = [(mask.size, mask.counts) for _, predicted, _ in items for mask in predicted]

    def many() -> None:
        for start in range(0, n, CHUNK):
            score_many(items[start : start + CHUNK])

    def decoded() -> list[tuple[int, int, int, int]]:
        return [plain(*pairs[k][:2], side, square) for picked in some for k in picked]

    for found, measured in zip([pair for entry in score_many(few) for pair in entry.pairs], decoded(), strict=True):
        both, either, rim_both, rim_either = measured
        expected = (both, either, round(both * NANO / either), round(rim_both * NANO / rim_either))
        assert (found.intersection, found.union, found.iou, found.boundary_iou) == expected
    results = timed(
        {
            "many": many,
            "one": lambda: [score_masks(*item) for item in few],
            "decoded": decoded,
            "check": lambda: check_many(texts),
            "check one": lambda: [check_counts(*text) for text in texts[: len(texts) // 8]],
        },
        rounds,
    )
    scaled = {name: Timed([8 * t for t in v.clock], [8 * t for t in v.cpu]) for name, v in results.items()}
    print(f"{n} questions of two masks, {side} px, {np.mean([len(p[0]) for p in pairs]):.0f} bytes a mask; a question:")
    print(results["many"].line("score_many", n))
    print(scaled["one"].line("score_masks, one question a call", n, results["many"]))
    print(scaled["decoded"].line("pycocotools decode + numpy + cv2.erode", n, results["many"]))
    print(results["check"].line("check_many", n))
    print(scaled["check one"].line("check_counts, one mask a call", n, results["check"]))


def benchmark(folder: Path, n: int, side: int) -> None:
    """A benchmark folder and `predictions.jsonl` of n questions; parts differ in the names of their questions alone."""
    pairs = pool(side)
    rng = np.random.default_rng(1)
    frame = FrameRecord("2020-06-01", "optical", None, b"", None, (), None, 0.0, (0.0, 0.0), None, None, "alone")
    rows, lines = [], []
    for number in range(min(ROWS_PER_PART, n)):
        picked = rng.integers(0, len(pairs), 2).tolist()
        rows.append(_question(_NAME, [pairs[k] for k in picked], side, frame).to_row())
        lines.append(orjson.dumps(_prediction(_NAME, number, [pairs[k][1] for k in picked], side)) + b"\n")
    table = pa.Table.from_pylist(rows, schema=QUESTIONS.schema)
    place = QUESTIONS.schema.get_field_index("question_id")
    parts: list[Part] = []
    with (folder / "predictions.jsonl").open("wb") as handle:
        for start in range(0, n, ROWS_PER_PART):
            names = [f"CR-{number:08d}-opt" for number in range(start, min(start + ROWS_PER_PART, n))]
            handle.writelines(
                line.replace(_NAME.encode(), name.encode(), 1) for line, name in zip(lines, names, strict=False)
            )
            path = QUESTIONS.part(folder, len(parts))
            path.parent.mkdir(exist_ok=True)
            named = table.slice(0, len(names)).set_column(place, QUESTIONS.schema.field(place), pa.array(names))
            part = write_tables(path, QUESTIONS, [named])
            parts.append(Part(f"{QUESTIONS.name}/{part.path}", part.rows, part.bytes, part.sha256))
    write_manifest(folder, "benchmark", {"name": "speed"}, parts)


def _question(name: str, pairs: Pool, side: int, frame: FrameRecord) -> Question:
    masks = tuple(Mask("2020-06-01", label, (side, side), pair[0]) for label, pair in zip(LABELS, pairs, strict=True))
    return Question(
        question_id=name,
        task="CR",
        question="Which of these two covers the larger area in this image: water, or cropland?",
        options=("water", "cropland"),
        option_values=None,
        answer="A" if pairs[0][2] > pairs[1][2] else "B",
        frames=(frame,),
        masks=masks,
        evidence=(evidence("pixels", (0,), pairs[0][2]), evidence("pixels", (1,), pairs[1][2])),
        tile_id=name,
        legend="worldcover",
        view="display",
        label_frame="2020-06-01",
        split="test",
        width=side,
        height=side,
        gsd_m=10.0,
        source="speed",
        source_id=name,
        licence="CC0-1.0",
    )


def _prediction(name: str, number: int, texts: list[str], side: int) -> dict[str, Any]:
    letter = "AB"[number % 2]
    thought = "Water lies along the river and in two ponds to the north; the fields to the south are cropland."
    return {
        "question_id": name,
        "response": f"<think>{thought} Option {letter} covers the larger area.</think> <answer>{letter}</answer>",
        "masks": [
            {"frame": "2020-06-01", "label": label, "size": [side, side], "counts": text}
            for label, text in zip(("water", "cropland"), texts, strict=True)
        ],
    }


def run(code: str, *arguments: str | Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory in MB of a Python process."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code + PEAK, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    peak = process.stdout.read().split()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, int(peak[-1]) / 1024


def scored(folder: Path) -> tuple[float, float, float]:
    arguments = ("score", folder / "predictions.jsonl", "--bench", folder, "--quiet", "--force")
    return run(SCORE, *arguments, "--out", folder / "card.json")


def file(side: int, n: int, rounds: int, folder: Path) -> None:
    benchmark(folder, n, side)
    path = folder / "predictions.jsonl"
    expected = _expected(folder)

    def parse() -> Iterator[Any]:
        with path.open("rb") as handle:
            for line in handle:
                yield orjson.loads(line)["masks"]

    print(f"{n} questions of two masks, {side} px, {path.stat().st_size / 1e6:.1f} MB of predictions; a question:")
    results = timed(
        {
            "parse": lambda: list(parse()),
            "read": lambda: sum(1 for _ in read_submission(path, expected)),
            "score": lambda: score(path, folder),
        },
        rounds,
    )
    print(results["parse"].line("orjson, line by line", n))
    print(results["read"].line("read and checked", n, results["parse"]))
    print(results["score"].line("score", n, results["parse"]))
    whole: dict[str, list[tuple[float, float, float]]] = {"parse": [], "score": []}
    for _ in range(rounds):
        whole["parse"].append(run(PARSE, path))
        whole["score"].append(scored(folder))
    for name, runs in whole.items():
        clock, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"whole process, {name:6} {clock:7.3f} s  cpu {cpu:7.3f} s  {memory:6.0f} MB")
    ratios = [ours[0] / floor[0] for ours, floor in zip(whole["score"], whole["parse"], strict=True)]
    print(f"whole process, score / parse: x {statistics.median(ratios):.2f}")


def _expected(folder: Path) -> Any:
    from terrascope_bench.answer_key import AnswerKey
    from terrascope_bench.benchmark import open_benchmark

    return AnswerKey(open_benchmark(folder)).expected


def scale(side: int, sizes: list[int], root: Path) -> None:
    for n in sizes:
        with tempfile.TemporaryDirectory(dir=root) as name:
            folder = Path(name)
            start = time.perf_counter()
            benchmark(folder, n, side)
            made = time.perf_counter() - start
            floor = run(PARSE, folder / "predictions.jsonl")
            clock, cpu, memory = scored(folder)
            print(
                f"{n:8} questions, {side} px: score {clock:8.2f} s (cpu {cpu:8.2f}), {1e6 * cpu / n:6.1f} us each,"
                f" peak {memory:6.0f} MB; orjson {floor[0]:6.2f} s (cpu {floor[1]:6.2f}); made in {made:.0f} s",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kernel", "file", "scale"])
    parser.add_argument("sizes", nargs="*", type=int, default=[])
    parser.add_argument("--side", type=int, help="Pixels; all of 120, 256, 1024 for `kernel` without it.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--root", type=Path, help="Where files are made, instead of the temporary folder.")
    arguments = parser.parse_args()
    sizes = arguments.sizes or [N]
    if arguments.what == "kernel":
        for side in [arguments.side] if arguments.side else [120, 256, 1024]:
            kernel(side, sizes[0] if side < 1000 else max(1, sizes[0] // 16), arguments.rounds)
    elif arguments.what == "scale":
        scale(arguments.side or 64, sizes, arguments.root)
    else:
        with tempfile.TemporaryDirectory(dir=arguments.root) as name:
            file(arguments.side or 256, sizes[0], arguments.rounds, Path(name))


if __name__ == "__main__":
    main()
