"""The official trainer's rows: a JSON list for each split and tier, beside one image folder.

    OUT/<split>/<tier>.json     the trainer takes lists; stage 1 reads res.json, stage 2 the others
    OUT/images/<part>/*.png     `image`, `pre_image` and `post_image` are relative to OUT/images

Row (format of the published training files): `image`, or `pre_image` and `post_image`; `conversations`; `masks`, for
each [SEG] in order a list of one COCO RLE; `labels`, the class of each mask. Beside them `id`, `tier`, `task`, which
the trainer does not read. A pair of dates keeps its order: the earlier is `pre_image`.

The format has no place for more than two dates, nor for an optical and a SAR image of one date. Such samples are
dropped by reason; `conversations` holds them.
"""

from __future__ import annotations

from terra_cot.export import Job, Target
from terra_cot.export.pictures import Pictures, shown_record
from terra_cot.export.turns import Lines, turns
from terra_cot.sample import Sample
from terra_cot.store.join import joined


def write(job: Job) -> None:
    count, pictures = job.count("samples"), Pictures(job.out / "images")
    with Lines(job.out, as_list=True) as lines:
        for pair in job.parts():
            for tile, samples in joined(job.folder, pair):
                for sample in samples:
                    reason = _unfit(job, sample)
                    records = [shown_record(tile, shown.frame, shown.modality) for shown in sample.frames]
                    names = [pictures.put(pair.name, tile, record) for record in records if record and not reason]
                    if reason or len(names) != len(records):
                        count.drop(reason or "no_image")
                        continue
                    keys = ("image",) if len(names) == 1 else ("pre_image", "post_image")
                    row = {
                        "id": sample.sample_id,
                        **dict(zip(keys, names, strict=True)),
                        "conversations": turns(sample),
                        "masks": [[mask.rle()] for mask in sample.masks],
                        "labels": [mask.label for mask in sample.masks],
                        "tier": sample.tier,
                        "task": sample.task,
                    }
                    lines.add(f"{sample.split}/{sample.tier}.json", row)
                    count.keep()
                job.tile_done()


def _unfit(job: Job, sample: Sample) -> str | None:
    """Why the format cannot hold a sample, or that its split is not asked for."""
    if not job.wants(sample.split):
        return "other_split"
    dates = [shown.frame for shown in sample.frames]
    if len(set(dates)) != len(dates):
        return "optical_and_sar_of_one_date"
    if len(dates) > 2:
        return "more_than_two_dates"
    return None


TARGET = Target("terrascope", write)
