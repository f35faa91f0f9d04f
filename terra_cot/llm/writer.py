"""The model writes a sample's words, or the composer's stand; either way every refusal is kept with its reason."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import orjson

from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.numbers import underived
from terra_cot.errors import shorten
from terra_cot.llm.check import Fault, faults
from terra_cot.llm.client import Reply
from terra_cot.llm.job import LlmJob
from terra_cot.llm.options import LlmOptions
from terra_cot.llm.phrasebook import Book, book_of, writable
from terra_cot.llm.prompt import again, filled, messages_of, schema_of
from terra_cot.sample import SEG, Sample
from terra_cot.scene import Drop

FREE_TIERS = ("caption",)
"""Tiers whose question and answer the model words too."""


class Written(NamedTuple):
    """A sample, by the model or by the composer, and what was refused on the way."""

    sample: Sample
    refused: tuple[Drop, ...]


def book_for(sample: Sample, context: Context, composed: Text) -> Book | None:
    """The phrase book of a sample, or None: its facts cannot be told apart by the names of classes."""
    draft = Draft(sample.task, tuple(Target(mask.frame, mask.label) for mask in sample.masks), sample.evidence)
    fixed = sample.tier not in FREE_TIERS
    return book_of(draft, context, composed, fixed) if writable(draft, fixed) else None


def written(items: Iterable[tuple[Sample, Context]], job: LlmJob | None) -> Iterator[Written]:
    """Samples in their order, those of the job's tiers written by the model (without a job: as the composer has them).

    At most a few are in memory.

    Raises:
        LlmUnavailable, BudgetSpent: what was answered so far stays in the cache.
    """
    if job is None:
        yield from (Written(sample, ()) for sample, _ in items)
        return
    client = job.client()
    waiting: deque[Future[Written]] = deque()
    with ThreadPoolExecutor(job.threads, "llm") as pool:
        try:
            for sample, context in items:
                waiting.append(pool.submit(_write, sample, context, client.ask, job.options))
                while len(waiting) > 2 * job.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


Ask = Callable[[list[dict[str, str]], dict[str, object]], Reply]


def _write(sample: Sample, context: Context, ask: Ask, options: LlmOptions) -> Written:
    if sample.tier not in options.tiers:
        return Written(sample, ())
    composed = Text(sample.question, sample.chain, sample.answer, sample.options)
    book = book_for(sample, context, composed)
    if book is None:
        return Written(sample, ())
    messages = messages_of(book)
    refused: list[Drop] = []
    for _ in range(options.attempts):
        reply = ask(messages, schema_of(book))
        text, found = read(book, reply)
        found = found or _sure(sample, text)
        if not found:
            assert text is not None
            said = replace(sample, question=text.question, chain=text.chain, answer=text.answer)
            return Written(replace(said, writer=f"llm:{options.model}"), tuple(refused))
        detail = f"{found[0].detail}; the model wrote: {shorten(reply.content, 400)}"
        refused.append(Drop("sample", sample.sample_id, found[0].reason, detail))
        if reply.finish == "refused":
            break  # the server would refuse it again
        messages = [*messages_of(book), *again(reply.content, found)]
    return Written(sample, tuple(refused))


def read(book: Book, reply: Reply) -> tuple[Text | None, list[Fault]]:
    """The text of a reply, and what is wrong with it."""
    if reply.finish == "refused":
        return None, [Fault("refused_by_server", reply.content)]
    if reply.finish == "length":
        return None, [Fault("cut_off", "the reply is longer than llm.max_tokens; be brief")]
    try:
        body = orjson.loads(_bare(reply.content))
    except orjson.JSONDecodeError as error:
        return None, [Fault("not_json", f"the reply is no JSON object ({error})")]
    keys = ("question", "chain", "answer")
    if not isinstance(body, dict) or any(not isinstance(body.get(key), str) or not body[key].strip() for key in keys):
        return None, [Fault("wrong_fields", "write the keys question, chain and answer, each one string")]
    text, found = filled(book, *(body[key] for key in keys))
    return text, found or faults(book, text)


def _bare(content: str) -> str:
    """A JSON object without the fence that some models put around it."""
    text = content.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    return text


def _sure(sample: Sample, text: Text | None) -> list[Fault]:
    """The laws of any sample, once more and by other code."""
    assert text is not None
    parts = (text.question, text.chain, text.answer)
    strange = [number for part in parts for number in underived(part, sample.evidence)]
    if strange:
        return [Fault("number_without_evidence", f"{', '.join(strange)} is in no evidence")]
    if text.chain.count(SEG) != len(sample.masks) or SEG in text.question or SEG in text.answer:
        return [Fault("mask_order", "one [SEG] a mask, all in the chain")]
    return []
