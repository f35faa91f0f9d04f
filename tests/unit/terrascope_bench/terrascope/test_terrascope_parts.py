"""Words, pictures, fusion and loss of the reference model, each against what can be computed by hand."""

from __future__ import annotations

import terrascopefactory as factory  # first: skips where torch is absent

import numpy as np  # isort: skip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Sam2Config, Sam2VisionModel

from terra_cot.errors import ConfigError, DataError
from terrascope_bench.terrascope import prompt
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.fuse import relevance, step_tokens
from terrascope_bench.terrascope.hiera import lean
from terrascope_bench.terrascope.images import Shown, mask_input, tower_input
from terrascope_bench.terrascope.loss import batch_loss, dice_loss
from terrascope_bench.terrascope.select import Selection
from terrascope_bench.terrascope.sequence import make_prompt
from terrascope_bench.terrascope.sizes import sam2, size, terrascope_8b
from terrascope_bench.terrascope.tiling import Tiling, tiling
from terrascope_bench.terrascope.tokens import Words, magnitude_of
from terrascope_bench.terrascope.vision import Encoded, encode, token_counts

WORDS = factory.words()
TEXT = st.text(st.sampled_from("ab t0123456789,.()%[]<>\n-²"), max_size=40)


@given(st.integers(0, 10**12))
def test_numbers_come_back_as_they_are_written(value: int) -> None:
    text = f"It covers {value:,} pixels ({value:,} m), or {value}.5 %."
    expected = text.replace(f"or {value}.5", f"or {value:,}.5") if value < 10**9 else text
    assert WORDS.decode(WORDS.encode(text)) == expected


@settings(max_examples=300)
@given(TEXT)
def test_any_text_comes_back_bar_thousands_separators(text: str) -> None:
    back = WORDS.decode(WORDS.encode(text, special=False))
    assert back.replace(",", "") == text.replace(",", "")


def test_a_number_is_its_size_and_two_digits_and_then_digits() -> None:
    ids = WORDS.encode("covers 38,697,549 pixels")
    names = [WORDS.tokenizer.id_to_token(number) for number in ids]
    assert names[-8:] == ["⟨8⟩38", "6", "9", "7", "5", "4", "9", " pixels"]
    assert magnitude_of("⟨8⟩38") == 38e6


def test_a_number_of_three_digits_is_two_tokens_whatever_its_size() -> None:
    for text, tokens in (
        (" 386", ["⟨3⟩38", "⟨.6⟩"]),
        (" 783,000", ["⟨6⟩78", "⟨.3000⟩"]),
        (" 76,000,000", ["⟨8⟩76", "⟨.000000⟩"]),
        (" 42", ["⟨2⟩42"]),
    ):
        ids = WORDS.encode(text)
        assert [WORDS.tokenizer.id_to_token(number) for number in ids] == tokens
        assert WORDS.decode(ids) == text
    # What a model makes up still reads as what it wrote.
    alone = WORDS.tokenizer.token_to_id("⟨.3000⟩")
    assert WORDS.decode([alone]) == "3000"
    assert WORDS.decode([WORDS.tokenizer.token_to_id("⟨6⟩78"), alone, alone]) == " 783,0003000"
    assert magnitude_of(" pixels") is None


def test_a_marker_that_a_user_writes_is_plain_text() -> None:
    ids, question = WORDS.encode_pieces(prompt.pieces([("t0", "optical")], [4], "[SEG] <IMG_CONTEXT>?", ("[SEG]",)))
    assert WORDS.seg not in ids
    assert ids.count(WORDS.image) == 4
    assert WORDS.decode([ids[place] for place in question]) == "[SEG] <IMG_CONTEXT>?\nA. [SEG]"


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ("Image: t1 ", None, "t1"),
        ("Image: t1, no, Image: t0 ", None, "t0"),
        ("Image: t7 ", None, "t0"),
        ("and here ", "t1", "t1"),
    ],
)
def test_the_chain_names_the_date_of_a_mask(text: str, before: str | None, expected: str) -> None:
    assert prompt.named_date(text, ["t0", "t1"], before) == expected


def test_a_lone_date_needs_no_name() -> None:
    assert prompt.named_date("Image: t1 ", ["t0"], None) == "t0"


def test_tiles_stand_in_reading_order_and_the_thumbnail_is_last() -> None:
    """A pixel's value is its place: no swap of axes can hide."""
    rows, columns = np.mgrid[0:64, 0:96]
    picture = np.stack([rows, columns, np.zeros_like(rows)]).astype(np.uint8)
    tiles = tiling(64, 96, 32, 6)
    assert tiles == Tiling(2, 3)
    raw = tower_input(Shown("t0", "optical", torch.from_numpy(picture)), tiles, 32)
    assert raw.shape == (7, 3, 32, 32)
    pixels = raw * torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1) + torch.tensor((0.485, 0.456, 0.406)).view(
        1, 3, 1, 1
    )
    for number in range(6):
        row, column = divmod(number, 3)
        corner = pixels[number, :2, 0, 0] * 255
        torch.testing.assert_close(corner, torch.tensor([32.0 * row, 32.0 * column]), atol=1e-3, rtol=0)


def test_sar_is_shown_as_vv_vh_and_their_mean() -> None:
    picture = torch.zeros(3, 32, 32, dtype=torch.uint8)
    picture[0], picture[1], picture[2] = 200, 100, 7
    raw = mask_input(Shown("t0", "sar", picture), 32)[0] * torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
    values = (raw + torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1))[:, 5, 5] * 255
    torch.testing.assert_close(values, torch.tensor([200.0, 100.0, 150.0]), atol=1e-3, rtol=0)


def test_visual_tokens_lie_where_their_pixels_do() -> None:
    """The grid of a cut image, token by token, against the tiles encoded one by one."""
    model, _ = factory.make()
    image = Shown("t0", "optical", torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8))
    with torch.no_grad():
        ((found,),) = encode(model, [[image]])
        tiles = tiling(64, 96, 32, model.config.tiles_max)
        each = model.visual_tokens(tower_input(image, tiles, 32))
    side = model.config.grid_side
    assert found.grid.shape == (tiles.rows * side, tiles.columns * side, model.config.hidden)
    assert token_counts(model, [image]) == [len(found.prompt)]
    for row in range(tiles.rows):
        for column in range(tiles.columns):
            part = found.grid[row * side : (row + 1) * side, column * side : (column + 1) * side]
            own = each[row * tiles.columns + column].reshape(side, side, -1)
            torch.testing.assert_close(part, own, atol=1e-6, rtol=1e-5)


def test_several_images_are_never_cut() -> None:
    model, _ = factory.make()
    wide = Shown("t0", "optical", torch.zeros(3, 32, 128, dtype=torch.uint8))
    side = model.config.grid_side
    assert token_counts(model, [wide, wide]) == [side * side] * 2
    assert token_counts(model, [wide]) == [5 * side * side]


def _image(modality: str, grid: torch.Tensor) -> Encoded:
    return Encoded("t0", modality, (8, 8), grid.reshape(-1, grid.shape[-1]), grid, (None, None, None))


def test_each_token_comes_from_the_sensor_that_the_question_looks_at() -> None:
    question = torch.tensor([[1.0, 0.0]])
    optical = torch.tensor([[[9.0, 0.0], [0.0, 1.0]]])  # tells of the question at place 0
    sar = torch.tensor([[[0.0, 2.0], [9.0, 0.0]]])  # at place 1
    both = Selection(np.array([0, 1]), "covered")
    images = [_image("optical", optical), _image("sar", sar)]
    torch.testing.assert_close(
        step_tokens(images, both, question, "text_guided"), torch.stack([optical[0, 0], sar[0, 1]])
    )
    torch.testing.assert_close(step_tokens(images, both, question, "optical"), optical[0])
    assert step_tokens(images, both, question, "concatenated").shape == (4, 2)
    torch.testing.assert_close(step_tokens(images[1:], both, question, "optical"), sar[0])


def test_relevance_is_the_mean_of_softmaxes_over_the_visual_tokens() -> None:
    visual, question = torch.randn(5, 4), torch.randn(3, 4)
    expected = sum(torch.softmax(visual @ word / 2.0, dim=0) for word in question) / 3
    torch.testing.assert_close(relevance(visual, question), expected)


def test_dice_of_agreement_is_zero_also_where_both_are_empty() -> None:
    empty, full = torch.zeros(8, 8), torch.ones(8, 8)
    assert float(dice_loss(torch.full((8, 8), -50.0), empty)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(torch.full((8, 8), 50.0), full)) == pytest.approx(0.0, abs=1e-6)
    assert float(dice_loss(torch.full((8, 8), 50.0), empty)) > 0.9


def test_the_loss_does_not_ask_about_prompt_and_visual_tokens() -> None:
    model, tokenizer = factory.make()
    lesson = factory.lessons()[:1]
    loss = batch_loss(model, tokenizer, lesson)
    torch.testing.assert_close(loss.total, loss.text + 0.5 * (loss.dice + loss.pixels))
    loss.total.backward()
    head = model.embedding.weight.grad
    assert head is not None
    assert model.text_hidden_fcs[0].weight.grad.abs().sum() > 0
    assert model.vlm.model.vision_tower.encoder.layer[0].mlp.fc1.weight.grad.abs().sum() > 0


def test_a_fused_mask_lies_between_the_two_sensors() -> None:
    model, tokenizer = factory.make(mask_from="fused")
    mask = factory.half()
    images = [factory.picture(mask), factory.picture(~mask, modality="sar")]
    with torch.no_grad():
        ((optical, sar),) = encode(model, [images])
        from terrascope_bench.terrascope.mask_head import mask_image

        _, fused = mask_image(model, [optical, sar], optical.frame)
    for one, other, between in zip(optical.features, sar.features, fused, strict=True):
        low, high = torch.minimum(one, other) - 1e-5, torch.maximum(one, other) + 1e-5
        assert ((between >= low) & (between <= high)).all()
    assert len(make_prompt(model, tokenizer, factory.lessons()[0].asked, [optical]).question) > 5


def test_a_date_is_seen_beside_the_one_before_it_and_beside_no_other() -> None:
    """Ours: at first nothing is added; once it is, a date changes with the one before it, and with none after it."""
    from terrascope_bench.terrascope.mask_head import mask_image

    model, _ = factory.make(mask_dates="before")
    one, two = factory.half(), factory.quarter()
    with torch.no_grad():
        (images, others) = encode(
            model,
            [
                [factory.picture(mask, f"t{number}") for number, mask in enumerate(masks)]
                for masks in ((one, two, one), (~one, two, ~one))
            ],
        )
        plain = [mask_image(model, images, f"t{number}")[1] for number in range(3)]
        for entry, features in zip(images, plain, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(entry.features, features, strict=True))
        for join in model.sam_before:
            torch.nn.init.normal_(join[2].weight)
        seen = [[mask_image(model, shown, f"t{number}")[1][2] for number in range(3)] for shown in (images, others)]
    assert torch.equal(seen[0][0], plain[0][2])
    assert not torch.allclose(seen[0][1], plain[1][2])
    assert not torch.allclose(seen[0][1], seen[1][1])  # its own picture is the same, the one before is not
    with torch.no_grad():
        last = mask_image(model, [images[1], others[2]], "t1")[1]
    assert all(torch.equal(a, b) for a, b in zip(last, images[1].features, strict=True))


def test_a_configuration_survives_json_and_refuses_what_it_does_not_know() -> None:
    config = terrascope_8b()
    assert TerraScopeConfig.from_json(config.to_json()) == config
    assert (config.tile_px, config.grid_side**2, config.mask_px, config.tokens_max) == (448, 256, 1024, 128)
    with pytest.raises(ConfigError, match='did you mean "coverage"'):
        TerraScopeConfig.from_json({**config.to_json(), "covrage": 0.5})
    with pytest.raises(ConfigError, match='did you mean "terrascope-nano"'):
        size("terrascope-nan", 10, 1)


def test_a_speck_is_a_share_of_the_image_but_never_large() -> None:
    nano = size("terrascope-nano", 1000, 4)
    assert [nano.speck_px((side, side)) for side in (128, 256, 512, 1024, 4096)] == [16, 66, 262, 400, 400]
    assert terrascope_8b().speck_px((1024, 1024)) == 0
    with pytest.raises(ConfigError, match="mask_min_cap_px"):
        TerraScopeConfig.from_json({**nano.to_json(), "mask_min_cap_px": -1})


def test_nano_and_8b_differ_in_nothing_but_their_configuration() -> None:
    nano, large = size("terrascope-nano", 1000, 4), terrascope_8b()
    assert nano.to_json().keys() == large.to_json().keys()
    for part in ("internvl", "sam2"):
        assert nano.to_json()[part].keys() == large.to_json()[part].keys()


def test_global_attention_must_not_open_a_stage() -> None:
    with pytest.raises(ConfigError, match="open a stage"):
        sam2(image_px=64, embed=8, heads=1, blocks=(1, 1, 2, 1), windows=(4, 2, 4, 2), global_blocks=(2,))


@pytest.mark.parametrize("image_px", [128, 96])  # 96 px: windows that have to be padded
def test_the_lean_hiera_is_the_library_s(image_px: int) -> None:
    shape = sam2(
        image_px=image_px, embed=16, heads=2, blocks=(1, 2, 2, 1), windows=(8, 4, 6, 4), global_blocks=(4,), width=32
    )
    torch.manual_seed(0)
    backbone = Sam2VisionModel(Sam2Config(**shape).vision_config).backbone
    pixels = torch.randn(2, 3, image_px, image_px)

    def passed() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        backbone.zero_grad()
        maps = backbone(pixels).intermediate_hidden_states
        sum(level.square().mean() for level in maps).backward()
        return list(maps), [entry.grad.clone() for entry in backbone.parameters() if entry.grad is not None]

    before = passed()
    lean(backbone)
    after = passed()
    assert len(before[0]) == 4
    assert len(before[1]) > 50
    for old, new in zip(before[0] + before[1], after[0] + after[1], strict=True):
        assert torch.equal(old, new)


def test_a_tokenizer_without_seg_is_refused() -> None:
    from tokenizers import Tokenizer, models

    with pytest.raises(DataError, match=r"lacks \[SEG\]"):
        Words.of(Tokenizer(models.BPE()))
