"""The doctor finds what is planted: a package too old, an odd setting, a lost database; and loads no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path

import pytest
from terminal import ROOT, environment, start

from terra_cot.doctor import Check, examine, healthy
from terra_cot.doctor.geo import DRIVERS
from terra_cot.doctor.machine import available_memory, machine, usable_cores

installed = import_module("terra_cot.doctor.packages")  # the room has a function of that name


def by_name(checks: list[Check]) -> dict[str, Check]:
    found = {check.name: check for check in checks}
    assert len(found) == len(checks)
    return found


def test_here_all_that_the_core_needs_is_found(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    assert healthy(checks)
    found = by_name(checks)
    assert found["numpy"].found == metadata.version("numpy")
    assert {f"driver {name}" for name in DRIVERS} <= set(found)
    assert all(found[f"driver {name}"].state == "ok" for name in DRIVERS)
    assert found[f"disk at {tmp_path}"].state in ("ok", "warn")
    for check in checks:
        assert (check.state == "ok") == (check.fix is None), check
        assert check.found is not None or check.state == "missing", check
    extras = {check.name for check in checks if check.topic == "extras"} - {"torch"}
    told = set(metadata.metadata("terra-cot").get_all("Provides-Extra") or ())
    assert extras == told - {"all", "dev", "dev-llm"}


def test_a_package_that_is_old_or_absent_is_missing_with_the_line_that_mends_it() -> None:
    required = ["numpy>=999", "no-such-package>=1", "pillow>=10", 'ray>=2; extra == "ray"']
    found = by_name(list(installed.core(required)))
    assert set(found) == {"numpy", "no-such-package", "pillow"}
    assert found["pillow"].state == "ok"
    assert found["numpy"].state == found["no-such-package"].state == "missing"
    assert 'pip install "numpy>=999"' in (found["numpy"].fix or "")
    assert metadata.version("numpy") in (found["numpy"].fix or "")
    assert not healthy([found["numpy"]])


def test_an_extra_that_is_absent_names_its_line_and_does_not_fail() -> None:
    asked = 'extra == "review"'
    if "review" not in (metadata.metadata("terra-cot").get_all("Provides-Extra") or ()):
        pytest.skip("the installed project has no extra [review]")
    (check,) = [
        check
        for check in installed.extras([f"no-such-package>=1; {asked}", f"numpy>=1; {asked}"])
        if check.name == "review"
    ]
    assert (check.state, check.needed_by) == ("missing", "[review]")
    assert check.fix == "no-such-package not installed; pip install 'terra-cot[review]'"
    assert healthy([check])


def test_compiled_code_that_does_not_load_is_told() -> None:
    assert installed.load_fault("json") is None
    assert "no_such_module" in (installed.load_fault("no_such_module") or "")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OMP_NUM_THREADS", "many", "not a positive number"),
        ("OPENBLAS_NUM_THREADS", "0", "not a positive number"),
        ("MKL_NUM_THREADS", "4096", "more than"),
        ("OPENBLAS_CORETYPE", "Haswell", "last digits"),
    ],
)
def test_settings_that_make_numbers_slow_or_odd(
    name: str, value: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    check = by_name(list(machine(tmp_path)))[name]
    assert check.state == "warn"
    assert says in (check.fix or "")
    monkeypatch.setenv(name, "1" if name.endswith("THREADS") else "")
    assert name not in by_name(list(machine(tmp_path)))


def test_the_disk_is_that_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    check = by_name(list(machine(tmp_path / "not" / "yet")))[f"disk at {tmp_path / 'not' / 'yet'}"]
    assert "free" in (check.found or "")
    assert not (tmp_path / "not").exists()


def test_memory_and_cores_are_those_of_this_process() -> None:
    memory = available_memory()
    if memory is not None:
        assert 0 < memory <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_torch_is_loaded_only_where_it_is_asked_for(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from terra_cot.doctor import examine
examine(Path({str(tmp_path)!r}))
print("torch" in sys.modules, any(name.startswith("transformers") for name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT, check=False
    )
    assert (done.stdout, done.returncode) == ("False False\n", 0), done.stderr


def test_devices_are_told_when_torch_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (check,) = installed.torch(True)
    assert check.state == "ok"
    assert "devices: cpu" in (check.found or "")


def test_a_stray_proj_database_fails_the_core_with_exit_code_1(tmp_path: Path) -> None:
    """What another installation left in PROJ_DATA makes every CRS fail: the doctor says so, and what to unset."""
    done = start("terra-cot", "doctor", tmp_path, "--json", PROJ_DATA=str(tmp_path), PROJ_LIB=str(tmp_path))
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["PROJ_DATA"]["state"] == "warn"
    assert found["PROJ"]["state"] == "missing"
    assert "unset PROJ_LIB and PROJ_DATA" in found["PROJ"]["fix"]
    assert json.loads(done.stdout)["healthy"] is False
    assert done.returncode == 1
