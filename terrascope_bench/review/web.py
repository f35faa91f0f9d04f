"""The web application: an expert sees their own questions and, until all of a question are done, no one else's word.

| request | answers |
|---|---|
| GET / | with `?token=` the way in |
| POST /login | where a password is asked for |
| GET /page/NAME | scripts and styles, those of `terra_cot.view` among them |
| GET /of/ID/ | the page of an expert; what follows is under it |
| GET api/start | who one is, the list of one's questions with their states |
| GET api/key | who one is and what a change must carry: for a page that was open when the server was started anew |
| GET api/question/N | one question, one's review or draft, the others' once all are done |
| GET picture/N/K | frame K of question N, PNG |
| POST api/review/N, api/draft/N | keeps an answer, a draft; answers when it is on the disk |
| GET api/states?since=A | states that changed after answer A |

A change says in a header which stamp of one's word it saw (`ledger`); 409 tells what stands there by now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson

from terra_cot.errors import TerraError
from terra_cot.sample import evidence_rows
from terrascope_bench.question import Question
from terrascope_bench.review.checks import CHECKS, GRADES, MAX_COMMENT, Review, parse_review
from terrascope_bench.review.consensus import Verdict, decide, follows, reviews_by_question
from terrascope_bench.review.door import MAX_BODY, Door, body_of
from terrascope_bench.review.guard import Guard, Session, may_change, place_of
from terrascope_bench.review.items import Items
from terrascope_bench.review.ledger import ElsewhereError, Ledger
from terrascope_bench.review.repair import repair, with_repairs

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

SCRIPTS = ("rle.js", "stage.js", "list.js", "filter.js", "detail.js", "view.css")
"""Of the dataset's site."""

SEEN_HEADER = "x-review-seen"
OWN = (
    "encode.js",
    "held.js",
    "data.js",
    "brush.js",
    "agree.js",
    "form.js",
    "question.js",
    "keys.js",
    "main.js",
    "review.css",
)
LISTED = ("question_id", "task", "shown", "source", "labels", "dates", "question")
STATES = ("to do", "draft", "waiting", "to settle", "kept")
"""Of a question for one expert: not begun; begun; done, others are not; all done and not unanimous; all of it high."""

_NOT_YOURS = "This is not one of your questions."


class Application:
    """Handlers over the questions, the ledger and the guard of one server."""

    def __init__(self, items: Items, ledger: Ledger, guard: Guard, cookie: str) -> None:
        self.items, self.ledger = items, ledger
        page, view = files(__package__).joinpath("page"), files("terra_cot.view").joinpath("page")
        self._files = {name: page.joinpath(name).read_bytes() for name in OWN}
        self._files |= {name: view.joinpath(name).read_bytes() for name in SCRIPTS}
        self._measured_reasons: dict[tuple[int, bytes], str | None] = {}
        self.door = Door(guard, cookie, page.joinpath("index.html").read_bytes())

    def asgi(self) -> Starlette:
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(
            routes=[
                Route("/", self.door.enter),
                Route("/of/{place}/", self.door.page),
                Route("/login", self.door.login, methods=["POST"]),
                Route("/page/{name}", self.file),
                Route("/of/{place}/api/start", self._asked(self._start)),
                Route("/of/{place}/api/key", self._asked(self._key)),
                Route("/of/{place}/api/states", self._asked(self._states)),
                Route("/of/{place}/api/question/{number:int}", self._asked(self._question)),
                Route("/of/{place}/picture/{number:int}/{frame:int}", self._asked(self._picture)),
                Route("/of/{place}/api/review/{number:int}", self._changed(self._review), methods=["POST"]),
                Route("/of/{place}/api/draft/{number:int}", self._changed(self._draft), methods=["POST"]),
            ]
        )

    async def file(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse, Response

        name = request.path_params["name"]
        if name not in self._files:
            return PlainTextResponse("no such file", 404)
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(self._files[name], media_type=kind, headers={"cache-control": "no-cache"})

    # -- what is asked -------------------------------------------------------------------------------------------------

    def _asked(self, answer: Callable[[Request, Session], Any]) -> Callable[[Request], Any]:
        """A handler for those who are known; it works in a thread."""

        def handler(request: Request) -> Response:
            session = self.door.session(request)
            return _json({"error": "Open your link again."}, 401) if session is None else answer(request, session)

        return handler

    def _changed(self, keep: Callable[..., Any]) -> Callable[[Request], Any]:
        """A handler for changes: known, from our own page, on a question of one's own, of bounded size."""
        from starlette.concurrency import run_in_threadpool

        async def handler(request: Request) -> Response:
            session = self.door.session(request)
            if session is None:
                return _json({"error": "Open your link again."}, 401)
            if not may_change(request.headers, session):
                return _json({"error": "This did not come from the page of this server."}, 403)
            body = await body_of(request)
            if body is None:
                return _json({"error": f"This is more than {MAX_BODY} bytes."}, 413)
            seen, number = request.headers.get(SEEN_HEADER), request.path_params["number"]
            return await run_in_threadpool(self._kept, keep, number, session, body, seen)

        return handler

    def _kept(self, keep: Callable[..., Any], number: int, session: Session, body: bytes, seen: str | None) -> Response:
        if not self._own(number, session.reviewer):
            return _json({"error": _NOT_YOURS}, 404)
        try:
            return _json(keep(number, session, orjson.loads(body), seen))
        except ElsewhereError:
            now = {**self._word(number, session.reviewer), "state": self._state(number, session.reviewer)}
            return _json({"error": "This question was changed in another tab or browser.", "now": now}, 409)
        except orjson.JSONDecodeError as error:
            return _json({"error": f"not JSON ({error})"}, 400)
        except TerraError as error:
            return _json({"error": str(error)}, 400)

    def _own(self, number: int, reviewer: str) -> bool:
        if not 0 <= number < len(self.items.heads):
            return False
        return reviewer in self.ledger.reviewers_of(self.items.heads[number].question_id)

    def _key(self, request: Request, session: Session) -> Response:
        return _json({"reviewer": session.reviewer, "token": session.token, "benchmark": self.items.benchmark.sha256})

    def _start(self, request: Request, session: Session) -> Response:
        items, reviewer = self.items, session.reviewer
        since = self.ledger.changed_since(0)[1]
        states = self._all_states(reviewer)
        rows = [(number, items.heads[number], state) for number, state in states.items()]
        return _json(
            {
                "reviewer": reviewer,
                "place": place_of(reviewer),
                "token": session.token,
                "benchmark": items.benchmark.sha256,
                "name": items.benchmark.folder.resolve().name,
                "version": items.benchmark.sha256[:12],
                "checks": CHECKS,
                "grades": GRADES,
                "states": STATES,
                "max_comment": MAX_COMMENT,
                "since": since,
                "colors": items.colors,
                "rows": [[number, state, *(getattr(head, name) for name in LISTED)] for number, head, state in rows],
            }
        )

    def _all_states(self, reviewer: str) -> dict[int, int]:
        """The state of each of an expert's questions, by number."""
        assigned, drafts = self.ledger.assigned(), self.ledger.drafts_of(reviewer)
        given = reviews_by_question(self.ledger.answers())
        return {
            number: self._state_of(number, reviewer, names, given.get(head.question_id, {}), head.question_id in drafts)
            for number, head in enumerate(self.items.heads)
            if reviewer in (names := assigned.get(head.question_id, []))
        }

    def _state_of(self, number: int, reviewer: str, names: list[str], given: dict[str, Review], draft: bool) -> int:
        if draft:
            return 1
        if reviewer not in given:
            return 0
        return {"incomplete": 2, None: 4}.get(self._verdict(number, names, given).reason, 3)

    def _verdict(self, number: int, names: list[str], given: dict[str, Review]) -> Verdict:
        """As `keep` will judge; what was measured once on the same masks is not measured again."""
        verdict = decide(names, given, self.items.heads[number].has_masks)
        if verdict.reason is not None or not verdict.repairs:
            return verdict
        key = (number, sha256(repr(verdict.repairs).encode()).digest())
        if key not in self._measured_reasons:
            self._measured_reasons[key] = follows(self.items, number, verdict).reason
        return replace(verdict, reason=self._measured_reasons[key])

    def _state(self, number: int, reviewer: str) -> int:
        question = self.items.heads[number].question_id
        given = {answer.reviewer: answer.review for answer in self.ledger.answers_on(question)}
        draft = self.ledger.draft(question, reviewer) is not None
        return self._state_of(number, reviewer, self.ledger.reviewers_of(question), given, draft)

    def _states(self, request: Request, session: Session) -> Response:
        text = request.query_params.get("since", "")
        if not (text.isascii() and text.isdigit() and len(text) < 18):
            return _json({"error": "`since` is the number of an answer."}, 400)
        changed, since = self.ledger.changed_since(int(text))
        own = self.ledger.questions_of(session.reviewer)
        numbers = [self.items.numbers[question] for question in changed & own]
        return _json({"since": since, "states": {number: self._state(number, session.reviewer) for number in numbers}})

    def _question(self, request: Request, session: Session) -> Response:
        number = request.path_params["number"]
        if not self._own(number, session.reviewer):
            return _json({"error": _NOT_YOURS}, 404)
        question = self.items.heads[number].question_id
        shown = self.items.shown(number)
        version = self.items.benchmark.sha256[:12]
        for place, frame in enumerate(shown["frames"]):
            frame["picture"] = f"picture/{number}/{place}?{version}"
        given = {answer.reviewer: answer.review for answer in self.ledger.answers_on(question)}
        own, draft = given.get(session.reviewer), self.ledger.draft(question, session.reviewer)
        done = self.ledger.all_done(question)
        others = {name: review for name, review in given.items() if name != session.reviewer} if done else {}
        return _json(
            {
                **shown,
                "state": self._state(number, session.reviewer),
                **self._word(number, session.reviewer),
                "measured": self._measured(number, draft or own),
                "others": [{"reviewer": name, **review.to_json()} for name, review in sorted(others.items())],
                "reason": self._verdict(number, self.ledger.reviewers_of(question), given).reason if done else None,
            }
        )

    def _word(self, number: int, reviewer: str) -> dict[str, Any]:
        """What an expert has said of a question, and its stamp."""
        question = self.items.heads[number].question_id
        stamp = self.ledger.stamp(question, reviewer)  # first: an older stamp than word is only asked about again
        given = {answer.reviewer: answer.review for answer in self.ledger.answers_on(question)}
        own, draft = given.get(reviewer), self.ledger.draft(question, reviewer)
        return {"review": own and own.to_json(), "draft": draft and draft.to_json(), "stamp": stamp}

    def _picture(self, request: Request, session: Session) -> Response:
        from starlette.responses import PlainTextResponse, Response

        number = request.path_params["number"]
        known = self._own(number, session.reviewer)
        picture = self.items.picture(number, request.path_params["frame"]) if known else None
        if picture is None:
            return PlainTextResponse("no such picture", 404)
        # The address has the version of the benchmark: what stands there never changes.
        cache = "private, max-age=86400, immutable"
        return Response(picture, media_type="image/png", headers={"cache-control": cache})

    # -- what is kept --------------------------------------------------------------------------------------------------

    def _review(self, number: int, session: Session, body: Any, seen: str | None) -> dict[str, Any]:
        review = parse_review(body, self.items.masks(number))
        head = self.items.heads[number]
        if not review.complete(head.has_masks):
            return {"error": "Grade every check first."}
        answer = self.ledger.save(head.question_id, session.reviewer, review, seen)
        changed = [number, *self._carried(number, session.reviewer, review)]
        return {"number": answer.number, **self._told(number, session.reviewer, review, changed, answer.stamp)}

    def _draft(self, number: int, session: Session, body: Any, seen: str | None) -> dict[str, Any]:
        review = None if body is None else parse_review(body, self.items.masks(number))
        stamp = self.ledger.save_draft(self.items.heads[number].question_id, session.reviewer, review, seen)
        return self._told(number, session.reviewer, review, [number], stamp)

    def _told(
        self, number: int, reviewer: str, review: Review | None, changed: list[int], stamp: str
    ) -> dict[str, Any]:
        states = {one: self._state(one, reviewer) for one in changed}
        return {"states": states, "stamp": stamp, "measured": self._measured(number, review)}

    def _carried(self, number: int, reviewer: str, review: Review) -> list[int]:
        """Repaired masks become a draft of the other variants that have the same masks and nothing of this expert."""
        changed: list[int] = []
        for other in self.items.siblings(number) if review.repaired else ():
            question = self.items.heads[other].question_id
            begun = self.ledger.draft(question, reviewer) or any(
                answer.reviewer == reviewer for answer in self.ledger.answers_on(question)
            )
            if not begun and self.items.masks(other) == self.items.masks(number):
                self.ledger.save_draft(question, reviewer, Review((None,) * len(CHECKS), "", review.masks))
                changed.append(other)
        return changed

    def _measured(self, number: int, review: Review | None) -> dict[str, Any] | None:
        """What repaired masks come to; None where none is repaired."""
        if review is None or not review.repaired:
            return None
        question = self.items.question(number)
        found = repair(question, with_repairs(question.masks or (), review.masks))
        if isinstance(found, Question):
            return {"problem": None, "evidence": evidence_rows(found.evidence)}
        why = found.reason.replace("_", " ")
        problem = f"With these masks the question is dropped: {why} ({found.detail})."
        return {"problem": problem, "evidence": None if found.evidence is None else evidence_rows(found.evidence)}


def _json(value: Any, status: int = 200) -> Response:
    from starlette.responses import Response

    status = 400 if status == 200 and isinstance(value, dict) and "error" in value else status
    data = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    return Response(data, status, media_type="application/json")
