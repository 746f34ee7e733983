"""Measuring on this machine, for real: child processes, interpreters, small files."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmark_files import ROWS, Digits
from xncaps_benchmark import measure, results
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.targets import local

Make = Callable[..., pathlib.Path]
FAST = {"runs": 128, "seconds": 5.0, "warm_up": 0.02}


def test_measure_checks_and_times(model: Make) -> None:
    told = measure([model("small"), model("large", hidden=6)], **FAST)
    small, large = told["models"]
    assert [entry["status"] for entry in told["models"]] == ["ok", "ok"]
    assert small["verification"]["status"] == "verified"
    assert small["verification"]["rows"] == small["accuracy"]["rows"] == ROWS
    assert small["runtime"]["name"] == "litert" and "ai-edge-litert" in small["runtime"]["version"]
    latency = small["latency"]
    assert latency["n"] == 128 == len(latency["samples_us"]) == sum(latency["turns"])
    assert 0 < latency["min_us"] <= latency["median_us"] <= latency["p90_us"] <= latency["p99_us"]
    assert small["load_us"] > 0 and small["first_run_us"] > 0
    assert small["memory"]["peak_bytes"] > small["memory"]["before_load_bytes"] > 1e6
    (ratio,) = told["ratios"]
    assert ratio["baseline"] == "small" and ratio["model"] == "large"
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"] < 1  # six layers more take longer
    assert large["latency"]["median_us"] > latency["median_us"]


def test_accuracy_and_confusion_equal_those_of_numpy(model: Make, digits: Digits) -> None:
    (entry,) = measure([model()], **FAST)["models"]
    found = digits.outputs().argmax(1)
    assert entry["accuracy"]["correct"] == int((found == digits.labels).sum())
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (digits.labels, found), 1)
    assert entry["accuracy"]["confusion"] == matrix.tolist()
    assert entry["accuracy"]["class_names"][0] == "digit 0"
    assert [s["row"] for s in entry["samples"]][:10] == list(range(10))
    assert all(s["predicted"] == found[s["row"]] for s in entry["samples"])
    wrong = [s["row"] for s in entry["samples"] if s["label"] != s["predicted"]]
    assert set(np.flatnonzero(found != digits.labels)[:4]) <= set(wrong)


def test_a_file_with_other_outputs_fails_and_has_no_time(model: Make) -> None:
    told = measure([model("good"), model("wrong", wrong=0.01)], **FAST)
    good, wrong = told["models"]
    assert good["status"] == "ok"
    assert wrong["status"] == "failed" and wrong["latency"] is None and not told["ratios"]
    assert wrong["verification"]["status"] == "failed"
    assert "wrong outputs: 120 of 120 rows are further than 0.0001 away" in wrong["error"]


def test_the_tolerated_share_is_a_limit(model: Make, digits: Digits) -> None:
    outputs = digits.outputs()
    outputs[:6] += 0.01  # 5 % of the rows
    path = model("some", expected=False)
    for share, status in ((0.05, "ok"), (0.04, "failed")):
        digits.write_expected(
            path.with_suffix(".expected.npz"), outputs=outputs, tolerated_share=np.float32(share)
        )
        (entry,) = measure([path], **FAST)["models"]
        assert (entry["status"], entry["verification"]["over_tolerance"]) == (status, 6)


def test_a_file_without_stored_outputs_is_not_verified(model: Make) -> None:
    (entry,) = measure([model(expected=False)], **FAST)["models"]
    assert entry["status"] == "ok" and entry["latency"]["n"] == 128
    assert entry["verification"]["status"] == "not verified" and entry["accuracy"] is None


def test_outputs_that_are_not_finite_fail(tmp_path: pathlib.Path, digits: Digits) -> None:
    path = tmp_path / "nan.tflite"
    Digits(digits.weights * np.float32(np.nan), digits.bias, digits.images, digits.labels).write(
        path
    )
    (entry,) = measure([path], **FAST)["models"]
    assert entry["status"] == "failed" and "NaN or infinity" in entry["error"]


def test_a_batch_model_is_checked_in_batches(model: Make, digits: Digits) -> None:
    (entry,) = measure([model("batch", batch=7)], **FAST)["models"]  # 120 is no multiple of 7
    assert entry["status"] == "ok" and entry["verification"]["rows"] == ROWS
    assert entry["inputs"][0]["shape"] == [7, 8, 8, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not a model", "TFL3"), (None, "cannot be read")],
    ids=["other", "missing"],
)
def test_files_that_cannot_be_read_fail_beside_good_ones(
    model: Make, tmp_path: pathlib.Path, content: bytes | None, message: str
) -> None:
    bad = tmp_path / "bad.tflite"
    if content is not None:
        bad.write_bytes(content)
    first, second = measure([bad, model()], **FAST)["models"]
    assert first["status"] == "failed" and message in first["error"]
    assert second["status"] == "ok"


def test_an_op_that_nobody_knows_is_named(model: Make) -> None:
    (entry,) = measure([model("odd", custom="NobodyKnowsThis")], **FAST)["models"]
    assert entry["status"] == "failed" and entry["custom_ops"] == ["NobodyKnowsThis"]
    assert "NobodyKnowsThis" in entry["error"]


def test_damaged_stored_outputs_fail_with_their_name(model: Make) -> None:
    path = model()
    path.with_suffix(".expected.npz").write_bytes(b"PK\3\4")
    (entry,) = measure([path], **FAST)["models"]
    assert entry["status"] == "failed" and "linear.expected.npz" in entry["error"]


def test_a_damaged_summary_fails_with_its_name(model: Make) -> None:
    path = model()
    path.with_suffix(".summary.json").write_text('{"format": "else"}')
    (entry,) = measure([path], **FAST)["models"]
    assert entry["status"] == "failed" and "linear.summary.json" in entry["error"]


def test_the_summary_is_taken_along(model: Make) -> None:
    path = model()
    summary = {"format": "xncaps-summary", "format_version": 1, "title": "A linear one"}
    path.with_suffix(".summary.json").write_text(json.dumps(summary))
    (entry,) = measure([path], **FAST)["models"]
    assert entry["summary"] == summary


def _order(monkeypatch: pytest.MonkeyPatch, files: list[pathlib.Path], seed: int) -> list[str]:
    seen: list[str] = []
    turn = local.Measurement._turn

    def spy(self: local.Measurement, child: local.Child, runs: int) -> None:
        seen.append(child.job.record["name"])
        turn(self, child, runs)

    with monkeypatch.context() as patch:
        patch.setattr(local.Measurement, "_turn", spy)
        measure(files, seed=seed, **FAST)
    return seen


def test_files_take_turns_in_seeded_random_order(
    model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [model("a"), model("b"), model("c")]
    seen = _order(monkeypatch, files, seed=1)
    rounds = [seen[at : at + 3] for at in range(0, len(seen), 3)]
    assert len(rounds) == 64
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert len({tuple(names) for names in rounds}) == 6  # every order of three comes up
    assert seen == _order(monkeypatch, files, seed=1) != _order(monkeypatch, files, seed=2)


def test_a_process_that_dies_takes_its_times_along(
    model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, turns = local.Measurement._turn, {"b": 0}

    def kill(self: local.Measurement, child: local.Child, runs: int) -> None:
        name = child.job.record["name"]
        if name == "b":
            turns["b"] += 1
            if turns["b"] == 10:
                child._process.kill()
        turn(self, child, runs)

    monkeypatch.setattr(local.Measurement, "_turn", kill)
    a, b = measure([model("a"), model("b")], **FAST)["models"]
    assert a["status"] == "ok" and a["latency"]["n"] == 128
    assert b["status"] == "failed" and b["latency"] is None and "SIGKILL" in b["error"]


def test_an_interrupted_run_keeps_what_it_has(model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    turn, turns = local.Measurement._turn, []

    def interrupt(self: local.Measurement, child: local.Child, runs: int) -> None:
        turns.append(child)
        if len(turns) == 21:
            raise KeyboardInterrupt
        turn(self, child, runs)

    monkeypatch.setattr(local.Measurement, "_turn", interrupt)
    told = measure([model("a"), model("b")], **FAST)
    assert not told["complete"] and "interrupted" in told["notes"][0]
    assert [entry["status"] for entry in told["models"]] == ["partial", "partial"]
    assert [entry["latency"]["n"] for entry in told["models"]] == [20, 20]
    assert all(child._process.poll() is not None for child in turns)


def test_an_answer_that_nobody_waited_for_is_not_taken_for_another(
    model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C within a turn: what the child then says of that turn is no answer about memory."""
    answer, turns = local.Child._answer, []

    def interrupt(self: local.Child, timeout: float) -> dict[str, Any]:
        turns.append(self)
        if len(turns) == 20:  # after load, check, warm-up and 16 turns
            raise KeyboardInterrupt
        return answer(self, timeout)

    monkeypatch.setattr(local.Child, "_answer", interrupt)
    told = measure([model("a")], **FAST)
    (entry,) = told["models"]
    assert entry["status"] == "partial" and len(entry["latency"]["turns"]) == 16
    assert entry["memory"]["peak_bytes"] > 1e6


def test_a_child_that_does_not_answer_is_ended(model: Make) -> None:
    (job,) = local.plan.jobs([model()], None)
    child = local.Child(job)
    arguments = {"path": str(job.path), "runtime": "litert", "threads": 1, "cpus": [], "seed": 0}
    child.ask("load", 60, expected=None, **arguments)
    with pytest.raises(BenchmarkError, match=r"no answer within 0 s \(warm_up\)"):
        child.ask("warm_up", 0.3, seconds=60, runs=1)
    assert child._process.poll() is not None


def test_seconds_end_a_model_that_is_too_slow_for_its_runs(model: Make) -> None:
    told = measure([model(hidden=4)], runs=1_000_000, seconds=0.2, warm_up=0.02)
    (entry,) = told["models"]
    assert entry["status"] == "ok" and entry["latency"]["n"] < 1_000_000
    assert sum(entry["latency"]["samples_us"]) < 0.6e6
    assert told["method"]["runs"] == 1_000_000 and told["method"]["seconds"] == 0.2


def test_affinity_and_threads_reach_the_child(model: Make) -> None:
    last = max(os.sched_getaffinity(0))
    told = measure([model()], cpus=str(last), threads=1, **FAST)
    assert told["method"]["cpus"] == [last] and told["method"]["threads"] == 1
    assert told["models"][0]["status"] == "ok"
    assert last in os.sched_getaffinity(0)


def test_a_clock_that_fell_is_said(model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fell = {"how": "sampled maximum", "first_khz": [2_000_000], "last_khz": [1_000_000]}
    monkeypatch.setattr(local.clocks.Clocks, "told", lambda self: fell)
    told = measure([model()], **FAST)
    assert "the clock was at 50% of what it had been" in " ".join(told["notes"])


def test_the_result_follows_the_schema_and_tells_the_machine(model: Make) -> None:
    told = measure([model()], **FAST)
    results.check_result(json.loads(json.dumps(told)))
    assert told["machine"]["cpu"] and told["state"]["start"]["load"]
    assert told["machine"]["runtimes"]["ai-edge-litert"]
    assert told["method"]["rounds"] == 64


def test_names_tell_equal_files_apart(model: Make, tmp_path: pathlib.Path) -> None:
    one = model("m")
    other = tmp_path / "other" / "m.tflite"
    other.parent.mkdir()
    other.write_bytes(one.read_bytes())
    names = [entry["name"] for entry in measure([one, other, other], **FAST)["models"]]
    assert len(set(names)) == 3 and names[1].startswith("other/m")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runs": 0}, "runs=0"),
        ({"threads": 0}, "threads=0"),
        ({"seconds": 0}, "seconds=0"),
        ({"runtime": "onnx"}, "Received: onnx"),
        ({"baseline": "nobody"}, "--baseline: expected one of linear"),
        ({"cpus": "4000"}, "--cpus"),
        ({"target": "moon"}, "--target: expected local"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_options_out_of_range_are_refused(
    model: Make, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchmarkError, match=message):
        measure([model()], **options)


def test_no_file_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="expected 1 to 64 files"):
        measure([])


def test_xncaps_ops_without_the_delegate_say_what_to_install(
    model: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    broken = tmp_path / "path" / "xncaps_runtime"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('not here')")
    monkeypatch.syspath_prepend(broken.parent)
    (entry,) = measure([model("fused", custom="XnCapsOdr")], **FAST)["models"]
    assert entry["runtime"]["name"] == "litert+xncaps" and entry["status"] == "failed"
    assert "pip install xncaps-runtime" in entry["error"]


def test_nothing_is_written_while_turns_are_timed(
    model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints and progress, which are files on a board, come in the rests alone."""
    said: list[str] = []
    turn, pause = local.Measurement._turn, local.Measurement._pause

    def timed(self: local.Measurement, child: local.Child, runs: int) -> None:
        said.append("turn")
        turn(self, child, runs)

    def rest(self: local.Measurement, share: float) -> None:
        said.append("rest")
        pause(self, share)

    monkeypatch.setattr(local.Measurement, "_turn", timed)
    monkeypatch.setattr(local.Measurement, "_pause", rest)
    monkeypatch.setattr(local.plan, "COOLDOWN_EVERY_SECONDS", 0.05)
    kept: list[Any] = []

    def keep(result: dict[str, Any]) -> None:
        assert said[-1] == "rest"
        kept.append(result["models"][0]["status"])

    def progress(what: str, share: float) -> None:
        assert said[-1:] in ([], ["rest"]) or share == 1.0

    measure([model("a")], progress=progress, checkpoint=keep, cooldown=0.0, **FAST)
    assert len(kept) == said.count("rest") > 0 and set(kept) == {"partial"}
