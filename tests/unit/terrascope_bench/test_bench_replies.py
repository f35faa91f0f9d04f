"""What stands in a reply is read by the stated protocol, pixel for pixel; what follows none is named, never guessed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from terra_cot.llm.wire import AskFailed
from terra_cot.mask import decode, encode
from terra_cot.tile import FrameRecord
from terrascope_bench.models.marks import MAX_NUMBERS, read_masks
from terrascope_bench.models.pictures import Picture
from terrascope_bench.models.prompt import FORMS, MaskForm, Style, system, user
from terrascope_bench.models.reply import MAX_TEXT, read_prediction
from terrascope_bench.prediction import MAX_MASKS, Expected, Prediction
from terrascope_bench.question import Question
from terrascope_bench.submission.check import Checker

H, W = 40, 60


def frame(name: str, modality: Any = "optical") -> FrameRecord:
    return FrameRecord(
        frame=name, modality=modality, datetime=None, image=b"", raster=None, bands=(), cloud_fraction=None,
        nodata_fraction=0.0, shift_px=(0.0, 0.0), shift_score=None, shift_found_px=None, shift_status="alone",
    )  # fmt: skip


def question(*frames: FrameRecord) -> Question:
    return Question(
        "q-opt", "CA", "What share?", ("10 %", "20 %"), None, "A", frames or (frame("t0"),), None, (),
        None, None, None, None, "test", W, H, 10.0, "", "", "",
    )  # fmt: skip


ONE, PAIR = question(), question(frame("t0"), frame("t1"))
SHOWN = {"t0": (W, H), "t1": (W, H)}


def read(form: MaskForm, *values: Any, ask: Question = ONE, shown: Any = SHOWN) -> tuple[list[Any], list[str]]:
    return read_masks(f"<masks>{json.dumps(values)}</masks><answer>A</answer>", ask, form, shown)


def drawn(form: MaskForm, shown: Any = SHOWN, **fields: Any) -> np.ndarray[Any, Any]:
    masks, unread = read(form, {"label": "water", **fields}, shown=shown)
    assert unread == []
    assert masks[0].size == (H, W)
    return decode(masks[0].size, masks[0].counts)


def test_boxes_are_the_pixels_between_their_sides() -> None:
    truth = np.zeros((H, W), bool)
    truth[5:20, 10:30] = True
    assert (drawn("boxes", boxes=[[10, 5, 30, 20]]) == truth).all()
    assert (drawn("boxes", boxes=[[10.0, 5.0, 30.0, 20.0]]) == truth).all()
    truth[15:30, 25:45] = True
    assert (drawn("boxes", boxes=[[10, 5, 30, 20], [25, 15, 45, 30]]) == truth).all(), "the union"
    assert drawn("boxes", boxes=[[0, 0, W, H]]).all()
    assert drawn("boxes", boxes=[[-1, -0.5, W + 1, H + 0.9]]).all(), "a pixel beyond the border is drawn in"


def test_coordinates_are_those_of_the_image_as_shown() -> None:
    truth = np.zeros((H, W), bool)
    truth[5:20, 10:30] = True
    assert (drawn("boxes", {"t0": (4 * W, 4 * H)}, boxes=[[40, 20, 120, 80]]) == truth).all()
    assert (drawn("polygons", {"t0": (2 * W, 3 * H)}, polygons=[[20, 15, 60, 15, 60, 60, 20, 60]]) == truth).all()


def test_polygons_are_those_of_pycocotools() -> None:
    from pycocotools import mask as coco

    rng = np.random.default_rng(0)
    for _ in range(30):
        rings = [
            (rng.random((int(rng.integers(3, 9)), 2)) * (W, H)).flatten().tolist() for _ in range(rng.integers(1, 4))
        ]
        truth = coco.decode(coco.merge(coco.frPyObjects(rings, H, W))).astype(bool)
        assert (drawn("polygons", polygons=rings) == truth).all()
        pairs = [[[x, y] for x, y in zip(ring[::2], ring[1::2], strict=True)] for ring in rings]
        assert (drawn("polygons", polygons=pairs) == truth).all()


def test_runs_as_text_and_as_numbers() -> None:
    mask = np.random.default_rng(1).random((H, W)) < 0.3
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat.astype(int))) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    runs = [0, *runs] if flat[0] else runs
    assert (drawn("rle", size=[H, W], counts=encode(mask)) == mask).all()
    assert (drawn("rle", size=[H, W], counts=runs) == mask).all()
    assert (drawn("rle", size=[float(H), W], counts=[float(run) for run in runs]) == mask).all()


def test_the_examples_of_the_prompt_are_read() -> None:
    for form, (_, example) in FORMS.items():
        size = (4, 4) if form == "rle" else (100, 100)
        ask = replace(ONE, height=size[0], width=size[1])
        masks, unread = read_masks(f"<masks>{example}</masks>", ask, form, {"t0": size})  # type: ignore[arg-type]
        assert (len(masks), unread) == (1, [])


BOX = [1, 1, 9, 9]
BAD: list[tuple[MaskForm, Any, str]] = [
    ("boxes", 5, "not an object"),
    ("boxes", {"label": 5, "boxes": [BOX]}, "label is no text"),
    ("boxes", {"label": "x" * 201, "boxes": [BOX]}, "label is no text"),
    ("boxes", {"frame": "t1", "boxes": [BOX]}, "frame t1 is none of t0"),
    ("boxes", {"frame": 0, "boxes": [BOX]}, "frame 0 is none of t0"),
    ("boxes", {}, "boxes is no list"),
    ("boxes", {"boxes": []}, "boxes is no list, or an empty one"),
    ("boxes", {"boxes": BOX}, "a coordinate is no number"),
    ("boxes", {"boxes": [[9, 1, 1, 9]]}, "a box is not"),
    ("boxes", {"boxes": [[1, 1, 9]]}, "a box is not"),
    ("boxes", {"boxes": [[1, 1, 9, "9"]]}, "a coordinate is no number"),
    ("boxes", {"boxes": [[True, 1, 9, 9]]}, "a coordinate is no number"),
    ("boxes", {"boxes": [[0, 0, 999, 9]]}, "x = 999 is outside the image of 60 x 40 pixels"),
    ("boxes", {"boxes": [[0, -3, 9, 9]]}, "y = -3 is outside"),
    ("boxes", {"boxes": [[0, 0, 1e300, 1e300]]}, "outside"),
    ("polygons", {"polygons": [[1, 1, 5, 5]]}, "fewer than three points"),
    ("polygons", {"polygons": [[1, 1, 5, 5, 9, 1, 3]]}, "half a point"),
    ("polygons", {"polygons": [[[1, 1], [5, 5], [9, 1, 0]]]}, "a point is not [x, y]"),
    ("polygons", {"polygons": [[1, 1] * (MAX_NUMBERS // 2 + 1)]}, f"more than {MAX_NUMBERS} coordinates"),
    ("polygons", {"boxes": [BOX]}, "polygons is no list"),
    ("rle", {"counts": "0"}, "size None is not [40, 60]"),
    ("rle", {"size": [60, 40], "counts": [2400]}, "size [60, 40] is not [40, 60]"),
    ("rle", {"size": [H, W], "counts": [2399]}, "adds up to 2399 pixels, not 2400"),
    ("rle", {"size": [H, W], "counts": [-1, 2401]}, "no whole number from 0"),
    ("rle", {"size": [H, W], "counts": [2400.5]}, "no whole number from 0"),
    ("rle", {"size": [H, W], "counts": "~~"}, "a character that RLE text cannot hold"),
    ("rle", {"size": [H, W], "counts": None}, "counts must be text"),
]


@pytest.mark.parametrize(("form", "value", "problem"), BAD)
def test_what_follows_no_protocol_is_named(form: MaskForm, value: Any, problem: str) -> None:
    good = {"size": [H, W], "counts": [2400], "boxes": [BOX], "polygons": [[1, 1, 9, 1, 9, 9]]}
    masks, unread = read(form, good, value, good)
    assert len(masks) == 2, "the others stand"
    assert len(unread) == 1
    assert unread[0].startswith("masks[1]: ")
    assert problem in unread[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<masks>[1, 2</masks>", "not JSON"),
        ("<masks>{}</masks>", "not a list"),
        ("<masks>[]", "does not end"),
        ("<masks>[]</masks><masks>[]</masks>", "2 blocks"),
        ('<masks>[{"boxes": [[0, 0, NaN, 9]]}]</masks>', "not JSON"),
        (f"<masks>{'[' * 5000}{']' * 5000}</masks>", "not JSON"),
        (f"<masks>{json.dumps([{'boxes': [BOX]}] * (MAX_MASKS + 3))}</masks>", "3 more than the 64"),
    ],
)
def test_a_block_that_is_none_is_one_line(text: str, problem: str) -> None:
    masks, unread = read_masks(text, ONE, "boxes", SHOWN)
    assert len(masks) in (0, MAX_MASKS)
    assert len(unread) == 1
    assert problem in unread[0]


def test_a_date_must_be_named_where_there_are_two() -> None:
    masks, unread = read("boxes", {"boxes": [BOX]}, {"frame": "t1", "boxes": [BOX]}, ask=PAIR)
    assert [mask.frame for mask in masks] == ["t1"]
    assert unread == ["masks[0]: frame None is none of t0, t1"]


def prediction(text: str, finish: str = "stop", refusal: str | None = None, **style: Any) -> Prediction:
    settings = {"masks": "boxes", "confidence": True, **style}
    return read_prediction(ONE, [Picture.of_size("t0", W, H)], Style(**settings), text, finish, refusal)


def test_only_what_is_said_after_thinking_counts() -> None:
    thought = "<think><masks>[1]</masks><confidence>0.1</confidence></think>"
    said = f'<masks>[{{"boxes": [{BOX}]}}]</masks><confidence> 90% </confidence><answer>B</answer>'
    got = prediction(thought + said)
    assert (len(got.masks), got.confidence, got.notes) == (1, 0.9, None)
    assert got.response == thought + said, "the reply is kept whole"
    assert prediction(thought + said, masks="none", confidence=False).to_row() == {
        "question_id": "q-opt",
        "response": thought + said,
    }


@pytest.mark.parametrize("text", ["", "1.5", "-0.1", "high", "nan", "inf", "150%", "0.5</confidence><confidence>0.6"])
def test_a_confidence_that_is_none_is_noted(text: str) -> None:
    got = prediction(f"<confidence>{text}</confidence><answer>A</answer>")
    assert got.confidence is None
    assert got.notes is not None
    assert "confidence_unread" in got.notes


def test_a_reply_without_text_is_an_error() -> None:
    for kind, given in {
        "empty": (" \n", "length", None),
        "content_filter": ("", "content_filter", None),
        "refused": ("", "stop", "I cannot"),
        "too_long": ("x" * (MAX_TEXT + 1), "stop", None),
    }.items():
        with pytest.raises(AskFailed) as caught:
            prediction(*given)
        assert caught.value.kind == kind


def test_hostile_replies_take_no_time_and_are_lines_that_validate() -> None:
    """A megabyte of tags, of signs that JSON spells in six, and as much noise as masks may hold."""
    noise = np.random.default_rng(0).random((H, W)) < 0.5
    mask = {"size": [H, W], "counts": encode(noise), "label": "\x01" * 200}
    start = time.process_time()
    for text in (
        "<masks>" * (MAX_TEXT // 7),
        "<confidence>" * (MAX_TEXT // 12),
        "<masks>" + "```" + " " * (MAX_TEXT - 20),
        "\x01" * (MAX_TEXT - 200_000) + f"<masks>{json.dumps([mask] * 64)}</masks>"[:190_000],
    ):
        got = prediction(text, masks="rle")
        line = json.dumps(got.to_row())
        assert len(line) < 16 * 2**20
        assert isinstance(Checker({"q-opt": Expected(H, W, ("t0",))}).check(json.loads(line), 1), Prediction)
    assert time.process_time() - start < 30, "quadratic would be hours"


def test_the_prompt_states_what_is_shown_and_its_hash_follows_it() -> None:
    styles = [
        Style(masks, sure, images) for masks in ("none", *FORMS) for sure in (False, True) for images in (True, False)
    ]  # type: ignore[arg-type]
    assert len({style.sha256() for style in styles}) == len(styles)
    ask = question(frame("t0"), frame("t0", "sar"))
    shown = [Picture.of_size("t0", 2 * W, 2 * H), Picture.of_size("t0", W, H)]
    parts = list(user(ask, shown, Style(image_px=2 * W)))
    assert parts[0] == "Frame t0, optical image, 120 x 80 pixels, 5 m a pixel:"
    assert parts[1] is shown[0]
    assert parts[2] == "Frame t0, SAR image, 60 x 40 pixels, 10 m a pixel:"
    assert parts[4] == "Question: What share?\nA) 10 %\nB) 20 %"
    assert "<masks>" not in system(Style())
    assert "<confidence>" in system(Style(confidence=True))
    blind = list(user(replace(ask, gsd_m=None), [], Style(images=False)))
    assert len(blind) == 1
    assert "not shown" in str(blind[0])
