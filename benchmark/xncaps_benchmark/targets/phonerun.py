"""What every measurement on a phone does, whoever takes the times: a folder, cleaning up."""

from __future__ import annotations

import abc
import contextlib
import secrets
from collections.abc import Generator

from xncaps_benchmark import measuring, plan
from xncaps_benchmark.errors import TargetError
from xncaps_benchmark.result_types import Parts, Result, State, Target
from xncaps_benchmark.targets import remote
from xncaps_benchmark.targets.local import Progress
from xncaps_benchmark.targets.phone import Phone, Settings


class PhoneRun(abc.ABC):
    """One measurement: `prepare` and `take` are the subclass's, and what is told of them.

    Whatever happens, nothing of it stays on the device; where the device is gone, that is said.
    """

    root = ""  # where the folder is made

    def __init__(
        self,
        jobs: list[plan.Job],
        phone: Phone,
        settings: Settings,
        options: plan.Options,
        progress: Progress,
    ) -> None:
        self.jobs, self.phone, self.settings = jobs, phone, settings
        self.options, self.progress = options, progress
        self.id = f"host-{secrets.token_hex(8)}"
        self.folder = f"{self.root}/{self.id}"
        self.states: tuple[State, State] = ({}, {})
        self.told: dict[str, str] = {}  # the device's properties
        self.complete = True
        self.notes: list[str] = []

    def prepare(self) -> None:  # noqa: B027 - most ask nothing
        """What is asked before anything is on the device."""

    @abc.abstractmethod
    def take(self) -> None:
        """Pushes and measures."""

    @abc.abstractmethod
    def finish(self, job: plan.Job) -> None:
        """Makes the record of a file out of what there is; it fails where that is nothing."""

    @abc.abstractmethod
    def parts(self) -> Parts:
        """`method`, `machine` and `state` of the result."""

    def clean(self) -> None:
        """Removes what is on the device."""
        self.phone.shell("rm", "-rf", self.folder)

    def leaves(self) -> str:
        """What stays on the device where it cannot be cleaned; '' where nothing does."""
        return self.folder

    def run(self) -> Result:
        """The result.

        Raises:
            TargetError: the device, or what is on it, is in no state to measure.
        """
        target: Target = {"kind": "adb", "name": f"adb:{self.phone.serial}"[:200]}
        if not self.good():
            return remote.nothing_to_run(self.jobs, target, self.options)
        self.prepare()
        self.told = self.phone.properties()
        try:
            with self._cleaned():
                self.take()
        except KeyboardInterrupt:
            self.complete = False
            self.notes.append("interrupted: the times until then")
        for job in self.good():
            self.finish(job)
        records = [job.record for job in self.jobs]
        return measuring.assemble(
            self.parts(), records, target, self.options, complete=self.complete, notes=self.notes
        )

    def good(self) -> list[plan.Job]:
        """The files that have not failed."""
        return [job for job in self.jobs if not job.failed]

    def name(self, job: plan.Job) -> str:
        """A file's name on the device."""
        return remote.remote_name(job, self.jobs.index(job))

    def make_room(self, root: str, size: int) -> None:
        """Checks that there is room for so many bytes and what is made of them.

        Raises:
            TargetError: storage is full.
        """
        if 0 < (free := self.phone.free(root)) < 2 * size:
            raise TargetError(f"{self.phone.serial}: storage is full: {free >> 20} MiB free")

    def make_folder(self, size: int) -> None:
        """The folder, where there is room.

        Raises:
            TargetError: storage is full.
        """
        self.make_room(self.root, size)
        self.phone.shell("mkdir", "-p", self.folder)

    def lost(self, error: TargetError) -> None:
        """The device went away, and there are times to keep."""
        self.complete = False
        self.notes.append(str(error)[:500])

    @contextlib.contextmanager
    def timed(self) -> Generator[None]:
        """The device's state before and after."""
        self.states = (self.phone.state(), {})
        yield
        with contextlib.suppress(TargetError):  # gone: the times are here
            self.states = (self.states[0], self.phone.state())

    @contextlib.contextmanager
    def _cleaned(self) -> Generator[None]:
        failed, left = None, ""
        try:
            yield
        except TargetError as error:
            failed = error
        finally:
            try:
                self.clean()
            except TargetError:
                if folder := self.leaves():
                    left = f"{folder} is left on {self.phone.serial}"
        if failed is not None:
            raise TargetError(f"{failed} ({left})" if left else str(failed)) from failed
        if left:
            self.notes.append(left)
