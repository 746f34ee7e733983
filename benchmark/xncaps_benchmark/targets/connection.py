"""An ssh connection to a board that is opened again when it is lost; every fault is one line.

Host keys are checked against known_hosts; an unknown or changed key is an error.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar

from xncaps_benchmark.errors import TargetError
from xncaps_benchmark.targets.settings import settings

_T = TypeVar("_T")
_FULL = ("No space left", "Disk quota exceeded", "File too large", "File size limit")


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
    python: str | os.PathLike[str] = "python3"
    known_hosts: str | os.PathLike[str] | None = None
    identity: str | os.PathLike[str] | None = None
    config: str | os.PathLike[str] | None = None
    timeout: float = 20.0
    patience: float = 120.0

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Settings:
        return settings(cls, "ssh", given)


class _Given(TypedDict, total=False):
    """Arguments of `asyncssh.connect`."""

    username: str
    port: int
    known_hosts: str
    client_keys: list[str]
    agent_path: None
    config: list[str]


class Connection:
    """One board; `name` is [USER@]HOST[:PORT]."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self._settings = name, settings
        self._open: Any = None
        self._was_open = False

    async def keep(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Does a step; where the connection is lost meanwhile, opens it again and repeats.

        Raises:
            TargetError: it cannot be opened (again), or the step failed.
        """
        import asyncssh

        lost = (
            asyncssh.ConnectionLost,
            asyncssh.SFTPConnectionLost,
            asyncssh.SFTPNoConnection,
            asyncssh.ChannelOpenError,
            ConnectionError,
        )
        end = 0.0
        while True:
            began = time.monotonic()
            try:
                await self._reopen()
                return await step()
            except lost as error:
                now, text = time.monotonic(), " ".join(str(error).split())
                if await self._answers():  # the board ended a channel, and would do so again
                    raise TargetError(f"{self.name}: it ended sftp: {full(text)}") from error
                self.close()
                if not end or now - began > self._settings.patience:
                    end = now + self._settings.patience
                if now > end:
                    raise TargetError(f"{self.name}: connection lost: {text}") from error
                await asyncio.sleep(1)
            except asyncssh.Error as error:
                raise TargetError(f"{self.name}: {full(' '.join(str(error).split()))}") from error

    async def once(self, command: str) -> str:
        """`ask`, on a connection that is opened again where it was lost, but one time only.

        Raises:
            TargetError: it failed.
        """
        import asyncssh

        try:
            await self._reopen()
            return await self.ask(command)
        except (asyncssh.Error, ConnectionError):
            self.close()
        try:
            await self._reopen()
            return await self.ask(command)
        except (asyncssh.Error, ConnectionError) as error:
            raise TargetError(f"{self.name}: connection lost: {error}") from error

    async def _answers(self) -> bool:
        """Whether the connection is there in spite of an error."""
        import asyncssh

        try:
            if self._open is None:
                return False
            return await asyncio.wait_for(self.ask("echo yes"), 5) == "yes\n"
        except (asyncssh.Error, OSError, TargetError, asyncio.TimeoutError):
            return False

    async def _reopen(self) -> None:
        if self._open is None:
            self._open = await self._connect()
            self._was_open = True

    def close(self) -> None:
        """Closes it, where it is open; the next step opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def sftp(self) -> Any:
        """An async context with asyncssh's SFTP client."""
        return self._open.start_sftp_client()

    async def ask(self, command: str, *, check: bool = True, **more: Any) -> str:
        """Runs a command on the board, by sh whatever the user's shell is; its output.

        Raises:
            TargetError: it failed.
        """
        line = f"exec env LC_ALL=C sh -c {shlex.quote(command)}"
        ran = await self._open.run(line, check=False, **more)
        if ran.exit_status is None and ran.exit_signal is None:
            raise ConnectionError("the connection closed before the command ended")
        if check and ran.exit_status:
            lines = str(ran.stderr).strip().splitlines() or [f"exit code {ran.exit_status}"]
            raise TargetError(f"{self.name}: {full(lines[-1])[:400]}")
        return str(ran.stdout)

    # -- opening it -------------------------------------------------------------------------

    async def _connect(self) -> Any:
        import asyncssh

        place, port, given = self._arguments()
        try:
            return await asyncssh.connect(
                place,
                connect_timeout=self._settings.timeout,
                login_timeout=self._settings.timeout,
                keepalive_interval=5,
                keepalive_count_max=3,
                **given,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise TargetError(f"{self.name}: {self._host_key(place, port)}") from error
        except asyncssh.PermissionDenied as error:
            raise TargetError(
                f"{self.name}: permission denied: no key or user that fits (--identity KEY)"
            ) from error
        except ValueError as error:  # a key, a known_hosts or a config file that is damaged
            text = " ".join(str(error).split())
            raise TargetError(f"{self.name}: keys or configuration: {text[:300]}") from error
        except (OSError, asyncssh.Error, asyncio.TimeoutError) as error:
            if self._was_open and not isinstance(error, FileNotFoundError):
                raise ConnectionError(str(error)) from error  # it was there before: try again
            text = " ".join(str(error).split())
            if isinstance(error, OSError) and error.errno and error.errno > 0:
                text = os.strerror(error.errno)
            if isinstance(error, asyncio.TimeoutError) or not text:
                text = f"no answer within {self._settings.timeout:g} s"
            raise TargetError(f"{self.name}: cannot connect: {text[:300]}") from error

    def _arguments(self) -> tuple[str, int | None, _Given]:
        """(host, port, what asyncssh is given besides)."""
        user, _, rest = self.name.rpartition("@")
        place, port = split_port(rest)
        settings = self._settings
        given: _Given = {}
        if user:
            given["username"] = user
        if port:
            given["port"] = port
        if settings.known_hosts is not None:
            given["known_hosts"] = str(settings.known_hosts)
        if settings.identity is not None:
            given["client_keys"], given["agent_path"] = [str(settings.identity)], None
        if settings.config is not None:
            given["config"] = [str(settings.config)]
        return place, port, given

    def _host_key(self, place: str, port: int | None) -> str:
        """Whether known_hosts has another key of the board, or none."""
        import asyncssh

        path = pathlib.Path(self._settings.known_hosts or pathlib.Path.home() / ".ssh/known_hosts")
        try:
            known = asyncssh.match_known_hosts(str(path), place, "", port)
        except (OSError, ValueError):
            known = ()
        if any(known[:2]):
            return (
                f"its host key is not the one in {path}: somebody may be in between. If the board "
                f"was set up anew: ssh-keygen -R {self.name.rpartition('@')[2]}"
            )
        return f"its host key is not in {path}: connect once with ssh and compare the fingerprint"


def split_port(text: str) -> tuple[str, int | None]:
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


def full(text: str) -> str:
    """The words of a board, with what they mean where they say that no more can be written."""
    return f"storage is full ({text})" if any(words in text for words in _FULL) else text
