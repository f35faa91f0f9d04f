"""What is remote stays where it is, and its secrets stay out of what is written."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from rasterio.errors import RasterioError

from terra_cot.pixels.remote import GDAL, has_secret, is_remote, located, open_raster, unsigned


@pytest.mark.parametrize(
    ("path", "place", "remote"),
    [
        ("a/b.tif", Path("/data/a/b.tif"), False),
        ("/other/b.tif", Path("/other/b.tif"), False),
        ("https://host/b.tif?v=1", "https://host/b.tif?v=1", True),
        ("s3://bucket/b.tif", "s3://bucket/b.tif", True),
        ("/vsicurl?pc_url_signing=yes&url=x", "/vsicurl?pc_url_signing=yes&url=x", True),
    ],
)
def test_urls_and_absolute_paths_are_used_as_they_are(path: str, place: str | Path, remote: bool) -> None:
    assert located("/data", path) == place
    assert is_remote(located("/data", path)) is remote


@pytest.mark.parametrize(
    "href",
    [
        "https://user:word@host/a.tif",
        "https://host/a.tif?se=2026-01-01&sp=r&sv=2020&sig=abc%3D",
        "https://host/a.tif?X-Amz-Credential=a&X-Amz-Signature=b",
        "https://host/a.tif?Expires=1&Signature=b&Key-Pair-Id=c",
        "https://host/a.tif?ACCESS_TOKEN=b",
    ],
)
def test_a_secret_is_seen_and_taken_off(href: str) -> None:
    assert has_secret(href)
    assert unsigned(href) == "https://host/a.tif"


@pytest.mark.parametrize("href", ["https://host/a.tif?version=2", "s3://bucket/a@2x.tif", "/data/a?sig=1.tif"])
def test_what_is_no_secret_stays(href: str) -> None:
    assert not has_secret(href)
    assert unsigned(href) == href


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment shortens what would take a minute; GDAL is not asked to wait for ever."""
    assert {"GDAL_HTTP_TIMEOUT", "GDAL_HTTP_MAX_RETRY", "GDAL_HTTP_CONNECTTIMEOUT"} <= set(GDAL)
    monkeypatch.setitem(GDAL, "GDAL_HTTP_TIMEOUT", "1")
    monkeypatch.setitem(GDAL, "GDAL_HTTP_MAX_RETRY", "0")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        before = time.monotonic()
        with pytest.raises(RasterioError):
            open_raster(f"http://127.0.0.1:{silent.getsockname()[1]}/a.tif")
        assert time.monotonic() - before < 300
