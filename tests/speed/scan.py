"""`terra-cot scan` of a million files: time against `os.walk` of the same tree, peak memory by size, and what a kill
costs.

Run by hand: `python tests/speed/scan.py` (a million files need a minute to link and 300 MB of folders; `--root` says
where). The tree is BigEarthNet v2 with 15 files a patch, hard links to those of a dozen small patches: every header is
opened, the pages are warm. Prints figures; asserts that a killed scan ends with the bytes of one that was not.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))

from geofactory import S2_STEM, SCRIPT, bigearthnet_v2

FILES_A_PATCH = 15
MODELS = 12
IN_A_FOLDER = 4000


def make_tree(root: Path, patches: int) -> None:
    """An archive of `patches` patches in folders of 4,000, each a copy by links of one of the models."""
    models = [f"{number}_0" for number in range(MODELS)]
    made = bigearthnet_v2(root / "models", models, labelled=models)
    metadata = {
        row["patch_id"]: row["s1_name"] for path in made.glob("*.parquet") for row in pq.read_table(path).to_pylist()
    }
    archive, rows = root / "archive", []
    for number in range(patches):
        model = f"{S2_STEM}_{models[number % MODELS]}"
        stem = f"{S2_STEM[:-3]}{number // IN_A_FOLDER:03d}"
        patch, partner = f"{stem}_{number:06d}_0", f"S1A_IW_GRDH_1SDV_{number // IN_A_FOLDER:03d}_T_{number:06d}_0"
        for kind, old, new in (
            ("BigEarthNet-S2", model, patch),
            ("BigEarthNet-S1", metadata[model], partner),
            ("Reference_Maps", model, patch),
        ):
            (source,) = (made / kind).glob(f"*/{old}")
            folder = archive / kind / new.rsplit("_", 3 if kind == "BigEarthNet-S1" else 2)[0] / new
            folder.mkdir(parents=True)
            for entry in os.scandir(source):
                os.link(entry.path, folder / entry.name.replace(old, new))
        rows.append({"patch_id": patch, "split": "train", "s1_name": partner})
    pq.write_table(pa.Table.from_pylist(rows), archive / "metadata.parquet")


def walked(root: Path) -> tuple[int, float]:
    """Files and seconds of the floor."""
    start = time.perf_counter()
    files = sum(len(names) for _, _, names in os.walk(root))
    return files, time.perf_counter() - start


def scanned(archive: Path, out: Path, kill_at: int | None = None) -> tuple[float, float]:
    """Seconds and peak MB of one scan in a process of its own, killed once `kill_at` batches are on disk."""
    start = time.perf_counter()
    command = [str(SCRIPT), "scan", "bigearthnet", str(archive), "-o", str(out), "--quiet"]
    running = subprocess.Popen(command)
    while kill_at is not None and running.poll() is None:
        if len(list(out.parent.glob(f".{out.name}.scan/*.parquet"))) >= kill_at:
            running.send_signal(signal.SIGKILL)
            break
        time.sleep(0.05)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != (0 if kill_at is None else -signal.SIGKILL):
        sys.exit(f"the scan ended with {running.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--root", type=Path, help="where to make the tree (default: the temporary folder)")
    arguments = parser.parse_args()
    for files in arguments.files:
        with tempfile.TemporaryDirectory(dir=arguments.root) as scratch:
            place = Path(scratch)
            make_tree(place, -(-files // FILES_A_PATCH))
            archive = place / "archive"
            walked(archive)  # once for warm pages
            found, floor_s = walked(archive)
            whole_s, peak_mb = scanned(archive, place / "whole" / "scenes.parquet")
            size = (place / "whole" / "scenes.parquet").stat().st_size
            print(
                f"{found:>9,} files: scan {whole_s:.1f} s, {found / whole_s:,.0f} files/s, {whole_s / floor_s:.1f} x "
                f"os.walk ({floor_s:.2f} s); peak {peak_mb:.0f} MB; {size / 1e6:.1f} MB written",
                flush=True,
            )
            if files == max(arguments.files):
                half = max(1, files // FILES_A_PATCH // 256 // 2)
                again = place / "again" / "scenes.parquet"
                killed_s, _ = scanned(archive, again, kill_at=half)
                resumed_s, peak_mb = scanned(archive, again)
                same = all(
                    (place / "whole" / name).read_bytes() == (place / "again" / name).read_bytes()
                    for name in ("scenes.parquet", "scenes.dropped.jsonl")
                )
                assert same, "a killed scan must end with the same bytes"
                print(f"killed after {killed_s:.1f} s, resumed in {resumed_s:.1f} s, peak {peak_mb:.0f} MB, same bytes")


if __name__ == "__main__":
    main()
