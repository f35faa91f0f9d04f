"""Weights in the layout that others publish, written here by hand, come over whole and give the same numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import terrascopefactory as factory  # first: skips where torch is absent
import torch
from safetensors.torch import load_file, save_file
from terminal import call
from torch import nn
from torch.nn import functional

from terra_cot.errors import ConflictError, DataError
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.convert import convert, start
from terrascope_bench.terrascope.generate import Limits, generate
from terrascope_bench.terrascope.loss import batch_loss
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.tokens import Words

HEADS = 2


def published_names(ours: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our weights under the names of the published checkpoint, written the other way round than the tool reads them."""
    out: dict[str, torch.Tensor] = {}
    for name, value in ours.items():
        if name.startswith("vlm."):
            out |= _internvl(name.removeprefix("vlm."), value, ours)
        elif name.startswith("sam."):
            out |= {f"grounding_encoder.sam2_model.{key}": part for key, part in _sam2(name[4:], value).items()}
        else:
            out[name] = value
    return out


def _internvl(name: str, value: torch.Tensor, ours: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    if name == "lm_head.weight":
        return {"language_model.lm_head.weight": value}
    if name.startswith("model.language_model."):
        return {name.replace("model.language_model.", "language_model.model."): value}
    for ours_part, theirs in (("layer_norm", "0"), ("linear_1", "1"), ("linear_2", "3")):
        if name.startswith(f"model.multi_modal_projector.{ours_part}."):
            return {f"mlp1.{theirs}.{name.rsplit('.', 1)[1]}": value}
    tail = name.removeprefix("model.vision_tower.")
    if found := re.fullmatch(r"encoder\.layer\.(\d+)\.attention\.([qkv])_proj\.(weight|bias)", tail):
        if found[2] != "q":
            return {}
        parts = [ours[f"vlm.{name.replace('q_proj', f'{part}_proj')}"] for part in "qkv"]
        return {f"vision_model.encoder.layers.{found[1]}.attn.qkv.{found[3]}": torch.cat(parts)}
    for ours_part, theirs in (
        ("embeddings.cls_token", "embeddings.class_embedding"),
        ("embeddings.position_embeddings", "embeddings.position_embedding"),
        ("embeddings.patch_embeddings.projection", "embeddings.patch_embedding"),
        ("encoder.layer.", "encoder.layers."),
        ("attention.projection_layer", "attn.proj"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("lambda_", "ls"),
    ):
        tail = tail.replace(ours_part, theirs)
    return {f"vision_model.{tail}": value}


def _sam2(name: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    if name == "prompt_encoder.shared_embedding.positional_embedding":
        return {}
    if name == "prompt_encoder.point_embed.weight":
        return {
            f"sam_prompt_encoder.point_embeddings.{number}.weight": value[number : number + 1].clone()
            for number in range(4)
        }
    for ours, theirs in (
        (
            "shared_image_embedding.positional_embedding",
            "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        ),
        ("no_memory_embedding", "no_mem_embed"),
        ("vision_encoder.backbone.", "image_encoder.trunk."),
        ("vision_encoder.neck.", "image_encoder.neck."),
        ("prompt_encoder.", "sam_prompt_encoder.") if name.startswith("prompt_encoder") else ("", ""),
        ("mask_decoder.", "sam_mask_decoder."),
        ("patch_embed.projection", "patch_embed.proj"),
        ("mask_embed.conv1", "mask_downscaling.0"),
        ("mask_embed.layer_norm1", "mask_downscaling.1"),
        ("mask_embed.conv2", "mask_downscaling.3"),
        ("mask_embed.layer_norm2", "mask_downscaling.4"),
        ("mask_embed.conv3", "mask_downscaling.6"),
        ("upscale_conv1", "output_upscaling.0"),
        ("upscale_layer_norm", "output_upscaling.1"),
        ("upscale_conv2", "output_upscaling.3"),
        ("layer_norm_final_attn", "norm_final_attn"),
        ("layer_norm", "norm"),
        ("o_proj", "out_proj"),
    ):
        name = name.replace(ours, theirs) if ours else name
    if re.search(r"hypernetworks|prediction_head|score_head", name):
        name = name.replace("layers.0", "layers.1").replace("proj_in", "layers.0").replace("proj_out", "layers.2")
    else:
        name = name.replace("mlp.proj_in", "mlp.layers.0").replace("mlp.proj_out", "mlp.layers.1")
    return {re.sub(r"(neck\.convs\.\d+)\.", r"\1.conv.", name): value}


def published(folder: Path, shards: int = 2) -> tuple[TerraScope, Words]:
    """A tiny random checkpoint in the published layout; returns the model whose weights it holds."""
    model, words = factory.make(seed=3, masks_per_prompt=3)
    for weight in model.parameters():
        weight.data = torch.randn_like(weight) * 0.15  # no zero or one that a mix-up could hide behind
    head = nn.Linear(model.config.hidden, model.config.vocabulary, bias=False)
    ours = {**store.state(model), "vlm.lm_head.weight": head.weight.detach()}
    weights = published_names(ours)
    weights["grounding_encoder.sam2_model.maskmem_tpos_enc"] = torch.zeros(7, 1, 1, 8)
    weights["grounding_encoder.sam2_model.memory_attention.layers.0.norm1.weight"] = torch.zeros(8)
    weights["grounding_encoder.sam2_model.obj_ptr_proj.layers.0.weight"] = torch.zeros(8, 8)
    weights["grounding_encoder.sam2_model.mask_downsample.bias"] = torch.zeros(1)
    folder.mkdir(parents=True)
    names = sorted(weights)
    index = {}
    for number in range(shards):
        file = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        part = names[number::shards]  # the four point embeddings fall into different files
        save_file({name: weights[name].contiguous() for name in part}, str(folder / file))
        index |= dict.fromkeys(part, file)
    (folder / store.INDEX).write_text(json.dumps({"weight_map": index}))
    (folder / store.CONFIG).write_text(json.dumps(config_json(model)))
    words.save(folder)
    model.vlm.lm_head.weight = head.weight
    return model, words


def config_json(model: TerraScope) -> dict[str, Any]:
    text = model.config.internvl["text_config"]
    tower = model.config.internvl["vision_config"]
    return {
        "architectures": ["Sa2VAChatModel"],
        "auto_map": {"AutoModel": "modeling.Evil"},
        "llm_config": {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": 7,  # stale, as after tokens were added
            **{name: text[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers")},
            **{name: text[name] for name in ("num_attention_heads", "num_key_value_heads", "max_position_embeddings")},
            "rope_theta": text["rope_parameters"]["rope_theta"],
            "rms_norm_eps": 1e-6,
        },
        "vision_config": {
            **{name: tower[name] for name in ("hidden_size", "num_hidden_layers", "num_attention_heads")},
            "intermediate_size": tower["intermediate_size"],
            "image_size": tower["image_size"][0],
            "patch_size": tower["patch_size"][0],
            "qkv_bias": True,
            "qk_normalization": False,
            "norm_type": "layer_norm",
            "layer_norm_eps": 1e-6,
        },
        "downsample_ratio": 0.5,
        "ps_version": "v2",
        "select_layer": -1,
        "dynamic_image_size": True,
        "max_dynamic_patch": 4,
        "use_thumbnail": True,
    }


def test_a_published_checkpoint_comes_over_and_gives_the_same_numbers(tmp_path: Path) -> None:
    before, words = published(tmp_path / "theirs")
    report = convert(tmp_path / "theirs", tmp_path / "ours", sam2=before.config.sam2)
    after, again = store.load(tmp_path / "ours")
    assert report.read == report.kept + len(report.dropped)
    assert len(report.dropped) == 4
    assert report.written == len(store.state(after))
    assert after.config.masks_per_prompt == 3
    lessons = factory.lessons()
    # The published configuration is what it is trained with; the number of tokens is ours to choose.
    object.__setattr__(after.config, "tokens_max", before.config.tokens_max)
    with torch.no_grad():
        one, other = batch_loss(before, words, lessons), batch_loss(after, again, lessons)
    for name in ("total", "text", "dice", "pixels"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), atol=1e-6, rtol=1e-6)
    asked = [lesson.asked for lesson in lessons]
    got = [generate(model, words, asked, Limits(new_tokens=20)) for model in (before, after)]
    assert [reply.ids for reply in got[0]] == [reply.ids for reply in got[1]]


def test_visual_tokens_equal_those_of_the_published_arithmetic(tmp_path: Path) -> None:
    """The vision tower, pixel shuffle v2 and projector, written out from the published keys."""
    model, _ = published(tmp_path / "theirs", shards=1)
    raw = load_file(tmp_path / "theirs" / "model-00001-of-00001.safetensors")
    pixels = torch.randn(2, 3, 32, 32)

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.linear(x, raw[f"{name}.weight"], raw[f"{name}.bias"])

    def norm(x: torch.Tensor, name: str, eps: float = 1e-6) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], raw[f"{name}.weight"], raw[f"{name}.bias"], eps)

    stem = "vision_model.embeddings"
    x = functional.conv2d(pixels, raw[f"{stem}.patch_embedding.weight"], raw[f"{stem}.patch_embedding.bias"], stride=4)
    x = torch.cat((raw[f"{stem}.class_embedding"].expand(2, -1, -1), x.flatten(2).transpose(1, 2)), dim=1)
    x = x + raw[f"{stem}.position_embedding"]
    block = "vision_model.encoder.layers.0"
    batch, length, width = x.shape
    q, k, v = (
        linear(norm(x, f"{block}.norm1"), f"{block}.attn.qkv")
        .reshape(batch, length, 3, HEADS, -1)
        .permute(2, 0, 3, 1, 4)
    )
    share = torch.softmax(q @ k.transpose(-2, -1) / (width // HEADS) ** 0.5, dim=-1)
    x = x + raw[f"{block}.ls1"] * linear(
        (share @ v).transpose(1, 2).reshape(batch, length, width), f"{block}.attn.proj"
    )
    hidden = functional.gelu(linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1"))
    x = x + raw[f"{block}.ls2"] * linear(hidden, f"{block}.mlp.fc2")
    x = x[:, 1:].reshape(batch, 8, 8, width)
    # Pixel shuffle v2: two neighbours along a row, then two rows, then rows and columns back in place.
    x = x.reshape(batch, 8, 4, width * 2).permute(0, 2, 1, 3).reshape(batch, 4, 4, width * 4).permute(0, 2, 1, 3)
    x = norm(x.reshape(batch, 16, width * 4), "mlp1.0", eps=1e-5)
    expected = linear(functional.gelu(linear(x, "mlp1.1")), "mlp1.3")
    convert(tmp_path / "theirs", tmp_path / "ours", sam2=model.config.sam2)
    after, _ = store.load(tmp_path / "ours")
    with torch.no_grad():
        torch.testing.assert_close(after.visual_tokens(pixels), expected, atol=1e-5, rtol=1e-5)


def _break(folder: Path, change: Any) -> None:
    path = folder / "model-00001-of-00002.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("mlp1.1.weight", None) or w.pop("mlp1.1.bias"), "1 weights missing: .*linear_1"),
        (lambda w: w.update(surprise=torch.zeros(1)), "1 unexpected weights: surprise"),
        (lambda w: w.update({next(k for k in w if k.startswith("mlp1.0")): torch.zeros(3)}), "another shape"),
        (
            lambda w: w.pop(next(k for k in w if "point_embeddings" in k)),
            "missing beside sam.prompt_encoder.point_embed",
        ),
    ],
)
def test_keys_are_strict_and_nothing_is_written_before_they_are_right(
    tmp_path: Path, change: Any, message: str
) -> None:
    model, _ = published(tmp_path / "theirs")
    _break(tmp_path / "theirs", change)
    with pytest.raises(DataError, match=message):
        convert(tmp_path / "theirs", tmp_path / "ours", sam2=model.config.sam2)
    assert not (tmp_path / "ours").exists() or not any((tmp_path / "ours").iterdir())


def test_a_mask_model_of_unknown_size_asks_for_its_configuration(tmp_path: Path) -> None:
    published(tmp_path / "theirs")
    with pytest.raises(DataError, match=r"none of SAM-2's four published sizes; got stem 8, blocks \(1, 1, 2, 1\)"):
        convert(tmp_path / "theirs", tmp_path / "ours")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    model, _ = published(tmp_path / "theirs")
    for _ in range(2):
        convert(tmp_path / "theirs", tmp_path / "ours", sam2=model.config.sam2, force=True)
    with pytest.raises(ConflictError, match="--force"):
        convert(tmp_path / "theirs", tmp_path / "ours", sam2=model.config.sam2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(ConflictError, match="something else"):
        convert(tmp_path / "theirs", tmp_path / "other", sam2=model.config.sam2, force=True)


def test_weights_are_mapped_not_copied_and_bf16_runs(tmp_path: Path) -> None:
    model, _ = published(tmp_path / "theirs")
    convert(tmp_path / "theirs", tmp_path / "ours", sam2=model.config.sam2, dtype="bfloat16")
    half, words = store.load(tmp_path / "ours")
    assert {weight.dtype for weight in half.parameters()} == {torch.bfloat16}
    (reply,) = generate(half, words, [factory.lessons()[0].asked], Limits(new_tokens=5))
    assert len(reply.ids) <= 5
    whole, _ = store.load(tmp_path / "ours", dtype="float32")
    assert {weight.dtype for weight in whole.parameters()} == {torch.float32}


def test_a_loaded_model_may_be_spread_over_devices(tmp_path: Path) -> None:
    model, words = factory.make(seed=1)
    store.save(model, words, tmp_path)
    spread, again = store.load(tmp_path, device="auto")
    asked = [lesson.asked for lesson in factory.lessons()]
    got, expected = (generate(m, w, asked, Limits(new_tokens=8)) for m, w in ((spread, again), (model, words)))
    assert [reply.ids for reply in got] == [reply.ids for reply in expected]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    model, words = factory.make(seed=1, mask_from="fused")
    store.save(model, words, tmp_path)
    after, again = store.load(tmp_path)
    assert after.config == model.config
    assert again.size == words.size
    for name, value in model.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], value, atol=0, rtol=0)
    assert after.vlm.lm_head.weight is after.embedding.weight


@pytest.mark.parametrize("layout", ["authors", "transformers"])
def test_plain_internvl_and_sam2_are_a_start(tmp_path: Path, layout: str) -> None:
    model, words = factory.make(seed=3)
    ours = store.state(model)
    internvl, sam = tmp_path / "internvl", tmp_path / "sam2"
    internvl.mkdir()
    sam.mkdir()
    words.save(internvl)
    if layout == "authors":
        theirs = {k: v for k, v in published_names(ours).items() if not k.startswith(("grounding", "text_hidden"))}
        (internvl / store.CONFIG).write_text(json.dumps(config_json(model)))
    else:
        theirs = {k.removeprefix("vlm."): v for k, v in ours.items() if k.startswith("vlm.")}
        (internvl / store.CONFIG).write_text(json.dumps(model.config.internvl))
    save_file({name: value.contiguous() for name, value in theirs.items()}, str(internvl / store.WEIGHTS))
    masks = {k.removeprefix("sam."): v.contiguous().clone() for k, v in ours.items() if k.startswith("sam.")}
    save_file({**masks, "memory_encoder.fuser.bias": torch.zeros(1)}, str(sam / store.WEIGHTS))
    (sam / store.CONFIG).write_text(json.dumps(model.config.sam2))
    start(internvl, sam, tmp_path / "out", seed=5)
    after, _ = store.load(tmp_path / "out")
    for name, value in store.state(model).items():
        if not name.startswith("text_hidden_fcs"):
            torch.testing.assert_close(store.state(after)[name], value, atol=0, rtol=0)
    start(internvl, sam, tmp_path / "again", seed=5)
    assert (tmp_path / "out" / store.WEIGHTS).read_bytes() == (tmp_path / "again" / store.WEIGHTS).read_bytes()


def test_a_tokenizer_without_seg_gets_it_and_the_table_a_row(tmp_path: Path) -> None:
    model, words = factory.make(seed=3)
    text = words.tokenizer.to_str().replace('"[SEG]"', '"[GES]"')
    internvl, sam = tmp_path / "internvl", tmp_path / "sam2"
    internvl.mkdir()
    sam.mkdir()
    (internvl / "tokenizer.json").write_text(text)
    ours = store.state(model)
    save_file({k[4:]: v.contiguous() for k, v in ours.items() if k.startswith("vlm.")}, str(internvl / store.WEIGHTS))
    save_file(
        {k[4:]: v.contiguous().clone() for k, v in ours.items() if k.startswith("sam.")}, str(sam / store.WEIGHTS)
    )
    (internvl / store.CONFIG).write_text(json.dumps(model.config.internvl))
    (sam / store.CONFIG).write_text(json.dumps(model.config.sam2))
    config = start(internvl, sam, tmp_path / "out")
    after, again = store.load(tmp_path / "out")
    assert config.vocabulary == model.config.vocabulary + 1 == again.size
    torch.testing.assert_close(after.embedding.weight[again.seg], model.embedding.weight.mean(dim=0))


def test_the_command_tells_as_json_what_it_brought_over(tmp_path: Path) -> None:
    before, _ = published(tmp_path / "theirs")
    (tmp_path / "sam2.json").write_text(json.dumps(before.config.sam2))
    words = ("convert", tmp_path / "theirs", "-o", tmp_path / "ours", "--sam2-config", tmp_path / "sam2.json")
    done = call("terrascope-bench", *words, "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["read"] == told["kept"] + len(told["dropped"])
    assert call("terrascope-bench", *words, "--quiet").returncode == 2  # it is there already
