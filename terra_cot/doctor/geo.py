"""GDAL and PROJ as rasterio brings them: the drivers that archives and exports want, and a database that answers."""

from __future__ import annotations

import os
from collections.abc import Iterator

from terra_cot.doctor.check import CORE, Check

DRIVERS = {
    "GTiff": CORE,
    "PNG": CORE,
    "COG": "export --to geo",
    "GeoJSON": "areas and evidence in GIS tools",
    "JP2OpenJPEG": "Sentinel-2 in SAFE folders",
}
_FIX = "install rasterio from PyPI (its wheel has the driver), or GDAL with it"
# Left behind by other installations of GDAL; rasterio's wheel brings its own files.
_STRAY = ("GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_DATA", "PROJ_LIB")


def geo() -> Iterator[Check]:
    """Versions, drivers, the PROJ database, and environment variables that lead either astray."""
    try:
        import rasterio
        from rasterio.env import Env
    except (ImportError, OSError):
        return  # the packages say so already
    yield Check("gdal", "GDAL", "ok", CORE, rasterio.__gdal_version__)
    with Env() as environment:
        known = environment.drivers()
    for name, needed_by in DRIVERS.items():
        there = name in known
        yield Check(
            "gdal", f"driver {name}", "ok" if there else "missing", needed_by, "yes" if there else None,
            None if there else _FIX,
        )  # fmt: skip
    fault = _database_fault()
    yield Check("gdal", "PROJ", "missing" if fault else "ok", CORE, rasterio.__proj_version__, fault)
    for variable in _STRAY:
        if value := os.environ.get(variable):
            fix = f"set to {value}: unset {variable} if coordinates or drivers fail"
            yield Check("gdal", variable, "warn", CORE, value, fix)


def _database_fault() -> str | None:
    """What to do if PROJ cannot look up a zone, by rasterio's library or by pyproj's; None if both can."""
    import pyproj
    from pyproj.exceptions import CRSError as OtherCRSError
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    for library, ask in (("rasterio", CRS.from_epsg), ("pyproj", pyproj.CRS.from_epsg)):
        try:
            ask(32633)
        except (CRSError, OtherCRSError) as error:
            told = " ".join(str(error).split())[:120]
            return f"{library} finds no EPSG:32633 ({told}); unset PROJ_LIB and PROJ_DATA, or install {library} again"
    return None
