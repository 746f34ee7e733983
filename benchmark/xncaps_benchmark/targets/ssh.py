"""A board by ssh: pushes wheels and files into a folder of its own, runs there, fetches, cleans up.

The run on the board does not hang on the connection: it is a session of its own that writes its
progress and its result into its folder. A lost connection is opened again and the run followed on.
Host keys are checked against known_hosts; an unknown or changed key is an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import secrets
import shlex
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from xncaps_benchmark import plan, results
from xncaps_benchmark.errors import BenchmarkError, TargetError
from xncaps_benchmark.targets import host, wheels
from xncaps_benchmark.targets.local import Progress

_POLL_SECONDS = 0.5
_PARTIAL_SECONDS = 10.0
_PASSED_ON = ("runs", "seconds", "warm_up", "cooldown", "threads", "seed", "cpus", "runtime")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """What only this target takes.

    Args:
        wheels: folder with our wheels (`make dist`).
        python: the board's Python.
        known_hosts: file; None: what OpenSSH uses (~/.ssh).
        identity: file, likewise.
        config: file, likewise.
        timeout: seconds for a connection.
        patience: seconds to try again after a lost connection.
    """

    wheels: str | os.PathLike[str] = "dist"
    python: str = "python3"
    known_hosts: str | os.PathLike[str] | None = None
    identity: str | os.PathLike[str] | None = None
    config: str | os.PathLike[str] | None = None
    timeout: float = 20.0
    patience: float = 120.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        known = {field.name for field in fields(cls)}
        if odd := sorted(set(given) - known):
            raise BenchmarkError(f"ssh: expected some of {sorted(known)}. Received: {odd}.")
        return cls(**{name: value for name, value in given.items() if value is not None})


def measure(
    jobs: list[plan.Job], name: str, options: plan.Options, progress: Progress
) -> dict[str, Any]:
    """Measures on HOST; the result of the run there, with this target's name in it.

    Raises:
        TargetError: the board cannot be reached or used; one line that says why.
    """
    try:
        import asyncssh  # noqa: F401
    except ImportError as error:
        raise TargetError(
            "--target ssh: needs asyncssh: pip install 'xncaps-benchmark[ssh]'"
        ) from error
    session = Session(jobs, name, options, progress)
    return asyncio.run(session.run())


class Session:
    """One measurement on one board."""

    def __init__(
        self, jobs: list[plan.Job], name: str, options: plan.Options, progress: Progress
    ) -> None:
        self._jobs = jobs
        self._good = [job for job in jobs if not job.failed]
        self._name = name
        self._options = options
        self._settings = Settings.of(options.ssh)
        self._progress = progress
        self._connection: Any = None
        self._folder = f"xncaps-bench-{secrets.token_hex(8)}"
        self._pid = 0
        self._partial: dict[str, Any] = {}

    async def run(self) -> dict[str, Any]:
        if not self._good:
            return host.nothing_to_run(self._jobs, self._target(), self._options)
        with tempfile.TemporaryDirectory(prefix="xncaps-bench-") as scratch:
            return await self._run(pathlib.Path(scratch))

    async def _run(self, scratch: pathlib.Path) -> dict[str, Any]:
        expected = host.predictions(self._good, self._options)
        try:
            board = await self._keep(self._probe)
            ready = self._gather(board, scratch)
            await self._keep(lambda: self._push(ready))
            await self._keep(self._start)
            fetched, notes = await self._end(scratch)
        finally:
            await self._clean()
        return host.merge(
            fetched,
            self._jobs,
            self._target(),
            self._options,
            expected,
            notes,
            baseline=self._options.baseline,
        )

    def _target(self) -> dict[str, str]:
        return {"kind": "ssh", "name": f"ssh:{self._name}"[:200]}

    # -- the connection ---------------------------------------------------------------------

    async def _keep(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Does a step; where the connection is lost meanwhile, opens it again and repeats."""
        import asyncssh

        end = time.monotonic() + self._settings.patience
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                return await step()
            except asyncssh.SFTPError as error:
                raise TargetError(f"{self._name}: {self._sftp_text(error)}") from error
            except (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, ConnectionError) as error:
                self._connection = None
                if time.monotonic() > end:
                    raise TargetError(f"{self._name}: connection lost: {error}") from error
                await asyncio.sleep(1)

    async def _connect(self) -> Any:
        import asyncssh

        user, _, rest = self._name.rpartition("@")
        place, port = _port(rest)
        settings = self._settings
        given: dict[str, Any] = {}
        if user:
            given["username"] = user
        if port:
            given["port"] = port
        if settings.known_hosts is not None:
            given["known_hosts"] = str(settings.known_hosts)
        if settings.identity is not None:
            given.update(client_keys=[str(settings.identity)], agent_path=None)
        if settings.config is not None:
            given["config"] = [str(settings.config)]
        try:
            return await asyncssh.connect(
                place,
                connect_timeout=settings.timeout,
                keepalive_interval=5,
                keepalive_count_max=3,
                **given,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise TargetError(
                f"{self._name}: its host key is not in known_hosts, or another one is: "
                f"{error.reason}. Connect once with ssh and compare the fingerprint."
            ) from error
        except asyncssh.PermissionDenied as error:
            raise TargetError(
                f"{self._name}: permission denied: no key or user that fits"
            ) from error
        except (OSError, asyncssh.Error, asyncio.TimeoutError) as error:
            if self._pid and isinstance(error, OSError):
                raise ConnectionError(str(error)) from error  # it was there before: try again
            text = " ".join(str(error).split()) or type(error).__name__
            raise TargetError(f"{self._name}: cannot connect: {text[:300]}") from error

    async def _ask(self, command: str, *, check: bool = True, **more: Any) -> str:
        """Runs a command on the board; its output.

        Raises:
            TargetError: it failed.
        """
        ran = await self._connection.run(command, check=False, **more)
        if ran.exit_status is None and ran.exit_signal is None:
            raise ConnectionError("the connection closed before the command ended")
        if check and ran.exit_status:
            lines = str(ran.stderr).strip().splitlines() or [f"exit code {ran.exit_status}"]
            raise TargetError(f"{self._name}: {_disk(lines[-1])}")
        return str(ran.stdout)

    def _sftp_text(self, error: Any) -> str:
        return _disk(" ".join(str(error.reason).split()) or "sftp failed")

    # -- the steps --------------------------------------------------------------------------

    async def _probe(self) -> wheels.Board:
        self._progress("asking the board", 0.0)
        python = shlex.quote(self._settings.python)
        text = await self._ask(f"{python} -", input=wheels.probe())
        try:
            return wheels.board(json.loads(text.strip().splitlines()[-1]), self._name)
        except (ValueError, IndexError, KeyError, TypeError) as error:
            raise TargetError(f"{self._name}: its Python answered: {text[:200]!r}") from error

    def _gather(self, board: wheels.Board, scratch: pathlib.Path) -> list[tuple[pathlib.Path, str]]:
        """(file here, name in the board's folder) of everything that is pushed."""
        folder = pathlib.Path(self._settings.wheels)
        names = {job.record["runtime"]["name"] for job in self._good}
        # Lce ops: LCE has no wheel for Linux on ARM, the delegate runs them there.
        built = any(folder.glob("xncaps_runtime-*.whl"))
        delegate = "litert+xncaps" in names or ("lce" in names and built)
        self._progress("gathering wheels", 0.02)
        found = wheels.own(folder, board, with_runtime=delegate)
        found += wheels.download(board, scratch, runtime=delegate)
        files = [(path, f"wheels/{path.name}") for path in found]
        for index, job in enumerate(self._good):
            files += host.pushed(job, index)
        if self._options.accuracy is not None:
            files.append((pathlib.Path(self._options.accuracy), f"files/{host.PUSHED_IMAGES}"))
        size = sum(path.stat().st_size for path, _ in files)
        if board.free < 4 * size:  # wheels are unpacked
            raise TargetError(
                f"{self._name}: storage is full: {board.free >> 20} MiB free, "
                f"{4 * size >> 20} MiB needed"
            )
        return files

    async def _push(self, files: list[tuple[pathlib.Path, str]]) -> None:
        """Copies what is not there yet, each file beside its name first."""
        await self._ask(f"umask 077 && mkdir -p {self._folder}/wheels {self._folder}/files")
        total, done = sum(path.stat().st_size for path, _ in files) or 1, 0
        async with self._connection.start_sftp_client() as sftp:
            for path, name in files:
                there = f"{self._folder}/{name}"
                size = path.stat().st_size
                if not (await sftp.exists(there) and (await sftp.stat(there)).size == size):
                    await sftp.put(str(path), f"{there}.part")
                    await sftp.rename(f"{there}.part", there)
                done += size
                self._progress("pushing", 0.03 + 0.07 * done / total)

    async def _start(self) -> None:
        """Unpacks the wheels and starts the run, once, free of this connection."""
        if self._pid:
            return
        python = shlex.quote(self._settings.python)
        unpack = (
            "import glob, zipfile\n"
            "for wheel in glob.glob('wheels/*.whl'): zipfile.ZipFile(wheel).extractall('site')\n"
        )
        await self._ask(f"cd {self._folder} && {python} -", input=unpack)
        command = f"{python} -m xncaps_benchmark bench {self._arguments()}"
        script = (
            f"echo $$ > pid; PYTHONPATH=$PWD/site {command} < /dev/null > log 2>&1; echo $? > exit"
        )
        # All of it away from this channel, which else stays open until the run ends.
        start = f"cd {self._folder} && test -s pid || setsid nohup sh -c {shlex.quote(script)}"
        wait = (
            f"for i in 1 2 3 4 5 6 7 8 9; do test -s {self._folder}/pid && break; sleep 0.2; done"
        )
        text = await self._ask(
            f"{{ {start}; }} < /dev/null > /dev/null 2>&1 & {wait}; cat {self._folder}/pid"
        )
        self._pid = int(text)

    def _arguments(self) -> str:
        options = self._options
        words = [f"files/{host.remote_name(job, index)}" for index, job in enumerate(self._good)]
        for name in (
            "runs",
            "seconds",
            "warm_up",
            "cooldown",
            "threads",
            "seed",
            "cpus",
            "runtime",
        ):
            if getattr(options, name) is not None:
                words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        if options.accuracy is not None:
            words += ["--accuracy", f"files/{host.PUSHED_IMAGES}"]
        words += ["-o", "result.json", "--progress-file", "progress", "--checkpoint"]
        return " ".join(shlex.quote(word) for word in words)

    async def _follow(self, scratch: pathlib.Path) -> list[str]:
        """Waits for the end of the run; notes for the result."""
        kept = time.monotonic()
        while True:
            if time.monotonic() - kept > _PARTIAL_SECONDS:
                kept = time.monotonic()
                with contextlib.suppress(TargetError):  # the first is not written yet
                    self._partial = await self._keep(lambda: self._fetch(scratch))
            await asyncio.sleep(_POLL_SECONDS)
            text = await self._keep(self._look)
            progress, _, state = text.strip().rpartition("\n")
            share, _, what = progress.strip().partition(" ")
            with contextlib.suppress(ValueError):  # nothing written yet
                self._progress(what[:60], 0.1 + 0.88 * min(float(share), 1.0))
            if state.strip() == "gone":
                return [f"the run on {self._name} was killed half-way: the times until then"]
            if state.strip() != "alive":
                return []

    async def _end(self, scratch: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
        """The result and notes; where the board went away for good, the last one that it wrote."""
        try:
            notes = await self._follow(scratch)
            return await self._keep(lambda: self._fetch(scratch)), notes
        except TargetError as error:
            if not self._partial:
                raise
            return self._partial, [str(error)[:400]]

    async def _look(self) -> str:
        """'SHARE WHAT', then 'alive', 'gone' or the exit code, in one line more."""
        ended = "test -s exit && cat exit"
        gone = f"{{ sleep 0.2; {ended}; }} || echo gone"  # it may have ended between the two looks
        alive = f"{{ kill -0 {self._pid} 2>/dev/null && echo alive; }}"
        return await self._ask(
            f"cd {self._folder} && cat progress 2>/dev/null; echo; {ended} || {alive} || {gone}"
        )

    async def _fetch(self, scratch: pathlib.Path) -> dict[str, Any]:
        """The result; where there is none, the last line of the board's log says why."""
        self._progress("fetching", 0.99)
        there = f"{self._folder}/result.json"
        async with self._connection.start_sftp_client() as sftp:
            if not await sftp.exists(there):
                log = await self._ask(f"tail -n 3 {self._folder}/log", check=False)
                lines = [line for line in log.splitlines() if line.strip()] or ["no output"]
                raise TargetError(f"{self._name}: the run failed: {_disk(lines[-1])[:400]}")
            if ((await sftp.stat(there)).size or 0) > results.MAX_RESULT_BYTES:
                raise TargetError(f"{self._name}: its result is larger than a result can be")
            await sftp.get(there, str(scratch / "result.json"))
        return results.read_result(scratch / "result.json")

    async def _clean(self) -> None:
        """Ends what still runs there and removes the folder; says so where that cannot be done."""
        import asyncssh

        stop = f"kill -TERM -- -{self._pid} 2>/dev/null; " if self._pid else ""
        try:
            if self._connection is None:
                self._connection = await asyncio.wait_for(self._connect(), 10)
            await asyncio.wait_for(self._ask(f"{stop}rm -rf {self._folder}", check=False), 20)
            self._connection.close()
        except (TargetError, OSError, asyncssh.Error, asyncio.TimeoutError):
            if self._pid:
                self._progress(f"~/{self._folder} is left on {self._name}", 1.0)


def _port(text: str) -> tuple[str, int | None]:
    """'host:22' -> host, 22; a bare IPv6 address has no port, '[::1]:22' has.

    Raises:
        TargetError: a port that is no port.
    """
    if text.startswith("["):
        place, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        place, _, port = text.partition(":")
    else:
        place, port = text, ""
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise TargetError(f"--target ssh: expected HOST or HOST:PORT. Received: {text}.")
    return place, int(port) if port else None


def _disk(text: str) -> str:
    return f"storage is full ({text})" if "No space left" in text else text
