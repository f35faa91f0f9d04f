"""A faithful little copy of the published benchmark file: its columns, its wordings, its option multiples, its sources.

Images and label maps are drawn here. Answers are computed with numpy and scipy alone, so that what an import measures
is held against something that does not share its code. DM and AQ options are the fixed multiples of the truth that the
printed examples show; CA distractors lie on either side of the truth at random; CR and BRD are balanced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from geofactory import north_up, write_tiff
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

WORLDCOVER = {"water": 80, "developed area": 50, "bare land": 60, "grass": 30, "crop": 40, "tree": 10, "shrub": 20}
CORINE = {"water": 512, "developed area": 112, "bare land": 331, "grass": 231, "crop": 211, "tree": 312, "shrub": 322}
CLASSES = tuple(WORLDCOVER)
SAID = {
    "water": ("water", "water bodies", "Water"),
    "developed area": ("developed area", "built-up area", "developed land"),
    "bare land": ("bare land", "barren land", "bare ground"),
    "grass": ("grass", "grassland", "grass cover"),
    "crop": ("crop", "cropland", "farmland"),
    "tree": ("tree", "tree cover", "forest"),
    "shrub": ("shrub", "shrubland", "shrubs"),
}
"""Several words for each class, as rephrased questions have them."""

ASKS = {
    "coverage_percentage": (
        "What percentage of the image is covered by {0}?",
        "Approximately what proportion of this satellite scene (in %) does {0} occupy?",
        "How much of the valid area, in percent, is classified as {0}?",
    ),
    "absolute_area": (
        "What is the total area covered by {0} in this image, in square meters?",
        "Estimate how many square metres {0} takes up in the scene.",
        "At 10 m per pixel, which value is closest to the area (m²) of {0}?",
    ),
    "comparative_area": (
        "Which land cover class occupies a larger area in this image: {0} or {1}?",
        "Between {0} and {1}, which one covers more of the scene?",
        "Which of the following two classes has the smaller extent?",
    ),
    "boundary_detection": (
        "Do {0} and {1} share a boundary in this image?",
        "Is there any place where {0} is directly adjacent to {1}?",
        "Does the {0} region touch the {1} region?",
    ),
    "distance_measurement": (
        "What is the minimum distance between {0} and {1} in this image?",
        "How many meters separate the nearest {0} from the closest {1}?",
        "Estimate the shortest distance, in metres, from {0} to {1}.",
    ),
}
DM_MULTIPLES = (0.7, 1.0, 1.2, 1.4)
AQ_MULTIPLES = ((0.1, 0.5, 1.0, 2.0), (0.7, 1.0, 1.3, 1.5))
SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("question", pa.string()),
        ("candidates", pa.string()),
        ("answer", pa.string()),
        ("task_type", pa.string()),
    ],
    metadata={
        "huggingface": json.dumps(
            {
                "info": {
                    "features": {
                        "image": {"_type": "Image"},
                        **{
                            name: {"_type": "Value", "dtype": "string"}
                            for name in ("question", "candidates", "answer", "task_type")
                        },
                    }
                }
            }
        )
    },
)
STEM = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


@dataclass
class Scene:
    """An image of the file: its name, its classes (HW, numbers of CLASSES from 1; 0 void) and its PNG."""

    name: str
    classes: NDArray[np.uint8]
    png: bytes
    bigearthnet: bool

    @property
    def path(self) -> str:
        return f"{self.name}.png"

    def mask(self, name: str) -> NDArray[np.bool_]:
        return np.asarray(self.classes == CLASSES.index(name) + 1)

    def share(self, name: str) -> float:
        return 100 * float(self.mask(name).sum()) / float((self.classes > 0).sum())


@dataclass
class Published:
    """What was made: rows in order, the scenes, and the numbers of the rows whose answer was falsified."""

    rows: list[dict[str, Any]]
    scenes: list[Scene]
    falsified: list[int] = field(default_factory=list)

    def write(self, path: Path, rows_per_group: int = 100) -> Path:
        table = pa.Table.from_pylist(self.rows, schema=SCHEMA)
        pq.write_table(table, path, row_group_size=rows_per_group)
        return path

    def write_labels(self, root: Path) -> Path:
        """Both archives below one root, images of ChatEarthNet beside its maps."""
        for scene in self.scenes:
            codes = np.array([0, *(CORINE if scene.bigearthnet else WORLDCOVER).values()], np.uint16)[scene.classes]
            if scene.bigearthnet:
                file = root / "bigearthnet/Reference_Maps" / STEM / scene.name / f"{scene.name}_reference_map.tif"
                write_tiff(file, codes, north_up(300_000, 5_400_000, 10), nodata=0)
                continue
            for folder, data in (("s2_images", scene.png), ("worldcover", png(codes.astype(np.uint8)))):
                file = root / "chatearthnet" / folder / scene.path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        return root


def png(array: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def make(counts: dict[str, int] | None = None, scenes: int = 120, seed: int = 0, falsify: int = 0) -> Published:
    """A published file of so many rows a task type (default: 600 in the published proportions without BCE)."""
    rng = np.random.default_rng(seed)
    drawn = [scene(rng, number) for number in range(scenes)]
    wanted = counts or {
        "coverage_percentage": 145,
        "absolute_area": 145,
        "comparative_area": 145,
        "boundary_detection": 145,
        "distance_measurement": 20,
    }
    rows: list[dict[str, Any]] = []
    for task, n in wanted.items():
        made = _MAKERS[task](rng, drawn)
        rows.extend(islice(made, n))
    out = Published([rows[k] for k in rng.permutation(len(rows))], drawn)
    for number in sorted(rng.choice(len(rows), falsify, replace=False).tolist()):
        row = out.rows[number]
        letters = [letter for letter in json.loads(row["candidates"]) if letter != row["answer"]]
        out.rows[number] = row | {"answer": str(rng.choice(letters))}
        out.falsified.append(number)
    return out


def scene(rng: np.random.Generator, number: int) -> Scene:
    """Every third one a BigEarthNet patch of 120 px, the others ChatEarthNet's 256 px; a strip of void now and then."""
    bigearthnet = number % 3 == 2
    side = 120 if bigearthnet else 256
    cells = int(rng.integers(3, 7))
    fields = [
        np.asarray(Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32)).resize((side, side), 3))
        for _ in CLASSES
    ]
    classes = (np.argmax(fields, axis=0) + 1).astype(np.uint8)
    if rng.random() < 0.2:
        classes[: int(rng.integers(1, 20))] = 0
    colours = rng.integers(40, 220, (len(CLASSES) + 1, 3))
    pixels = colours[classes] + rng.integers(-12, 12, (side, side, 3))
    name = f"{STEM}_{10 + number // 40}_{20 + number % 40}" if bigearthnet else f"patch_{number:05d}"
    return Scene(name, classes, png(np.clip(pixels, 0, 255).astype(np.uint8)), bigearthnet)


def adjacent(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    return bool((ndimage.binary_dilation(first, np.ones((3, 3))) & second).any())


def distance_px(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float | None:
    one, two = (ndimage.binary_opening(mask, np.ones((3, 3))) for mask in (first, second))
    if not (one.any() and two.any()):
        return None
    return float(ndimage.distance_transform_edt(~one)[two].min())


def _row(
    rng: np.random.Generator, place: Scene, task: str, names: Sequence[str], options: Sequence[str], right: int
) -> dict[str, Any]:
    """A row with its options in a drawn order."""
    order = rng.permutation(len(options)).tolist()
    said = [str(rng.choice(SAID[name])) for name in names]
    return {
        "image": {"bytes": place.png, "path": place.path},
        "question": str(rng.choice(ASKS[task])).format(*said),
        "candidates": json.dumps({"ABCD"[k]: options[at] for k, at in enumerate(order)}),
        "answer": "ABCD"[order.index(right)],
        "task_type": task,
    }


def _single(rng: np.random.Generator, scenes: list[Scene], least: float) -> Iterator[tuple[Scene, str]]:
    seen: set[tuple[str, str]] = set()
    while True:
        place, name = scenes[int(rng.integers(len(scenes)))], str(rng.choice(CLASSES))
        if place.share(name) >= least and (place.name, name) not in seen:
            seen.add((place.name, name))
            yield place, name


def _pairs(rng: np.random.Generator, scenes: list[Scene], least: float) -> Iterator[tuple[Scene, str, str]]:
    seen: set[tuple[str, ...]] = set()
    while True:
        place = scenes[int(rng.integers(len(scenes)))]
        first, second = (str(name) for name in rng.choice(CLASSES, 2, replace=False))
        key = (place.name, *sorted((first, second)))
        if key not in seen and min(place.share(first), place.share(second)) >= least:
            seen.add(key)
            yield place, first, second


def _coverage(rng: np.random.Generator, scenes: list[Scene]) -> Iterator[dict[str, Any]]:
    for place, name in _single(rng, scenes, 5):
        truth = place.share(name)
        step, rung = rng.uniform(4, 7), int(rng.integers(4))
        values = [truth + (k - rung) * step + (rng.uniform(-1, 1) if k != rung else 0) for k in range(4)]
        if min(values) > 1 and max(values) < 99:
            yield _row(rng, place, "coverage_percentage", [name], [f"{value:.2f}%" for value in values], rung)


def _area(rng: np.random.Generator, scenes: list[Scene]) -> Iterator[dict[str, Any]]:
    for place, name in _single(rng, scenes, 1):
        truth = int(place.mask(name).sum()) * 100
        multiples = AQ_MULTIPLES[int(rng.integers(2))]
        form = "{:,.0f} m²" if rng.random() < 0.5 else "{:.0f} square meters"
        options = [form.format(truth * multiple) for multiple in multiples]
        yield _row(rng, place, "absolute_area", [name], options, multiples.index(1.0))


def _ranking(rng: np.random.Generator, scenes: list[Scene]) -> Iterator[dict[str, Any]]:
    for place, first, second in _pairs(rng, scenes, 5):
        sizes = [int(place.mask(name).sum()) for name in (first, second)]
        if abs(sizes[0] - sizes[1]) <= 0.1 * max(sizes):
            continue
        names = [first, second]
        row = _row(rng, place, "comparative_area", names, [name.capitalize() for name in names], 0)
        larger = names[int(np.argmax(sizes))]
        wanted = larger if "smaller" not in row["question"] else next(name for name in names if name != larger)
        options = json.loads(row["candidates"])
        yield row | {"answer": next(letter for letter, text in options.items() if text.casefold() == wanted)}


def _boundary(rng: np.random.Generator, scenes: list[Scene]) -> Iterator[dict[str, Any]]:
    wanted = True
    for place, first, second in _pairs(rng, scenes, 3):
        touches = adjacent(place.mask(first), place.mask(second))
        if touches == wanted:
            wanted = not wanted
            yield _row(rng, place, "boundary_detection", [first, second], ["Yes", "No"], 0 if touches else 1)


def _distance(rng: np.random.Generator, scenes: list[Scene]) -> Iterator[dict[str, Any]]:
    for place, first, second in _pairs(rng, scenes, 1):
        apart = distance_px(place.mask(first), place.mask(second))
        if apart is not None and apart > 3:
            options = [f"{round(apart * 10 * multiple)} m" for multiple in DM_MULTIPLES]
            yield _row(rng, place, "distance_measurement", [first, second], options, 1)


_MAKERS: dict[str, Callable[[np.random.Generator, list[Scene]], Iterator[dict[str, Any]]]] = {
    "coverage_percentage": _coverage,
    "absolute_area": _area,
    "comparative_area": _ranking,
    "boundary_detection": _boundary,
    "distance_measurement": _distance,
}


def faults(good: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Rows that must be dropped, made from a good one, each with the reason it is counted under."""
    picture = good["image"]
    small = png(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    return [
        ("unknown_task_type", good | {"task_type": "coverage_percentages"}),
        ("unknown_task_type", good | {"task_type": None}),
        ("no_question", good | {"question": "  "}),
        ("text_too_long", good | {"question": "x" * 10_001}),
        ("candidates_not_json", good | {"candidates": "{'A': 'Yes'}"}),
        ("candidates_not_json", good | {"candidates": '["Yes", "No"]'}),
        ("candidates_not_json", good | {"candidates": None}),
        ("text_too_long", good | {"candidates": json.dumps({"A": "x" * 70_000, "B": "y"})}),
        ("text_too_long", good | {"candidates": json.dumps({"A": "x" * 1_001, "B": "y"})}),
        ("too_few_or_many_candidates", good | {"candidates": json.dumps({"A": "Yes"})}),
        ("too_few_or_many_candidates", good | {"candidates": json.dumps({f"A{k}": "x" for k in range(11)})}),
        ("candidates_not_lettered", good | {"candidates": json.dumps({"A": "Yes", "C": "No"})}),
        ("empty_candidate", good | {"candidates": json.dumps({"A": "Yes", "B": ["No"]})}),
        ("answer_not_among_candidates", good | {"answer": "E"}),
        ("answer_not_among_candidates", good | {"answer": None}),
        ("answer_not_among_candidates", good | {"answer": "AB"}),
        ("no_image", good | {"image": None}),
        ("no_image", good | {"image": {"bytes": None, "path": "elsewhere.png"}}),
        ("unreadable_image", good | {"image": picture | {"bytes": b"no picture"}}),
        ("unreadable_image", good | {"image": picture | {"bytes": small[: len(small) - 30]}}),
        ("image_too_large", good | {"image": picture | {"bytes": _bomb()}}),
        ("image_not_8_bit", good | {"image": picture | {"bytes": png(np.arange(16, dtype=np.uint16).reshape(4, 4))}}),
        ("image_of_many_frames", good | {"image": picture | {"bytes": _animated()}}),
    ]


def _bomb() -> bytes:
    """A PNG of some kilobytes that would unpack to 300 megapixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _animated() -> bytes:
    buffer = BytesIO()
    frames = [Image.fromarray(np.full((4, 4, 3), value, np.uint8)) for value in (0, 200)]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def with_faults(published: Published) -> tuple[Published, list[str]]:
    """The same file with every fault put behind its rows, a repeated row and one repeated with another answer."""
    good = published.rows[0]
    found = faults(good)
    letters = [letter for letter in json.loads(good["candidates"]) if letter != good["answer"]]
    more = [row for _, row in found] + [dict(good), good | {"answer": letters[0]}]
    reasons = [reason for reason, _ in found] + ["duplicate", "duplicate_with_another_answer"]
    return replace(published, rows=[*published.rows, *more]), reasons
