"""What trains and what is frozen, by the names of the parts; adapters come with a stage and are merged when it ends."""

from __future__ import annotations

from typing import Any

from terra_cot.errors import ConfigError
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.train.recipe import Stage

PARTS: dict[str, tuple[str, ...]] = {
    "vision": ("vlm.model.vision_tower.",),
    "projector": ("vlm.model.multi_modal_projector.",),
    "language": ("vlm.model.language_model.", "vlm.lm_head."),
    "mask_encoder": ("sam.vision_encoder.", "sam.no_memory_embedding"),
    "mask_decoder": ("sam.mask_decoder.", "sam.prompt_encoder."),
    "seg_projection": ("text_hidden_fcs.",),
    "gate": ("sam_gate.", "sam_join.", "sam_before."),
}


class Thawed:
    """The model as one stage trains it. `touched` are the names of all weights that have trained so far."""

    def __init__(self, model: TerraScope, stage: Stage, touched: set[str]) -> None:
        self.model, self.stage, self.touched = model, stage, touched
        prefixes = tuple(prefix for part in stage.trains for prefix in PARTS[part])
        for name, weight in model.named_parameters():
            weight.requires_grad_(name.startswith(prefixes) if prefixes else False)
        self._adapted = self._adapt(stage) if stage.lora else None
        self.touched |= {name for name, weight in model.named_parameters() if weight.requires_grad}
        if not self.trainable():
            raise ConfigError(f"stage {stage.name}: the model has no {' and no '.join(stage.trains)}: nothing trains")

    def _adapt(self, stage: Stage) -> Any:
        from peft import LoraConfig, get_peft_model

        assert stage.lora is not None
        options = LoraConfig(
            r=stage.lora.r, lora_alpha=stage.lora.alpha, target_modules=list(stage.lora.targets), lora_dropout=0.0
        )
        # The layers are wrapped in place: the model itself goes on calling them.
        return get_peft_model(self.model.vlm.model.language_model, options)

    def trainable(self) -> list[Any]:
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def merge(self) -> None:
        """Add the adapters to the weights they sit on, and take them off."""
        if self._adapted is None:
            return
        before = set(self.touched)
        self._adapted.merge_and_unload()
        # The weights under the adapters have changed; the adapters are gone.
        changed = {name.partition(".lora_")[0] + ".weight" for name in before if ".lora_" in name}
        self.touched -= {name for name in before if ".lora_" in name}
        self.touched |= changed
        self._adapted = None


def weights_of(model: TerraScope, names: set[str]) -> dict[str, Any]:
    """The weights called `names`, by name; that of a layer under an adapter is called as without one."""
    return {_plain(name): weight.detach() for name, weight in model.named_parameters() if _plain(name) in names}


def _plain(name: str) -> str:
    return name.replace(".base_layer", "")


def restore(model: TerraScope, weights: dict[str, Any]) -> None:
    """Give the model weights that `weights_of` took."""
    import torch

    known = {_plain(name): weight for name, weight in model.named_parameters()}
    with torch.no_grad():
        for name, value in weights.items():
            known[name].copy_(value)
