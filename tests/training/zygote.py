"""Runs `xncaps` in forks of one process that has imported TensorFlow: a start in a second, not ten.

Commands are JSON lines on stdin, answers JSON lines on stdout:
    {"args": [...], "env": {...}, "log": path, "kill_at_sync": n or null} -> {"pid": ...}
    {"wait": pid, "timeout": seconds} -> {"code": exit code, -9 for a kill, null for still alive}
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def _run(command: dict) -> None:
    """The child: never returns."""
    os.setsid()
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    os.environ.update(command.get("env") or {})
    if command.get("kill_at_sync"):
        _die_inside_a_save(command["kill_at_sync"])
    from xncaps.main import main

    code = 1
    try:
        main(command["args"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    sys.stdout.flush()
    os._exit(code)


def _die_inside_a_save(number: int) -> None:
    """kill -9 at the sync with that number: before a rename where odd, after it where even."""
    from xncaps_files import writing

    original, calls = writing.sync, [0]

    def sync(path: object) -> None:
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        original(path)  # pyright: ignore[reportArgumentType]

    writing.sync = sync


def _wait(pid: int, timeout: float) -> int | None:
    until = time.monotonic() + timeout
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            return None
        time.sleep(0.02)


def main() -> None:
    # All that a training needs is imported, but no device is opened before a fork.
    from xncaps_tf import data, models, saving

    assert data.load and data.batches and data.split_validation and models.build
    saving.register()

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            answer = {"code": _wait(command["wait"], command["timeout"])}
        else:
            pid = os.fork()
            if not pid:
                _run(command)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
