"""What an engine says when a worker is gone."""

from __future__ import annotations

from terra_cot.errors import TerraError


class WorkerLost(TerraError):  # noqa: N818 - reads as what happened
    """A worker process died: killed, or out of memory."""

    def __init__(self) -> None:
        super().__init__(
            "a worker process died (killed, or out of memory); finished parts are kept: "
            "run the same command again, with fewer --workers if memory was short"
        )
