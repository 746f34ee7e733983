"""Downloads by tfds, in a process of their own that is ended when nothing comes.

tfds waits for a silent server without end and tries a missing one again and again. So the address
is tried first, and then what the child does is watched: bytes that arrive, or work that is done.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import psutil

from xncaps_tf.errors import DataError

# One of the files that the builder of tfds fetches, to try whether its server answers.
URLS = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
    "fashion_mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz"
    ),
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "multi_mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
}
PROBE_SECONDS = 8.0
STALL_SECONDS = 15.0  # without a byte and without work; with the probe under 30
_TICK = 0.25
_WORK_SECONDS = 0.3  # of CPU since it was last seen to go on: at work, not waiting
_ANSWERS = range(200, 400)


def prepare(name: str, root: Path) -> None:
    """Makes tfds download and prepare `name` ('NAME' or 'NAME/CONFIG') under `root`.

    Raises:
        DataError: the server does not answer within 8 s, nothing comes for 15 s, or tfds fails.
    """
    probe(URLS[name.split("/")[0]])
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{root}: cannot be written: {error.strerror or error}.") from error
    run([sys.executable, "-m", "xncaps_tf.data.download", name, str(root)], root)


def probe(url: str, seconds: float | None = None) -> None:
    """Asks for the head of `url`; proxies of the environment are used.

    Raises:
        DataError: no answer in time, or one that is no file.
    """
    limit = PROBE_SECONDS if seconds is None else seconds
    found: list[str] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 (our own table)
        try:
            with urllib.request.urlopen(request, timeout=limit) as answer:  # noqa: S310
                found.append("" if answer.status in _ANSWERS else f"HTTP {answer.status}")
        except urllib.error.HTTPError as error:
            found.append(f"HTTP {error.code} {error.reason}")
        except (OSError, ValueError) as error:
            found.append(str(getattr(error, "reason", error)) or type(error).__name__)

    thread = threading.Thread(target=ask, daemon=True)  # a look-up of a name has no time limit
    thread.start()
    thread.join(limit)
    reason = found[0] if found else f"no answer within {limit:g} s"
    if reason:
        raise DataError(f"download of {url} cannot work: {reason}.")


def run(command: Sequence[str], root: Path) -> None:
    """Runs a download and watches it; `root` is where its bytes arrive.

    Raises:
        DataError: it stalls or fails; with the last line that it wrote.
    """
    with tempfile.TemporaryFile("w+b") as output:
        child = subprocess.Popen(  # noqa: S603 (our own command)
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            is_stalled = not _watch(child, root)
        finally:
            _end(child)
        output.seek(0)
        lines = output.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing was written")
    if is_stalled:
        raise DataError(
            f"download to {root}: expected bytes to arrive. Received: none for "
            f"{STALL_SECONDS:g} s. Try again, or get the files by hand and name their folder."
        )
    if child.returncode:
        raise DataError(f"download to {root} failed: {last[:400]}")


def _watch(child: subprocess.Popen[bytes], root: Path) -> bool:
    """Waits for the child; False if it neither worked nor received for STALL_SECONDS."""
    process = psutil.Process(child.pid)
    size, work, moved = -1, 0.0, time.monotonic()
    while child.poll() is None:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it ended between two looks
        now, used = _bytes_under(root), times.user + times.system
        if now != size or used - work > _WORK_SECONDS:
            size, work, moved = now, used, time.monotonic()
        elif time.monotonic() - moved > STALL_SECONDS:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_TICK)
    return True


def _bytes_under(root: Path) -> int:
    total = 0
    for folder, _, files in os.walk(root):
        for name in files:
            with contextlib.suppress(OSError):  # tfds renames and removes meanwhile
                total += os.stat(os.path.join(folder, name)).st_size
    return total


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _main(name: str, root: str) -> None:
    """The child: one data set by tfds; any failure ends it with a traceback's last line."""
    import tensorflow_datasets as tfds

    if name.startswith("multi_mnist"):
        importlib.import_module("xncaps_tf.data.multi_mnist")  # registers it
    tfds.builder(name, data_dir=root).download_and_prepare()


if __name__ == "__main__":
    _main(*sys.argv[1:])
