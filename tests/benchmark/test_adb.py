"""The adb target: the real client library against a stand-in server, jobs carried out for real."""

from __future__ import annotations

import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from adb_server import SDCARD, Phone, Server
from benchmark_files import ROWS, Digits
from PIL import Image

from xncaps_benchmark import measure, terminal
from xncaps_benchmark.errors import BenchmarkError
from xncaps_benchmark.report import render
from xncaps_benchmark.targets import adb, appresult, benchmark_model

Make = Callable[..., pathlib.Path]
# The client library leaves a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Lab:
    """A server with one phone, which tests change."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        self.phone = Phone(tmp_path / "phone")
        self.phone.root.mkdir()
        self.server = Server({"serial1": self.phone})

    def measure(
        self, files: list[pathlib.Path], target: str = "adb", **options: Any
    ) -> dict[str, Any]:
        settings = {"host": "127.0.0.1", "port": self.server.port, **options.pop("adb", {})}
        return measure(files, target, adb=settings, **{"runs": 64, "seconds": 5.0, **options})


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr(adb, "_POLL_SECONDS", 0.05)
    lab = Lab(tmp_path)
    yield lab
    lab.server.close()
    if lab.phone.state == "device":
        assert lab.phone.left() == [], "left on the device"
        assert not lab.phone.alive, "the app still runs"


def test_the_app_measures(lab: Lab, model: Make) -> None:
    told = lab.measure([model("first"), model("second", hidden=3)], threads=2, seed=5)
    assert told["complete"] and told["target"] == {"kind": "adb", "name": "adb:serial1"}
    first, second = told["models"]
    assert (first["status"], second["status"]) == ("ok", "ok")
    assert first["verification"]["status"] == "verified" and first["verification"]["rows"] == ROWS
    assert first["latency"]["n"] == 64 and first["latency"]["turns"] == [1] * 64
    assert first["load_us"] == 5000 and first["runtime"]["name"] == "litert"
    assert first["accuracy"]["rows"] == ROWS and first["samples"]
    assert told["machine"]["device"] == "Maker Phone 1" and told["machine"]["android"] == "14"
    assert told["state"]["start"]["governors"] == ["schedutil"]
    assert told["state"]["end"]["temperatures_c"] == {"cpu-0": 40.5}
    assert told["state"]["start"]["battery_percent"] == 80
    assert told["ratios"][0]["baseline"] == "first"
    assert "adb:serial1" in render([told])


def test_outputs_are_compared_before_anything_is_timed(lab: Lab, model: Make) -> None:
    told = lab.measure([model("wrong", wrong=1.0), model("good")])
    wrong, good = told["models"]
    assert wrong["status"] == "failed" and "wrong outputs" in wrong["error"]
    assert wrong["latency"] is None and good["status"] == "ok"
    check, times = lab.phone.jobs
    assert check["runs"] == 0 and len(check["models"]) == 2
    assert times["runs"] == 64 and [entry["name"] for entry in times["models"]] == [
        "01_good.tflite"
    ]


BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  level: 77
  scale: 100
  temperature: 315
"""


def open_up(phone: Phone) -> None:
    """What a phone's shell may read, and its app may not."""
    for cpu, (governor, khz) in enumerate((("walt", 1_800_000), ("schedutil", 2_800_000))):
        folder = f"/sys/devices/system/cpu/cpu{cpu}/cpufreq"
        phone.tell(f"{folder}/scaling_governor", f"{governor}\n")
        phone.tell(f"{folder}/scaling_cur_freq", f"{khz}\n")
    phone.tell("/sys/class/thermal/thermal_zone0/type", "skin therm\n")
    phone.tell("/sys/class/thermal/thermal_zone0/temp", "38250\n")
    phone.tell("/sys/class/thermal/thermal_zone1/type", "odd\n")
    phone.tell("/sys/class/thermal/thermal_zone1/temp", "no\n")
    phone.tell("/dumpsys/battery", BATTERY)
    phone.tell("/dumpsys/thermalservice", "IsStatusOverride: false\nThermal Status: 0\n")


def test_the_shell_tells_what_the_app_cannot(lab: Lab, model: Make) -> None:
    open_up(lab.phone)

    def hide(phone: Phone, state: str, done: int) -> None:
        phone.facts = {"battery_percent": 80, "cpus": [], "temperatures": {}, "thermal": None}
        phone.tell("/dumpsys/thermalservice", "Thermal Status: 3\n")

    lab.phone.on_run = hide
    told = lab.measure([model("a")])
    start, end = told["state"]["start"], told["state"]["end"]
    assert start["governors"] == ["schedutil", "walt"]
    assert end["frequencies_khz"] == [1_800_000, 2_800_000]
    assert start["temperatures_c"] == {"skin therm": 38.2}
    assert (start["battery_percent"], start["battery_temperature_c"]) == (80, 31.5)
    assert start["charging"] is True and len(start["load"]) == 3
    assert (start["thermal_status"], end["thermal_status"]) == ("none", "severe")
    assert "thermal status went from none to severe" in " ".join(told["notes"])
    assert told["machine"]["memory_bytes"] > 1e8
    page = render([told])
    for words in ("80 %, 31.5 °C at the start", "severe at the end", "walt", "38.2 °C"):
        assert words in page


def test_the_job_says_how_to_measure(lab: Lab, model: Make) -> None:
    lab.measure([model("a")], threads=3, cooldown=0.5, cpus="0,2-3", seed=9, seconds=7.0)
    job = lab.phone.jobs[1]
    wanted = {
        "threads": 3,
        "cooldown": 0.5,
        "cpus": [0, 2, 3],
        "seed": 9,
        "seconds": 7.0,
        "runs": 64,
    }
    assert {key: job[key] for key in wanted} == wanted
    assert job["delegate"] is False and job["version"] == 1


def test_a_phone_rests_and_runs_often_by_default(lab: Lab, model: Make) -> None:
    settings = {"host": "127.0.0.1", "port": lab.server.port}
    told = measure([model("a")], "adb", adb=settings)
    check, job = lab.phone.jobs
    assert (job["cooldown"], job["runs"], job["seconds"], job["warmup"]) == (10.0, 1024, 60.0, 16)
    assert check["cooldown"] == 0 and told["method"]["cooldown_seconds"] == 10.0
    assert told["models"][0]["latency"]["n"] == 1024


def test_pictures_of_a_folder_are_the_same_here_and_there(
    lab: Lab, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    for row, label in enumerate(digits.labels[:30]):
        place = tmp_path / "photos" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.rint(digits.images[row, ..., 0]).astype(np.uint8)
        Image.fromarray(pixels).save(place / f"{row}.png")
    (entry,) = lab.measure([model("a")], accuracy=tmp_path / "photos")["models"]
    assert entry["agreement"] == {"rows": 30, "equal": 30, "data": "photos"}
    right = int((digits.outputs()[:30].argmax(1) == digits.labels[:30]).sum())
    assert entry["accuracy"]["correct"] == right and entry["accuracy"]["rows"] == 30


def test_ops_of_our_own_ask_for_the_delegate(lab: Lab, model: Make) -> None:
    (entry,) = lab.measure([model("fused", custom="XnCapsOdr")])["models"]
    assert lab.phone.jobs[0]["delegate"] is True
    assert entry["status"] == "failed" and "XnCapsOdr" in entry["error"]


def test_predictions_are_compared_with_the_hosts(
    lab: Lab, model: Make, digits: Digits, tmp_path: pathlib.Path
) -> None:
    images = tmp_path / "images.npz"
    np.savez(images, inputs=digits.images, labels=digits.labels)
    (entry,) = lab.measure([model("a", expected=False)], accuracy=images)["models"]
    assert entry["agreement"] == {"rows": ROWS, "equal": ROWS, "data": "images.npz"}
    assert entry["accuracy"]["rows"] == ROWS
    assert entry["verification"]["status"] == "not verified"


def test_an_app_that_is_killed_leaves_its_partial_result(lab: Lab, model: Make) -> None:
    def kill(phone: Phone, state: str, done: int) -> None:
        if done == 30:
            phone.alive = False

    lab.phone.on_run = kill
    told = lab.measure([model("a")])
    (entry,) = told["models"]
    assert not told["complete"] and "killed half-way" in " ".join(told["notes"])
    assert entry["status"] == "partial" and entry["latency"]["n"] == 20


def test_a_device_that_goes_away_is_one_line(lab: Lab, model: Make) -> None:
    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 5:
            phone.state = "offline"

    lab.phone.on_run = unplug
    with pytest.raises(BenchmarkError, match="serial1: the device does not answer any more"):
        lab.measure([model("a")], runs=2000)


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        ({"state": "offline"}, "adb", "serial1 is offline"),
        ({"state": "unauthorized"}, "adb:serial1", "serial1 is unauthorised: accept"),
        ({"state": "no permissions; see"}, "adb", "serial1 is not accessible: add a udev rule"),
        ({"app": False}, "adb", "the app org.xncaps.demo is not installed: xncaps android install"),
        ({"full": True}, "adb", "serial1: storage is full"),
        ({}, "adb:nobody", "no device nobody; there are: serial1"),
    ],
    ids=["offline", "unauthorised", "permissions", "no-app", "full", "serial"],
)
def test_bad_states_are_one_line(
    lab: Lab, model: Make, change: dict[str, Any], target: str, message: str
) -> None:
    for name, value in change.items():
        setattr(lab.phone, name, value)
    with pytest.raises(BenchmarkError, match=message) as caught:
        lab.measure([model("a")], target)
    assert "\n" not in str(caught.value)


def test_no_device_and_several_are_one_line(lab: Lab, model: Make) -> None:
    lab.server.phones["serial2"] = Phone(lab.phone.root)
    with pytest.raises(BenchmarkError, match="several devices.*adb:SERIAL: serial1, serial2"):
        lab.measure([model("a")])
    lab.server.phones.clear()
    with pytest.raises(BenchmarkError, match="no device: plug one in"):
        lab.measure([model("a")])


def test_a_device_that_goes_away_leaves_what_was_fetched(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adb, "_PARTIAL_SECONDS", 0.1)

    def unplug(phone: Phone, state: str, done: int) -> None:
        if done == 25:  # the partial result of the 20th round is there: let the host fetch it
            before, end = phone.fetched.count(result(phone)), time.monotonic() + 30
            while phone.fetched.count(result(phone)) == before and time.monotonic() < end:
                time.sleep(0.02)
            phone.state = "offline"

    def result(phone: Phone) -> str:
        return f"{SDCARD}/{phone.jobs[-1]['id']}/result.json"

    lab.phone.on_run = unplug
    told = lab.measure([model("a")], runs=2000)
    assert not told["complete"] and "does not answer any more" in " ".join(told["notes"])
    assert told["models"][0]["status"] == "partial" and told["models"][0]["latency"]["n"] == 20


def test_a_rejected_job_says_why(lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def reject(self: Phone, rest: list[str]) -> tuple[int, str]:
        self.alive = rest[0] != "force-stop"
        self.path(SDCARD).mkdir(parents=True, exist_ok=True)
        if "job_base64" in rest:
            (self.path(SDCARD) / "rejected.json").write_text('{"error": "threads: expected less"}')
        return 0, ""

    monkeypatch.setattr(Phone, "_am", reject)
    with pytest.raises(BenchmarkError, match="the app refused the job: threads: expected less"):
        lab.measure([model("a")])


@pytest.mark.parametrize("times", [1, 99], ids=["once", "always"])
def test_a_busy_app_is_asked_again(
    lab: Lab, model: Make, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    start, refused = Phone._am, []
    monkeypatch.setattr(
        adb.time, "sleep", lambda seconds, sleep=time.sleep: sleep(min(seconds, 0.1))
    )

    def busy(self: Phone, rest: list[str]) -> tuple[int, str]:
        if "job_base64" in rest and len(refused) < times:
            refused.append(rest)
            text = '{"error": "busy: expected the running job to end first"}'
            (self.path(SDCARD) / "rejected.json").write_text(text)
            return 0, ""
        return start(self, rest)

    monkeypatch.setattr(Phone, "_am", busy)
    if times == 1:
        assert lab.measure([model("a")])["models"][0]["status"] == "ok"
    else:
        with pytest.raises(BenchmarkError, match="the app is busy with another job"):
            lab.measure([model("a")])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"samples_ns": []}, "no times"),
        ({"samples_ns": [5, -1]}, "no times"),
        ({"samples_ns": "fast"}, "no times"),
        ({"samples_ns": [1, 2.5]}, "no times"),
    ],
    ids=["empty", "negative", "text", "float"],
)
def test_times_of_a_device_are_looked_at(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        appresult.times({}, answer, 0)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_json_of_a_device_is_looked_at(content: bytes) -> None:
    with pytest.raises(BenchmarkError, match="the app's result.json"):
        appresult.read_json(content, "result.json")


def test_clusters_come_from_the_devices_clocks() -> None:
    listing = "\n".join(
        f"/sys/devices/system/cpu/cpu{n}/cpufreq/cpuinfo_max_freq {(18, 28)[n // 4]}"
        for n in range(8)
    )
    assert appresult.cluster("little", listing) == [0, 1, 2, 3]
    assert appresult.cluster("big", listing) == [4, 5, 6, 7]
    assert appresult.mask([4, 5, 6, 7]) == "f0"
    with pytest.raises(BenchmarkError, match="do not differ"):
        appresult.cluster("big", "cat: permission denied")


# --- TFLite's benchmark_model ---------------------------------------------------------------

TIMINGS = (
    "Inference timings in us: Init: 3241, First inference: 2000, "
    "Warmup (avg): 1100.5, Inference (avg): 905.5"
)
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
NEW = f"""INFO: STARTING!
INFO: count=10 first=2000 curr=1000 min=990 max=2100 avg=1100 std=30 p5=1 median=1001 p95=2
INFO: count=128 first=900 curr=910 min=880 max=1200 avg=9.055e+02 std=20 p5=881 median=901 p95=1100
INFO: {TIMINGS}
"""


def test_output_of_benchmark_model_is_parsed() -> None:
    old, new = benchmark_model.parse(OLD), benchmark_model.parse(NEW)
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
        benchmark_model.parse(text)


def test_rounds_are_pooled() -> None:
    first = benchmark_model.parse(OLD)
    told = benchmark_model.pooled([first, first, first])
    assert told["n"] == 384 and told["mean_us"] == 905.5 and told["std_us"] == 20
    assert told["samples_us"] == [905.5] * 3 and told["p99_us"] is None


@pytest.fixture
def tool(tmp_path: pathlib.Path) -> pathlib.Path:
    """A binary that prints what benchmark_model prints, and fails without its model or delegate."""
    path = tmp_path / "benchmark_model"
    path.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "given = dict(word[2:].split('=', 1) for word in sys.argv[1:])\n"
        "for name in ('graph', 'external_delegate_path'):\n"
        "    if name in given and not os.path.isfile(given[name]): sys.exit('ERROR: no ' + name)\n"
        "if b'Lce' in open(given['graph'], 'rb').read(): sys.exit('ERROR: unresolved custom op')\n"
        f"print('''{NEW}''')\nprint('# asked for', given['num_runs'], given['num_threads'])\n"
    )
    path.chmod(0o755)
    return path


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
