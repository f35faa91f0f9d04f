"""The synthetic world as COGs behind a STAC catalogue, and a server of 127.0.0.1 that answers ranges and searches."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from terra_cot.geo.grid import Grid
from terra_cot.sources.stac.place import ground
from terra_cot.world import WorldConfig, make_scene

KEYS = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
COARSE = ("B05", "B8A", "B11", "B12")


def write_cog(path: Path, pixels: NDArray[Any], transform: Affine, nodata: float | None, epsg: int = 32633) -> None:
    """A cloud-optimised GeoTIFF of CHW pixels in blocks of 128."""
    profile = {"driver": "GTiff", "count": len(pixels), "dtype": pixels.dtype, "nodata": nodata}
    shape = {"height": pixels.shape[1], "width": pixels.shape[2]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with MemoryFile() as memory:
        with memory.open(crs=CRS.from_epsg(epsg), transform=transform, **profile, **shape) as out:
            out.write(pixels)
        with memory.open() as source:
            copy(source, path, driver="COG", BLOCKSIZE=128, COMPRESS="DEFLATE", OVERVIEWS="NONE")


def item(item_id: str, collection: str, date: str, grid: Grid, assets: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An item as publishers write it; `assets` maps keys to (file, grid)."""
    ground_of = ground(grid)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": item_id,
        "collection": collection,
        "geometry": json.loads(json.dumps(ground_of.__geo_interface__)),
        "bbox": list(ground_of.bounds),
        "properties": {"datetime": date, "proj:code": grid.crs, **fields},
        "links": [],
        "assets": {
            key: {"href": name, "proj:transform": list(of.transform)[:6], "proj:shape": list(of.shape)}
            for key, (name, of) in assets.items()
        },
    }


def world_items(folder: Path, size_px: int = 256) -> list[dict[str, Any]]:
    """Files of one place of the world, and their items: four optical and four SAR dates, and a label map."""
    place = make_scene(WorldConfig(size_px=size_px), 0)
    left, top = place.origin_m
    fine = Grid("EPSG:32633", Affine(10, 0, left, 0, -10, top), size_px, size_px, 10)
    half = Grid("EPSG:32633", Affine(20, 0, left, 0, -20, top), size_px // 2, size_px // 2, 20)
    down, right = place.sar_offset_px
    side = place.sar.shape[-1]
    radar = Grid("EPSG:32633", Affine(10, 0, left + right * 10, 0, -10, top - down * 10), side, side, 10)
    found = []
    for number, day in enumerate(place.dates):
        assets: dict[str, Any] = {}
        for band, (name, key) in enumerate(KEYS.items()):
            write_cog(folder / day / f"{name}.tif", place.optical_10m[number][band][None], fine.transform, 0)
            assets[key] = (f"{day}/{name}.tif", fine)
        write_cog(folder / day / "coarse.tif", place.optical_20m[number], half.transform, 0)
        scl = np.array([4, 9, 3], np.uint8)[place.cloud[number]]
        write_cog(folder / day / "SCL.tif", scl[None], fine.transform, 0)
        assets |= {"coarse": (f"{day}/coarse.tif", half), "scl": (f"{day}/SCL.tif", fine)}
        fields = {"grid:code": "MGRS-33UUP", "eo:cloud_cover": 100 * float((place.cloud[number] > 0).mean())}
        found.append(item(f"S2_{day}", "sentinel-2-l2a", f"{day}T10:06:29Z", fine, assets, **fields))
        power = (10 ** (place.sar[number] / 10)).astype(np.float32)
        for band, key in enumerate(("vv", "vh")):
            write_cog(folder / day / f"{key}.tif", power[band][None], radar.transform, float("nan"))
        assets = {key: (f"{day}/{key}.tif", radar) for key in ("vv", "vh")}
        found.append(item(f"S1_{day}", "sentinel-1-rtc", f"{day}T05:18:41Z", radar, assets))
    write_cog(folder / "map.tif", place.labels[0][None], fine.transform, 0)
    label = item("WC_2021", "esa-worldcover", "", fine, {"map": ("map.tif", fine)})
    year = {"datetime": None, "start_datetime": "2021-01-01T00:00:00Z", "end_datetime": "2021-12-31T23:59:59Z"}
    label["properties"] |= year
    return [*found, label]


def write_static(folder: Path, items: list[dict[str, Any]], name: str = "catalog.json") -> Path:
    """A static catalogue: a collection file each, items by relative links. The files lie in `folder`."""
    children = []
    for collection in sorted({entry["collection"] for entry in items}):
        links = []
        for entry in (entry for entry in items if entry["collection"] == collection):
            (folder / f"{entry['id']}.json").write_text(json.dumps(entry))
            links.append({"rel": "item", "href": f"./{entry['id']}.json", "type": "application/geo+json"})
        body = {"type": "Collection", "stac_version": "1.0.0", "id": collection, "description": collection,
                "license": "CC0-1.0", "links": links, "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]},
                "temporal": {"interval": [[None, None]]}}}  # fmt: skip
        (folder / f"{collection}.json").write_text(json.dumps(body))
        children.append({"rel": "child", "href": f"./{collection}.json"})
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "world", "description": "world", "links": children}
    (folder / name).write_text(json.dumps(root))
    return folder / name


def source_of(root: object, **more: Any) -> dict[str, Any]:
    """The source of a recipe for `world_items`."""
    return {
        "kind": "stac",
        "root": str(root),
        "datetime": "2023-01-01/2024-12-31",
        "optical": {
            "collection": "sentinel-2-l2a",
            "assets": {**KEYS, **dict.fromkeys(COARSE, "coarse")},
            "cloud": "scl",
            "cloud_format": "scl",
        },
        "sar": {"collection": "sentinel-1-rtc", "assets": {"VV": "vv", "VH": "vh"}, "unit": "linear"},
        "label": {"collection": "esa-worldcover", "asset": "map", "legend": "worldcover", "datetime": "2021"},
        "licence": "CC0-1.0",
        **more,
    }


@dataclass
class Served:
    """A running server: what was asked, and when it shall fail. `api` are the items of its /search."""

    folder: Path
    url: str = ""
    api: list[dict[str, Any]] = field(default_factory=list)
    log: list[tuple[str, str, int, int]] = field(default_factory=list)  # method and path, range, status, bytes
    dies_after: int | None = None  # rasters that are still answered

    def rasters(self) -> list[tuple[str, str, int, int]]:
        return [entry for entry in self.log if entry[0].startswith("GET") and entry[0].endswith(".tif")]


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """`folder` on a free port of 127.0.0.1, with ranges; `/api` is a minimal STAC API with pages of two items."""
    state = Served(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *parts: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._file(False)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/api":
                self._json(_landing(state.url))
            else:
                self._file(True)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._json(_search(state, body))

        def _json(self, body: dict[str, Any]) -> None:
            self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"}, True)

        def _file(self, whole: bool) -> None:
            path = folder / self.path.partition("?")[0].lstrip("/")
            raster = path.suffix == ".tif"
            if raster and state.dies_after is not None and len(state.rasters()) >= state.dies_after:
                self.close_connection = True
                return
            if not path.is_file():
                self._send(404, b"", {}, whole)
                return
            data = path.read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not asked:
                self._send(200, data, {"Accept-Ranges": "bytes"}, whole)
                return
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            if first > last:
                self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"}, whole)
                return
            head = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {first}-{last}/{len(data)}"}
            self._send(206, data[first : last + 1], head, whole)

        def _send(self, status: int, data: bytes, head: dict[str, str], whole: bool) -> None:
            state.log.append(
                (f"{self.command} {self.path}", self.headers.get("Range", ""), status, len(data) if whole else 0)
            )
            self.send_response(status)
            for name, value in {**head, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if whole:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _landing(url: str) -> dict[str, Any]:
    conforms = ("core", "item-search", "ogcapi-features")
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "api",
        "description": "a minimal API",
        "conformsTo": [f"https://api.stacspec.org/v1.0.0/{name}" for name in conforms],
        "links": [
            {"rel": "self", "href": f"{url}/api"},
            {"rel": "root", "href": f"{url}/api"},
            {"rel": "search", "href": f"{url}/search", "method": "POST", "type": "application/geo+json"},
        ],
    }


def _search(state: Served, body: dict[str, Any]) -> dict[str, Any]:
    first = int(body.pop("token", 0))
    matching = [entry for entry in state.api if entry["collection"] in body["collections"]]
    page = matching[first : first + 2]
    links = []
    if first + 2 < len(matching):
        following = {**body, "token": first + 2}
        links = [{"rel": "next", "method": "POST", "href": f"{state.url}/search", "body": following}]
    return {"type": "FeatureCollection", "features": page, "links": links}


def absolute(items: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
    """The same items with absolute hrefs, as an API gives them."""
    copied: list[dict[str, Any]] = json.loads(json.dumps(items))
    for entry in copied:
        for asset in entry["assets"].values():
            asset["href"] = f"{url}/{asset['href']}"
    return copied


def read_whole(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read())
