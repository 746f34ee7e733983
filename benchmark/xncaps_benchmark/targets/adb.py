"""A phone by adb: the demo app's benchmark screen carries out a job (docs/android.md), or TFLite's
own benchmark_model does.

The app is given two jobs: the first computes outputs alone, which are compared with the host's;
only files that passed are in the second, which takes the times. Whatever happens, the job's folder
is removed from the device and the app is stopped.
"""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from xncaps_benchmark import checking, images, plan
from xncaps_benchmark.errors import BenchmarkError, ModelError, TargetError
from xncaps_benchmark.targets import appresult, host
from xncaps_benchmark.targets.benchmark_model import ToolRun
from xncaps_benchmark.targets.local import Progress
from xncaps_benchmark.targets.phone import Phone, Settings
from xncaps_benchmark.targets.phonerun import PhoneRun
from xncaps_files import expected, tflite

_START_SECONDS = 20.0
_POLL_SECONDS = 0.5
_PARTIAL_SECONDS = 5.0  # the app writes one so often
# A job may be silent for so long (a slow model loads, warms up) before it counts as hung.
_SILENT_SECONDS = 300.0
_WARM_UP_RUNS = 16
_ATTEMPTS = 3


def measure(
    jobs: list[plan.Job], serial: str, options: plan.Options, progress: Progress
) -> dict[str, Any]:
    """Measures on the device.

    Raises:
        TargetError: no device, not ready, app missing, storage full: one line that says which.
    """
    settings = Settings.of(options.adb)
    phone = Phone(serial, settings)
    kind = AppRun if settings.benchmark_model is None else ToolRun
    return kind(jobs, phone, settings, options, progress).run()


class _Busy(Exception):
    """The app still has a job."""


class AppRun(PhoneRun):
    """One measurement by the app."""

    def __init__(self, jobs: list[plan.Job], phone: Phone, settings: Settings, *more: Any) -> None:
        self.root = f"/sdcard/Android/data/{settings.app}/files/bench"
        super().__init__(jobs, phone, settings, *more)
        self._inputs: dict[str, list[np.ndarray]] = {}
        self._expected: dict[str, expected.Expected] = {}
        self._images: images.Images | None = None
        self._here: dict[str, list[int]] = {}
        self._partial = b""
        self._answer: dict[str, Any] = {}

    def prepare(self) -> None:
        self._here = host.predictions(self.good(), self.options)
        if self.options.accuracy is not None:
            self._images = images.read(pathlib.Path(self.options.accuracy))
        try:
            self._check_app()
        except TargetError:
            with contextlib.suppress(TargetError):  # gone: nothing can be stopped
                self.phone.shell("am", "force-stop", self.settings.app, check=False)
            raise

    def take(self) -> None:
        self._push()
        self._answer = self._job("check", self.good(), runs=0, share=(0.1, 0.3))
        self._check(self._answer)
        if self.good():
            with self.timed():
                runs = self.options.runs
                self._answer = self._job("time", self.good(), runs=runs, share=(0.3, 1.0))
                self._take_times(self._answer)

    def finish(self, job: plan.Job) -> None:
        if job.record["latency"] is None:
            job.fail("the run ended before it was timed")
        elif host_error := job.record.pop("_host_error", None):
            text = f"{job.record['name']}: not compared with this host: {host_error}"
            self.notes.append(text[:500])

    def parts(self) -> dict[str, Any]:
        for job in self.jobs:
            job.record.pop("_host_error", None)
        return appresult.parts(self._answer, self.options, self.told, self.states)

    def clean(self) -> None:
        self.phone.shell("am", "force-stop", self.settings.app, check=False)
        self.phone.shell("rm", "-rf", self.folder, f"{self.root}/rejected.json")

    # -- the device -------------------------------------------------------------------------

    def _check_app(self) -> None:
        """The app is there, and has made its folder."""
        app = self.settings.app
        if not self.phone.shell("pm", "path", app, check=False).startswith("package:"):
            raise TargetError(
                f"{self.phone.serial}: the app {app} is not installed: xncaps android install"
            )
        self.phone.shell("input", "keyevent", "KEYCODE_WAKEUP", check=False)
        self._start()
        end = time.monotonic() + _START_SECONDS
        while self.phone.script(f"test -d {self.root} && echo yes", check=False).strip() != "yes":
            if time.monotonic() > end:
                raise TargetError(f"{self.phone.serial}: {app} did not start its benchmark screen")
            time.sleep(_POLL_SECONDS)

    def _start(self, *extras: str) -> None:
        app = self.settings.app
        text = self.phone.shell("am", "start", "-n", f"{app}/.measure.BenchmarkActivity", *extras)
        for line in text.splitlines():
            if line.startswith(("Error", "java.lang.")) or "Exception" in line:
                raise TargetError(f"{self.phone.serial}: {line.strip()[:300]}")

    def _push(self) -> None:
        """Files and their inputs, as bytes of the input tensor one after the other."""
        self.make_folder(sum(job.path.stat().st_size for job in self.good()))
        for index, job in enumerate(self.good()):
            self.progress(f"pushing {job.record['name']}", 0.1 * index / len(self.jobs))
            try:
                rows = self._rows(job)
            except (ModelError, ValueError) as error:
                job.fail(str(error))
                continue
            name = self.name(job)
            self.phone.push(job.path.read_bytes(), f"{self.folder}/{name}")
            if rows:
                content = b"".join(row.tobytes() for row in rows)
                self.phone.push(content, f"{self.folder}/{name}.inputs.bin")

    def _rows(self, job: plan.Job) -> list[np.ndarray]:
        """Stored inputs, then the images of --accuracy, as the model's input tensor takes them."""
        data = tflite.load(job.path)
        inputs, outputs = tflite.read_io(data, job.path.name)
        if len(inputs) != 1 or len(outputs) != 1 or not inputs[0].shape or inputs[0].shape[0] != 1:
            raise ModelError(f"{job.path.name}: the app takes one input of batch 1 and one output")
        arrays = []
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

    def _job(
        self, what: str, jobs: list[plan.Job], *, runs: int, share: tuple[float, float]
    ) -> dict[str, Any]:
        """Lets the app carry out a job; its result, marked where it is not whole."""
        options, needs = self.options, any(job.record["custom_ops"] for job in jobs)
        delegate = needs if self.settings.delegate is None else self.settings.delegate
        order = {
            "version": 1,
            "id": self.id,
            "models": [self._entry(job, with_inputs=True) for job in jobs],
            "threads": options.threads,
            "delegate": delegate,
            "warmup": _WARM_UP_RUNS if runs else 0,
            "warmup_seconds": options.warm_up if runs else 0.0,
            "runs": runs,
            "seconds": options.seconds,
            "cooldown": options.rest if runs else 0.0,
            "seed": options.seed,
        }
        if cpus := appresult.affinity(options, self.phone):
            order["cpus"] = cpus
        text = json.dumps(order, separators=(",", ":"))
        encoded = base64.urlsafe_b64encode(text.encode()).decode()
        for attempt in range(_ATTEMPTS):
            try:
                return self._order(encoded, what, share)
            except _Busy:  # the job before has written its result, its thread has not ended yet
                time.sleep(1 + attempt)
        raise TargetError(f"{self.phone.serial}: the app is busy with another job")

    def _order(self, encoded: str, what: str, share: tuple[float, float]) -> dict[str, Any]:
        """Starts a job and waits for its end."""
        for name in ("status.json", "result.json"):
            self.phone.shell("rm", "-f", f"{self.folder}/{name}", f"{self.root}/rejected.json")
        self._start("--es", "job_base64", encoded)
        return self._wait(what, share)

    def _entry(self, job: plan.Job, *, with_inputs: bool) -> dict[str, str]:
        name = self.name(job)
        entry = {"name": name, "file": name}
        if with_inputs and self._inputs.get(job.record["name"]):
            entry["inputs"] = f"{name}.inputs.bin"
        return entry

    def _wait(self, what: str, share: tuple[float, float]) -> dict[str, Any]:
        """The job's result; where the device goes away meanwhile, the last one fetched."""
        self._partial = b""
        try:
            return self._follow(what, share)
        except TargetError as error:
            return self._lost(error)
        except KeyboardInterrupt:
            if what == "check":
                raise
            self.complete = False
            self.notes.append("interrupted: the times until then")
            content = self.phone.read(f"{self.folder}/result.json") or self._partial
            return appresult.read_json(content, "result.json") if content else {}

    def _follow(self, what: str, share: tuple[float, float]) -> dict[str, Any]:
        """Follows the app's status until the job's end.

        Raises:
            TargetError: the app refused the job, was killed or hangs, and left no times.
        """
        changed, last = time.monotonic(), b""
        kept = changed
        while True:
            time.sleep(_POLL_SECONDS)
            text = self.phone.read(f"{self.folder}/status.json") or b""
            if time.monotonic() - kept > _PARTIAL_SECONDS:
                kept = time.monotonic()
                self._partial = self.phone.read(f"{self.folder}/result.json") or b""
            if text != last:
                changed, last = time.monotonic(), text
            status = appresult.read_json(text, "status.json") if text else {}
            state = str(status.get("state", ""))
            self._tell(what, status, share)
            if state in ("done", "failed", "cancelled"):
                return self._result(state)
            if rejected := self.phone.read(f"{self.root}/rejected.json"):
                why = appresult.read_json(rejected, "rejected.json").get("error")
                if str(why).startswith("busy"):
                    raise _Busy
                raise TargetError(f"{self.phone.serial}: the app refused the job: {str(why)[:300]}")
            alive = self.phone.shell("pidof", self.settings.app, check=False).strip()
            silent = time.monotonic() - changed > _SILENT_SECONDS
            if silent or (not alive and time.monotonic() - changed > 2 * _POLL_SECONDS):
                self.notes.append(f"the app {'hung' if silent else 'was killed half-way'} ({what})")
                return self._result("killed")

    def _lost(self, error: TargetError) -> dict[str, Any]:
        """The device went away: what was fetched until then, if that has times."""
        answer = appresult.read_json(self._partial, "result.json") if self._partial else {}
        if not any(entry.get("samples_ns") for entry in appresult.models(answer)):
            raise error
        self.lost(error)
        return answer

    def _tell(self, what: str, status: dict[str, Any], share: tuple[float, float]) -> None:
        done, total = status.get("done"), status.get("total")
        if isinstance(done, int) and isinstance(total, int) and total > 0:
            part = share[0] + (share[1] - share[0]) * min(done / total, 1.0)
            self.progress(f"{what}: {str(status.get('state'))[:20]}", part)

    def _result(self, state: str) -> dict[str, Any]:
        content = self.phone.read(f"{self.folder}/result.json")
        if content is None:
            raise TargetError(
                f"{self.phone.serial}: the app ended without a result "
                f"({state}; adb logcat -s xncaps AndroidRuntime tells more)"
            )
        answer = appresult.read_json(content, "result.json")
        if answer.get("state") != "done":
            self.complete = False
            if error := answer.get("error"):
                self.notes.append(f"the app: {str(error)[:300]}")
        return answer

    # -- what came back ---------------------------------------------------------------------

    def _each(self, answer: dict[str, Any]) -> Iterator[tuple[plan.Job, dict[str, Any]]]:
        found = {str(entry.get("name")): entry for entry in appresult.models(answer)}
        for job in self.good():
            entry = found.get(self.name(job))
            if entry is None:
                job.fail("the app did not come to it")
            elif entry.get("error"):
                job.fail(str(entry["error"]))
            elif str(entry.get("sha256", "")) != job.record["sha256"]:
                job.fail("the app ran another file than was pushed")
            else:
                yield job, entry

    def _check(self, answer: dict[str, Any]) -> None:
        """Outputs against the stored ones; predictions against this host's."""
        for job, entry in self._each(answer):
            appresult.describe(job.record, entry, answer)
            rows = self._inputs.get(job.record["name"], [])
            if not rows:
                reason = "no stored outputs beside the file"
                job.record["verification"] = checking.not_verified(reason)
                continue
            try:
                outputs = self._outputs(job, len(rows))
            except BenchmarkError as error:
                job.fail(str(error))
                continue
            self._judge(job, outputs)

    def _outputs(self, job: plan.Job, count: int) -> np.ndarray:
        _, (spec,) = tflite.read_io(tflite.load(job.path), job.path.name)
        content = self.phone.read(f"{self.folder}/{self.name(job)}.outputs.bin")
        width = int(np.prod(spec.shape[1:]))
        size = count * width * np.dtype(spec.dtype).itemsize
        if content is None or len(content) != size:
            found = "none" if content is None else f"{len(content)} bytes"
            raise TargetError(f"expected {size} bytes of outputs. Received: {found}.")
        raw = np.frombuffer(content, np.dtype(spec.dtype)).reshape(count, *spec.shape[1:])
        return checking.real(raw, spec)

    def _judge(self, job: plan.Job, outputs: np.ndarray) -> None:
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
                record["agreement"] = host.agreement(self._here[record["name"]], found, source)

    def _take_times(self, answer: dict[str, Any]) -> None:
        for job, entry in self._each(answer):
            try:
                appresult.times(job.record, entry, self.options.seed)
            except BenchmarkError as error:
                job.fail(str(error))
