"""What a chain costs beside its words, in arithmetic, at any size: `python tests/speed/terrascope_flops.py`.

Every part of the model is built on torch's meta device, where shapes pass and no number is worked out, and its floating
point operations are counted: vision tower, mask encoder, mask decoder, and the language model over all that it reads.
words: prompt with its visual tokens, and the reply. chain: the same, and each picture once through the mask encoder,
each [SEG] once through the decoder, and the visual tokens that its mask appends (as many as the size allows).

This is arithmetic, not time: while it writes, a large language model waits for its weights, not for its products, so
that on a GPU its share of the time is larger than its share here. Times are those of `tests/speed/terrascope.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch.utils.flop_counter import FlopCounterMode

from terrascope_bench.terrascope.images import Shown
from terrascope_bench.terrascope.mask_head import decode
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sizes import SIZES
from terrascope_bench.terrascope.vision import mask_features, token_counts


def counted(work: Callable[[], Any]) -> tuple[int, Any]:
    """(floating point operations, what `work` returns)."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        out = work()
    return int(counter.get_total_flops()), out


def measure(name: str, given: argparse.Namespace) -> None:
    with torch.device("meta"):
        model = TerraScope(SIZES[name](*((2048, 2000) if "nano" in name else ()))).eval()
        config = model.config
        shown = [Shown("t0", "optical", torch.zeros(3, given.px, given.px, dtype=torch.uint8))] * given.pictures
        visual = sum(token_counts(model, shown))
        tiles = visual // config.grid_side**2
        tower, _ = counted(lambda: model.visual_tokens(torch.zeros(tiles, 3, config.tile_px, config.tile_px)))
        encoder, maps = counted(lambda: mask_features(model, shown))
        prompts = torch.zeros(given.masks, config.prompt_width)
        decoder, _ = counted(lambda: decode(model, [maps[0]] * given.masks, prompts))

        def read(length: int) -> int:
            """A reply word by word reads what it reads at once: the same products."""
            embeds = torch.zeros(1, length, config.hidden)
            # No mask to work out: there is nothing to look at on the meta device. Attention is causal then.
            whole = {"full_attention": None}
            return counted(
                lambda: model.logits(
                    model.vlm.model.language_model(
                        inputs_embeds=embeds,
                        attention_mask=whole,
                        position_ids=torch.arange(length)[None],
                        use_cache=False,
                    ).last_hidden_state
                )
            )[0]

        length = visual + given.text + given.reply
        words = tower + read(length)
        chain = tower + read(length + given.masks * config.tokens_max) + encoder + decoder
    print(f"{name}: {given.pictures} pictures of {given.px} px ({tiles} tiles of the tower), {visual} visual and "
          f"{given.text} text tokens, a reply of {given.reply} tokens with {given.masks} [SEG]s")  # fmt: skip
    for part, count in (("tower", tower), ("language model, words", words - tower),
                        ("language model, tokens of masks", chain - words - encoder - decoder),
                        ("mask encoder", encoder), ("mask decoder", decoder)):  # fmt: skip
        print(f"  {part:32s} {count / 1e9:12,.2f} GFLOP")
    print(f"  chain / words: {chain / words:.2f} in arithmetic")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", default=sorted(SIZES), help=f"of {', '.join(SIZES)}")
    parser.add_argument("--pictures", type=int, default=1)
    parser.add_argument("--px", type=int, default=256)
    parser.add_argument("--text", type=int, default=100, help="text tokens of the prompt")
    parser.add_argument("--reply", type=int, default=100, help="tokens of the reply")
    parser.add_argument("--masks", type=int, default=2)
    given = parser.parse_args()
    for name in given.sizes:
        measure(name, given)


if __name__ == "__main__":
    main()
