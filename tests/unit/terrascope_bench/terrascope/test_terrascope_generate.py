"""A reply written step by step, with masks decoded and tokens appended on the way, is the same reply all at once."""

from __future__ import annotations

import terrascopefactory as factory  # first: skips where torch is absent

import numpy as np  # isort: skip
import pytest
import torch
from transformers import DynamicCache

from terrascope_bench.terrascope.generate import Done, Limits, Looked, Text, generate, stream
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sequence import IGNORED, Asked, Told, lay_out, pad
from terrascope_bench.terrascope.tokens import Words
from terrascope_bench.terrascope.vision import encode

Taught = tuple[TerraScope, Words]
LESSONS = factory.lessons()
ASKED = [told.asked for told in LESSONS]


@pytest.fixture(scope="module")
def taught() -> Taught:
    return factory.taught()


class Watch:
    """Keeps every state that a token was chosen from, and counts what passes the encoders."""

    def __init__(self, model: TerraScope, monkeypatch: pytest.MonkeyPatch) -> None:
        self.states: list[torch.Tensor] = []
        self.seen = {"tower": 0, "masks": 0}
        logits = model.logits

        def recorded(states: torch.Tensor) -> torch.Tensor:
            self.states.append(states)
            return logits(states)

        monkeypatch.setattr(model, "logits", recorded)
        self.hooks = [
            model.vlm.model.vision_tower.register_forward_pre_hook(self._count("tower"), with_kwargs=True),
            model.sam.vision_encoder.register_forward_pre_hook(self._count("masks"), with_kwargs=True),
        ]

    def _count(self, name: str):  # type: ignore[no-untyped-def]
        def hook(module, args, kwargs) -> None:  # type: ignore[no-untyped-def]
            self.seen[name] += len(kwargs["pixel_values"] if "pixel_values" in kwargs else args[0])

        return hook

    def close(self) -> None:
        for hook in self.hooks:
            hook.remove()


def test_the_model_writes_what_it_learnt_with_the_masks_it_learnt(taught: Taught) -> None:
    for told, reply in zip(LESSONS, generate(*taught, ASKED, Limits(new_tokens=80)), strict=True):
        assert reply.text == f"<think>{told.chain}</think><answer>{told.answer}</answer>"
        assert reply.reason == "end"
        for looked, truth in zip(reply.looked, told.masks, strict=True):
            assert (looked.mask & truth).sum() / (looked.mask | truth).sum() > 0.9


@pytest.mark.parametrize("number", range(3))
def test_step_by_step_with_a_cache_equals_all_at_once_without(
    taught: Taught, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Injected while generating equals teacher-forced, state by state, to 1e-5."""
    model, words = taught
    watch = Watch(model, monkeypatch)
    (reply,) = generate(model, words, [ASKED[number]], Limits(new_tokens=80))
    watch.close()
    own = [looked.mask for looked in reply.looked]
    told = Told(ASKED[number], LESSONS[number].chain, LESSONS[number].answer, own)
    with torch.no_grad():
        row = lay_out(model, words, told, encode(model, [ASKED[number].images])[0])
        batch = pad(model, words, [row])
        states = model.read(batch.embeds, mask=batch.mask, positions=batch.positions)[0]
    written = [place for place, label in enumerate(row.labels) if label != IGNORED]
    assert [row.labels[place] for place in written] == [*reply.ids, words.end]
    before = torch.stack([states[place - 1] for place in written])
    stepwise = torch.cat(watch.states)
    # After a [SEG] no word is chosen from its own state: the next one comes from the last visual token.
    torch.testing.assert_close(stepwise, before, atol=1e-5, rtol=1e-5)


def test_reading_in_pieces_with_holes_equals_reading_at_once(taught: Taught) -> None:
    """The cache itself: ragged chunks of a batch against one pass a row."""
    model, _ = taught
    torch.manual_seed(1)
    lengths = [[3, 1, 4, 1], [5, 1, 1, 6]]
    rows = [torch.randn(sum(parts), model.config.hidden) for parts in lengths]
    cache = DynamicCache(config=model.vlm.config.text_config)
    mask = torch.zeros(2, 0, dtype=torch.bool)
    got: list[list[torch.Tensor]] = [[], []]
    at = [0, 0]
    with torch.no_grad():
        for step in range(4):
            width = max(parts[step] for parts in lengths)
            part, stands = torch.zeros(2, width, model.config.hidden), torch.zeros(2, width, dtype=torch.bool)
            for number in range(2):
                count = lengths[number][step]
                part[number, :count] = rows[number][at[number] : at[number] + count]
                stands[number, :count] = True
                at[number] += count
            mask = torch.cat((mask, stands), dim=1)
            places = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -width:]
            states = model.read(part, mask=mask, positions=places, cache=cache)
            for number in range(2):
                got[number].append(states[number, : lengths[number][step]])
        for number, row in enumerate(rows):
            whole = torch.ones(1, len(row), dtype=torch.bool)
            alone = model.read(row[None], mask=whole, positions=torch.arange(len(row))[None])[0]
            torch.testing.assert_close(torch.cat(got[number]), alone, atol=1e-5, rtol=1e-5)


def test_a_batch_answers_as_its_rows_do_alone(taught: Taught) -> None:
    """Rows reach their [SEG]s at different steps, end at different steps, and show one image or two."""
    together = generate(*taught, ASKED, Limits(new_tokens=80))
    for asked, reply in zip(ASKED, together, strict=True):
        (alone,) = generate(*taught, [asked], Limits(new_tokens=80))
        assert (reply.ids, reply.text, reply.reason) == (alone.ids, alone.text, alone.reason)
        for one, other in zip(reply.looked, alone.looked, strict=True):
            assert (one.date, one.selection.rule) == (other.date, other.selection.rule)
            np.testing.assert_array_equal(one.mask, other.mask)
            np.testing.assert_array_equal(one.selection.tokens, other.selection.tokens)


def test_a_chain_names_the_date_of_each_mask(taught: Taught) -> None:
    (reply,) = generate(*taught, [ASKED[2]], Limits(new_tokens=80))
    assert [looked.date for looked in reply.looked] == ["t1", "t0"]


def test_each_image_passes_the_encoders_once_however_many_segs_follow(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, words = taught
    watch = Watch(model, monkeypatch)
    replies = generate(model, words, ASKED, Limits(new_tokens=80))
    watch.close()
    assert sum(len(reply.looked) for reply in replies) == 5
    # Four images are shown; two of them are the pictures of the other two, and pass as one.
    assert watch.seen == {"tower": 2, "masks": 2}


def test_events_stream_in_the_order_in_which_they_happen(taught: Taught) -> None:
    events = list(stream(*taught, ASKED, Limits(new_tokens=80)))
    for number, told in enumerate(LESSONS):
        own = [event for event in events if event.row == number]
        assert isinstance(own[-1], Done)
        text = ""
        looks = 0
        for event in own[:-1]:
            if isinstance(event, Text):
                text += event.text
            else:
                assert isinstance(event, Looked)
                looks += 1
                # The word that asked for the mask was told before the mask.
                assert text.count("[SEG]") == looks
        assert text == f"<think>{told.chain}</think><answer>{told.answer}</answer>"
    first_done = next(place for place, event in enumerate(events) if isinstance(event, Done))
    assert any(isinstance(event, Text) for event in events[first_done:]), "a row that ends must not end the others"


def test_limits_end_a_row_and_say_which(taught: Taught) -> None:
    for reply in generate(*taught, ASKED, Limits(new_tokens=3)):
        assert (len(reply.ids), reply.reason) == (3, "tokens")
    for number, reply in enumerate(generate(*taught, ASKED, Limits(new_tokens=80, masks=1))):
        assert len(reply.looked) == 1
        assert reply.reason == ("end" if number == 0 else "masks")
    model, words = taught
    before = model.config.internvl["text_config"]["max_position_embeddings"]
    model.config.internvl["text_config"]["max_position_embeddings"] = 60
    try:
        assert {reply.reason for reply in generate(model, words, ASKED, Limits(new_tokens=80))} == {"positions"}
    finally:
        model.config.internvl["text_config"]["max_position_embeddings"] = before
    with pytest.raises(ValueError, match="at least one token"):
        Limits(new_tokens=0)


def test_sampling_depends_on_the_seed_and_the_name_alone(taught: Taught) -> None:
    hot = Limits(new_tokens=25, temperature=3.0, top_p=0.95, seed=5)
    together = [reply.ids for reply in generate(*taught, ASKED, hot)]
    assert [generate(*taught, [asked], hot)[0].ids for asked in ASKED] == together
    other = Limits(new_tokens=25, temperature=3.0, top_p=0.95, seed=6)
    assert [reply.ids for reply in generate(*taught, ASKED, other)] != together


def test_sampling_from_next_to_nothing_is_greedy(taught: Taught) -> None:
    cold = Limits(new_tokens=80, temperature=2.0, top_p=1e-9)
    assert [reply.ids for reply in generate(*taught, ASKED, cold)] == [
        reply.ids for reply in generate(*taught, ASKED, Limits(new_tokens=80))
    ]


def test_an_empty_mask_goes_on_with_the_middle_token_and_says_so(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, words = taught
    from terrascope_bench.terrascope import generate as module

    monkeypatch.setattr(module, "decode", lambda model, features, sparse: torch.full((len(features), 16, 16), -9.0))
    (reply,) = generate(model, words, [ASKED[0]], Limits(new_tokens=80))
    looked = reply.looked[0]
    assert not looked.mask.any()
    assert (looked.selection.rule, looked.selection.tokens.tolist()) == ("empty", [2 * 4 + 2])


def test_a_question_without_an_image_is_answered_in_words(taught: Taught) -> None:
    (reply,) = generate(*taught, [Asked([], factory.QUESTION, name="blind")], Limits(new_tokens=12))
    assert reply.looked == []
    assert 1 <= len(reply.ids) <= 12
