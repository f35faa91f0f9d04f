"""What a mask measures is counted on the mask, and stands in the reply as if the model had been told it."""

from __future__ import annotations

import re

import numpy as np

from terrascope_bench.terrascope.measured import jittered, measurement, rounded


def box(rows: slice, columns: slice, side: int = 100) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[rows, columns] = True
    return mask


def test_the_numbers_are_those_of_the_mask() -> None:
    mask = box(slice(0, 20), slice(0, 50)) | box(slice(60, 70), slice(0, 10))
    assert measurement(mask, None, 10.0) == " (1,100 px, 11.0 %, 110,000 m², 2 parts)"
    assert measurement(mask, None, None) == " (1,100 px, 11.0 %, 2 parts)"


def test_two_digits_are_told_of_pixels_areas_and_distances_and_all_of_counts() -> None:
    told = " (9,830 px, 15.0 %, 983,000 m², 123 parts; from the last: 1,069 m, apart, 1,200.0 % of its parts)"
    short = " (9,800 px, 15.0 %, 980,000 m², 123 parts; from the last: 1,100 m, apart, 1,200.0 % of its parts)"
    assert rounded(told) == rounded(short) == short
    assert rounded("999,500 m²") == "1,000,000 m²"


def test_a_second_mask_is_measured_against_the_first() -> None:
    first, second = box(slice(0, 10), slice(0, 10)), box(slice(0, 10), slice(33, 43))
    first[50:60, 0:10] = True
    assert measurement(second, first, 10.0).endswith("; from the last: 240 m, apart, 50.0 % of its parts)")
    assert "10 m, touching" in measurement(box(slice(0, 10), slice(10, 20)), first, 10.0)


def test_a_stray_pixel_does_not_bring_two_masks_together() -> None:
    first, second = box(slice(0, 10), slice(0, 10)), box(slice(0, 10), slice(33, 43))
    second[5, 15] = True
    assert "240 m, apart" in measurement(second, first, 10.0)


def test_nothing_is_said_of_where_an_empty_mask_lies() -> None:
    empty = np.zeros((100, 100), bool)
    assert measurement(empty, None, 10.0) == " (0 px, 0.0 %, 0 m², 0 parts)"
    assert measurement(empty, box(slice(0, 9), slice(0, 9)), 10.0).endswith("; from the last: 0.0 % of its parts)")
    assert measurement(box(slice(0, 9), slice(0, 9)), empty, 10.0).endswith("1 part)")


def test_a_jittered_mask_grows_or_shrinks_along_its_edge() -> None:
    mask = box(slice(20, 80), slice(20, 80))
    sizes = {int(jittered(mask, 0.1, np.random.default_rng(seed)).sum()) for seed in range(20)}
    assert min(sizes) < 3600 < max(sizes)
    assert all(abs(size - 3600) < 0.3 * 3600 for size in sizes)
    assert (jittered(mask, 0.0, np.random.default_rng(0)) == mask).all()


def test_a_measured_reply_is_the_same_all_at_once() -> None:
    """Measurements enter the cache as they enter a teacher-forced row, and are not learnt."""
    import terrascopefactory as factory
    import torch

    from terrascope_bench.terrascope.generate import Limits, generate
    from terrascope_bench.terrascope.loss import batch_loss
    from terrascope_bench.terrascope.sequence import IGNORED, Told, lay_out
    from terrascope_bench.terrascope.vision import encode

    model, words = factory.make(measured=True)
    model.train()
    lessons = factory.lessons()[:2]
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(90):
        optimiser.zero_grad()
        batch_loss(model, words, lessons, mask_weight=1.0).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    replies = generate(model, words, [told.asked for told in lessons], Limits(new_tokens=150))
    assert sum(len(reply.looked) for reply in replies) >= 2
    for told, reply in zip(lessons, replies, strict=True):
        masks = [looked.mask for looked in reply.looked]
        chain = reply.text
        for number, mask in enumerate(masks):
            text = measurement(mask, masks[number - 1] if number else None, told.asked.gsd_m)
            assert f"[SEG]{text}" in chain
            chain = chain.replace(f"[SEG]{text}", "[SEG]", 1)
        found = re.fullmatch(r"<think>(.*)</think><answer>(.*)</answer>", chain)
        assert found, chain
        again = Told(told.asked, found[1], found[2], masks)
        row = lay_out(model, words, again, encode(model, [told.asked.images])[0])
        start = row.ids.index(words.encode("<think>")[0])
        written = [number for number in row.ids[start:] if number != words.image]
        assert written == [*reply.ids, words.end]
        learnt = [number for number, label in zip(row.ids, row.labels, strict=True) if label != IGNORED]
        assert "px" not in words.decode(learnt)
