"""One Android device by adb: found, asked, written to; every bad state is one line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xncaps_benchmark import clocks
from xncaps_benchmark.errors import BenchmarkError, TargetError
from xncaps_benchmark.result_types import State
from xncaps_benchmark.targets import phonestate
from xncaps_benchmark.targets.settings import settings
from xncaps_files.errors import one_line

APP = "org.xncaps.demo"
_STATES = {
    "unauthorized": "unauthorised: accept this computer's key on its screen",
    "offline": "offline: replug it, or adb reconnect",
    "no permissions": "not accessible: add a udev rule for it",
    "recovery": "in recovery: start Android",
    "sideload": "in sideload: start Android",
    "bootloader": "in its boot loader: start Android",
}


@dataclass(frozen=True)
class Settings:
    """What only this target takes.

    Args:
        app: the app's id; it holds the benchmark screen.
        delegate: whether the app runs with the xncaps delegate; None: where a file's ops need it.
        benchmark_model: TFLite's binary of that name, to run instead of the app.
        external_delegate: a delegate's .so for benchmark_model.
        host: of the adb server; None: ANDROID_ADB_SERVER_HOST, else 127.0.0.1.
        port: of the adb server; None: ANDROID_ADB_SERVER_PORT, else 5037.
        timeout: seconds for an answer of the device.
    """

    app: str = APP
    delegate: bool | None = None
    benchmark_model: str | os.PathLike[str] | None = None
    external_delegate: str | os.PathLike[str] | None = None
    host: str | None = None
    port: int | None = None
    timeout: float = 30.0

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Settings:
        made = settings(cls, "adb", given)
        if not all(c.isalnum() or c in "._" for c in made.app) or "." not in made.app:
            raise BenchmarkError(f"adb: expected an app's id. Received: app={made.app}.")
        if made.external_delegate is not None and made.benchmark_model is None:
            raise BenchmarkError("adb: --external-delegate goes with --benchmark-model")
        return made


class Phone:
    """An adb device that is there and ready."""

    def __init__(self, serial: str, settings: Settings) -> None:
        try:
            import adbutils  # pyright: ignore[reportMissingTypeStubs]
            from adbutils.errors import AdbError  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise TargetError(
                "--target adb: needs adbutils: pip install 'xncaps-benchmark[adb]'"
            ) from error
        self._error: Any = (AdbError, OSError, AssertionError, EOFError)
        self._timeout = settings.timeout
        try:
            client = adbutils.AdbClient(
                settings.host, settings.port, socket_timeout=settings.timeout
            )
            self.serial = _pick(_devices(client), serial)
            self._device: Any = client.device(serial=self.serial)
        except self._error as error:
            text = one_line(error)
            raise TargetError(
                f"adb: no server answers, and none could be started: {text[:200]}"
            ) from error

    def shell(self, *words: str, check: bool = True, timeout: float | None = None) -> str:
        """Output of a command, whose words are quoted.

        Raises:
            TargetError: the command failed or the device is gone.
        """
        return self.script(shlex.join(words), check=check, timeout=timeout)

    def script(self, text: str, *, check: bool = True, timeout: float | None = None) -> str:
        """Output of a line of shell."""
        try:
            ran = self._device.shell2(f"{{ {text}; }} 2>&1", timeout=timeout or self._timeout)
        except (*self._error, ValueError) as error:
            raise self.gone(error) from error
        output = str(ran.output)
        if "No space left" in output:
            raise TargetError(f"{self.serial}: storage is full")
        if check and ran.returncode:
            lines = output.strip().splitlines() or [f"exit code {ran.returncode}"]
            raise TargetError(f"{self.serial}: {text.split()[0]}: {lines[-1][:300]}")
        return output

    def push(self, content: bytes, path: str, mode: int = 0o644) -> None:
        """Writes a file and checks its size."""
        try:
            self._device.sync.push(content, path, mode, check=True)
        except self._error as error:
            if self.free(path.rpartition("/")[0]) < len(content) + (1 << 16):
                raise TargetError(
                    f"{self.serial}: storage is full ({path} was not written)"
                ) from error
            raise self.gone(error) from error

    def free(self, folder: str) -> int:
        """Free bytes of the file system that a folder is on; 0 if that cannot be told."""
        words = self.shell("df", "-k", folder, check=False).splitlines()[-1:]
        numbers = [word for word in " ".join(words).split() if word.isdigit()]
        return int(numbers[2]) * 1024 if len(numbers) >= 3 else 0

    def connect(self, name: str) -> Any:
        """A socket that is connected to an abstract local one; None where nobody takes it.

        Raises:
            TargetError: the device is gone.
        """
        from adbutils import Network  # pyright: ignore[reportMissingTypeStubs]
        from adbutils.errors import AdbError  # pyright: ignore[reportMissingTypeStubs]

        try:
            return self._device.create_connection(Network.LOCAL_ABSTRACT, name)
        except AdbError as error:
            if "device" in str(error):  # adb's words where it lost the device itself
                raise self.gone(error) from error
            return None
        except self._error as error:
            raise self.gone(error) from error

    def open_output(self, *words: str) -> Any:
        """A socket with the bytes that a command prints, as they come.

        Raises:
            TargetError: the device is gone.
        """
        connection = None
        try:
            connection = self._device.open_transport()
            connection.send_command(f"exec:{shlex.join(words)}")
            connection.check_okay()
            return connection.conn
        except self._error as error:
            if connection is not None:
                connection.close()
            raise self.gone(error) from error

    def gone(self, error: BaseException) -> TargetError:
        """Why an exchange with the device failed, in one line."""
        text = one_line(error)
        return TargetError(f"{self.serial}: the device does not answer any more: {text[:200]}")

    def properties(self) -> dict[str, str]:
        """What build.prop says of the device."""
        names = {
            "manufacturer": "ro.product.manufacturer",
            "model": "ro.product.model",
            "soc": "ro.soc.model",
            "board": "ro.board.platform",
            "android": "ro.build.version.release",
            "sdk": "ro.build.version.sdk",
            "build": "ro.build.fingerprint",
            "abi": "ro.product.cpu.abi",
        }
        script = "; ".join(f"getprop {prop}" for prop in names.values())
        lines = self.script(script, check=False).split("\n")
        told = {name: line.strip()[:200] for name, line in zip(names, lines, strict=False)}
        words = self.script("grep MemTotal /proc/meminfo; nproc", check=False).split()
        numbers = [word for word in words if word.isdigit()]
        if len(numbers) == 2:
            told |= {"memory_kb": numbers[0], "cores": numbers[1]}
        return told

    def state(self) -> State:
        """Governors, clocks, temperatures, load and battery now, as the shell may read them."""
        return phonestate.parse(self.script(phonestate.SCRIPT, check=False))

    def clock_sample(self) -> clocks.Sample:
        """The clocks of the clusters, as the shell may read them."""
        return phonestate.parse_clocks(self.script(phonestate.CLOCKS, check=False))

    def cores(self) -> str:
        """Lines 'CPU CAPACITY|TOP_CLOCK' of all cores; what the device hides is empty."""
        return self.script(
            "cd /sys/devices/system/cpu && for c in cpu[0-9]*; do "
            'echo "${c#cpu} $(cat $c/cpu_capacity 2>/dev/null)'
            '|$(cat $c/cpufreq/cpuinfo_max_freq 2>/dev/null)"; done',
            check=False,
        )


def _devices(client: Any) -> list[tuple[str, str]]:
    """(serial, state) of each device that the server knows."""
    with client.make_connection() as connection:
        connection.send_command("host:devices")
        connection.check_okay()
        text = connection.read_string_block()
    rows = (line.split("\t", 1) for line in text.splitlines())
    return [(row[0], row[1].strip()) for row in rows if len(row) == 2]


def _pick(devices: list[tuple[str, str]], serial: str) -> str:
    """The device that is meant, if it is ready.

    Raises:
        TargetError: none, several, not ready.
    """
    names = ", ".join(name for name, _ in devices)
    if not devices:
        raise TargetError("adb: no device: plug one in and allow USB debugging on it")
    if serial:
        found = [device for device in devices if device[0] == serial]
        if not found:
            raise TargetError(f"adb: no device {serial}; there are: {names}")
    elif len(devices) > 1:
        raise TargetError(f"adb: several devices; choose with --target adb:SERIAL: {names}")
    else:
        found = devices
    name, state = found[0]
    if state != "device":
        raise TargetError(f"adb: {name} is {_STATES.get(state.split(';')[0], state)}")
    return name
