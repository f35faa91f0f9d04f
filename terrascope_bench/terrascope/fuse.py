"""Optical or SAR, token by token: whichever the question's words attend to more (Sec. 4, text-guided selection).

Relevance of visual token j of modality m: the mean over the L question tokens of softmax(v_m q^T / sqrt(D)). The
softmax runs over the visual tokens of m: over the question's tokens it would leave a mean of 1 / L everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from terrascope_bench.terrascope.config import Fusion
from terrascope_bench.terrascope.select import Selection
from terrascope_bench.terrascope.vision import Encoded


def relevance(visual: Any, question: Any) -> Any:
    """(N,) from visual tokens (N, D) and embeddings of the question's tokens (L, D); sums to 1."""
    scores = visual.float() @ question.float().T / visual.shape[-1] ** 0.5  # (N, L)
    return torch.softmax(scores, dim=0).mean(dim=1)


def step_tokens(images: Sequence[Encoded], selection: Selection, question: Any, fusion: Fusion) -> Any:
    """The visual tokens (k, D) that a step appends; `images` are those of its date, `question` (L, D) its words.

    "concatenated" gives 2k tokens: the optical ones, then those of SAR.
    """
    places = torch.from_numpy(selection.tokens).to(images[0].grid.device)
    # (gh, gw, D) -> (gh * gw, D)
    grids = {image.modality: image.grid.reshape(-1, image.grid.shape[-1]) for image in images}
    optical, sar = grids.get("optical"), grids.get("sar")
    if optical is None or sar is None or fusion == "optical":
        only = optical if optical is not None else sar
        assert only is not None
        return only[places]
    if fusion == "concatenated":
        return torch.cat((optical[places], sar[places]))
    better = relevance(optical, question)[places] >= relevance(sar, question)[places]
    return torch.where(better[:, None], optical[places], sar[places])
