"""Room, memory and cores that a process here may really use, and settings that make numbers slow or odd."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from terra_cot.doctor.check import CORE, Check

_LITTLE_DISK = 5e9
_LITTLE_MEMORY = 2e9
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "NPY_DISABLE_CPU_FEATURES")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine(folder: Path) -> Iterator[Check]:
    """Disk under `folder`, memory, cores, threads of linear algebra, a browser."""
    yield _disk(folder)
    yield _memory()
    cores = usable_cores()
    yield Check("machine", "cores", "ok", CORE, f"{cores} of {os.cpu_count()}")
    yield from _threads(cores)
    yield _browser()


def usable_cores() -> int:
    """Cores that this process may run on; a container may have fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes that can be had now: what the system says, at most the container's limit; None if neither tells."""
    found = _number_after("/proc/meminfo", "MemAvailable:")
    amounts = [] if found is None else [found * 1024]
    for place in _LIMITS:
        text = _text(place)
        if text is not None and text.strip().isdecimal():
            amounts.append(int(text))
    return min(amounts, default=None)


def _disk(folder: Path) -> Check:
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if not os.access(place, os.W_OK):
        return Check("machine", f"disk at {folder}", "warn", CORE, _gb(free), f"{place} cannot be written to")
    few = free < _LITTLE_DISK
    fix = "make room: less than 5 GB are free; a stopped run goes on where it was" if few else None
    return Check("machine", f"disk at {folder}", "warn" if few else "ok", CORE, f"{_gb(free)} free", fix)


def _memory() -> Check:
    amount = available_memory()
    if amount is None:
        return Check("machine", "memory", "ok", CORE, "not told by this system")
    few = amount < _LITTLE_MEMORY
    fix = "less than 2 GB can be had: --workers 1, and close what else is running" if few else None
    return Check("machine", "memory", "warn" if few else "ok", CORE, f"{_gb(amount)} available", fix)


def _threads(cores: int) -> Iterator[Check]:
    told = {name: value for name in _THREADS if (value := os.environ.get(name))}
    odd = {
        name: "not a positive number" if not value.isdecimal() or int(value) < 1 else f"more than {cores} cores"
        for name, value in told.items()
        if not value.isdecimal() or not 1 <= int(value) <= cores
    }
    for name, why in odd.items():
        yield Check("machine", name, "warn", CORE, told[name], f"{why}: unset it, or set it to 1 with many --workers")
    if not odd:
        said = ", ".join(f"{name}={value}" for name, value in told.items())
        yield Check("machine", "BLAS threads", "ok", CORE, said or "as many as there are cores")
    for name in _KERNELS:
        if value := os.environ.get(name):
            fix = f"unset {name} unless you chose it: it picks other kernels, sums may differ in their last digits"
            yield Check("machine", name, "warn", CORE, value, fix)


def _browser() -> Check:
    path = os.environ.get("TERRA_COT_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    fix = None if path else "apt-get install chromium, or its path in TERRA_COT_CHROMIUM; nothing else wants it"
    return Check("machine", "chromium", "ok" if path else "missing", "tests of pages", path, fix)


def _gb(amount: float) -> str:
    return f"{amount / 1e9:,.1f} GB"


def _number_after(place: str, word: str) -> int | None:
    for line in (_text(place) or "").splitlines():
        if line.startswith(word):
            return int(line.split()[1])
    return None


def _text(place: str) -> str | None:
    try:
        return Path(place).read_text(encoding="ascii")
    except OSError:
        return None
