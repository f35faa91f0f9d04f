"""`run`: a model answers every question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import completion, console
from pipelines.bench.arguments import Bench, Seed
from pipelines.console import Force, Json, Quiet
from terra_cot.counted import counted

EPILOG = (
    "Example: terrascope-bench run random --bench out/bench -o random.jsonl\n"
    "Example: terrascope-bench run openai:gpt-4o --bench out/bench -o gpt-4o.jsonl --masks polygons --concurrency 8\n"
    "Example: terrascope-bench run openai:qwen --base-url http://127.0.0.1:8000/v1 --bench out/bench -o qwen.jsonl\n"
    "Example: terrascope-bench run hf:weights/smolvlm --bench out/bench -o smolvlm.jsonl --batch-size 8\n"
    "Example: terrascope-bench run python:mine.py:Mine --bench out/bench -o mine.jsonl"
)
_ASKED = "openai, hf"
_SERVER = "openai"
_LOCAL = "hf, terrascope"
_OURS = "terrascope:PATH"

_NOTES = {
    "finish": "cut off at the longest length allowed",
    "masks_unread": "with masks that could not be read and were left out",
    "confidence_unread": "without a confidence that could be read",
}


def _option(flag: str, text: str, panel: str, **more: Any) -> Any:
    return typer.Option(flag, help=f"{panel}: {text}", **more)


def run(
    model: Annotated[
        str,
        typer.Argument(
            help="random, majority, blind, gold, terrascope-nano, openai:NAME, terrascope-nano+measured, hf:PATH, "
            "terrascope:PATH or python:FILE.py:NAME.",
            metavar="MODEL",
            autocompletion=completion.models,
        ),
    ],
    bench: Bench,
    out: Annotated[Path, typer.Option("--out", "-o", help="Predictions to write (JSONL).")],
    seed: Seed = 0,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", min=1, max=256, help="Questions asked at once (openai: 4).")
    ] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Ask again what an earlier run has an error for.")
    ] = False,
    masks: Annotated[
        str | None, _option("--masks", "ask for masks as text: none, rle, polygons or boxes.", _ASKED)
    ] = None,
    confidence: Annotated[bool, _option("--confidence", "ask how sure it is.", _ASKED)] = False,
    no_images: Annotated[bool, _option("--no-images", "show texts only, as a blind baseline.", _ASKED)] = False,
    image_px: Annotated[int | None, _option("--image-px", "longer side of each image as shown.", _ASKED)] = None,
    temperature: Annotated[float | None, _option("--temperature", "0 is greedy (the default).", _ASKED)] = None,
    max_tokens: Annotated[int | None, _option("--max-tokens", "longest reply (2048).", _ASKED)] = None,
    base_url: Annotated[str | None, _option("--base-url", "address, as http://host/v1 (OpenAI's).", _SERVER)] = None,
    api_key_env: Annotated[
        str | None, _option("--api-key-env", "name of the variable that holds the key (OPENAI_API_KEY).", _SERVER)
    ] = None,
    option: Annotated[
        list[str] | None, _option("--option", "KEY=JSON more for the request; null takes it out.", _SERVER)
    ] = None,
    stream: Annotated[bool, _option("--stream", "take replies in pieces; --timeout is then silence.", _SERVER)] = False,
    requests_per_minute: Annotated[
        float | None, _option("--requests-per-minute", "the most that are sent, retries too.", _SERVER)
    ] = None,
    timeout: Annotated[
        float | None, _option("--timeout", "seconds of silence until it is tried again (120).", _SERVER)
    ] = None,
    max_retries: Annotated[int | None, _option("--max-retries", "of one request (5).", _SERVER)] = None,
    give_up_after: Annotated[
        int | None, _option("--give-up-after", "server errors in a row that end the run (20; 0: never).", _SERVER)
    ] = None,
    cache: Annotated[
        Path | None, _option("--cache", "folder of replies (beside the output).", _SERVER, metavar="DIR")
    ] = None,
    budget_tokens: Annotated[int | None, _option("--budget-tokens", "the most that may be spent.", _SERVER)] = None,
    budget_usd: Annotated[
        float | None, _option("--budget-usd", "the same in US dollars; wants prices.", _SERVER)
    ] = None,
    usd_per_million_input: Annotated[
        float | None, _option("--usd-per-million-input", "price of prompt tokens.", _SERVER)
    ] = None,
    usd_per_million_output: Annotated[
        float | None, _option("--usd-per-million-output", "price of reply tokens.", _SERVER)
    ] = None,
    batch_size: Annotated[int | None, _option("--batch-size", "questions a batch (1).", _LOCAL)] = None,
    dtype: Annotated[str | None, _option("--dtype", "auto, float32, bfloat16 or float16.", _LOCAL)] = None,
    device: Annotated[str | None, _option("--device", "auto, cpu, cuda, cuda:N or mps.", _LOCAL)] = None,
    measured: Annotated[
        bool | None, _option("--measured/--not-measured", "tell the chain what its masks measure.", _OURS)
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Let a model answer every question; run again after a crash and it goes on."""
    _answer(**locals())


def _answer(
    model: str,
    bench: Path,
    out: Path,
    *,
    seed: int,
    concurrency: int | None,
    retry_errors: bool,
    force: bool,
    quiet: bool,
    json: bool,
    **options: Any,
) -> None:
    """What `run` does; `options` are those of one kind of model, by their names, not given where None or False."""
    from dataclasses import asdict

    from terrascope_bench.run import run_model

    console.need_file(out, True, "predictions.jsonl")
    options["images"] = False if options.pop("no_images") else None
    options["timeout_s"] = options.pop("timeout")
    options["option"] = _body(options["option"])
    switches = ("confidence", "stream")
    given = {name: value for name, value in options.items() if value is not None and (value or name not in switches)}
    failed = [0]

    def on_error(errors: int) -> None:
        failed[0] = errors

    with console.progress(model, "questions", quiet, lambda: f"{failed[0]} errors" if failed[0] else "") as on_step:
        report = run_model(
            model, bench, out, seed=seed, given=given, concurrency=concurrency, retry_errors=retry_errors,
            on_step=on_step, on_error=on_error, force=force,
        )  # fmt: skip
    if json:
        console.print_json({"predictions": str(out), **asdict(report)})
    _tell(report, out, quiet or json)


def _body(options: list[str] | None) -> dict[str, Any] | None:
    """`KEY=JSON` parts as an object; what is no JSON is text."""
    import orjson

    from terra_cot.errors import ConfigError

    if not options:
        return None
    body: dict[str, Any] = {}
    for text in options:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise ConfigError("--option: write it as KEY=JSON, such as --option top_p=0.9")
        try:
            body[key] = orjson.loads(value)
        except orjson.JSONDecodeError:
            body[key] = value
    return body


def _tell(report: Any, out: Path, quiet: bool) -> None:
    """What was done and spent; exit 1 where questions have no answer."""
    resumed = f" now, {report.resumed} by an earlier run" if report.resumed else ""
    console.say(f"{out}: {report.answered} of {counted(report.questions, 'row')} answered{resumed}", quiet)
    for name, count in report.notes.items():
        what = _NOTES.get(name, name)
        console.say(f"{counted(count, 'reply', 'replies')} {what} (notes.{name} of the lines tells why)", quiet)
    if report.spent and report.spent["requests"]:
        usd = f", {report.spent['usd']:.4f} USD" if report.spent["usd"] else ""
        tokens = f"{report.spent['prompt_tokens']:,} input + {report.spent['reply_tokens']:,} output tokens"
        lost = report.spent["unanswered"]
        most = f"; {lost:,} unanswered counted at their maximum" if lost else ""
        console.say(f"spent so far: {counted(report.spent['requests'], 'request')}, {tokens}{usd}{most}", quiet)
    lines = [f"{kind}: {counted(n, 'row')} without an answer" for kind, n in report.errors.items()]
    if report.found_errors:
        lines.append(f"errors of earlier runs: {counted(report.found_errors, 'row')} without an answer")
    if lines:
        console.fail([*lines, "they count as wrong; the same command with --retry-errors asks them again"])
