"""A command that needs an extra says which one, before it does anything."""

from __future__ import annotations

from importlib.util import find_spec

from terra_cot.errors import ConfigError

_MODEL = ("torch", "transformers", "tokenizers", "safetensors", "accelerate")


def model_lacks() -> list[str]:
    """What of the extra [model] is not installed."""
    return [name for name in _MODEL if find_spec(name) is None]


def need_model() -> None:
    """Raises ConfigError unless the extra [model] is installed."""
    absent = model_lacks()
    if absent:
        raise ConfigError(f"this command needs {', '.join(absent)}: pip install 'terra-cot[model]'")
