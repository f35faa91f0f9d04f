"""An import reads the published file once and writes a benchmark folder; same file, roots and seed, same bytes.

Memory holds a few rows, one id a question, one short row an image. A killed import leaves a folder without a manifest;
the next one begins again (tiles of xBD, which take minutes, are kept).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from terra_cot.balance.leakage import PLACES_NAME, Place, write_places
from terra_cot.draw import digest
from terra_cot.errors import DataError
from terra_cot.store.atomic import replacing, sha256_json, write_bytes
from terra_cot.store.manifest import file_entry, write_manifest
from terra_cot.store.shards import Part, write_part
from terrascope_bench.benchmark import Benchmark
from terrascope_bench.folder import BLIND_NAME, DISAGREEMENTS_NAME, DROPPED_NAME, WORK_NAME, claim
from terrascope_bench.published.amounts import option_values
from terrascope_bench.published.card import card
from terrascope_bench.published.disaster import TASK as AGAIN
from terrascope_bench.published.disaster import Regenerated, forget, regenerate
from terrascope_bench.published.file import PublishedFile
from terrascope_bench.published.ledger import Ledger
from terrascope_bench.published.maps import LabelMaps
from terrascope_bench.published.picture import Picture, read_picture
from terrascope_bench.published.restore import Restored, restore
from terrascope_bench.published.row import PublishedRow, Refused, parse_row
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.tasks import TASKS

OnStage = Callable[[str, int, int], None]
SOURCE, LICENCE = "terrascope-bench", "not stated"
"""What a published question says of its source where no label map tells more: the file names neither."""

ROWS_PER_PART = 1024


def import_published(
    path: Path,
    out: Path,
    *,
    labels: Path | None = None,
    xbd: Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_stage: OnStage | None = None,
) -> dict[str, Any]:
    """Write the benchmark folder `out` from the published Parquet; returns its manifest.

    Args:
        labels: root of label maps, to restore evidence masks from.
        xbd: root of an xBD archive, to make the absent building change questions from.
        seed: of the regenerated questions; nothing of the published ones follows from it.
        on_stage: called as (stage, done, total); stages are rows, scan, tile, questions, blind.

    Raises:
        DataError: a file or folder cannot be read, or not one row can be kept. ConflictError: `out` is in use.
    """
    told = on_stage or (lambda stage, done, total: None)
    published = PublishedFile(path)
    maps = LabelMaps(labels, published.image_names()) if labels else None
    claim(out, force)
    out.mkdir(parents=True, exist_ok=True)
    again = regenerate(xbd, out / WORK_NAME, seed, told) if xbd else None
    run = _Import(published, maps, told)
    parts = run.write(out, again)
    if not run.ledger.kept:
        reasons = ", ".join(f"{reason} {n}" for reason, n in run.ledger.dropped.most_common())
        raise DataError(
            "no row could be kept",
            file=path,
            got=f"{run.ledger.read} rows, dropped: {reasons or 'none'}",
            fix=f"see {out / DROPPED_NAME}",
        )
    files = [PLACES_NAME, DROPPED_NAME, *([DISAGREEMENTS_NAME] if maps else [])]
    body = _body(run, again, seed, [file_entry(out, name) for name in files])
    body["blind"] = _blind(out, parts, body, told)
    body["files"].sort(key=lambda entry: entry["path"])
    write_bytes(out / "README.md", card(body, parts).encode())
    manifest = write_manifest(out, "benchmark", body, parts)
    forget(out / WORK_NAME)
    return manifest


class _Import:
    """One pass over the published file."""

    def __init__(self, published: PublishedFile, maps: LabelMaps | None, told: OnStage) -> None:
        self.published, self.maps, self.told = published, maps, told
        self.ledger = Ledger()
        self._answers: dict[str, str] = {}
        self._places: dict[str, Place] = {}

    def write(self, out: Path, again: Regenerated | None) -> list[Part]:
        """Questions, dropped.jsonl, disagreements.jsonl (with label maps) and places.parquet."""
        with ExitStack() as stack:
            dropped = stack.enter_context(_lines(stack, out / DROPPED_NAME))
            disagreements = stack.enter_context(_lines(stack, out / DISAGREEMENTS_NAME)) if self.maps else None
            rows = (question.to_row() for question in self._questions(dropped, disagreements))
            more = (question.to_row() for question in again.questions()) if again else iter(())
            parts = _parts(out, chain(rows, more))
            for drop in again.drops if again else ():
                _put(dropped, drop.to_row())
        places = list(self._places.values()) + (again.places() if again else [])
        write_places(out, sorted(places, key=lambda place: place.tile_id))
        return parts

    def _questions(self, dropped: BinaryIO, disagreements: BinaryIO | None) -> Iterator[Question]:
        for number, raw in self.published.read():
            self.ledger.read += 1
            self.told("rows", self.ledger.read, self.published.rows)
            found = self._question(number, raw)
            if isinstance(found, Refused):
                self.ledger.dropped[found.reason] += 1
                _put(dropped, found.to_row())
                continue
            self.ledger.letters[found.task][found.answer] += 1
            if self.maps is not None:
                result = self._restored(found, self.maps)
                self.ledger.verdicts[found.task].add(result)
                if isinstance(result, Restored):
                    found = result.question
                    if disagreements is not None and result.follows is not None and not result.agrees:
                        _put(disagreements, result.disagreement(number))
            yield found

    def _question(self, number: int, raw: dict[str, Any]) -> Question | Refused:
        row = parse_row(number, raw)
        if isinstance(row, Refused):
            return row
        try:
            picture = read_picture(row.image, row.path)
        except DataError as error:
            got = str(error.got or error.problem)
            return Refused(number, error.reason, "image", got, str(error.expected or "a readable 8-bit picture"))
        image = _sha256(row.image)
        name = question_id(row, image, picture.variant)
        if name in self._answers:
            first = self._answers[name]
            reason = "duplicate" if first == row.answer else "duplicate_with_another_answer"
            return Refused(
                number, reason, "question", f"{name}, answer {row.answer}", f"one row; the first has {first}"
            )
        self._answers[name] = row.answer
        source_id = row.path or f"sha256:{image}"
        key = _sha256(picture.png)
        self._places.setdefault(key, Place(key[:16], SOURCE, source_id, None, None, 0.0, picture.phash))
        self.ledger.reencoded += picture.png is not row.image
        return _question(row, name, source_id, picture)

    def _restored(self, question: Question, maps: LabelMaps) -> Restored | str:
        """The question with its evidence; the reason where there is none."""
        try:
            found = maps.find(question.source_id)
        except DataError as error:
            return error.reason
        # The archive's own name: whoever trains on that archive is told by it that this image is held out.
        key = _sha256(question.frames[0].image)
        self._places[key] = replace(self._places[key], source=found.source, source_id=found.scene_id)
        result = restore(question, found)
        if isinstance(result, Restored):
            self.ledger.maps[f"{found.source}/{found.scene_id}"] = found.sha256
        return result


def question_id(row: PublishedRow, image_sha256: str, variant: str | None) -> str:
    """TASK-DIGEST-VARIANT of what is asked: image, words and options, not the answer. No variant that is not known."""
    stem = digest(0, "published", row.task, row.question, *row.options, image_sha256).hex()[:16]
    return f"{row.task.lower()}-{stem}" + (f"-{variant}" if variant else "")


def _question(row: PublishedRow, name: str, source_id: str, picture: Picture) -> Question:
    return Question(
        question_id=name,
        task=row.task,
        question=row.question,
        options=row.options,
        option_values=option_values(row.task, row.question, row.options),
        answer=row.answer,
        frames=(picture.frame(),),
        masks=None,
        evidence=(),
        tile_id=None,
        legend=None,
        view=None,
        label_frame=None,
        split="test",
        width=picture.width,
        height=picture.height,
        gsd_m=None,
        source=SOURCE,
        source_id=source_id,
        licence=LICENCE,
    )


def _body(run: _Import, again: Regenerated | None, seed: int, files: list[dict[str, Any]]) -> dict[str, Any]:
    """The manifest without its parts."""
    ledger = run.ledger
    letters = {code: Counter(ledger.letters[code]) for code in TASKS}
    sources = [{"source": SOURCE, "licence": LICENCE, "questions": ledger.kept}]
    if again:
        letters[AGAIN].update(again.benchmark.manifest["tasks"][AGAIN]["letters"])
        sources += again.benchmark.manifest["sources"]
    return {
        "seed": seed,
        "split": "test",
        "sources": sources,
        "files": files,
        "tasks": {
            code: {"questions": counts.total(), "letters": dict(sorted(counts.items()))}
            for code, counts in letters.items()
        },
        "import": {
            "file": {"sha256": run.published.sha256, "bytes": run.published.bytes},
            "rows": ledger.rows(),
            "tasks": {code: ledger.letters[code].total() for code in TASKS},
            "reencoded_images": ledger.reencoded,
            "labels": None
            if run.maps is None
            else {
                "maps": {"used": len(ledger.maps), "sha256": sha256_json(ledger.maps)},
                "tasks": {code: verdicts.to_json() for code, verdicts in ledger.verdicts.items()},
            },
            "regenerated": again.to_json() if again else None,
        },
    }


def _blind(out: Path, parts: list[Part], body: dict[str, Any], told: OnStage) -> dict[str, Any]:
    """Run the blind solvers on all questions, write their letters; returns the summary."""
    from terrascope_bench.blind import blind_report, write_blind

    total = sum(part.rows for part in parts)
    told("blind", 0, total)
    unsealed = Benchmark(out, {"parts": [asdict(part) for part in parts]})
    table, summary = blind_report(unsealed.questions(images=False))
    entry = write_blind(out, table)
    assert entry["path"] == BLIND_NAME
    body["files"].append(entry)
    told("blind", total, total)
    return summary


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _parts(out: Path, rows: Iterator[dict[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    for first in rows:
        parts.append(write_part(out, QUESTIONS, len(parts), chain((first,), islice(rows, ROWS_PER_PART - 1))))
    return parts


def _lines(stack: ExitStack, path: Path) -> BinaryIO:
    """A file of JSON lines that appears whole when the stack ends well."""
    return stack.enter_context(replacing(path)).open("wb")


def _put(lines: BinaryIO, row: dict[str, Any]) -> None:
    lines.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
