"""docs/adb-protocol.md from both sides: this package's host against the app's own Java.

The Java is what the app runs (android_demo/core), on loopback instead of a local socket, with
models that give back their inputs (Loopback in its tests).
"""

from __future__ import annotations

import pathlib
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest

from xncaps_benchmark.errors import TargetError
from xncaps_benchmark.targets import appresult, channel
from xncaps_benchmark.targets.wire import LONGEST, Wire

ORDER = {
    "models": [{"name": "m.tflite", "file": "m.tflite", "inputs": "m.tflite.inputs.bin"}],
    "threads": 1,
    "delegate": False,
    "seconds": 5.0,
}


@pytest.fixture(scope="session")
def classes(root: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The app's protocol, compiled."""
    compiler = shutil.which("javac")
    assert compiler, (
        "a JDK is needed (make test installs it): apt-get install openjdk-17-jdk-headless"
    )
    core, out = root / "android_demo/core/src", tmp_path_factory.mktemp("classes")
    main = core / "main/java/org/xncaps/core"
    files = [*(main / "measure").glob("*.java"), main / "Json.java", main / "JsonParser.java"]
    files.append(core / "test/java/org/xncaps/core/measure/Loopback.java")
    subprocess.run([compiler, "--release", "8", "-Xlint:-options", "-d", out, *files], check=True)
    return out


class Peer:
    """The app's side, in a process of its own."""

    def __init__(self, classes: pathlib.Path, root: pathlib.Path, silence: int) -> None:
        words = ["java", "-cp", str(classes), "org.xncaps.core.measure.Loopback"]
        self.root = root
        self.process = subprocess.Popen(
            [*words, str(root), str(silence)], stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def connect(self) -> Wire:
        return Wire(socket.create_connection(("127.0.0.1", self.port)), "app")

    def channel(self) -> channel.SocketChannel:
        made = channel.SocketChannel.__new__(channel.SocketChannel)
        made._who, made._wire = "app", self.connect()
        made._greet()
        return made

    def ended(self) -> str:
        """Why the app ended its waiting."""
        line = self._line()
        self.process.wait(20)
        return line

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def peer(classes: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Callable[..., Peer]]:
    made = []

    def make(silence: int = 20_000) -> Peer:
        made.append(Peer(classes, tmp_path / "app", silence))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_host_and_the_app_speak_the_same_protocol(peer: Callable[..., Peer]) -> None:
    app = peer()
    opened = app.channel()
    content = bytes(range(256)) * 12_000  # 3 MB, more than any buffer between
    opened.put("m.tflite", content)
    opened.put("m.tflite.inputs.bin", b"\x00\x01\x02")
    assert (app.root / "host/m.tflite").read_bytes() == content

    frames = list(opened.job({**ORDER, "outputs": True}, 20))
    assert [frame.kind for frame in frames] == [b"STAT", b"OUTP", b"PART", b"RSLT"]
    assert (frames[1].name, frames[1].content) == ("m.tflite", b"\x00\x01\x02")
    assert frames[-1].json()["models"] == [
        {"name": "m.tflite", "error": None, "bytes": len(content)}
    ]

    turns = [[0, 16], [-1, 1], [0, 4]]
    frames = list(opened.job({**ORDER, "turns": turns, "settle_runs": 2, "cpus": [0]}, 20))
    found: dict[int, list[object]] = {}
    appresult.take_turns(found, next(f for f in frames if f.kind == b"PART").json())
    record: dict[str, object] = {}
    appresult.times(record, found[0], appresult.first_start(found), 0)
    latency = record["latency"]
    assert isinstance(latency, dict) and latency["turns"] == [16, 4] and latency["min_us"] == 1.0
    assert record["runtime_us"] == 1.006  # the median of 1,000 to 1,015 and 1,000 to 1,003 ns

    opened.close()
    assert app.ended() == "ended: null" and list(app.root.iterdir()) == []


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"models": []}, "models: expected a list of 1 to 64"),
        ({**ORDER, "turns": [[7, 1]]}, r"turns: expected \[model, runs\]"),
        ({**ORDER, "version": 1}, r"expected known fields, got \[version\]"),
    ],
    ids=["no models", "no such model", "a field of before"],
)
def test_the_apps_refusals_are_the_hosts_errors(
    peer: Callable[..., Peer], order: dict[str, object], said: str
) -> None:
    opened = peer().channel()
    with pytest.raises(TargetError, match=f"app refused: {said}"):
        list(opened.job(order, 20))


def test_a_second_host_and_a_silent_one_are_told(peer: Callable[..., Peer]) -> None:
    app = peer(1_000)
    first = app.connect()
    assert first.receive(20).kind == b"HELO"
    busy = app.connect().receive(20)
    assert (busy.kind, busy.content) == (b"FAIL", b"busy: another host measures")
    silent = first.receive(20)
    assert silent.kind == b"FAIL" and silent.content.startswith(b"silence: ")
    assert app.ended().startswith("ended: silence: ")


def test_the_lengths_of_both_sides_are_equal(root: pathlib.Path) -> None:
    source = (
        root / "android_demo/core/src/main/java/org/xncaps/core/measure/Frame.java"
    ).read_text()
    for kind, longest in LONGEST.items():
        size = {0: "0"}.get(longest) or next(
            f"{longest >> bits} << {bits}" for bits in (20, 10) if longest % (1 << bits) == 0
        )
        assert f'("{kind.decode()}", {size})' in source, kind
