"""The published file through the command line: kept or listed, measured again, killed, scored, and guessed blind."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import publishedfactory as factory
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from gate import killed_at
from jsonschema import Draft202012Validator
from PIL import Image

from terra_cot.balance.leakage import read_places
from terra_cot.errors import ConflictError, DataError
from terra_cot.store.atomic import sha256_file
from terra_cot.world import WorldConfig, write_world
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.published.importing import import_published
from terrascope_bench.run import run_model
from terrascope_bench.score import score

Cli = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
FALSIFIED = 12


class Set:
    """A published file of 600 rows and 25 faults, its label maps, and what is known of it."""

    def __init__(self, folder: Path) -> None:
        self.made = factory.make(falsify=FALSIFIED)
        self.whole, self.reasons = factory.with_faults(self.made)
        self.file = self.whole.write(folder / "published.parquet")
        self.labels = self.made.write_labels(folder / "labels")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Set:
    return Set(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def imported(published: Set, tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> tuple[Path, str]:
    """The folder, with masks, and what the command printed."""
    out = tmp_path_factory.mktemp("imported") / "bench"
    done = cli("import", published.file, "-o", out, "--labels", published.labels)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / f"schemas/{name}.schema.json").read_text()))


def test_every_row_is_kept_or_listed_with_its_reason(published: Set, imported: tuple[Path, str]) -> None:
    out, printed = imported
    manifest = json.loads((out / "manifest.json").read_text())
    schema("benchmark_manifest").validate(manifest)
    told = manifest["import"]
    assert told["file"]["sha256"] == sha256_file(published.file)
    assert told["rows"]["read"] == len(published.whole.rows) == 600 + len(published.reasons)
    assert told["rows"]["kept"] == 600 == sum(entry["questions"] for entry in manifest["tasks"].values())
    assert told["rows"]["dropped"] == dict(sorted(Counter(published.reasons).items()))
    dropped = lines(out / "dropped.jsonl")
    assert [(row["row"], row["reason"]) for row in dropped] == list(enumerate(published.reasons, start=600))
    for row in dropped:
        schema("import_dropped").validate(row)
    assert "625 rows read, 600 kept, 25 dropped" in printed
    for entry in manifest["files"]:
        assert sha256_file(out / entry["path"]) == entry["sha256"]


def test_questions_are_the_rows(published: Set, imported: tuple[Path, str]) -> None:
    questions = list(open_benchmark(imported[0]).questions())
    assert len({question.question_id for question in questions}) == 600
    for question, row in zip(questions, published.made.rows, strict=True):
        assert question.question == row["question"]
        assert dict(zip(question.letters, question.options, strict=True)) == json.loads(row["candidates"])
        assert question.answer == row["answer"]
        assert question.frames[0].image == row["image"]["bytes"]
        assert question.source_id == row["image"]["path"]
        assert question.variant == "opt"
        assert (question.option_values is None) == (question.task in ("CR", "BRD"))
        assert (question.tile_id, question.gsd_m) == (None, 10.0)


def test_exactly_the_falsified_answers_do_not_follow(published: Set, imported: tuple[Path, str]) -> None:
    """Answers of the file were measured with scipy, so that this holds our measures against it."""
    out, printed = imported
    found = lines(out / "disagreements.jsonl")
    assert [row["row"] for row in found] == published.made.falsified
    for row in found:
        schema("disagreement").validate(row)
        assert row["published"] == published.made.rows[row["row"]]["answer"] != row["follows"]
    told = json.loads((out / "manifest.json").read_text())["import"]["labels"]
    by_task = Counter(row["task"] for row in found)
    for code, entry in told["tasks"].items():
        assert entry["questions"] == entry["restored"] + sum(entry["no_masks"].values())
        assert entry["restored"] == entry["agree"] + entry["disagree"] + sum(entry["no_verdict"].values())
        assert entry["disagree"] == by_task[code]
    assert sum(entry["restored"] for entry in told["tasks"].values()) == 600
    assert "published answers against label maps" in printed


def test_masks_are_those_of_the_scenes(published: Set, imported: tuple[Path, str]) -> None:
    scenes = {scene.path: scene for scene in published.made.scenes}
    legends = Counter[str]()
    for question in open_benchmark(imported[0]).questions(images=False):
        assert question.masks
        legends[str(question.legend)] += 1
        for mask in question.masks:
            assert np.array_equal(mask.to_array(), scenes[question.source_id].mask(mask.label))
    assert set(legends) == {"worldcover", "corine-19"}


def test_what_needs_no_image(imported: tuple[Path, str]) -> None:
    """The published multiples give AQ and DM away; the other tasks of this file hold nothing."""
    out, printed = imported
    blind = json.loads((out / "manifest.json").read_text())["blind"]["tasks"]
    for code in ("AQ", "DM"):
        assert blind[code]["needs_no_image"]["value"] > 0.9, code
    for code in ("CA", "CR", "BRD"):
        assert blind[code]["needs_no_image"]["value"] < 0.3, code
    table = pq.read_table(out / "blind.parquet")
    assert table["question_id"].to_pylist() == [q.question_id for q in open_benchmark(out).questions(images=False)]
    assert "guessable (95 %)" in printed


def test_it_can_be_run_validated_and_scored(
    published: Set, imported: tuple[Path, str], tmp_path: Path, cli: Cli
) -> None:
    plain = tmp_path / "plain"
    import_published(published.file, plain)
    for name, bench in (("plain", plain), ("masks", imported[0])):
        predictions = tmp_path / f"{name}.jsonl"
        assert cli("run", "gold", "--bench", bench, "-o", predictions, "--quiet").returncode == 0
        assert cli("validate", predictions, "--bench", bench).returncode == 0
        done = cli("score", predictions, "--bench", bench, "--json")
        assert done.returncode == 0, done.stderr
        card = json.loads(done.stdout)
        assert card["overall"]["micro"]["accuracy"]["value"] == 1
        if name == "plain":
            assert card["overall"]["micro"]["giou"] is None
            assert card["overall"]["micro"]["faithfulness"] is None
        else:
            assert card["overall"]["micro"]["giou"]["value"] == 1
            # Gold gives published letters and true masks: it is unfaithful where the published answer does not follow.
            assert card["overall"]["micro"]["faithfulness"]["value"] == pytest.approx(1 - FALSIFIED / 600)
    blind = tmp_path / "blind.jsonl"
    assert cli("run", "blind", "--bench", plain, "-o", blind, "--quiet").returncode == 0
    card = json.loads(cli("score", blind, "--bench", plain, "--json").stdout)
    assert card["tasks"]["AQ"]["accuracy"]["value"] > 0.9


def test_what_blind_solvers_get_is_set_apart(imported: tuple[Path, str], tmp_path: Path) -> None:
    """Where the options give the answer away little is left; where they do not, nothing is taken for luck."""
    bench, _ = imported
    run_model("gold", bench, tmp_path / "gold.jsonl")
    card = score(tmp_path / "gold.jsonl", bench).card
    left, tasks = card["analysis"]["unseen"], card["tasks"]
    for code in ("AQ", "DM"):
        assert left[code]["n"] < 0.15 * tasks[code]["n"], code
    telling = json.loads((bench / "manifest.json").read_text())["blind"]["tasks"]
    silent = [code for code in ("CA", "CR", "BRD") if not telling[code]["above_chance"]]
    assert silent
    assert all(left[code]["n"] == tasks[code]["n"] for code in silent)


def test_same_file_same_bytes_in_any_row_groups(published: Set, imported: tuple[Path, str], tmp_path: Path) -> None:
    import_published(published.file, tmp_path / "again", labels=published.labels)
    same(imported[0], tmp_path / "again")
    one_group = published.whole.write(tmp_path / "one.parquet", rows_per_group=10_000)
    import_published(one_group, tmp_path / "one", labels=published.labels)
    parts = (tmp_path / "one/questions/part-00000.parquet", imported[0] / "questions/part-00000.parquet")
    assert parts[0].read_bytes() == parts[1].read_bytes()


def same(first: Path, second: Path) -> None:
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_killed_in_the_middle_and_run_again(
    published: Set, imported: tuple[Path, str], tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "bench"
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipelines.terrascope_bench import main; main()"
    arguments = [sys.executable, "-c", code, "import", published.file, "-o", out, "--labels", published.labels]
    killed_at(tmp_path / "gate", "*/questions/part-*.parquet", list(map(str, arguments)))
    assert not (out / "manifest.json").exists()
    assert any(path.name.startswith(".") for path in out.rglob("*"))
    refused = cli("score", published.file, "--bench", out)
    assert refused.returncode == 2
    assert "not a finished benchmark" in refused.stderr
    done = cli("import", published.file, "-o", out, "--labels", published.labels, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    same(imported[0], out)


def test_a_folder_in_use_is_not_touched(published: Set, imported: tuple[Path, str], tmp_path: Path, cli: Cli) -> None:
    with pytest.raises(ConflictError, match="--force"):
        import_published(published.file, imported[0])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(ConflictError, match="something else"):
        import_published(published.file, tmp_path / "mine", force=True)
    assert (tmp_path / "mine/notes.txt").read_text() == "mine"
    copy = tmp_path / "copy"
    shutil.copytree(imported[0], copy)
    done = cli("import", published.file, "-o", copy, "--force", "--json")
    assert json.loads(done.stdout) == json.loads((copy / "manifest.json").read_text())
    assert not (copy / "disagreements.jsonl").exists()
    assert json.loads(done.stdout)["import"]["labels"] is None


def test_unreadable_files_are_one_line(published: Set, tmp_path: Path, cli: Cli) -> None:
    def fails(path: Path, *more: object) -> str:
        done = cli("import", path, "-o", tmp_path / "out", "--quiet", *more)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "out/manifest.json").exists()
        return done.stderr

    assert "no such file" in fails(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("PAR1 not a parquet file PAR1")
    assert "not a readable Parquet file" in fails(tmp_path / "text.parquet")
    assert "no such folder" in fails(published.file, "--labels", tmp_path / "absent")
    assert "no such folder" in fails(published.file, "--xbd", tmp_path / "absent")
    (tmp_path / "empty/test/labels").mkdir(parents=True)
    assert "not an xBD archive" in fails(published.file, "--xbd", tmp_path / "empty")
    pq.write_table(pq.read_table(published.file).drop_columns(["answer"]), tmp_path / "columns.parquet")
    assert "columns are missing" in fails(tmp_path / "columns.parquet")
    metadata = pq.read_metadata(published.file).row_group(2)
    column = next(
        metadata.column(k) for k in range(metadata.num_columns) if metadata.column(k).path_in_schema == "question"
    )
    data = bytearray(published.file.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 40] = bytes(40)
    (tmp_path / "harmed.parquet").write_bytes(data)
    assert "cannot be read on" in fails(tmp_path / "harmed.parquet", "--quiet")


def test_a_file_without_a_usable_row(published: Set, tmp_path: Path) -> None:
    rows = [row for _, row in factory.faults(published.made.rows[0])]
    file = factory.Published(rows, []).write(tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=r"no row could be kept.*unknown_task_type 2"):
        import_published(file, tmp_path / "out")
    assert len(lines(tmp_path / "out/dropped.jsonl")) == len(rows)


def test_texts_that_unpack_to_gigabytes_are_refused_before_they_are_read(published: Set, tmp_path: Path) -> None:
    row = published.made.rows[0]
    table = pa.Table.from_pylist([row | {"question": "x" * 3_000_000}], schema=factory.SCHEMA)
    pq.write_table(table, tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_000_000
    with pytest.raises(DataError, match="unpacks to more"):
        import_published(tmp_path / "bomb.parquet", tmp_path / "out")


def test_candidates_as_a_struct_and_images_as_jpeg(published: Set, tmp_path: Path) -> None:
    rows = []
    for row in published.made.rows[:40]:
        buffer = BytesIO()
        with Image.open(BytesIO(row["image"]["bytes"])) as image:
            image.save(buffer, "JPEG")
        options = json.loads(row["candidates"])
        image = {"bytes": buffer.getvalue(), "path": row["image"]["path"].replace(".png", ".jpg")}
        rows.append(row | {"image": image, "candidates": {letter: options.get(letter) for letter in "ABCD"}})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "struct.parquet")
    manifest = import_published(tmp_path / "struct.parquet", tmp_path / "out", labels=published.labels)
    assert manifest["import"]["rows"]["kept"] == manifest["import"]["reencoded_images"] == 40
    assert sum(entry["restored"] for entry in manifest["import"]["labels"]["tasks"].values()) == 40
    for question, row in zip(open_benchmark(tmp_path / "out").questions(), rows, strict=True):
        assert question.options == tuple(text for text in row["candidates"].values() if text is not None)
        assert question.frames[0].image.startswith(b"\x89PNG")


def test_images_without_maps_are_counted(published: Set, tmp_path: Path) -> None:
    some = tmp_path / "labels/worldcover"
    some.mkdir(parents=True)
    shutil.copy(published.labels / "chatearthnet/worldcover/patch_00000.png", some)
    manifest = import_published(published.file, tmp_path / "out", labels=tmp_path / "labels")
    tasks = manifest["import"]["labels"]["tasks"].values()
    assert 0 < sum(entry["restored"] for entry in tasks) < 30
    assert sum(entry["no_masks"].get("no_label_map", 0) + entry["restored"] for entry in tasks) == 600
    schema("benchmark_manifest").validate(manifest)


def test_training_sets_can_be_held_against_it(published: Set, imported: tuple[Path, str]) -> None:
    places = read_places(imported[0])
    used = {row["image"]["path"].removesuffix(".png") for row in published.made.rows}
    assert {place.source_id for place in places} == used
    assert {place.source for place in places} == {"chatearthnet", "bigearthnet"}
    assert all(place.phash for place in places)


def test_hugging_face_loads_it(imported: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    table = load_dataset(str(imported[0]), split="test", cache_dir=str(tmp_path))
    assert len(table) == 600
    assert table[0]["frames"][0]["image"].size == (table[0]["width"], table[0]["height"])


@pytest.fixture(scope="module")
def xbd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of the synthetic world in xBD's layout; one polygon crosses itself, one label file is broken."""
    root = tmp_path_factory.mktemp("world")
    write_world(root, WorldConfig(scenes=0, pairs=24, pair_size_px=512, seed=3))
    archive = root / "disaster"
    for kind in ("images", "labels"):  # more for the test split than one pair in three
        for path in sorted((archive / "train" / kind).iterdir()):
            if int(path.name.split("_")[1]) % 4:
                path.rename(archive / "test" / kind / path.name)
    posts = sorted((archive / "test/labels").glob("*_post_disaster.json"))
    documents = {post: json.loads(post.read_text()) for post in posts}
    # Damage of four degrees, so that options can be shared by pairs in which each of them is true once.
    graded = [post for post in posts if len(documents[post]["features"]["xy"]) >= 12]
    for number, post in enumerate(graded):
        for buildings in documents[post]["features"].values():
            for k, building in enumerate(buildings):
                building["properties"]["subtype"] = "destroyed" if k < 3 + 3 * (number % 4) else "no-damage"
    building = documents[graded[0]]["features"]["xy"][-1]
    corners = building["wkt"].removeprefix("POLYGON ((").removesuffix("))").split(", ")
    corners[1], corners[2] = corners[2], corners[1]
    building["wkt"] = f"POLYGON (({', '.join(corners)}))"
    assert not shapely.from_wkt(building["wkt"]).is_valid
    for post in graded:
        post.write_text(json.dumps(documents[post]))
    (archive / "test/labels/zebra_00000099_post_disaster.json").write_text("{")
    return archive


def test_building_change_is_made_again(published: Set, xbd: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "bench"
    done = cli("import", published.file, "-o", out, "--xbd", xbd, "--seed", 1)
    assert done.returncode == 0, done.stderr
    assert "regenerated, not published" in done.stdout
    manifest = json.loads((out / "manifest.json").read_text())
    schema("benchmark_manifest").validate(manifest)
    told = manifest["import"]
    again = told["regenerated"]
    assert (told["tasks"]["BCE"], again["wanted"], again["seed"]) == (0, 288, 1)
    assert manifest["tasks"]["BCE"]["questions"] == again["questions"] > 0
    pairs = again["pairs"]
    assert pairs["read"] == len(list((xbd / "test/labels").glob("*_post_disaster.json")))
    assert pairs["read"] == pairs["used"] + sum(pairs["dropped"].values()) + sum(pairs["without_question"].values())
    assert pairs["dropped"] == {"missing_file": 1}
    assert [row["item"] for row in lines(out / "dropped.jsonl") if row["row"] is None]
    made = [question for question in open_benchmark(out).questions() if question.task == "BCE"]
    assert len(made) == again["questions"]
    for question in made:
        assert question.question_id.endswith("-opt-pair")
        assert question.masks
        assert question.source == "xbd"
        assert [frame.frame for frame in question.frames] == ["t0", "t1"]
    assert {entry["source"]: entry["questions"] for entry in manifest["sources"]}["xbd"] == len(made)
    assert not (out / ".xbd").exists()
    other = tmp_path / "other"
    import_published(published.file, other, xbd=xbd, seed=1)
    same(out, other)


def test_an_xbd_archive_without_a_test_split(published: Set, xbd: Path, tmp_path: Path) -> None:
    shutil.copytree(xbd / "train", tmp_path / "xbd/train")
    with pytest.raises(DataError, match=r"no usable pair in the test split.*no folder test/labels"):
        import_published(published.file, tmp_path / "out", xbd=tmp_path / "xbd")
