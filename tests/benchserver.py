"""A scripted model of a benchmark on a real socket: it knows each question by its text, and misbehaves on a plan."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from llmserver import Answer, Body, error
from PIL import Image

from terra_cot.mask import Mask
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.question import Question


def texts(body: Body) -> str:
    """All that a request says in words."""
    parts: list[str] = []
    for message in body["messages"]:
        content = message["content"]
        parts += [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return "\n".join(parts)


def pictures(body: Body) -> list[str]:
    """The data URLs of a request, in order."""
    found: list[str] = []
    for message in body["messages"]:
        if not isinstance(message["content"], str):
            found += [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]
    return found


def pixels(images: Iterable[bytes]) -> list[bytes]:
    """What pictures show, however they are packed."""
    return [Image.open(BytesIO(image)).convert("RGB").tobytes() for image in images]


def completion(content: str, body: Body) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


class Reader:
    """Finds the question that a request asks; two questions that read alike are told apart by their pictures."""

    def __init__(self, bench: Path) -> None:
        self.questions = list(open_benchmark(bench).questions())
        self.pixels = [pixels(frame.image for frame in question.frames) for question in self.questions]

    def asked(self, body: Body) -> Question:
        said = texts(body)
        shown = pixels(b64decode(url.partition(",")[2]) for url in pictures(body))
        found = [
            question
            for question, known in zip(self.questions, self.pixels, strict=True)
            if question.question in said and all(option in said for option in question.options) and known == shown
        ]
        assert len(found) == 1, f"{len(found)} questions are asked by: {said[:300]}"
        return found[0]


def outline(mask: Mask) -> list[int]:
    """The rectangle around a mask, as an outline."""
    rows, columns = np.nonzero(mask.to_array())
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return [int(number) for number in (left, top, right, top, right, bottom, left, bottom)]


def planned(question: Question, number: int, masks: bool = False) -> str | None:
    """The reply to the question that is the `number`-th of the benchmark; None for a failure of the server.

    Where masks are asked for, every other reply holds all that are true, as RLE and by the rectangles around them, and
    the others only the first.
    """
    letters = question.letters
    wrong = letters[(letters.index(question.answer) + 1) % len(letters)]
    block = ""
    if masks and question.masks:
        given = question.masks[: None if number % 2 else 1]
        rows = [{**mask.to_row(), "polygons": [outline(mask)]} for mask in given]
        block = f"<masks>{json.dumps(rows)}</masks>"
    return [
        f"<think>Look: A or B?</think>{block}<answer>{question.answer}</answer>",
        f"{block}<answer>{question.answer}</answer>",
        f"({question.answer})",
        f"<think>I think so.</think>\n{block}\n<answer>{wrong}</answer>",
        "I cannot tell from this image.",
        None,
    ][number % 6]


def scripted(bench: Path) -> Callable[[Body, int], Answer]:
    """Answers by `planned`; a planned failure is HTTP 400, which no client tries again."""
    reader = Reader(bench)
    numbers = {question.question_id: number for number, question in enumerate(reader.questions)}

    def answer(body: Body, number: int) -> Answer:
        question = reader.asked(body)
        text = planned(question, numbers[question.question_id], masks="<masks>" in texts(body))
        return error(400, "the picture upset the model") if text is None else Answer(completion(text, body))

    return answer


if __name__ == "__main__":  # python tests/benchserver.py BENCH PORT, from the root of the checkout: until it is stopped
    import sys
    import threading

    from llmserver import serving

    with serving(scripted(Path(sys.argv[1])), int(sys.argv[2])) as server:
        sys.stderr.write(f"{server.url}\n")
        threading.Event().wait()
