"""Ways to the app on a phone: its socket, or files where the phone refuses that.

Both carry the same frames (docs/adb-protocol.md). `open_channel` tries the socket first.
"""

from __future__ import annotations

import abc
import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from xncaps_benchmark.errors import TargetError
from xncaps_benchmark.targets.phone import Phone
from xncaps_benchmark.targets.wire import PROTOCOL, Frame, Wire, WireError

ACTIVITY = "org.xncaps.demo.measure.BenchmarkActivity"
# The first API level whose `content` command has `read`.
_CONTENT_READ = 28
# What is added to a file, once a second, until the app or the job's folder is gone. Android 8's
# tail has no -F, and its -f waits for inotify, which tells the shell nothing of what apps write
# to the card.
_FOLLOW = (
    "exec 2>/dev/null; "
    'while pidof "$3" >/dev/null && [ -d "$1" ]; do [ -r "$2" ] && break; sleep 1; done; '
    'exec <"$2"; '
    'while cat; pidof "$3" >/dev/null && [ -d "$1" ]; do sleep 1; done; cat'
)
_CONNECT_SECONDS = 20.0
_AGAIN_SECONDS = 0.25
_REFUSED_AFTER = 3.0  # an app that listens is there by then; 'refused' before may be 'not yet'


class Refused(TargetError):
    """The phone lets nobody connect to the app's socket."""


class Channel(abc.ABC):
    """Files to the app, jobs, and what comes back."""

    how = ""  # for the result
    folder = ""  # what is left on the device where it goes away

    @abc.abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """A file into the job's folder."""

    @abc.abstractmethod
    def job(self, order: Mapping[str, Any], silence: float) -> Iterator[Frame]:
        """Has a job carried out: its frames, the RESULT last.

        Raises:
            TargetError: refused, killed, hung, or the device is gone.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the connection and removes what it needed on the device."""


def open_channel(phone: Phone, app: str) -> Channel:
    """The socket, or files where it is refused.

    Raises:
        TargetError: the app does not start, or refuses this host.
    """
    try:
        return SocketChannel(phone, app)
    except Refused:
        return FileChannel(phone, app)


class SocketChannel(Channel):
    """The app's abstract local socket, through adb."""

    how = "the app's local socket"

    def __init__(self, phone: Phone, app: str) -> None:
        self._who = f"{phone.serial}: {app}"
        name = f"xncaps-{secrets.token_hex(16)}"
        start(phone, app, "--es", "socket", name)
        self._wire = Wire(_connect(phone, app, name), self._who)
        try:
            self._greet()
        except TargetError:
            self._wire.close()
            raise

    def _greet(self) -> None:
        hello = self._receive(_CONNECT_SECONDS)
        if hello.kind != b"HELO":
            raise WireError(f"{self._who}: expected HELO first. Received: {hello.kind!r}.")
        theirs = hello.json().get("protocol")
        if theirs != PROTOCOL:
            raise WireError(
                f"{self._who}: speaks version {str(theirs)[:20]} of the protocol, this host "
                f"version {PROTOCOL}: install the app of this version (xncaps android install)"
            )
        self._wire.send_json(b"HELO", {"protocol": PROTOCOL})

    def put(self, name: str, content: bytes) -> None:
        self._wire.send(b"PUT ", content, name)
        answer = self._receive(None)
        if answer.kind != b"OKAY" or answer.name != name:
            raise WireError(f"{self._who}: expected OKAY of {name}. Received: {answer.kind!r}.")

    def job(self, order: Mapping[str, Any], silence: float) -> Iterator[Frame]:
        self._wire.send_json(b"JOB ", order)
        while True:
            frame = self._receive(silence)
            yield frame
            if frame.kind == b"RSLT":
                return

    def _receive(self, silence: float | None) -> Frame:
        frame = self._wire.receive() if silence is None else self._wire.receive(silence)
        if frame.kind == b"FAIL":
            raise refusal(self._who, frame)
        return frame

    def close(self) -> None:
        """The app deletes the files, says so, and may be stopped."""
        try:
            self._wire.send(b"END ", b"")
            while self._receive(_CONNECT_SECONDS).kind != b"OKAY":
                pass
        finally:
            self._wire.close()


class FileChannel(Channel):
    """In by a folder of adb's shell, which apps may read from Android 8.0 on and never write; out
    by what the app's provider gives, or before Android 9 by a file of the app's own."""

    how = "files in /data/local/tmp and the app's provider: its local socket was refused"

    def __init__(self, phone: Phone, app: str) -> None:
        self._phone, self._app = phone, app
        self._who = f"{phone.serial}: {app}"
        self.folder = f"/data/local/tmp/xncaps-{secrets.token_hex(16)}"
        self._frames = f"/sdcard/Android/data/{app}/files/measure/frames"
        self._jobs = 0
        sdk = phone.properties().get("sdk", "")
        self._by_provider = not sdk.isdigit() or int(sdk) >= _CONTENT_READ
        if not self._by_provider:
            self.how = "files in /data/local/tmp and the app's own: its local socket was refused"
        try:
            phone.shell("mkdir", "-m", "755", self.folder)
        except TargetError:
            self.close()
            raise

    def put(self, name: str, content: bytes) -> None:
        path = f"{self.folder}/{name}"
        self._phone.push(content, path)
        self._phone.shell("chmod", "644", path)  # a umask may have taken the app's right to read

    def job(self, order: Mapping[str, Any], silence: float) -> Iterator[Frame]:
        self._jobs += 1
        name = f"job-{self._jobs}.json"
        self.put(name, json.dumps(order, separators=(",", ":")).encode())
        if not self._by_provider:
            self._phone.shell("rm", "-f", self._frames)
        out = "provider" if self._by_provider else "files"
        extras = ("--es", "folder", self.folder, "--es", "job", name, "--es", "out", out)
        start(self._phone, self._app, *extras, anew=True)
        # The whole job: nobody asks meanwhile, and the first word may be the last one's.
        wire = Wire(self._phone.open_output(*self._reader()), self._who)
        try:
            while True:
                frame = wire.receive(silence)
                if frame.kind == b"FAIL":
                    raise refusal(self._who, frame)
                yield frame
                if frame.kind == b"RSLT":
                    return
        finally:
            wire.close()

    def _reader(self) -> tuple[str, ...]:
        if self._by_provider:
            return ("content", "read", "--uri", f"content://{self._app}.measure/frames")
        return ("sh", "-c", _FOLLOW, "follow", self.folder, self._frames, self._app)

    def close(self) -> None:
        self._phone.shell("rm", "-rf", self.folder)
        if not self._by_provider:
            self._phone.shell("rm", "-f", self._frames, check=False)


def start(phone: Phone, app: str, *extras: str, anew: bool = False) -> None:
    """Starts the app's screen; the class keeps its name where the app's id has a suffix.

    Raises:
        TargetError: Android does not start it.
    """
    stop = ("-S",) if anew else ()
    text = phone.shell("am", "start", "-W", *stop, "-n", f"{app}/{ACTIVITY}", *extras)
    for line in text.splitlines():
        if line.startswith(("Error", "java.lang.")) or "Exception" in line:
            raise TargetError(f"{phone.serial}: {line.strip()[:300]}")


def refusal(who: str, frame: Frame) -> TargetError:
    """What the app said."""
    text = " ".join(frame.content.decode("utf-8", "replace").split())
    if text.startswith("storage"):
        return TargetError(f"{who}: storage is full: {text[:300]}")
    return WireError(f"{who} refused: {text[:300]}")


def _connect(phone: Phone, app: str, name: str) -> Any:
    """The app's socket, once the app listens.

    Raises:
        Refused: the app is there, and adb may not connect to it.
        TargetError: the app ended, or the device is gone.
    """
    began = time.monotonic()
    while True:
        connection = phone.connect(name)
        if connection is not None:
            return connection
        waited = time.monotonic() - began
        alive = bool(phone.shell("pidof", app, check=False).strip())
        if not alive and waited > 1:
            raise TargetError(
                f"{phone.serial}: {app} ended at its start (adb logcat -s xncaps AndroidRuntime)"
            )
        if waited > _REFUSED_AFTER:
            raise Refused(f"{phone.serial}: {app}: adb may not connect to its socket")
        with contextlib.suppress(InterruptedError):
            time.sleep(_AGAIN_SECONDS)
