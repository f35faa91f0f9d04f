"""The alignment report says what a run would find: as many frames, the same shifts, metres from pixels."""

from __future__ import annotations

import numpy as np

from terra_cot.alignment import Offset, picture, table


def offset(status: str, found: tuple[float, float] | None, modality: str = "sar", gsd_m: float = 10.0) -> Offset:
    return Offset("tile", "t0", modality, status, found, 9.0 if found else None, gsd_m)


def test_only_trusted_shifts_are_averaged_and_all_frames_are_counted() -> None:
    columns, rows = table(
        [
            offset("removed", (3.0, 4.0)),
            offset("removed", (3.0, 4.2)),
            offset("aligned", (3.0, 3.8)),
            offset("refused", (-8.0, 8.0)),
            offset("refused", None),
        ]
    )
    row = dict(zip(columns, rows[0], strict=True))
    assert (row["frames"], row["trusted"]) == (5, 3)
    assert (row["median dy px"], row["median dx px"], row["spread px"]) == ("+3.00", "+4.00", "0.20")
    assert row["median m"] == "50.0", "3 and 4 px of 10 m are 50 m"


def test_a_group_without_a_trusted_shift_has_no_numbers() -> None:
    _, rows = table([offset("refused", (1.0, 1.0), "optical")])
    assert rows == [["optical", "t0", 1, 0, "-", "-", "-", "-", "-"]]


def test_points_lie_where_their_shift_points() -> None:
    """Right is +dx, down is +dy."""
    empty = np.asarray(picture([], "nothing")).astype(int)
    drawn = np.asarray(picture([offset("removed", (0.0, 1.5))], "one")).astype(int)
    color = (drawn[:, :, 0] > 180) & (drawn[:, :, 1] < 100) & (drawn[:, :, 2] < 60)
    rows, columns = np.nonzero(color[120:640])
    assert len(rows) > 20
    assert columns.mean() > drawn.shape[1] / 2 + 100
    assert abs(rows.mean() + 120 - (120 + 260)) < 3
    assert empty.shape == drawn.shape
