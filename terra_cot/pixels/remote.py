"""A file of a scene is a path below its root or, as it stands, an absolute path or an URL that GDAL reads by ranges.

The only file that says how GDAL talks to servers. A name of the environment (GDAL_HTTP_TIMEOUT=5) wins over it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import rasterio
from rasterio.errors import RasterioError

GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # servers list no folders: each try would be a request
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",  # the whole header of a COG in one request
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_LOW_SPEED_TIME": "15",  # silence is given up before a slow answer is
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "1",
}

UNREACHABLE = "unreachable"
"""Reason of a drop that may go away: the part that holds it is made again by the next run."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SECRETS = {
    *("sig", "signature", "token", "access_token", "apikey", "api_key", "api-key", "key", "subscription-key"),
    *("awsaccesskeyid", "googleaccessid", "key-pair-id", "policy", "password"),
}


def is_remote(place: str | Path) -> bool:
    """Whether a place is read over the network: an URL other than file://, or a network path of GDAL."""
    text = str(place)
    return text.startswith(("/vsicurl", "/vsis3", "/vsigs", "/vsiaz")) or (
        bool(_URL.match(text)) and not text.startswith("file://")
    )


def located(root: str | Path, path: str) -> str | Path:
    """Where a file of a scene lies: URLs and absolute paths are used as they are, others are below the root."""
    return path if _URL.match(path) or path.startswith("/vsi") else Path(root) / path


def open_raster(place: str | Path) -> Any:
    """An open rasterio dataset; one over the network gives up after finite time (GDAL keeps the settings of opening).

    Raises:
        rasterio.errors.RasterioError: GDAL cannot read it.
    """
    if not is_remote(place):
        return rasterio.open(place)
    with rasterio.Env(**{name: value for name, value in GDAL.items() if name not in os.environ}):
        return rasterio.open(place)


def told(error: RasterioError, place: str | Path) -> str:
    """What the driver says: rasterio may only say that an earlier exception knows.

    Of a file over the network rasterio's own words: those of the driver may hold a signed URL.
    """
    found: BaseException = error
    while found.__cause__ is not None and not is_remote(place):
        found = found.__cause__
    return str(found) or str(error)


def has_secret(href: str) -> bool:
    """Whether an URL carries a password, a token or a signature."""
    if not _URL.match(href):
        return False
    parts = urlsplit(href)
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    signed = any(name.startswith(("x-amz-", "x-goog-")) for name in names)
    return "@" in parts.netloc or signed or bool(names & _SECRETS)


def unsigned(href: str) -> str:
    """The same URL without password, token and signature: what may be written to disk."""
    if not has_secret(href):
        return href
    parts = urlsplit(href)
    # The other keys of a signature (se, sp, sv, Expires) mean nothing without it.
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
