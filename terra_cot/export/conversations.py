"""Chat rows as the trainers of LLaVA and InternVL read them, one JSON object a line.

    OUT/<split>.jsonl           id, image, conversations, and the size of the image
    OUT/masks/<split>.jsonl     the masks of the same line: id, masks in the order of the [SEG]s
    OUT/images/<part>/*.png     `image` is relative to OUT/images
    OUT/meta.json               InternVL's list of data sets, with paths relative to OUT

One image gives `image` as text with `width` and `height`, several a list with `width_list` and `height_list`
(InternVL's documentation, "chat data format"), in the order of the sample's frames; the human turn has as many
`<image>`. Every [SEG] stays in the text: a trainer without a mask head takes it as plain text, or removes it.
"""

from __future__ import annotations

from typing import Any

from terra_cot.export import Job, Target
from terra_cot.export.pictures import Pictures, shown_record
from terra_cot.export.turns import Lines, turns
from terra_cot.sample import Sample
from terra_cot.store.atomic import write_json
from terra_cot.store.join import joined
from terra_cot.tile import TileRecord


def write(job: Job) -> None:
    count, pictures = job.count("samples"), Pictures(job.out / "images")
    with Lines(job.out, as_list=False) as lines:
        for pair in job.parts():
            for tile, samples in joined(job.folder, pair):
                for sample in samples:
                    records = [shown_record(tile, shown.frame, shown.modality) for shown in sample.frames]
                    if not job.wants(sample.split) or not all(records):
                        count.drop("no_image" if job.wants(sample.split) else "other_split")
                        continue
                    names = [pictures.put(pair.name, tile, record) for record in records if record]
                    lines.add(f"{sample.split}.jsonl", _row(sample, tile, names))
                    masks = [mask.to_row() for mask in sample.masks]
                    lines.add(f"masks/{sample.split}.jsonl", {"id": sample.sample_id, "masks": masks})
                    count.keep()
                job.tile_done()
        meta = {
            f"terra_cot_{name.removesuffix('.jsonl')}": {
                "root": "images",
                "annotation": name,
                "data_augment": False,
                "repeat_time": 1,
                "length": rows,
            }
            for name, rows in lines.rows.items()
            if not name.startswith("masks/")
        }
    write_json(job.out / "meta.json", meta)


def _row(sample: Sample, tile: TileRecord, names: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": sample.sample_id}
    if len(names) == 1:
        row |= {"image": names[0], "width": tile.width, "height": tile.height}
    else:
        row |= {"image": names, "width_list": [tile.width] * len(names), "height_list": [tile.height] * len(names)}
    return row | {"conversations": turns(sample)}


TARGET = Target("conversations", write)
