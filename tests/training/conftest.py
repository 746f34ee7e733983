"""Real processes to train in."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from xncaps_tf import training

HERE = pathlib.Path(__file__).resolve().parent


class Processes:
    """Starts `xncaps` in forks of a zygote; see zygote.py."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._count = 0
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "XNCAPS_LOG_DIR": str(folder)}
        self._zygote = subprocess.Popen(
            [sys.executable, str(HERE / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        assert self._answer()["ready"]

    def _answer(self) -> Any:
        line = self._zygote.stdout.readline()  # pyright: ignore[reportOptionalMemberAccess]
        assert line, "the zygote ended"
        return json.loads(line)

    def _ask(self, **command: Any) -> Any:
        stdin = self._zygote.stdin
        stdin.write(json.dumps(command) + "\n")  # pyright: ignore[reportOptionalMemberAccess]
        stdin.flush()  # pyright: ignore[reportOptionalMemberAccess]
        return self._answer()

    def start(
        self, *args: str, env: dict[str, str] | None = None, kill_at_sync: int | None = None
    ) -> tuple[int, pathlib.Path]:
        """(process id, file with what it prints)."""
        self._count += 1
        log = self.folder / f"process-{self._count}.log"
        answer = self._ask(args=args, env=env, log=str(log), kill_at_sync=kill_at_sync)
        return answer["pid"], log

    def wait(self, pid: int, timeout: float = 300) -> int | None:
        """Exit code, -9 for a kill, None where it is still alive after `timeout` seconds."""
        return self._ask(wait=pid, timeout=timeout)["code"]

    def run(self, *args: str, kill_at_sync: int | None = None) -> tuple[int | None, str]:
        """(exit code, what it printed)."""
        pid, log = self.start(*args, kill_at_sync=kill_at_sync)
        return self.wait(pid), log.read_text()

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self._zygote.stdin.close()  # pyright: ignore[reportOptionalMemberAccess]
        self._zygote.wait(30)


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """One zygote for all tests of this folder."""
    started = Processes(tmp_path_factory.mktemp("processes"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The run folder of a training by the test module's CONFIG."""
    out = tmp_path_factory.mktemp("trained") / "run"
    training.run(request.module.CONFIG, out)
    return out
