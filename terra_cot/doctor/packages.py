"""Versions against what the installed project asks for, and whether compiled packages load at all."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import import_module, metadata
from importlib.util import find_spec

from terra_cot import __version__
from terra_cot.doctor.check import CORE, Check

PROJECT = "terra-cot"
_OLDEST = (3, 11)
_OWN = ("all", "dev", "dev-llm")  # sums of others, and the tools of those who change the project
# Compiled code can be installed and yet not load: a system library is missing, or numpy is of another age.
_COMPILED = {
    "connected-components-3d": "cc3d",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "pyarrow": "pyarrow.parquet",
    "pycocotools": "pycocotools.mask",
    "pyproj": "pyproj",
    "rasterio": "rasterio",
    "scikit-image": "skimage.registration",
    "scipy": "scipy.ndimage",
    "shapely": "shapely",
    "xgboost": "xgboost",
    "xgboost-cpu": "xgboost",
}


def packages() -> Iterator[Check]:
    """Python, the project, every core package, every extra."""
    version = platform.python_version()
    old = sys.version_info < _OLDEST
    yield Check(
        "python", "python", "missing" if old else "ok", CORE, version, "install Python 3.11 or newer" if old else None
    )
    try:
        required = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        fix = f"run from source only; pip install {PROJECT}, so that versions can be checked"
        yield Check("packages", PROJECT, "warn", CORE, __version__, fix)
        return
    yield Check("packages", PROJECT, "ok", CORE, __version__)
    yield from core(required)
    yield from extras(required)


def torch(load: bool) -> Iterator[Check]:
    """torch, if it is there; its devices only where it may be loaded, which takes seconds."""
    if find_spec("torch") is None:
        return  # the extra [model] says so already
    version = metadata.version("torch")
    if not load:
        yield Check("extras", "torch", "ok", "[model]", f"{version}; devices: ask with --torch")
        return
    try:
        loaded = import_module("torch")
    except (ImportError, OSError) as error:
        yield Check("extras", "torch", "missing", "[model]", None, f"does not load: {_line(error)}; install it again")
        return
    devices = ["cpu"]
    if loaded.cuda.is_available():
        devices += [
            f"cuda:{place} ({loaded.cuda.get_device_name(place)})" for place in range(loaded.cuda.device_count())
        ]
    if loaded.backends.mps.is_available():
        devices.append("mps")
    yield Check("extras", "torch", "ok", "[model]", f"{version}; devices: {', '.join(devices)}")


def core(required: list[str]) -> Iterator[Check]:
    """Every requirement (PEP 508) without an extra: there, new enough, and loading."""
    from packaging.requirements import Requirement

    for text in sorted(required, key=str.casefold):
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found, amiss = _installed(text)
        if found and not amiss and requirement.name in _COMPILED:
            amiss = load_fault(_COMPILED[requirement.name])
        fix = f'{amiss}; pip install "{requirement.name}{requirement.specifier}"' if amiss else None
        yield Check("packages", requirement.name, "missing" if amiss else "ok", CORE, found, fix)


def extras(required: list[str]) -> Iterator[Check]:
    """Every extra of the installed project: all that it adds, or the line that installs it."""
    from packaging.requirements import Requirement

    for extra in metadata.metadata(PROJECT).get_all("Provides-Extra") or []:
        if extra in _OWN:
            continue
        asked = [
            text
            for text in required
            if (marker := Requirement(text).marker) is not None
            and marker.evaluate({"extra": extra})
            and not marker.evaluate({"extra": ""})
        ]
        there = {Requirement(text).name: _installed(text) for text in asked}
        amiss = [f"{name} {fault}" for name, (_, fault) in there.items() if fault]
        found = ", ".join(f"{name} {version}" for name, (version, _) in there.items() if version)
        fix = f"{', '.join(amiss)}; pip install '{PROJECT}[{extra}]'" if amiss else None
        yield Check("extras", extra, "missing" if amiss else "ok", f"[{extra}]", found or None, fix)


def _installed(text: str) -> tuple[str | None, str | None]:
    """(version, what is wrong with it) of a requirement."""
    from packaging.requirements import Requirement

    requirement = Requirement(text)
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return None, "not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return version, f"{version} is not {requirement.specifier}"
    return version, None


def load_fault(module: str) -> str | None:
    """Why a module that is installed does not load; None if it does."""
    try:
        import_module(module)
    except (ImportError, OSError, AttributeError, ValueError) as error:  # the last two: another numpy, xgboost
        return f"does not load: {_line(error)}"
    return None


def _line(error: BaseException) -> str:
    from terra_cot.errors import shorten

    return shorten(str(error) or type(error).__name__)
