"""`xncaps reproduce`: runs once, refuses what it should."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil
from typing import Any

import pytest
from click.testing import CliRunner

import tiny_experiments
from experiment_lines import line_of
from xncaps import main, output
from xncaps.commands.reproduce import folders
from xncaps.main import cli
from xncaps.reproduce import experiments, jobs, page, result_lines, running
from xncaps_files.errors import DataError, XncapsError
from xncaps_tf.training.config import TrainConfig


@pytest.fixture
def tiny(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    root = tiny_experiments.write(
        tmp_path / "experiments",
        [
            {"name": "tiny-xnodr", "files": ["fused"], "seeds": [0, 1]},
            {"name": "tiny-more", "files": [], "init": "tiny-xnodr"},
        ],
    )
    monkeypatch.setattr(experiments, "folder", lambda: root)
    return root


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(cli, ["reproduce", *map(str, arguments)])


def test_runs_bring_what_they_start_from_and_are_not_repeated(
    tiny: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    out = tmp_path / "out"
    done = invoke("tiny-more", "--out", out)
    assert done.exit_code == 0, done.output
    lines = result_lines.read(out / "results.jsonl")
    assert [result_lines.key(line)[::2] for line in lines] == [("tiny-xnodr", 0), ("tiny-more", 0)]
    assert lines[0]["files"][0]["to"] == "fused"
    stored = out / "tiny-xnodr" / "seed-0" / "tiny-xnodr-fused.tflite"
    assert lines[0]["files"][0]["bytes"] == stored.stat().st_size
    assert lines[0]["keras"]["score"]["images"] == 364
    assert result_lines.unpack(lines[0]).sum() == lines[0]["keras"]["score"]["correct"]
    config = json.loads((out / "tiny-more" / "seed-0" / "run" / "config.json").read_text())
    assert config["init"].endswith("tiny-xnodr/seed-0/run/best.keras")

    before = stored.stat().st_mtime_ns
    again = invoke("tiny-more", "--out", out)
    assert again.exit_code == 0 and again.output.count("done before") == 2
    assert stored.stat().st_mtime_ns == before
    assert len(result_lines.read(out / "results.jsonl")) == 2
    listed = invoke("--list", "--out", out).output
    assert "done: seeds 0" in listed and "tiny-more" in listed


def test_a_file_that_is_added_is_made_alone(
    tiny: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert invoke("tiny-xnodr", "--seeds", 1, "--out", out).exit_code == 0
    (before,) = result_lines.read(out / "results.jsonl")
    stored = out / "tiny-xnodr" / "seed-0" / "tiny-xnodr-fused.tflite"
    made_at = stored.stat().st_mtime_ns
    rows = [{"name": "tiny-xnodr", "files": ["float", "fused"]}]
    root = tiny_experiments.write(tmp_path / "grown", rows)
    monkeypatch.setattr(experiments, "folder", lambda: root)

    assert "files to come: seeds 0" in invoke("--list", "--out", out).output
    done = invoke("tiny-xnodr", "--out", out)
    assert done.exit_code == 0, done.output
    assert " done: seeds 0  " in invoke("--list", "--out", out).output
    (after,) = result_lines.read(out / "results.jsonl")
    assert [file["to"] for file in after["files"]] == ["fused", "float"]
    assert {**after, "files": before["files"]} == {**before, "files": after["files"][:1]}
    assert stored.stat().st_mtime_ns == made_at
    assert invoke("tiny-xnodr", "--out", out).output.count("done before") == 1

    # Where the run is gone the model is another one, and every file is made of it.
    shutil.rmtree(out / "tiny-xnodr")
    result_lines.add(out / "results.jsonl", [before])
    assert invoke("tiny-xnodr", "--out", out).exit_code == 0
    (anew,) = result_lines.read(out / "results.jsonl")
    assert [file["to"] for file in anew["files"]] == ["float", "fused"]

    # So it is where it was trained anew, and killed before its line was written.
    of_another = [{**file, "sha256": "0" * 64} for file in before["files"]]
    result_lines.add(out / "results.jsonl", [{**before, "files": of_another}])  # type: ignore[list-item]
    assert invoke("tiny-xnodr", "--out", out).exit_code == 0
    (anew,) = result_lines.read(out / "results.jsonl")
    assert [file["to"] for file in anew["files"]] == ["float", "fused"]


def test_a_trial_is_scored_on_the_hold_out(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"name": "tiny-xnodr", "files": [], "table": "trial"}]
    root = tiny_experiments.write(tmp_path / "experiments", rows)
    monkeypatch.setattr(experiments, "folder", lambda: root)
    done = invoke("tiny-xnodr", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    (line,) = result_lines.read(tmp_path / "out" / "results.jsonl")
    assert line["data"]["split"] == "validation"
    assert line["data"]["images"] == 12 == line["keras"]["score"]["images"]  # a fifth of 60
    text = page.markdown(experiments.read_all(), [line])
    assert "digits, 12 held out" in text and "epoch 1 of 1, the best" in text

    tiny_experiments.write(tmp_path / "without", rows, validation=0.0)
    monkeypatch.setattr(experiments, "folder", lambda: tmp_path / "without")
    refused = invoke("tiny-xnodr", "--out", tmp_path / "other")
    assert isinstance(refused.exception, XncapsError)
    assert "expected a trial to hold out what it is scored on" in str(refused.exception)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("kind", [XncapsError, FileNotFoundError])
def test_where_one_fails_the_others_are_made(
    kind: type[Exception],
    tiny: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def run(experiment: Any, seed: int, *_: Any) -> result_lines.ResultLine:
        made.append(f"{experiment.name} {seed}")
        if made[-1] == "tiny-xnodr 0":
            raise kind("tiny: expected data. Received: none.")
        return {**line_of(experiment.name, seed), "config_hash": experiment.config_hash}  # type: ignore[return-value]

    monkeypatch.setattr(running, "run", run)
    page_path = tmp_path / "page.md"
    done = invoke("all", "--out", tmp_path / "out", "--page", page_path)
    assert done.exit_code == 1
    assert "(seed 1)" in page_path.read_text() and "(seed 0)" not in page_path.read_text()
    assert made == ["tiny-xnodr 0", "tiny-xnodr 1"]
    assert "[1/3] tiny-xnodr, seed 0: failed: tiny: expected data." in done.output
    assert "[3/3] tiny-more, seed 0: left out, it starts from tiny-xnodr, which" in done.output
    text = "expected 3 runs to end. Received: 2 that did not, .*; the first by tiny: expected data"
    assert isinstance(done.exception, XncapsError) and re.search(text, str(done.exception))
    assert [line["seed"] for line in result_lines.read(tmp_path / "out" / "results.jsonl")] == [1]


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"minutes": "x"}', '{"minutes": NaN}'])
def test_a_damaged_clock_is_named(text: str, tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    clock = tmp_path / "out" / "tiny-xnodr" / "seed-0" / "minutes.json"
    clock.parent.mkdir(parents=True)
    clock.write_text(text)
    done = invoke("tiny-xnodr", "--seeds", 1, "--out", tmp_path / "out")
    assert isinstance(done.exception, XncapsError)
    assert f"{clock}: expected the minutes of a run" in str(done.exception)


def test_a_data_set_that_there_is_not_is_a_usage_error(
    tiny: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = invoke("tiny-xnodr", "--out", tmp_path / "out", "--data-dir", f"minst={tmp_path}")
    assert done.exit_code == 2 and "DATA one of digits, mnist" in " ".join(done.output.split())
    (tmp_path / "a=b").mkdir()
    assert folders((str(tmp_path / "a=b"),)) == {"": str(tmp_path / "a=b")}


def test_results_nested_without_end_are_refused(tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "results.jsonl").write_text("[" * 100_000)
    done = invoke("--list", "--results", tmp_path / "results.jsonl")
    assert isinstance(done.exception, XncapsError) and "nested too deeply" in str(done.exception)


def test_a_line_of_another_kind_is_named(tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    results = tmp_path / "results.jsonl"
    lines = [line_of("tiny-xnodr"), {**line_of("tiny-more"), "seed": "x"}]
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = invoke("--list", "--results", results)
    assert isinstance(done.exception, XncapsError)
    assert str(done.exception) == (
        f"{results}:2: expected a result as the schema says. Received: $.seed: 'x' is not of type "
        "'integer'."
    )


def test_a_page_replaces_a_page_alone(tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    results, deep = tmp_path / "results.jsonl", tmp_path / "docs" / "page.md"
    result_lines.add(results, [line_of("tiny-xnodr")])
    kept = results.read_bytes()
    done = invoke("--page", results, "--results", results)
    assert isinstance(done.exception, DataError)
    assert "--page: expected a new file to write, or an older page" in str(done.exception)
    assert results.read_bytes() == kept
    for _ in range(2):
        assert invoke("--page", deep, "--results", results).exit_code == 0
    assert deep.read_text().startswith("# Results")


def test_an_unknown_name_is_a_usage_error(tiny: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = invoke("tiny-xnodr", "nothing", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "nothing" in done.output
    assert not (tmp_path / "out").exists()
    assert invoke().exit_code == 2


def test_data_folders_are_of_one_data_set_or_of_all(
    tiny: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    place = running.Place(tmp_path, tmp_path, {"mnist": "/m", "": "/all"})
    assert place.data_dir("mnist") == "/m"
    assert place.data_dir("grocery/coarse") == "/all"
    assert running.Place(tmp_path, tmp_path).data_dir("mnist") is None
    done = invoke("tiny-xnodr", "--data-dir", "mnist=/no/such/folder")
    assert done.exit_code == 2 and "mnist=/no/such/folder" in done.output


def test_two_at_once_in_one_folder_are_refused(
    tiny: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, log = tmp_path / "out", output.Log(tmp_path / "log")
    arguments = ["reproduce", "tiny-xnodr", "--seeds", "1", "--out", str(out)]
    made: list[int] = []

    def run(experiment: Any, seed: int, *_: Any) -> result_lines.ResultLine:
        made.append(seed)
        if len(made) == 1:  # while this one runs, by the same command
            assert main._run(arguments, log) == 1
        return line_of(experiment.name, seed)

    monkeypatch.setattr(running, "run", run)
    assert main._run(arguments, log) == 0
    assert made == [0] and len(result_lines.read(out / "results.jsonl")) == 1
    assert capsys.readouterr().err == (
        f"xncaps: reproduce: expected no other process in {out}. Received: one that runs "
        f"experiments there; wait for it or choose another --out. (log: {log.path})\n"
    )
    assert main._run(arguments, log) == 0 and made == [0, 0]  # it holds the folder no longer


def test_plans_share_what_several_start_from(tiny: pathlib.Path) -> None:
    known = experiments.read_all()
    planned = jobs.plan(list(known.values()), known, seeds=3)
    assert [job.key for job in planned] == [
        *((("tiny-xnodr", seed)) for seed in range(3)),
        *((("tiny-more", seed)) for seed in range(3)),
    ]
    assert planned[3].starts["init"] is planned[0]


def test_an_index_of_another_version_is_refused(tiny: pathlib.Path) -> None:
    index = json.loads((tiny / "index.json").read_text())
    (tiny / "index.json").write_text(json.dumps({**index, "format_version": 9}))
    with pytest.raises(XncapsError, match="format_version 1. Received: 9; a newer"):
        experiments.read_all()
    index["experiments"][1]["init"] = "nothing"
    (tiny / "index.json").write_text(json.dumps(index))
    with pytest.raises(XncapsError, match="Received: 'nothing'"):
        experiments.read_all()


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        ({"seed": [1]}, {}, "keys of tiny-dense among files, .*, title. Received: 'seed'"),
        ({"table": "best"}, {}, "a table of tiny-dense among ablation, .*. Received: 'best'"),
        ({"files": ["int8", "lce"]}, {}, "files of tiny-dense among .*. Received: 'int8'"),
        ({"seeds": []}, {}, "seeds of tiny-dense. Received: none"),
        ({}, {"init": "a.keras"}, "tiny-dense has its init from. Received: none, and .*a.keras in"),
        ({}, {"teacher": "a.keras", "teacher_weight": 0.5}, "has its teacher from"),
    ],
)
def test_a_row_of_what_there_is_not_is_refused(
    row: dict[str, Any], changes: dict[str, Any], message: str, tmp_path: pathlib.Path
) -> None:
    rows = [{"name": "tiny-dense", "files": [], **row}]
    root = tiny_experiments.write(tmp_path / "experiments", rows, **changes)
    with pytest.raises(
        XncapsError, match=f"^{re.escape(str(root))}/index.json: expected .*{message}"
    ):
        experiments.read_all(root)


def test_the_hash_is_of_choices_and_not_of_places(tiny: pathlib.Path) -> None:
    one = experiments.read_all()["tiny-xnodr"]
    for places in ({"data_dir": "/x"}, {"threads": 3}, {"seed": 5}):
        other = dataclasses.replace(one, config=dataclasses.replace(one.config, **places))
        assert other.config_hash == one.config_hash
    other = dataclasses.replace(one, config=dataclasses.replace(one.config, epochs=2))
    assert other.config_hash != one.config_hash
    assert "momentum" not in one.choices


def test_the_page_says_what_was_not_run(tiny: pathlib.Path) -> None:
    known = experiments.read_all()
    line = {**line_of("tiny-xnodr"), "config_hash": known["tiny-xnodr"].config_hash}
    text = page.markdown(known, [line])  # type: ignore[list-item]
    assert "66.67 % (seed 0)" in text
    assert "| 3.0 M | 1.0 M |" in text  # binary MACs are a part of all
    assert text.count("not run") == 2  # one row, and the sentence about such rows
    stale = page.markdown(known, [line_of("tiny-xnodr")])
    assert "66.67" not in stale


def test_files_stand_in_the_order_of_the_experiment(root: pathlib.Path) -> None:
    known = experiments.read_all(root / "experiments")
    experiment = known["grocery-tuned-xnodr"]
    made = ("fused-int8", "float", "fused-int8-float16", "fused")  # one of them is not wanted now
    line = line_of(experiment.name)
    line["config_hash"] = experiment.config_hash
    line["files"] = [
        {"to": word, "bytes": 1000, "score": line["keras"]["score"], "runtime": "r", "sha256": "0"}
        for word in made
    ]
    (row,) = (row for row in page.markdown(known, [line]).splitlines() if "66.67 % (seed" in row)
    shown = [cell.partition(":")[0] for cell in row.split(" | ")[6].split("<br>")]
    assert shown == ["fused", "fused-int8", "fused-int8-float16"] == list(experiment.files)


def test_every_experiment_of_the_repository_is_a_config_for_train(root: pathlib.Path) -> None:
    known = experiments.read_all(root / "experiments")
    configs = {path.stem for path in (root / "experiments").glob("*.json")}
    assert configs - {"index", "peers", "zoo"} == set(known)
    for name in known:
        TrainConfig.read(root / "experiments" / f"{name}.json")
