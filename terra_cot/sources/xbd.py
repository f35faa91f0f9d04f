"""xBD (xView2) as published: SPLIT/images/NAME_pre_disaster.png and _post_, SPLIT/labels/NAME_..._disaster.json.

Each pair is one scene of two dates, t0 before and t1 after. The label map describes t1: damage of each building,
drawn from the polygons of the post-disaster JSON. The images carry no CRS: the ground sample distance is fitted from
the polygons, which the JSON gives both in pixels (`xy`) and in degrees (`lng_lat`); `metadata.gsd` is the sensor's
multispectral distance and is wrong for the published images (2.35 m against 0.46 m in a Joplin pair).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cc3d
import cv2
import numpy as np
import orjson
import shapely
from affine import Affine
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.listing import Entry, Place, Total
from terra_cot.scene import Asset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.store.walk import walk
from terra_cot.timeline import iso, parse_datetime

SUBTYPES = {"no-damage": 1, "minor-damage": 2, "major-damage": 3, "destroyed": 4, "un-classified": 5}
RGB = ("R", "G", "B")
_BAD = "bad_polygon"
_FILES = ("*/labels/*_disaster.json", "*/images/*_disaster.png")
_METRES_PER_DEGREE = 111_320.0  # of latitude, on a sphere; the pixel size needs no better
_SPLITS = {"train": "train", "tier1": "train", "tier3": "train", "hold": "validation", "test": "test"}


class XbdOptions(Options):
    """xBD is published under CC BY-NC-SA 4.0."""

    licence: str = "CC-BY-NC-SA-4.0"


def scan(root: Path, options: XbdOptions) -> Iterator[Entry]:
    """One place a pair, by split and name."""
    labels = sorted({below for pattern in _FILES for below in _posts(root, pattern)})
    if not labels:
        raise DataError("not an xBD archive", file=root, expected="SPLIT/labels/NAME_post_disaster.json")
    yield Total(len(labels))
    for below in labels:
        post = root / below
        name = post.name.removesuffix("_post_disaster.json")
        yield Place(name, (post, *_others(post, name)), partial(_described, root, post, name, options.licence))


def _posts(root: Path, pattern: str) -> Iterator[str]:
    """Where the post-disaster JSON of a pair lies, or should lie, by any of its four files."""
    for below in walk(root, pattern):
        split, _, name = below.split("/")
        pair = re.fullmatch(r"(.+)_(?:pre|post)_disaster\.\w+", name)
        if pair:
            yield f"{split}/labels/{pair[1]}_post_disaster.json"


def _others(post: Path, name: str) -> list[Path]:
    """The other files of a pair: JSON before, images before and after."""
    images = [post.parent.parent / "images" / f"{name}_{when}_disaster.png" for when in ("pre", "post")]
    return [post.with_name(f"{name}_pre_disaster.json"), *images]


def _described(root: Path, post: Path, name: str, licence: str) -> Iterator[Scene | Drop]:
    try:
        yield _scene(root, post, name, licence)
    except DataError as error:
        yield Drop.of("scene", name, error)


def _scene(root: Path, post: Path, name: str, licence: str) -> Scene:
    split = post.parent.parent
    pre, *images = _others(post, name)
    for path in (post, pre, *images):
        if not path.is_file():
            raise DataError("is missing", file=path, reason="missing_file")
    documents = [read_json(pre), read_json(post)]
    polygons, degrees = (_polygons(documents[1], key, post) for key in ("xy", "lng_lat"))
    if not polygons:
        raise DataError("no buildings", file=post, reason="no_buildings")
    meta = documents[1]["metadata"]
    sizes = [(document["metadata"]["height"], document["metadata"]["width"]) for document in documents]
    if sizes[0] != sizes[1]:
        raise DataError("the two dates differ in size", file=post, got=sizes[1], expected=sizes[0], reason="wrong_size")
    dates = [parse_datetime(document["metadata"]["capture_date"]) for document in documents]
    if not dates[0] < dates[1]:
        raise DataError(
            "the image before is not older than the image after",
            file=post,
            field="capture_date",
            got=[iso(date) for date in dates],
            reason="dates_out_of_order",
        )
    gsd_m, lon_lat = _place([shape for shape, _ in polygons], [shape for shape, _ in degrees], meta, post)
    frames = tuple(
        SceneFrame(
            f"t{number}",
            iso(date),
            "optical",
            (Asset(image.relative_to(root).as_posix(), RGB),),
        )
        for number, (date, image) in enumerate(zip(dates, images, strict=True))
    )
    return Scene(
        scene_id=name,
        source="xbd",
        root=str(root),
        frames=frames,
        grid=Grid(None, Affine.scale(gsd_m, -gsd_m), int(meta["height"]), int(meta["width"]), gsd_m),
        label=LabelAsset(post.relative_to(root).as_posix(), "xbd-damage", "xbd"),
        label_frame="t1",
        licence=licence,
        split=_SPLITS.get(split.name, split.name),
        whole=True,
        lon_lat=lon_lat,
    )


def read_json(path: Path) -> dict[str, Any]:
    """An xBD label file.

    Raises:
        DataError: not JSON, or without the fields that every xBD file has.
    """
    try:
        document = orjson.loads(path.read_bytes())
        meta = document["metadata"]
        _ = document["features"]["xy"], document["features"]["lng_lat"], meta["width"], meta["height"]
        if not isinstance(meta["capture_date"], str) or not all(
            isinstance(meta[side], int) and meta[side] > 0 for side in ("width", "height")
        ):
            raise DataError("metadata is not that of an xBD image", file=path, got=meta)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=path) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    except (KeyError, TypeError) as error:
        raise DataError("not an xBD label file", file=path, got=f"no {error}") from None
    return document  # type: ignore[no-any-return]


def _polygons(document: dict[str, Any], key: str, path: Path) -> list[tuple[shapely.Geometry, str]]:
    """(polygon, subtype) of each building, "" where none is stated; invalid rings are repaired.

    Raises:
        DataError: a polygon of two points or fewer, unclosed, empty or without area. Its building cannot be left out.
    """
    shapes: list[tuple[shapely.Geometry, str]] = []
    for number, feature in enumerate(document["features"][key]):
        try:
            shape = shapely.make_valid(shapely.from_wkt(feature["wkt"]))
            if shape is None or shape.is_empty:
                raise DataError("an empty polygon", file=path, row=number, field=key, reason=_BAD)
            if not shape.area > 0:
                raise DataError(
                    "a polygon without area", file=path, row=number, field=key, got=feature["wkt"], reason=_BAD
                )
            subtype = feature["properties"].get("subtype", "")
        except (shapely.errors.GEOSException, KeyError, TypeError) as error:
            raise DataError(f"bad polygon ({error})", file=path, row=number, field=key, reason=_BAD) from None
        shapes.append((shape, subtype))
    return shapes


def _place(
    pixels: list[shapely.Geometry], degrees: list[shapely.Geometry], meta: dict[str, Any], path: Path
) -> tuple[float, tuple[float, float]]:
    """Ground sample distance (m) and centre (lon, lat), by least squares over the bounds of all buildings."""
    if len(pixels) != len(degrees):
        raise DataError("xy and lng_lat differ in number", file=path, got=(len(pixels), len(degrees)))
    # Rows grow downwards and latitudes upwards: the upper bound in pixels is the lower one in degrees.
    boxes_xy = np.array([shapely.bounds(shape) for shape in pixels])
    boxes_ll = np.array([shapely.bounds(shape) for shape in degrees])
    x, lon = boxes_xy[:, [0, 2]].ravel(), boxes_ll[:, [0, 2]].ravel()
    y, lat = boxes_xy[:, [1, 3]].ravel(), boxes_ll[:, [3, 1]].ravel()
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise DataError("the polygons have no extent", file=path)
    lon_per_px, lon_0 = np.polyfit(x, lon, 1)
    lat_per_px, lat_0 = np.polyfit(y, lat, 1)
    centre_lat = lat_0 + lat_per_px * meta["height"] / 2
    centre_lon = lon_0 + lon_per_px * meta["width"] / 2
    across = lon_per_px * _METRES_PER_DEGREE * math.cos(math.radians(centre_lat))
    down = -lat_per_px * _METRES_PER_DEGREE
    gsd_m = round(math.sqrt(abs(across * down)), 3)
    if not (across > 0 and down > 0 and gsd_m > 0):
        raise DataError("lng_lat does not follow from xy", file=path, got=(across, down), expected="metres per pixel")
    return gsd_m, (round(float(centre_lon), 6), round(float(centre_lat), 6))


def read_label(path: Path, grid: Grid) -> NDArray[np.uint16]:
    """HW uint16 damage codes (0 background, 1-5 as in SUBTYPES), one 8-connected region a building.

    Buildings that touch are parted by one background pixel, as the xView2 baseline does, so that counting regions
    counts buildings.

    Of a building that this splits, the largest part stays.

    Raises:
        DataError: an unknown subtype.
    """
    numbers = np.zeros(grid.shape, np.int32)
    codes = [0]
    for shape, subtype in _polygons(read_json(path), "xy", path):
        if subtype not in SUBTYPES:
            raise DataError(
                "unknown damage class",
                file=path,
                field="subtype",
                got=subtype,
                expected=list(SUBTYPES),
                reason="unknown_label_code",
            )
        canvas = np.zeros(grid.shape, np.uint8)
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon" and part.area > 0:
                rings = (part.exterior, *part.interiors)  # one call: the even-odd rule leaves courtyards out
                cv2.fillPoly(
                    canvas,
                    [np.rint(shapely.get_coordinates(ring)).astype(np.int32).reshape(-1, 1, 2) for ring in rings],
                    1,
                )
        codes.append(SUBTYPES[subtype])
        numbers[(canvas > 0) & (numbers == 0)] = len(codes) - 1
    touching = np.zeros(grid.shape, np.bool_)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here, there = _neighbours(numbers, dy, dx)
        differ = (here != there) & (here > 0) & (there > 0)
        _neighbours(touching, dy, dx)[0][...] |= differ
    numbers[touching] = 0
    _keep_largest_parts(numbers)
    return np.array(codes, np.uint16)[numbers]


def _keep_largest_parts(numbers: NDArray[np.int32]) -> None:
    """Leave one 8-connected region of each number, in place."""
    regions = cc3d.connected_components(numbers, connectivity=8)
    area = np.bincount(regions.ravel())
    owner = np.zeros(len(area), np.int32)
    owner[regions.ravel()] = numbers.ravel()
    largest: dict[int, int] = {}
    for region in range(1, len(area)):
        best = largest.get(int(owner[region]))
        if best is None or area[region] > area[best]:
            largest[int(owner[region])] = region
    numbers[~np.isin(regions, list(largest.values()))] = 0


def _neighbours(array: NDArray[Any], dy: int, dx: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Views of a pixel and its neighbour (dy, dx) further."""
    height, width = array.shape
    left, right = max(0, -dx), width - max(0, dx)
    return array[: height - dy, left:right], array[dy:, left + dx : right + dx]


SOURCE = Source("xbd", "xBD", "CC-BY-NC-SA-4.0", XbdOptions, scan)
