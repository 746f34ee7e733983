"""Frames of docs/adb-protocol.md over a connection: whole, with a digest, of a bounded length.

What comes from a device is hostile: lengths are checked before anything is allocated.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from xncaps_benchmark.errors import TargetError
from xncaps_benchmark.json_values import Object, is_object
from xncaps_files import strict_json
from xncaps_files.errors import one_line

PROTOCOL = 2
SILENCE_SECONDS = 60.0
LONGEST: Mapping[bytes, int] = {
    b"HELO": 4 << 10,
    b"PUT ": 512 << 20,
    b"OKAY": 0,
    b"JOB ": 16 << 20,
    b"STAT": 64 << 10,
    b"PART": 64 << 20,
    b"OUTP": 256 << 20,
    b"RSLT": 1 << 20,
    b"END ": 0,
    b"FAIL": 4 << 10,
}
_HEAD = struct.Struct(">4sIQ32s")
_LONGEST_NAME = 100
_NAME = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_CHUNK = 1 << 20


class WireError(TargetError):
    """The other end closed, was silent, or did not speak the protocol."""


class Stream(Protocol):
    """What a socket is used for."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...
    def settimeout(self, value: float | None, /) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Frame:
    """One message."""

    kind: bytes
    name: str
    content: bytes

    def json(self) -> Object:
        """Its content as an object.

        Raises:
            WireError: it is something else.
        """
        what = self.kind.decode().strip()
        try:
            value = strict_json.loads(self.content.decode("utf-8"))
        except ValueError as error:
            text = str(error)[:100]
            raise WireError(f"the app's {what}: expected JSON. Received: {text}") from error
        if not is_object(value):
            kind = type(value).__name__
            raise WireError(f"the app's {what}: expected an object. Received: {kind}.")
        return value


class Wire:
    """Sends and receives frames; `who` is what errors begin with."""

    def __init__(self, stream: Stream, who: str) -> None:
        self._stream, self._who = stream, who

    def send(self, kind: bytes, content: bytes, name: str = "") -> None:
        """Sends a frame.

        Raises:
            WireError: too long, or the other end is gone.
        """
        if len(content) > LONGEST[kind]:
            raise WireError(
                f"{self._who}: {kind.decode().strip()} {name}: expected at most "
                f"{LONGEST[kind] >> 20} MiB. Received: {len(content)} bytes."
            )
        named = name.encode("ascii")
        digest = hashlib.sha256(named)
        digest.update(content)
        head = _HEAD.pack(kind, len(named), len(content), digest.digest())
        try:
            self._stream.settimeout(SILENCE_SECONDS)
            self._stream.sendall(head + named)
            for at in range(0, len(content), _CHUNK):
                self._stream.sendall(content[at : at + _CHUNK])
        except OSError as error:
            raise self._gone(error) from error

    def send_json(self, kind: bytes, value: Mapping[str, Any]) -> None:
        self.send(kind, json.dumps(value, separators=(",", ":")).encode())

    def receive(self, silence: float = SILENCE_SECONDS) -> Frame:
        """The next frame.

        Args:
            silence: seconds without a byte after which the other end counts as hung.

        Raises:
            WireError: the connection ended, nothing came in time, or it is no frame.
        """
        kind, named, length, digest = _HEAD.unpack(self._read(_HEAD.size, silence))
        if kind not in LONGEST:
            raise WireError(f"{self._who}: expected a frame. Received: {kind!r}.")
        what = kind.decode().strip()
        if named > _LONGEST_NAME or length > LONGEST[kind]:
            limit = LONGEST[kind]
            raise WireError(
                f"{self._who}: {what}: expected at most {limit} bytes and a name of "
                f"{_LONGEST_NAME}. Received: {length}, {named}."
            )
        name = self._read(named, silence)
        if name and not _NAME.fullmatch(name):
            raise WireError(f"{self._who}: {what}: expected a plain name. Received: {name!r}.")
        content = self._read(length, silence)
        if not hmac.compare_digest(hashlib.sha256(name + content).digest(), digest):
            raise WireError(f"{self._who}: {what} {name.decode()}: its SHA-256 is another")
        return Frame(kind, name.decode("ascii"), content)

    def close(self) -> None:
        self._stream.close()

    def _read(self, size: int, silence: float) -> bytes:
        parts: list[bytes] = []
        try:
            self._stream.settimeout(silence)
            while size:
                part = self._stream.recv(min(size, _CHUNK))
                if not part:
                    raise WireError(f"{self._who}: the connection ended")
                parts.append(part)
                size -= len(part)
        except TimeoutError as error:
            raise WireError(f"{self._who}: no word within {silence:.0f} s") from error
        except OSError as error:
            raise self._gone(error) from error
        return b"".join(parts)

    def _gone(self, error: BaseException) -> WireError:
        return WireError(f"{self._who}: the connection was lost: {one_line(error)[:200]}")
