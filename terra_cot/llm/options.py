"""An endpoint, how hard it is tried and what it may cost; and the `llm` section of a recipe: what it writes."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Tier = Literal["caption", "l2_spatial", "l2_semantic"]

OPERATION = frozenset(
    {
        "api_key_env",
        "concurrency",
        "max_retries",
        "timeout_s",
        "budget_tokens",
        "budget_usd",
        "usd_per_million_input",
        "usd_per_million_output",
        "cache",
    }
)
"""Settings that say how, not what: samples do not follow from them, and the recipe in a manifest leaves them out."""


class Endpoint(BaseModel):
    """Where a model answers, how hard it is tried, and what it may cost.

    `api_key_env` names the environment variable that holds the key (None: the endpoint needs none). `max_retries` and
    `timeout_s` (of silence) hold for one request. `budget_tokens` and `budget_usd` bound what may be spent, cached
    replies not counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    model: str = Field(min_length=1, max_length=200)
    max_tokens: int = Field(700, ge=16)
    api_key_env: str | None = None
    max_retries: int = Field(5, ge=0, le=20)
    timeout_s: float = Field(120.0, gt=0)
    budget_tokens: int | None = Field(None, ge=1)
    budget_usd: float | None = Field(None, gt=0)
    usd_per_million_input: float | None = Field(None, ge=0)
    usd_per_million_output: float | None = Field(None, ge=0)

    def told(self, setting: str) -> str:
        """The name of a setting as its user writes it."""
        raise NotImplementedError

    def raised(self, setting: str) -> str:
        """What its user types to give a setting another value."""
        raise NotImplementedError

    @field_validator("base_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as http(s)://host/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("a URL with a password or query would be written down; put the key into api_key_env")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _priced(self) -> Endpoint:
        if self.budget_usd is not None and None in (self.usd_per_million_input, self.usd_per_million_output):
            raise ValueError("budget_usd needs usd_per_million_input and usd_per_million_output")
        return self


class LlmOptions(Endpoint):
    """`tiers` are written by `model` at `base_url`; a refused text is asked for again, `attempts` times in all.

    `api_key_env` names the environment variable that holds the key (None: the endpoint needs none). `concurrency`
    bounds the requests under way at once, over all workers. `max_retries` and `timeout_s` hold for one request.
    `budget_tokens` and `budget_usd` bound what a dataset may cost, cached replies not counted. `cache` is the folder of
    replies (None: `.progress/llm` in the dataset).
    """

    tiers: tuple[Tier, ...] = ("caption", "l2_spatial", "l2_semantic")
    attempts: int = Field(3, ge=1, le=10)
    temperature: float | None = Field(0.0, ge=0, le=2)
    concurrency: int = Field(4, ge=1, le=256)
    cache: str | None = None

    def told(self, setting: str) -> str:
        return f"llm.{setting}"

    def raised(self, setting: str) -> str:
        return f"--set llm.{setting}=..."

    def identity(self) -> dict[str, Any]:
        """What samples follow from."""
        return self.model_dump(mode="json", exclude=set(OPERATION))
