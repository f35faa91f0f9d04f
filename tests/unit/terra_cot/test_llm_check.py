"""Nothing false gets through: what may stand is accepted for every task and class, and every kind of lie is refused."""

from __future__ import annotations

import json
import random
import re

import pytest
from geofactory import mosaic
from hypothesis import given, settings
from hypothesis import strategies as st

from terra_cot.chains import TASKS
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.view import TileView
from terra_cot.evidence import evidence
from terra_cot.legend import LEGENDS, Legend
from terra_cot.llm import lexicon
from terra_cot.llm.check import faults
from terra_cot.llm.client import Reply
from terra_cot.llm.phrasebook import Book, book_of, writable
from terra_cot.llm.prompt import filled, messages_of, schema_of
from terra_cot.llm.writer import read

import llmserver  # isort: skip

WORLDCOVER = LEGENDS["worldcover"]
PLAIN = Context(WORLDCOVER, False, True)


def caption() -> Book:
    """Water (12.3 %), pastures' like: cropland (45.6 %), both with pixels, share and place."""
    rows = [evidence("valid_pixels", (), 10_000)]
    for mask, (pixels, row, column) in enumerate(((1230, 0.1, 0.1), (4560, 0.9, 0.5))):
        rows += [
            evidence("pixels", (mask,), pixels),
            evidence("share", (mask,), pixels / 100),
            evidence("row", (mask,), row),
            evidence("column", (mask,), column),
        ]
    draft = Draft("caption", (Target("t0", "water"), Target("t0", "crop")), tuple(rows))
    return book_of(draft, PLAIN, Text("Describe it.", "Composed.", "Composed."), False)


def runoff() -> Book:
    rows = (
        evidence("pixels", (0,), 4560),
        evidence("pixels", (1,), 1230),
        evidence("adjacent", (0, 1), 1),
    )
    draft = Draft("runoff", (Target("t0", "crop"), Target("t0", "water")), rows)
    return book_of(draft, PLAIN, TASKS["runoff"].write(draft, PLAIN, 0), True)


def reasons(book: Book, question: str, chain: str, answer: str) -> set[str]:
    text, found = filled(book, question, chain, answer)
    return {fault.reason for fault in [*found, *faults(book, text)]}


GOOD = "In this scene, {m0} covers {e2}. Next, {m1} fills {e5} and is {p1}. {c0}: {e1}."
SHOWN = "{m0} is here. {m1} is here. {c0}: {e2}. {c1}: {e6}. "
QUESTION, ANSWER = "Describe this scene step by step.", "A scene of {s1} and {s0}."


def test_the_phrases_are_what_the_test_thinks() -> None:
    texts = {slot.name: slot.text for slot in caption().slots}
    assert (texts["m0"], texts["c1"]) == ("water [SEG]", "cropland")
    assert (texts["e1"], texts["e2"]) == ("1,230 pixels", "12.3 % of the scene")
    assert (texts["e5"], texts["e6"]) == ("4,560 pixels", "45.6 % of the scene")
    assert (texts["p0"], texts["p1"]) == ("centred in the north-west", "centred in the south")
    assert texts["s1"] == "cropland (45.6 % of the scene)"


@pytest.mark.parametrize(
    "chain",
    [
        GOOD + " {c1} takes up {e6}.",
        SHOWN,
        "Look at the image: {m0}, and then {m1}. {c0} has a total area of {e1}, {e2}. The share of {c1} is {e6}.",
        "{m0} covers {e2}; {m1} covers {e6}. {e0}.",
        "I see {m0} with {e2}. I see {m1} with {e6}. It is {p1}: {c1}.",
        "{s0} is here. {m0} and {m1} are visible. {s1}. Next, we see that {e0}.",
        "The land cover of this scene: {m0} and {m1}. {c0} is {e2}. {c1} is {e6}.",
    ],
)
def test_plain_truth_is_accepted(chain: str) -> None:
    assert reasons(caption(), QUESTION, chain, ANSWER) == set()


LIES = {
    "a number of the other class": (SHOWN + "{c0} covers {e5}.", "wrong_pair"),
    "a number of one class for both": (SHOWN + "{c0} and {c1} cover {e5}.", "wrong_pair"),
    "swapped by respectively": ("{m0} and {m1} cover {e6} and {e2}.", "wrong_pair"),
    "a share of another class": (SHOWN + "{c0} covers {e2} with {c1}.", "wrong_pair"),
    "a number without a class": (SHOWN + "It covers {e5}.", "wrong_pair"),
    "the place of the other class": (SHOWN + "{c0} is {p1}.", "wrong_pair"),
    "a number of its own": (SHOWN + "{c0} covers 99 pixels.", "number_without_evidence"),
    "a digit before a phrase": (SHOWN + "{c0} covers 9{e1}.", "number_without_evidence"),
    "a minus before a phrase": (SHOWN + "{c0} covers -{e1}.", "number_without_evidence"),
    "a digit after a phrase": (SHOWN + "{c0} covers {e1}0.", "number_without_evidence"),
    "the right number in another unit": (SHOWN + "{c0} covers 12.3 ha.", "number_without_evidence"),
    "a number in words": (SHOWN + "{c0} covers half of the scene.", "number_in_words"),
    "a count in words": (SHOWN + "There are two regions of {c0}.", "number_in_words"),
    "a fraction sign": (SHOWN + "{c0} covers ½ of the scene.", "strange_sign"),
    "digits of another script": (SHOWN + "{c0} covers ４２.", "number_without_evidence"),
    "a bound": (SHOWN + "{c0} covers more than {e1}.", "comparison"),
    "roughly": (SHOWN + "{c0} covers about {e1}.", "comparison"),
    "an order": (SHOWN + "{c0} is larger.", "comparison"),
    "a negation": (SHOWN + "{c0} is not visible.", "negation"),
    "an absence": (SHOWN + "There is no {c0}.", "negation"),
    "a class without a mask": (SHOWN + "I see mangrove forest.", "class_without_mask"),
    "something that is in no legend": (SHOWN + "I see a volcano.", "unknown_word"),
    "a built thing": (SHOWN + "I see buildings.", "class_without_mask"),
    "a place": (SHOWN + "{c0} is in the north.", "unknown_word"),
    "a sensor": (SHOWN + "The radar image shows {c0}.", "unknown_word"),
    "all of the scene": (SHOWN + "{c0} covers the scene.", "unsupported_claim"),
    "a scene that is one class": (SHOWN + "The scene is {c0}.", "unsupported_claim"),
    "one class that is another": (SHOWN + "{c0} is {c1}.", "unsupported_claim"),
    "one class within another": (SHOWN + "{c0} lies in {c1}.", "unsupported_claim"),
    "another subject": (SHOWN + "The scene covers {e1}, see {c0}.", "unsupported_claim"),
    "the area of the scene": (SHOWN + "The total area of the scene, {e1}, with {c0}.", "unsupported_claim"),
    "a verb of size without a size": (SHOWN + "{c0} has {p0}.", "unsupported_claim"),
    "a mask twice": (SHOWN + "{m0}.", "mask_order"),
    "a mask left out": ("{m0} covers {e2}. {c1} covers {e6}.", "mask_order"),
    "masks in another order": ("{m1} covers {e6}. {m0} covers {e2}.", "mask_order"),
    "a bare marker": (SHOWN + "[SEG].", "mask_order"),
    "a marker after a wrong name": ("{c1} [SEG] covers {e6}. {c0} [SEG] covers {e2}.", "mask_order"),
    "no number at all": ("{m0} and {m1} are visible.", "missing_fact"),
    "no such phrase": (SHOWN + "{e99}.", "unknown_phrase"),
    "a verb that does not agree": (SHOWN + "{c0} cover {e1}.", "grammar"),
    "letters of another script": (SHOWN + "{c0} is hеre.", "unknown_word"),
    "an upper bound": (SHOWN + "{c0} takes up to {e1}.", "unsupported_claim"),
    "an upper bound without a verb": (SHOWN + "{c0}: up to {e1}.", "unsupported_claim"),
    "land where there may be none": (SHOWN + "Land is visible here.", "class_without_mask"),
    "a statement turned to another class": (SHOWN + "{e0} in {c1}.", "unsupported_claim"),
    "a statement and a number in one": (SHOWN + "{c0} has {e1}, {e0}.", "unsupported_claim"),
    "an endless text": (SHOWN + "Look. " * 2000, "too_long"),
}


def test_only_what_can_be_told_apart_is_asked_of_a_model() -> None:
    """The same class on two dates, or a fact that no phrase can say, stays with the composer."""
    pixels = evidence("pixels", (0,), 5)
    both = (Target("t0", "water"), Target("t1", "water"))
    assert not writable(Draft("x", both, (pixels,)), False)
    assert not writable(Draft("x", (Target("t0", "water"), Target("t1", "crop")), (pixels,)), False)
    assert not writable(Draft("x", (), ()), False)
    strange = Draft("x", both[:1], (pixels, evidence("ndvi", (0,), 0.3)))
    assert (writable(strange, False), writable(strange, True)) == (True, False)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(lie: str) -> None:
    chain, reason = LIES[lie]
    found = reasons(caption(), QUESTION, chain, ANSWER)
    assert found, "refused"
    if lie != "letters of another script":
        assert reason in found


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("How much water is there?", ANSWER, "class_without_mask"),
        ("Describe all 12 classes.", ANSWER, "number_without_evidence"),
        ("Name the total area of the scene.", ANSWER, "question_changed"),
        (QUESTION, "A scene of {m0}.", "mask_order"),
        (QUESTION, "A scene of mostly {c0}.", "comparison"),
        (QUESTION, "A scene of {c0} and tundra.", "unknown_word"),
        (QUESTION, "{c0} covers {e6}.", "wrong_pair"),
        (QUESTION, "A scene of {c0} ({e6}) and {c1} ({e2}).", "wrong_pair"),
        (QUESTION, "A scene.", "empty"),
    ],
)
def test_question_and_caption_are_read_too(question: str, answer: str, reason: str) -> None:
    assert reason in reasons(caption(), question, SHOWN, answer)


L2 = "First, find {m0}: {e0}. Then find {m1} with {e1}. {e2}. {conclusion}"


def test_a_composed_answer_follows_from_the_evidence() -> None:
    book = runoff()
    assert reasons(book, "Study the masks. {ask}", L2, "high") == set()
    assert schema_of(book)["properties"]["answer"]["enum"] == ["high", "moderate", "low"]


@pytest.mark.parametrize(
    ("question", "chain", "answer", "reason"),
    [
        ("{ask}", L2, "low", "wrong_answer"),
        ("{ask}", L2, "High", "wrong_answer"),
        ("What is the risk?", L2, "high", "question_changed"),
        ("{ask} {ask}", L2, "high", "question_changed"),
        ("{ask} Not so.", L2, "high", "negation"),
        ("{ask}", L2.replace("{conclusion}", ""), "high", "missing_conclusion"),
        ("{ask}", "{conclusion} " + L2, "high", "missing_conclusion"),
        ("{ask}", L2 + " Look here.", "high", "missing_conclusion"),
        (
            "{ask}",
            L2.replace("{conclusion}", "So the risk of runoff is low."),
            "high",
            "missing_conclusion",
        ),
        ("{ask}", L2.replace("{e2}. ", ""), "high", "missing_fact"),
        ("{ask}", L2.replace("{e2}", "Cropland and water stay apart"), "high", "unknown_word"),
        ("{ask}", L2.replace("{e0}", "{e1}"), "high", "wrong_pair"),
    ],
)
def test_a_composed_answer_that_does_not_is_refused(question: str, chain: str, answer: str, reason: str) -> None:
    assert reason in reasons(runoff(), question, chain, answer)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("", "stop"), "not_json"),
        (Reply("Here is your sample:", "stop"), "not_json"),
        (Reply('{"question": "Desc', "length"), "cut_off"),
        (Reply('{"question": "Desc', "stop"), "not_json"),
        (Reply("[1, 2]", "stop"), "wrong_fields"),
        (Reply('{"question": "a", "chain": 7, "answer": "b"}', "stop"), "wrong_fields"),
        (Reply('{"question": " ", "chain": "x", "answer": "b"}', "stop"), "wrong_fields"),
        (Reply("too many tokens", "refused"), "refused_by_server"),
    ],
)
def test_a_reply_that_is_no_sample_has_a_reason(reply: Reply, reason: str) -> None:
    assert [fault.reason for fault in read(caption(), reply)[1]] == [reason]


def test_a_fence_around_json_is_taken_off() -> None:
    body = json.dumps({"question": "Describe it.", "chain": SHOWN, "answer": "A scene of {s0}."})
    assert read(caption(), Reply(f"```json\n{body}\n```", "stop"))[1] == []


@given(st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_a_true_text_with_one_word_from_anywhere_is_never_more_than_true(seed: int) -> None:
    """A word put in at random is of the lexicon, or the text is refused; figures of the text never change hands."""
    rng = random.Random(seed)
    book = caption()
    words = ["volcano", "7", "three", "north", "radar", "lake", "not", "[SEG]", "%", "12.3", "{e5}", "{c1}", "{m1}"]
    word = rng.choice([*words, *sorted(lexicon.WORDS)])
    parts = (GOOD + " {c1} takes up {e6}.").split(" ")
    parts.insert(rng.randrange(len(parts)), word)
    text, found = filled(book, QUESTION, " ".join(parts), ANSWER)
    if found or faults(book, text):
        return
    assert word in lexicon.WORDS or word in ("{c1}", "{e5}")
    for sentence in re.split(r"[.;] ", text.chain):
        if "4,560" in sentence or "45.6" in sentence:
            assert "ropland" in sentence
            assert "ater" not in sentence
        if "1,230" in sentence or "12.3" in sentence:
            assert "ater" in sentence
            assert "ropland" not in sentence


@pytest.mark.parametrize("name", [task.name for task in TASKS.values() if task.tier.startswith(("caption", "l2"))])
@pytest.mark.parametrize("source", [WORLDCOVER, LEGENDS["corine-19"]], ids=["worldcover", "corine"])
@pytest.mark.parametrize("dated", [False, True])
def test_a_model_that_keeps_the_rules_is_accepted_on_every_task(name: str, source: Legend, dated: bool) -> None:
    vocabulary = source.vocabulary("native")
    context, accepted = Context(source, dated, dated), 0
    for number in range(24):
        kinds = random.Random(number).sample(range(1, len(vocabulary.classes) + 1), 6)
        view = TileView(f"tile{number}", "t0", vocabulary, mosaic(number, 64, 64, kinds), 10.0, 1.0)
        for draft in list(TASKS[name].propose(view, 3))[:2]:
            assert writable(draft, name != "caption")
            book = book_of(draft, context, TASKS[name].write(draft, context, number), name != "caption")
            written = llmserver.well({"messages": messages_of(book)})
            text, found = filled(book, written["question"], written["chain"], written["answer"])
            assert [*found, *faults(book, text)] == [], text
            assert text.question[0].isupper()
            assert text.chain.endswith(".")
            assert ".." not in text.chain
            accepted += 1
    assert accepted
