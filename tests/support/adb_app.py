"""A stand-in for the demo app: it speaks docs/adb-protocol.md and runs jobs with LiteRT."""

from __future__ import annotations

import hashlib
import json
import socket
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from android_files import APP
from xncaps_benchmark.targets.wire import PROTOCOL, Frame, Wire, WireError

if TYPE_CHECKING:
    from adb_server import Phone

FACTS = {
    "battery_percent": 80,
    "battery_celsius": 31.5,
    "charging": True,
    "thermal": "none",
    "thermal_headroom": 0.4,
    "battery_microamperes": -350_000,
    "cpus": [{"id": 0, "khz": 1_800_000, "max_khz": 2_000_000, "governor": "schedutil"}],
    "temperatures": {"cpu-0": 40.5},
}
DEVICE = {
    "manufacturer": "Maker",
    "model": "Phone 1",
    "hardware": "hw",
    "soc": "SoC 9",
    "android": "14",
    "sdk": 34,
    "fingerprint": "maker/phone/1",
    "abis": ["arm64-v8a"],
    "cores": 8,
}
PARTIAL_AFTER = 20  # turns; the app itself goes by 5 s


class Killed(Exception):
    """The app or the phone is gone."""


class App:
    """One start of the screen."""

    def __init__(self, phone: Phone, extras: dict[str, str]) -> None:
        self.phone, self.extras = phone, extras
        self.private = f"/data/data/{phone.app_id}/files/measure/host"
        phone.storage.remove(APP, self.private)  # of a run whose app was killed

    # -- over the socket --------------------------------------------------------------------

    def serve(self, end: socket.socket) -> None:
        """What the app does with a host."""
        wire = Wire(end, "host")
        try:
            wire.send_json(b"HELO", {"protocol": self.phone.protocol, "app": {"id": "x"}})
            said = wire.receive()
            if said.kind != b"HELO" or said.json() != {"protocol": PROTOCOL}:
                wire.send(b"FAIL", b"protocol: expected version 2")
                return
            self.phone.storage.make_folder(APP, self.private, 0o700, parents=True)
            while self._take(wire, wire.receive(None)):
                pass
        except (WireError, Killed):
            pass  # the host went away, or this app did
        finally:
            if self.phone.alive:  # one that is killed deletes nothing
                self.phone.storage.remove(APP, self.private)
            wire.close()

    def _take(self, wire: Wire, frame: Frame) -> bool:
        """Whether the host is served on."""
        if frame.kind == b"END ":
            self.phone.storage.remove(APP, self.private)
            wire.send(b"OKAY", b"")
            return False
        if frame.kind == b"PUT ":
            return self._put(wire, frame)
        if self.phone.refuse:
            wire.send(b"FAIL", self.phone.refuse.encode())
            return False
        folder = self.private
        Run(self.phone, frame.json(), lambda n: f"{folder}/{n}", wire).carry_out()
        return True

    def _put(self, wire: Wire, frame: Frame) -> bool:
        phone = self.phone
        phone.count_push()
        if phone.full:
            wire.send(b"FAIL", b"storage: expected more bytes, got 0")
            return False
        phone.storage.write(APP, f"{self.private}/{frame.name}", frame.content)
        wire.send(b"OKAY", b"", frame.name)
        return True

    # -- by files ---------------------------------------------------------------------------

    def from_folder(self, end: Any) -> None:
        """Carries out the job of a folder of the shell; frames go to `end`."""
        wire, folder = Wire(end, "host"), self.extras["folder"]
        try:
            order = self.phone.storage.read(APP, f"{folder}/{self.extras['job']}")
            run = Run(self.phone, json.loads(order), lambda name: f"{folder}/{name}", wire)
            run.carry_out()
        except PermissionError as error:
            wire.send(b"FAIL", str(error).encode())
        except (WireError, Killed):
            pass
        finally:
            end.close()


class Run:
    """What BenchmarkRunner does with a job."""

    def __init__(
        self, phone: Phone, job: dict[str, Any], place: Callable[[str], str], wire: Wire
    ) -> None:
        self.phone, self.job, self.wire = phone, job, wire
        self.read = lambda name: phone.storage.read(APP, place(name))
        phone.jobs.append(job)
        self.done = 0

    def carry_out(self) -> None:
        self._status("loading", "")
        models = [_Model(self, entry) for entry in self.job["models"]]
        for model in models:
            if self.job.get("outputs") and not model.error:
                self._status("checking", model.entry["name"])
                self.wire.send(b"OUTP", model.outputs(), model.entry["name"])
        start = time.perf_counter_ns()
        for index, runs in self.job.get("turns", []):
            self.done += 1
            if index < 0:
                self._partial(models)
                self._status("cooling", "")
                time.sleep(runs / 1000)
            elif models[index].wants_more():
                models[index].turn(runs, start)
            if self.done % PARTIAL_AFTER == 0:
                self._partial(models)
            self._status("measuring", "")
            self.phone.on_run(self.phone, "measuring", self.done)
            self._stay()
        if self.job.get("turns"):
            self._partial(models)
        self._result(models)

    def _stay(self) -> None:
        if not self.phone.alive or self.phone.state != "device":
            raise Killed

    def _status(self, state: str, model: str) -> None:
        status = {"state": state, "done": self.done, "total": len(self.job.get("turns", []))}
        if state == "measuring":
            status["clocks"] = self.phone.clocks_at(self.done)
        self.wire.send_json(b"STAT", {**status, "model": model})

    def _partial(self, models: list[_Model]) -> None:
        self.wire.send_json(b"PART", {"turns": [model.take_turns() for model in models]})

    def _result(self, models: list[_Model]) -> None:
        phone = self.phone
        self.wire.send_json(
            b"RSLT",
            {
                "state": "done",
                "error": None,
                "app": {"id": phone.app_id, "version": "0.1.0"},
                "device": DEVICE,
                "runtime": {"tflite": "2.16.1", "delegate": phone.delegate},
                "start": phone.facts or FACTS,
                "end": phone.end_facts or phone.facts or FACTS,
                "models": [model.result() for model in models],
            },
        )


class _Model:
    def __init__(self, run: Run, entry: dict[str, str]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.phone, self.entry, self.job, self.read = run.phone, entry, run.job, run.read
        self.turns: list[Any] = []
        self.spent = self.trial = 0
        self.error: str | None = None
        content = run.read(entry["file"])
        self.sha = hashlib.sha256(content).hexdigest()
        try:
            self.interpreter = Interpreter(model_content=content, num_threads=1)
            self.interpreter.allocate_tensors()
            self.trial = int(statistics.median(self._run() for _ in range(5)))
        except (ValueError, RuntimeError) as error:
            self.error = str(error)

    def outputs(self) -> bytes:
        if "inputs" not in self.entry:
            return b""
        (given,) = self.interpreter.get_input_details()
        (gives,) = self.interpreter.get_output_details()
        rows = np.frombuffer(self.read(self.entry["inputs"]), given["dtype"])
        outputs = []
        for row in rows.reshape(-1, *given["shape"]):
            self.interpreter.set_tensor(given["index"], row)
            self.interpreter.invoke()
            outputs.append(self.interpreter.get_tensor(gives["index"]))
        return b"".join(output.tobytes() for output in outputs)

    def wants_more(self) -> bool:
        return not self.error and self.spent < self.job["seconds"] * 1e9

    def turn(self, runs: int, start: int) -> None:
        for _ in range(self.job["settle_runs"]):
            self.interpreter.invoke()
        began = time.perf_counter_ns() - start
        times = [self._run() for _ in range(runs)]
        self.spent += sum(times)
        self.turns.append([began, times, [max(each - 100, 1) for each in times]])

    def _run(self) -> int:
        start = time.perf_counter_ns()
        self.interpreter.invoke()
        spent = time.perf_counter_ns() - start
        return int(spent if self.phone.slowness == 1 else 1e5 * self.phone.slowness)

    def take_turns(self) -> list[Any]:
        taken, self.turns = self.turns, []
        return taken

    def result(self) -> dict[str, Any]:
        return {
            "name": self.entry["name"],
            "error": self.error,
            "sha256": self.sha,
            "load_ns": 5_000_000,
            "first_run_ns": 90_000,
            "run_ns": self.trial,
            "pss_kb_added": 700,
            "delegate_nodes": 1 if self.phone.delegate else 0,
            "runtime": "TensorFlow Lite 2.16.1"
            + (f" + {self.phone.delegate}" if self.phone.delegate else ""),
        }
