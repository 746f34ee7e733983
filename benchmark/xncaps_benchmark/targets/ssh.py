"""A board by ssh: pushes wheels and files into a folder of its own, runs there, fetches, cleans up.

The run on the board does not hang on the connection: it is a session of its own that writes its
progress and its result into its folder. A lost connection is opened again and the run followed on.
Where the board never comes back to us, the run ends by itself and removes its folder later.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import pathlib
import secrets
import shlex
import signal
import tempfile
import threading
import time
from typing import Any

from xncaps_benchmark import backends, plan, results
from xncaps_benchmark.errors import BenchmarkError, TargetError
from xncaps_benchmark.result_types import Result, Target
from xncaps_benchmark.targets import remote, wheels
from xncaps_benchmark.targets.connection import Connection, Settings, full
from xncaps_benchmark.targets.local import Progress

_POLL_SECONDS = 0.5
_PARTIAL_SECONDS = 10.0
_LINGER_SECONDS = 900  # a run that has ended waits so long for its result to be fetched
_PASSED_ON = ("runs", "seconds", "warm_up", "cooldown", "threads", "seed", "cpus", "runtime")


def measure(jobs: list[plan.Job], name: str, options: plan.Options, progress: Progress) -> Result:
    """Measures on HOST; the result of the run there, with this target's name in it.

    Raises:
        TargetError: the board cannot be reached or used; one line that says why.
    """
    if importlib.util.find_spec("asyncssh") is None:
        raise TargetError("--target ssh: needs asyncssh: pip install 'xncaps-benchmark[ssh]'")
    return asyncio.run(_interruptible(Session(jobs, name, options, progress)))


async def _interruptible(session: Session) -> Result:
    """Ctrl-C and SIGTERM cancel what is awaited, so that it can fetch and clean up before."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    before: dict[int, Any] = {}
    try:
        if task is not None and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                with contextlib.suppress(NotImplementedError):  # not on Windows
                    loop.add_signal_handler(number, task.cancel)
                    before[number] = handler
        return await session.run()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


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
        self._connection = Connection(name, self._settings)
        self._folder = f"xncaps-bench-{secrets.token_hex(8)}"
        self._is_made = False  # the folder, perhaps
        self._pid = 0
        self._partial: Result | None = None

    async def run(self) -> Result:
        if not self._good:
            return remote.nothing_to_run(self._jobs, self._target(), self._options)
        with tempfile.TemporaryDirectory(prefix="xncaps-bench-") as scratch:
            return await self._run(pathlib.Path(scratch))

    async def _run(self, scratch: pathlib.Path) -> Result:
        expected, left = remote.predictions(self._good, self._options), ""
        keep = self._connection.keep
        try:
            try:
                board = await keep(self._probe)
                ready = self._gather(board, scratch)
                await keep(lambda: self._push(ready))
                await keep(self._start)
                fetched, notes = await self._end(scratch)
            finally:
                left = await self._clean()
        except TargetError as error:
            if left:
                raise TargetError(f"{error} ({left})") from error
            raise
        if left:
            fetched["notes"].append(left)
        target = self._target()
        return remote.merge(fetched, self._jobs, target, self._options, expected, notes)

    def _target(self) -> Target:
        return {"kind": "ssh", "name": f"ssh:{self._name}"[:200]}

    # -- the steps --------------------------------------------------------------------------

    async def _probe(self) -> wheels.Board:
        self._progress("asking the board", 0.0)
        python = shlex.quote(str(self._settings.python))
        none = f"expected {wheels.PYTHONS}. Received: no {self._settings.python}. See --python."
        missing = f"code=$?; test $code -lt 126 || echo {shlex.quote(none)} >&2; exit $code"
        text = await self._connection.ask(f"{python} -; {missing}", input=wheels.probe())
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
        delegate = not names.isdisjoint(backends.DELEGATED) or ("lce" in names and built)
        self._progress("gathering wheels", 0.02)
        found = wheels.own(folder, board, with_runtime=delegate)
        found += wheels.download(board, scratch, runtime=delegate)
        files = [(path, f"wheels/{path.name}") for path in found]
        for index, job in enumerate(self._good):
            files += remote.pushed(job, index)
        if self._options.accuracy is not None:
            files.append((pathlib.Path(self._options.accuracy), f"files/{remote.PUSHED_IMAGES}"))
        size = sum(path.stat().st_size for path, _ in files)
        if board.free < 4 * size:  # wheels are unpacked
            raise TargetError(
                f"{self._name}: storage is full: {board.free >> 20} MiB free, "
                f"{4 * size >> 20} MiB needed"
            )
        return files

    async def _push(self, files: list[tuple[pathlib.Path, str]]) -> None:
        """Copies what is not there yet, each file beside its name first."""
        import asyncssh

        self._is_made = True
        await self._connection.ask(
            f"umask 077 && mkdir -p {self._folder}/wheels {self._folder}/files"
        )
        total, done = sum(path.stat().st_size for path, _ in files) or 1, 0
        async with self._connection.sftp() as sftp:
            for path, name in files:
                there = f"{self._folder}/{name}"
                size = path.stat().st_size
                try:
                    if not (await sftp.exists(there) and (await sftp.stat(there)).size == size):
                        await sftp.put(str(path), f"{there}.part")
                        await sftp.rename(f"{there}.part", there)
                except asyncssh.SFTPFailure as error:  # 'Failure' is all that a full disk says
                    await self._connection.ask(f"head -c 65536 /dev/zero > {self._folder}/room")
                    raise TargetError(f"{self._name}: {name}: {error.reason}") from error
                done += size
                self._progress("pushing", 0.03 + 0.07 * done / total)

    async def _start(self) -> None:
        """Unpacks the wheels and starts the run, once, free of this connection."""
        if self._pid:
            return
        python = shlex.quote(str(self._settings.python))
        unpack = (
            "import glob, zipfile\n"
            "for wheel in glob.glob('wheels/*.whl'): zipfile.ZipFile(wheel).extractall('site')\n"
        )
        await self._connection.ask(f"cd {self._folder} && {python} -", input=unpack)
        command = f"{python} -m xncaps_benchmark bench {self._arguments()}"
        script = (
            f"echo $$ > pid; PYTHONPATH=$PWD/site {command} < /dev/null > log 2>&1; "
            f"echo $? > exit; cd ..; sleep {_LINGER_SECONDS}; rm -rf {self._folder}"
        )
        # All of it away from this channel, which else stays open until the run ends.
        start = f"cd {self._folder} && test -s pid || setsid nohup sh -c {shlex.quote(script)}"
        wait = (
            f"for i in 1 2 3 4 5 6 7 8 9; do test -s {self._folder}/pid && break; sleep 0.2; done"
        )
        text = await self._connection.ask(
            f"{{ {start}; }} < /dev/null > /dev/null 2>&1 & {wait}; cat {self._folder}/pid"
        )
        self._pid = int(text)

    def _arguments(self) -> str:
        options = self._options
        words = [f"files/{remote.remote_name(job, index)}" for index, job in enumerate(self._good)]
        for name in _PASSED_ON:
            if getattr(options, name) is not None:
                words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        if options.accuracy is not None:
            words += ["--accuracy", f"files/{remote.PUSHED_IMAGES}"]
        words += ["-o", "result.json", "--progress-file", "progress", "--checkpoint"]
        return " ".join(shlex.quote(word) for word in words)

    async def _follow(self, scratch: pathlib.Path) -> list[str]:
        """Waits for the end of the run; notes for the result."""
        kept = time.monotonic()
        while True:
            if time.monotonic() - kept > _PARTIAL_SECONDS:
                kept = time.monotonic()
                with contextlib.suppress(TargetError):  # the first is not written yet
                    self._partial = await self._connection.keep(lambda: self._fetch(scratch))
            await asyncio.sleep(_POLL_SECONDS)
            text = await self._connection.keep(self._look)
            progress, _, state = text.strip().rpartition("\n")
            share, _, what = progress.strip().partition(" ")
            with contextlib.suppress(ValueError):  # nothing written yet
                self._progress(what[:60], 0.1 + 0.88 * min(float(share), 1.0))
            if state.strip() == "gone":
                return [f"the run on {self._name} was killed half-way: the times until then"]
            if state.strip() != "alive":
                return []

    async def _end(self, scratch: pathlib.Path) -> tuple[Result, list[str]]:
        """The result and notes; where the board went away for good, the last one that it wrote."""
        try:
            notes = await self._follow(scratch)
            fetched = await self._connection.keep(lambda: self._fetch(scratch, notes))
        except TargetError as error:
            if self._partial is None:
                raise
            return self._partial, [str(error)[:400]]
        except asyncio.CancelledError:
            return await self._interrupt(scratch), ["interrupted: the times until then"]
        if not fetched["complete"] and (words := await self._connection.keep(self._last_words)):
            notes = [f"the run on {self._name} failed half-way: {words}"[:400]]
        return fetched, notes

    async def _interrupt(self, scratch: pathlib.Path) -> Result:
        """Lets the run write what it has, and fetches that; where there is nothing, no more."""
        try:
            await self._connection.once(f"{{ {self._stop()}; }} 2>/dev/null; true")
            return await self._fetch(scratch)
        except BenchmarkError as error:
            raise asyncio.CancelledError from error

    async def _last_words(self) -> str:
        """What the run said of its end, '' where that is its usual table."""
        log = await self._connection.ask(f"tail -n 3 {self._folder}/log", check=False)
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith("xncaps-benchmark: ")]
        if not told and "Error" in "".join(lines[-1:]):
            told = lines[-1:]
        if told:
            return full(told[-1].removeprefix("xncaps-benchmark: "))
        # On a full disk not even the log says so.
        room = f"{self._folder}/room"
        command = f"head -c 65536 /dev/zero 2>&1 > {room}; rm -f {room}"
        return full((await self._connection.ask(command, check=False)).strip())

    async def _look(self) -> str:
        """'SHARE WHAT', then 'alive', 'gone' or the exit code, in one line more."""
        ended = "test -s exit && cat exit"
        gone = f"{{ sleep 0.2; {ended}; }} || echo gone"  # it may have ended between the two looks
        # By its folder too: after a restart of the board its number may be another process's.
        alive = f"{{ test /proc/{self._pid}/cwd -ef . && echo alive; }}"
        return await self._connection.ask(
            f"cd {self._folder} && cat progress 2>/dev/null; echo; {ended} || {alive} || {gone}"
        )

    async def _fetch(self, scratch: pathlib.Path, notes: list[str] | None = None) -> Result:
        """The result; where there is none, the notes or the last line of the log say why."""
        self._progress("fetching", 0.99)
        there = f"{self._folder}/result.json"
        async with self._connection.sftp() as sftp:
            if not await sftp.exists(there):
                log = await self._connection.ask(f"tail -n 3 {self._folder}/log", check=False)
                lines = [line for line in log.splitlines() if line.strip()] or ["no output"]
                words = f"killed before it had a time ({full(lines[-1])})" if notes else ""
                raise TargetError(f"{self._name}: the run failed: {words or full(lines[-1])}"[:400])
            # By one handle: the run replaces the file by a newer one meanwhile.
            async with sftp.open(there, "rb") as file:
                if ((await file.stat()).size or 0) > results.MAX_RESULT_BYTES:
                    raise TargetError(f"{self._name}: its result is larger than a result can be")
                (scratch / "result.json").write_bytes(await file.read())
        return results.read_result(scratch / "result.json")

    def _stop(self) -> str:
        """A command that ends the run, if its number is still the run's, and waits for it."""
        number = f"p=$(cat {self._folder}/pid)"  # it may have started before we knew its number
        ours = f"{{ test ! -e /proc/$p || grep -q {self._folder} /proc/$p/cmdline; }}"
        wait = "for i in $(seq 80); do kill -s 0 -- -$p || break; sleep 0.1; done"
        return f"{number} && {ours} && kill -s TERM -- -$p && {wait}"

    async def _clean(self) -> str:
        """Ends what still runs there and removes the folder; what is left, where that fails."""
        if not self._is_made:
            self._connection.close()
            return ""
        folder = self._folder
        # The run may write until it has ended, which would keep a folder that is being removed.
        stop = f"{{ {self._stop()} && kill -s KILL -- -$p; }} 2>/dev/null"
        try:
            step = self._connection.once(f"{stop}; rm -rf {folder} && test ! -e {folder}")
            await asyncio.wait_for(step, 30)
            return ""
        except (TargetError, OSError, asyncio.TimeoutError):
            return f"~/{folder} is left on {self._name}"
        finally:
            self._connection.close()
