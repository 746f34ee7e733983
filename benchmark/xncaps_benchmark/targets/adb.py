"""A phone by adb: the demo app carries out a job (docs/adb-protocol.md), or TFLite's own
benchmark_model does.

The app is given two jobs: the first computes outputs alone, which are compared with the host's;
only files that passed are in the second, which takes the times of the turns that were planned here.
Whatever happens, the job's files are deleted and the app is stopped.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_benchmark import checking, clocks, images, plan, turns
from xncaps_benchmark.errors import BenchmarkError, ModelError, TargetError
from xncaps_benchmark.json_values import Object
from xncaps_benchmark.result_types import Parts, Result
from xncaps_benchmark.targets import appresult, channel, remote
from xncaps_benchmark.targets.benchmark_model import ToolRun
from xncaps_benchmark.targets.local import Progress
from xncaps_benchmark.targets.phone import Phone, Settings
from xncaps_benchmark.targets.phonerun import PhoneRun
from xncaps_benchmark.targets.wire import SILENCE_SECONDS, Frame
from xncaps_files import expected, tflite

_WARM_UP_RUNS = 16
# A phone in the heat may take so much longer for a turn than it was planned for.
_SLOWER = 10.0
# A model may take so long to load and to give its stored outputs.
_LOAD_SECONDS = 300.0


def measure(jobs: list[plan.Job], serial: str, options: plan.Options, progress: Progress) -> Result:
    """Measures on the device.

    Raises:
        TargetError: no device, not ready, app missing, storage full: one line that says which.
    """
    settings = Settings.of(options.adb)
    phone = Phone(serial, settings)
    kind = AppRun if settings.benchmark_model is None else ToolRun
    return kind(jobs, phone, settings, options, progress).run()


class AppRun(PhoneRun):
    """One measurement by the app."""

    def __init__(self, jobs: list[plan.Job], phone: Phone, settings: Settings, *more: Any) -> None:
        super().__init__(jobs, phone, settings, *more)
        self._inputs: dict[str, list[NDArray[Any]]] = {}
        self._expected: dict[str, expected.Expected] = {}
        self._images: images.Images | None = None
        self._here: dict[str, list[int]] = {}
        self._cpus: list[int] = []
        self._channel: channel.Channel | None = None
        self._how = ""
        self._clocks: list[clocks.Sample] = []
        self._answer: Object = {}
        self._rounds = 0
        self._run_us: dict[str, float] = {}

    def prepare(self) -> None:
        self._here = remote.predictions(self.good(), self.options)
        if self.options.accuracy is not None:
            self._images = images.read(pathlib.Path(self.options.accuracy))
        app = self.settings.app
        if not self.phone.shell("pm", "path", app, check=False).startswith("package:"):
            raise TargetError(
                f"{self.phone.serial}: the app {app} is not installed: xncaps android install"
            )
        self._cpus = appresult.affinity(self.options, self.phone)
        self.phone.shell("input", "keyevent", "KEYCODE_WAKEUP", check=False)

    def take(self) -> None:
        size = sum(job.path.stat().st_size for job in self.good())
        self.make_room("/data", size)
        opened = channel.open_channel(self.phone, self.settings.app)
        self._channel, self._how = opened, opened.how
        self._put(opened)
        checked = self.good()
        self._check(opened, checked)
        self._time(opened, [job for job in checked if not job.failed])

    def finish(self, job: plan.Job) -> None:
        if job.record["latency"] is None:
            job.fail("the run ended before it was timed")
        elif job.host_error:
            text = f"{job.record['name']}: not compared with this host: {job.host_error}"
            self.notes.append(text[:500])

    def parts(self) -> Parts:
        parts = appresult.parts(self._answer, self.options, self.told, self.states, self._cpus)
        parts["method"].update(
            {"rounds": self._rounds, "warm_up_runs": _WARM_UP_RUNS, "channel": self._how}
        )
        if (during := clocks.told(self._clocks)) is not None:
            parts["state"]["clocks"] = during
        return parts

    def clean(self) -> None:
        """The app deletes its files when the host leaves; one that was killed at its start."""
        app, deleted = self.settings.app, False
        try:
            if self._channel is not None:
                with contextlib.suppress(TargetError):  # killed, hung or gone: what is left follows
                    self._channel.close()
                    deleted = True
                if not deleted:
                    self.phone.shell("am", "force-stop", app, check=False)
                    channel.start(self.phone, app)
                    if self._channel.folder:
                        self.phone.shell("rm", "-rf", self._channel.folder)
        finally:
            self.phone.shell("am", "force-stop", app, check=False)

    def leaves(self) -> str:
        return self._channel.folder if self._channel is not None else ""

    # -- what goes there --------------------------------------------------------------------

    def _put(self, opened: channel.Channel) -> None:
        """Files and their inputs, as bytes of the input tensor one after the other."""
        for index, job in enumerate(self.good()):
            self.progress(f"pushing {job.record['name']}", 0.1 * index / len(self.jobs))
            try:
                rows = self._rows(job)
            except (ModelError, ValueError) as error:
                job.fail(str(error))
                continue
            name = self.name(job)
            opened.put(name, job.path.read_bytes())
            if rows:
                opened.put(f"{name}.inputs.bin", b"".join(row.tobytes() for row in rows))

    def _rows(self, job: plan.Job) -> list[NDArray[Any]]:
        """Stored inputs, then the images of --accuracy, as the model's input tensor takes them."""
        data = tflite.load(job.path)
        inputs, outputs = tflite.read_io(data, job.path.name)
        if len(inputs) != 1 or len(outputs) != 1 or not inputs[0].shape or inputs[0].shape[0] != 1:
            raise ModelError(f"{job.path.name}: the app takes one input of batch 1 and one output")
        arrays: list[NDArray[Any]] = []
        if job.expected is not None:
            stored = expected.read(job.expected)
            self._expected[job.record["name"]] = stored
            arrays.append(stored.inputs)
        if self._images is not None:
            arrays.append(self._images.inputs)
        for array in arrays:
            if array.shape[1:] != inputs[0].shape[1:]:
                shapes = f"{list(array.shape)} do not fit the model's {list(inputs[0].shape)}"
                raise ModelError(f"{job.path.name}: inputs {shapes}")
        rows = [checking.stored_type(row[None], inputs[0]) for array in arrays for row in array]
        self._inputs[job.record["name"]] = rows
        return rows

    # -- jobs -------------------------------------------------------------------------------

    def _order(self, jobs: list[plan.Job], **more: Any) -> dict[str, object]:
        """What both jobs have in common."""
        needs = any(job.record.get("custom_ops") for job in jobs)
        delegate = needs if self.settings.delegate is None else self.settings.delegate
        order: dict[str, object] = {
            "models": [self._entry(job) for job in jobs],
            "threads": self.options.threads,
            "delegate": delegate,
            "seconds": self.options.seconds,
            **more,
        }
        return {**order, "cpus": self._cpus} if self._cpus else order

    def _entry(self, job: plan.Job) -> dict[str, str]:
        name = self.name(job)
        entry = {"name": name, "file": name}
        if self._inputs.get(job.record["name"]):
            entry["inputs"] = f"{name}.inputs.bin"
        return entry

    def _check(self, opened: channel.Channel, jobs: list[plan.Job]) -> None:
        """The first job: outputs against the stored ones, predictions against this host's."""
        outputs: dict[str, bytes] = {}
        for frame in opened.job(self._order(jobs, outputs=True), _LOAD_SECONDS):
            if frame.kind == b"OUTP":
                outputs[frame.name] = frame.content
            elif frame.kind == b"STAT":
                self.progress(f"check: {str(frame.json().get('model'))[:60]}", 0.2)
            elif frame.kind == b"RSLT":
                self._take_result(frame)
        for job, entry in self._each(self._answer, jobs):
            appresult.describe(job.record, entry, self._answer)
            self._run_us[job.record["name"]] = appresult.run_us(entry)
            rows = self._inputs.get(job.record["name"], [])
            if not rows:
                reason = "no stored outputs beside the file"
                job.record["verification"] = checking.not_verified(reason)
                continue
            try:
                self._judge(job, self._outputs(job, len(rows), outputs.get(self.name(job))))
            except BenchmarkError as error:
                job.fail(str(error))

    def _time(self, opened: channel.Channel, jobs: list[plan.Job]) -> None:
        """The second job: turns as they are planned here; what came until its end is kept."""
        if not jobs:
            return
        each = [self._run_us[job.record["name"]] for job in jobs]
        planned = turns.schedule(self.options, each)
        self._rounds = len(planned.rounds)
        order = self._order(
            jobs,
            warm_up_runs=_WARM_UP_RUNS,
            warm_up_seconds=self.options.warm_up,
            settle_runs=plan.SETTLE_RUNS,
            turns=with_rests(planned, each, self.options),
        )
        longest = max(turn.runs * each[turn.index] / 1e6 for turn in planned)
        silence = SILENCE_SECONDS + self.options.warm_up + _SLOWER * longest
        found: dict[int, list[Any]] = {}
        with self.timed():
            try:
                for frame in opened.job(order, silence):
                    self._follow(frame, found)
            except TargetError as error:
                self._lost(error, found)
            except KeyboardInterrupt:
                self.complete = False
                self.notes.append("interrupted: the times until then")
        self._take_times(jobs, found)

    def _follow(self, frame: Frame, found: dict[int, list[Any]]) -> None:
        """One message of the second job."""
        if frame.kind == b"PART":
            appresult.take_turns(found, frame.json())
        elif frame.kind == b"RSLT":
            self._take_result(frame)
        elif frame.kind == b"STAT":
            status = frame.json()
            done, total = status.get("done"), status.get("total")
            if type(done) is int and type(total) is int and total > 0:
                share = 0.3 + 0.7 * min(max(done / total, 0.0), 1.0)
                self.progress(f"time: {str(status.get('state'))[:20]}", share)
            if (sample := appresult.clock_sample(status)) is not None:
                self._clocks.append(sample)

    def _take_result(self, frame: Frame) -> None:
        self._answer = frame.json()
        if self._answer.get("state") != "done":
            self.complete = False
            if error := self._answer.get("error"):
                self.notes.append(f"the app: {str(error)[:300]}")

    def _lost(self, error: TargetError, found: dict[int, list[Any]]) -> None:
        """The app or the device went away: what was sent until then, if that has times.

        Raises:
            TargetError: it has none.
        """
        try:
            alive = self.phone.shell("pidof", self.settings.app, check=False).strip()
            how = "hung or ended the job" if alive else "was killed half-way"
            error = TargetError(f"the app {how}: {error}")
        except TargetError as gone:
            error = gone
        if not any(found.values()):
            raise error
        self.lost(error)

    # -- what came back ---------------------------------------------------------------------

    def _each(self, answer: Object, jobs: list[plan.Job]) -> Iterator[tuple[plan.Job, Object]]:
        found = {str(entry.get("name")): entry for entry in appresult.models(answer)}
        for job in jobs:
            entry = found.get(self.name(job))
            if job.failed:
                continue
            if entry is None:
                job.fail("the app did not come to it")
            elif entry.get("error"):
                job.fail(str(entry["error"]))
            elif str(entry.get("sha256", "")) != job.record["sha256"]:
                job.fail("the app ran another file than was pushed")
            else:
                yield job, entry

    def _outputs(self, job: plan.Job, count: int, content: bytes | None) -> NDArray[Any]:
        _, (spec,) = tflite.read_io(tflite.load(job.path), job.path.name)
        width = int(np.prod(spec.shape[1:]))
        size = count * width * np.dtype(spec.dtype).itemsize
        if content is None or len(content) != size:
            found = "none" if content is None else f"{len(content)} bytes"
            raise TargetError(f"expected {size} bytes of outputs. Received: {found}.")
        raw = np.frombuffer(content, np.dtype(spec.dtype)).reshape(count, *spec.shape[1:])
        return checking.real(raw, spec)

    def _judge(self, job: plan.Job, outputs: NDArray[Any]) -> None:
        record = job.record
        stored = self._expected.get(record["name"])
        own = len(stored.inputs) if stored is not None else 0
        if not np.isfinite(outputs).all():
            record["verification"] = checking.failed("the outputs hold NaN or infinity")
        elif stored is None:
            record["verification"] = checking.not_verified("no stored outputs beside the file")
        else:
            record["verification"] = checking.compare(outputs[:own], stored)
            names, source = stored.class_names, stored.source
            record["accuracy"] = checking.score(outputs[:own], stored.labels, names, source)
            record["samples"] = checking.sample_pictures(outputs[:own], stored)
        if record["verification"]["status"] == "failed":
            job.fail(f"wrong outputs: {record['verification']['reason']}")
        elif self._images is not None:
            source = self.options.images_name
            names = stored.class_names if stored is not None else self._images.class_names
            scores = outputs[own:].reshape(len(outputs) - own, -1)
            record["accuracy"] = checking.score(scores, self._images.labels, names, source)
            if record["name"] in self._here:
                found = scores.argmax(axis=1).tolist()
                record["agreement"] = remote.agreement(self._here[record["name"]], found, source)

    def _take_times(self, jobs: list[plan.Job], found: dict[int, list[Any]]) -> None:
        first = appresult.first_start(found)
        failed = {
            str(entry.get("name")): str(entry["error"])
            for entry in appresult.models(self._answer)
            if entry.get("error")
        }
        for index, job in enumerate(jobs):
            try:
                if error := failed.get(self.name(job)):
                    raise BenchmarkError(error)
                appresult.times(job.record, found.get(index, []), first, self.options.seed)
            except BenchmarkError as error:
                job.fail(str(error))


def with_rests(
    planned: turns.Schedule, run_us: list[float], options: plan.Options
) -> list[list[int]]:
    """The turns as a job has them, [model, runs], with a rest [-1, ms] after each 10 s of work."""
    told: list[list[int]] = []
    worked = 0.0
    for turn in planned:
        if options.rest and worked > plan.COOLDOWN_EVERY_SECONDS:
            told.append([-1, max(round(options.rest * 1000), 1)])
            worked = 0.0
        told.append([turn.index, turn.runs])
        worked += (turn.runs + plan.SETTLE_RUNS) * run_us[turn.index] / 1e6
    return told
