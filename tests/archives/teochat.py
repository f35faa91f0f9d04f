"""TEOChatlas of the synthetic world: disaster pairs as series of images, rows that ask about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from terra_cot.world import WorldConfig, make_pair


def row(images: list[str], dates: list[str] | None = None, dataset: str = "xBD") -> dict[str, Any]:
    """A row as published; without dates its metadata tell none."""
    turns = [{"from": "human", "value": "<video> Which buildings are gone?"}, {"from": "gpt", "value": "None."}]
    metadata = [{"timestamp": date} for date in dates] if dates else [{} for _ in images]
    return {"video": images, "dataset": dataset, "task": "question_answering", "metadata": metadata} | {
        "conversations": turns
    }


def teochat(root: Path) -> Path:
    """Two series in train (one asked about twice, its later image listed first; one without dates) and one in eval."""
    for number, part in enumerate(("train", "train", "eval")):
        pair = make_pair(WorldConfig(pair_size_px=256), number)
        (root / part / "xBD").mkdir(parents=True, exist_ok=True)
        for when, image in (("pre", pair.pre), ("post", pair.post)):
            Image.fromarray(image).save(root / part / "xBD" / f"{number}_{when}.png")
    first = row(["xBD/0_post.png", "xBD/0_pre.png"], ["2023-06-01", "2023-05-01"])
    train = [first, first, row(["xBD/1_pre.png", "xBD/1_post.png"]), {"image": "GeoChat/7.png", "conversations": []}]
    (root / "train" / "instruct.json").write_text(json.dumps(train))
    (root / "eval" / "xBD_SRE_QA_RQA.json").write_text(json.dumps([row(["xBD/2_pre.png", "xBD/2_post.png"])]))
    return root
