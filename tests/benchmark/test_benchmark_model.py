"""TFLite's benchmark_model on a phone: its output, and the real client library."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from adb_lab import NEW, TIMINGS, Lab, open_up
from adb_server import Phone
from xncaps_benchmark import terminal
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.report import render
from xncaps_benchmark.targets import benchmark_model, phonestate, tooloutput

Make = Callable[..., pathlib.Path]
# The client library leaves a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


OLD = f"""STARTING!
Loaded model /data/local/tmp/m.tflite
Initialized session in 3.241ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds
count=300 first=2000 curr=1000 min=990 max=2100 avg=1100.5 std=30
Running benchmark for at least 50 iterations and at least 1 seconds
count=128 first=900 curr=910 min=880 max=1200 avg=905.5 std=20
{TIMINGS}
Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.5
"""


def test_output_of_benchmark_model_is_parsed() -> None:
    old, new = tooloutput.parse(OLD), tooloutput.parse(NEW)
    assert (old.count, old.minimum, old.maximum) == (128, 880, 1200)
    assert (old.average, old.deviation) == (905.5, 20)
    assert (old.load, old.first, old.memory, old.median) == (3241, 2000, 2_621_440, None)
    assert (new.average, new.median, new.memory) == (905.5, 901, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ERROR: Failed to load model\nmore", "Failed to load model"),
        ("sh: /data/x: not found", "not found"),
        ("", "no output"),
    ],
    ids=["model", "binary", "empty"],
)
def test_output_without_times_says_why(text: str, message: str) -> None:
    with pytest.raises(BenchmarkError, match=f"benchmark_model: .*{message}"):
        tooloutput.parse(text)


def test_rounds_are_pooled() -> None:
    first = tooloutput.parse(OLD)
    told = tooloutput.pooled([first, first, first])
    assert told["n"] == 384 and told["mean_us"] == 905.5 and told["std_us"] == 20
    assert told["samples_us"] == [905.5] * 3 and told["p99_us"] is None


def test_benchmark_model_measures(
    lab: Lab, model: Make, tool: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    open_up(lab.phone)
    delegate = tmp_path / "libxncaps_delegate.so"
    delegate.write_bytes(b"elf")
    files = [model("a"), model("broken", custom="LceQuantize")]
    settings = {"benchmark_model": tool, "external_delegate": delegate}
    told = lab.measure(files, adb=settings, runs=1024, threads=2)
    a, broken = told["models"]
    assert a["status"] == "ok" and a["latency"]["n"] == 128 * benchmark_model.ROUNDS
    assert a["latency"]["median_us"] == 901 and a["load_us"] == 3241
    assert a["verification"]["status"] == "not verified"
    assert a["runtime"]["name"] == "benchmark_model"
    assert broken["status"] == "failed" and "unresolved custom op" in broken["error"]
    (ran, *_) = [c for c in lab.phone.commands if "--graph=" in c]
    assert "--num_runs=128" in ran and "--num_threads=2" in ran
    assert "--warmup_min_secs=0.5" in ran and "--warmup_runs=1" in ran
    assert a["runtime"]["version"].startswith("libxncaps_delegate.so sha256:")
    for state in (told["state"]["start"], told["state"]["end"]):
        assert state["governors"] == ["schedutil", "walt"] and state["battery_percent"] == 77
    assert told["machine"]["memory_bytes"] > 1e8 and told["machine"]["cpus"] > 0
    assert a["latency"]["p90_us"] is None and a["latency"]["p99_us"] is None
    page = render([told])
    assert "benchmark_model" in told["method"]["tool"] and "901" in page
    assert "p90 not told by its tool, 1,024 runs in 8 samples" in page
    assert "p90 and p99 are left out" in page
    assert "p90 and p99 are left out" in terminal.table(told).replace("\n", " ")


def test_benchmark_model_refuses_what_it_cannot(
    lab: Lab, model: Make, tool: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, inputs=np.zeros((1, 8, 8, 1)))
    with pytest.raises(BenchmarkError, match="--accuracy: benchmark_model gives no outputs"):
        lab.measure([model("a")], adb={"benchmark_model": tool}, accuracy=images)
    with pytest.raises(BenchmarkError, match="--external-delegate goes with --benchmark-model"):
        lab.measure([model("a")], adb={"external_delegate": tool})


@pytest.mark.parametrize(
    "words",
    [
        "Though EXTERNAL delegate is explicitly applied, the model graph will not be executed by "
        "the delegate.",
        "ERROR: Failed to apply EXTERNAL delegate.",
    ],
)
def test_a_delegate_that_takes_nothing_makes_the_file_fail(
    lab: Lab, model: Make, tool: pathlib.Path, tmp_path: pathlib.Path, words: str
) -> None:
    """Times of the tool's own kernels are no times 'by the delegate'."""
    delegate = tmp_path / "libother.so"
    delegate.write_bytes(b"elf")
    tool.write_text(tool.read_text() + f"print({words!r})\n")
    settings = {"benchmark_model": tool, "external_delegate": delegate}
    (entry,) = lab.measure([model("a")], adb=settings)["models"]
    assert entry["status"] == "failed" and entry["latency"] is None
    assert words.removeprefix("ERROR: ")[:40] in entry["error"]


CLAIMED = (
    "VERBOSE: Replacing 3 out of 19 node(s) with delegate (XncapsDelegate) node, yielding 3 "
    "partitions for the whole graph.\n"
    "VERBOSE: Replacing 9 out of 19 node(s) with delegate (TfLiteXNNPackDelegate) node\n"
)
PEAK = "Overall peak memory footprint (MB) via periodic monitoring: 12.5 MB\n"
_RULE = "=" * 30
_CONV = "\t CONV_2D\t 4.269\t 4.269\t 80.000%\t 80.000%\t 0.000\t 1\t[conv/Relu]:0"
_CAPS = "\t XncapsDelegate\t 0.051\t 0.050\t 20.000%\t100.000%\t 0.000\t 2\t[caps]:1"
_HEADS = "\t [node type]\t [first]\t [avg ms]\t [%]\t [cdf%]\t [mem KB]\t[times called]\t[Name]"
OPS = f"""Operator-wise Profiling Info for Regular Benchmark Runs:
{_RULE} Run Order {_RULE}
{_HEADS}
{_CONV}
{_CAPS}

{_RULE} Top by Computation Time {_RULE}
{_CONV}
"""


def test_nodes_peak_and_ops_are_parsed() -> None:
    told = tooloutput.parse(CLAIMED + NEW + PEAK)
    assert (told.claimed, told.peak) == (3, 13_107_200)
    assert tooloutput.parse(NEW).claimed is None and tooloutput.parse(NEW).peak is None
    assert tooloutput.parse_ops(NEW + OPS) == [
        {"op": "CONV_2D", "name": "conv/Relu", "microseconds": 4269.0, "calls": 1},
        {"op": "XncapsDelegate", "name": "caps", "microseconds": 50.0, "calls": 2},
    ]
    assert tooloutput.parse_ops(NEW) == []


def test_memory_and_ops_come_from_a_run_of_their_own(
    lab: Lab, model: Make, tool: pathlib.Path
) -> None:
    tool.write_text(
        tool.read_text()
        + f"if given.get('report_peak_memory_footprint'): print({PEAK!r})\n"
        + f"if given.get('enable_op_profiling'): print({OPS!r})\n"
    )
    (entry,) = lab.measure([model("a")], adb={"benchmark_model": tool}, profile=True)["models"]
    assert entry["memory"]["peak_bytes"] == 13_107_200
    assert [row["op"] for row in entry["profile"]] == ["CONV_2D", "XncapsDelegate"]
    runs = [command for command in lab.phone.commands if "--graph=" in command]
    looked = [command for command in runs if "footprint" in command or "profiling" in command]
    assert len(runs) == benchmark_model.ROUNDS + 1 and looked == runs[-1:]


def test_clocks_are_read_between_the_tools_rounds(
    lab: Lab, model: Make, tool: pathlib.Path
) -> None:
    policy = "/sys/devices/system/cpu/cpufreq/policy4"

    def falls(phone: Phone, command: str) -> None:
        rounds = sum("--graph=" in text for text in phone.commands)
        phone.tell(f"{policy}/scaling_cur_freq", f"{2_000_000 if rounds < 4 else 1_000_000}\n")

    lab.phone.on_command = falls
    told = lab.measure([model("a")], adb={"benchmark_model": tool})
    assert told["state"]["clocks"]["how"] == "sampled maximum"
    assert told["state"]["clocks"]["first_khz"] == [2_000_000]
    assert told["state"]["clocks"]["last_khz"] == [1_000_000]
    ticks = "policy|policy0|5\n100 7\n200 9\npolicy|policy4|cat: denied\ncat: denied\n"
    sample = phonestate.parse_clocks(ticks)
    assert sample.khz == {"policy0": 5} and sample.ticks == {"policy0": {100: 7, 200: 9}}


def test_a_profile_needs_a_runtime_that_has_one(lab: Lab, model: Make) -> None:
    with pytest.raises(BenchmarkError, match="--profile: expected --target adb with --benchmark-"):
        lab.measure([model("a")], profile=True)
