"""A model is its configuration and its weights: every size, and every rule that has a choice, is a field here.

The two sections `internvl` and `sam2` are configurations of transformers' InternVL and SAM-2 classes in their own
words, so whatever those libraries know how to build can be a TerraScope.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from terra_cot.errors import ConfigError, did_you_mean

Fusion = Literal["text_guided", "concatenated", "optical"]
"""Visual tokens of a step on a date with optical and SAR: the more relevant of the two at each place; both; optical."""

MaskFrom = Literal["optical", "fused"]
"""What the mask decoder sees of such a date: the optical frame (the paper), or both, weighed pixel by pixel."""

MaskDates = Literal["own", "before"]
"""What the mask decoder sees of other dates: nothing (the paper), or the date before the one that is asked about."""

Evidence = Literal["mask", "box", "random", "none"]
"""Which visual tokens a step appends; see `evidence`."""

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class TerraScopeConfig:
    """Sizes and rules of one model.

    Attributes:
        internvl: `InternVLConfig` as a mapping: vision tower, projector, language model.
        sam2: `Sam2Config` as a mapping; images enter the mask encoder at `prompt_encoder_config.image_size` px.
        tiles_max: a lone image is cut into at most so many tiles; 1 never cuts. Several images are never cut.
        tokens_max: lambda, the most visual tokens that one mask adds (the paper: 128; its scripts: 8).
        coverage: a token is selected if more than this share of its cell lies in the mask.
        masks_per_prompt: 1, or 3 of which the decoder's own best is taken (the published scripts).
        fusion, mask_from, mask_dates, evidence: see the types.
        mask_windows: an image larger than `mask_px` is cut into at most so many windows a side, each of which passes
            the mask model by itself; 1 never cuts (the paper).
        mask_min_share: parts and holes of a decoded mask below this share of the image are dropped; 0 keeps all (the
            paper). Never those of more than `mask_min_cap_px` pixels: on a larger image things are not larger.
        measured: measurements of the decoded mask enter the sequence as text after [SEG] (not in the paper).
    """

    name: str
    internvl: dict[str, Any]
    sam2: dict[str, Any]
    tiles_max: int = 12
    tokens_max: int = 128
    coverage: float = 0.5
    masks_per_prompt: Literal[1, 3] = 1
    fusion: Fusion = "text_guided"
    mask_from: MaskFrom = "optical"
    mask_dates: MaskDates = "own"
    evidence: Evidence = "mask"
    mask_windows: int = 1
    mask_min_share: float = 0.0
    mask_min_cap_px: int = 400
    measured: bool = False
    format_version: int = field(default=FORMAT_VERSION)

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ConfigError(f"model format {self.format_version}: this release reads {FORMAT_VERSION}")
        if not 0 <= self.coverage < 1:
            raise ConfigError(f"coverage {self.coverage}: a share, from 0 to below 1")
        if min(self.tokens_max, self.tiles_max, self.mask_windows) < 1:
            raise ConfigError("tokens_max, tiles_max and mask_windows are at least 1")
        if not 0 <= self.mask_min_share < 1:
            raise ConfigError(f"mask_min_share {self.mask_min_share}: a share, from 0 to below 1")
        if self.mask_min_cap_px < 0:
            raise ConfigError(f"mask_min_cap_px {self.mask_min_cap_px}: a number of pixels")
        if self.masks_per_prompt not in (1, 3):
            raise ConfigError(f"masks_per_prompt {self.masks_per_prompt}: 1 or 3")
        if self.fusion not in ("text_guided", "concatenated", "optical"):
            raise ConfigError(f"fusion {self.fusion!r}: text_guided, concatenated or optical")
        if self.mask_from not in ("optical", "fused"):
            raise ConfigError(f"mask_from {self.mask_from!r}: optical or fused")
        if self.mask_dates not in ("own", "before"):
            raise ConfigError(f"mask_dates {self.mask_dates!r}: own or before")
        if self.evidence not in ("mask", "box", "random", "none"):
            raise ConfigError(f"evidence {self.evidence!r}: mask, box, random or none")
        if self.patches_side % 2:
            raise ConfigError(f"{self.tile_px} px a tile make {self.patches_side} patches a side: must be even")

    @property
    def tile_px(self) -> int:
        """Side of a tile as the vision tower sees it."""
        return _side(self.internvl["vision_config"]["image_size"])

    @property
    def patches_side(self) -> int:
        return self.tile_px // _side(self.internvl["vision_config"]["patch_size"])

    @property
    def grid_side(self) -> int:
        """Visual tokens along the side of a tile: pixel shuffle joins 2 x 2 patches to one token."""
        return self.patches_side // 2

    @property
    def hidden(self) -> int:
        """Width of the language model, D."""
        return int(self.internvl["text_config"]["hidden_size"])

    @property
    def vocabulary(self) -> int:
        return int(self.internvl["text_config"]["vocab_size"])

    @property
    def mask_px(self) -> int:
        """Side of an image as the mask encoder sees it."""
        return _side(self.sam2["prompt_encoder_config"]["image_size"])

    @property
    def prompt_width(self) -> int:
        """Width of a prompt of the mask decoder, C."""
        return int(self.sam2["prompt_encoder_config"]["hidden_size"])

    def speck_px(self, size: tuple[int, ...]) -> int:
        """Parts and holes of fewer pixels than this are dropped from a mask of `size` (height, width)."""
        return min(round(self.mask_min_share * size[0] * size[1]), self.mask_min_cap_px)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TerraScopeConfig:
        """The configuration of a mapping; ConfigError names an unknown or absent field."""
        known = tuple(entry.name for entry in fields(cls))
        for name in values:
            if name not in known:
                raise ConfigError(f'no field "{name}" in a model configuration{did_you_mean(name, known)}')
        for name in ("name", "internvl", "sam2"):
            if name not in values:
                raise ConfigError(f'a model configuration needs "{name}"')
        return cls(**values)


def _side(size: int | list[int] | tuple[int, ...]) -> int:
    """The side of a square that libraries write as one number or as two."""
    if isinstance(size, int):
        return size
    if len(set(size)) != 1:
        raise ConfigError(f"{tuple(size)}: only square inputs are supported")
    return int(size[0])
