"""The command line's frame: help without TensorFlow, one line for a failure, chatter in a log."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

import pytest

import xncaps_runtime
from xncaps import environment, main, output
from xncaps_files import releases
from xncaps_tf.errors import XncapsError

XNCAPS = [sys.executable, "-m", "xncaps"]


def _run(arguments: list[str], tmp_path: pathlib.Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path / "logs"), "COLUMNS": "80"}
    return subprocess.run(
        [*XNCAPS, *arguments], capture_output=True, text=True, env=environment, timeout=120
    )


@pytest.mark.parametrize("command", [[], *[[name] for name in main.COMMANDS]], ids=str)
def test_help_is_quick_narrow_and_loads_no_tensorflow(
    command: list[str], tmp_path: pathlib.Path
) -> None:
    took = []
    for _ in range(3):  # the best of three: what the machine does besides is not the program's
        start = time.perf_counter()
        done = _run([*command, "--help"], tmp_path)
        took.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
        if took[-1] < 0.3:
            break
    assert min(took) < 0.3, took
    assert max(map(len, done.stdout.splitlines())) <= 80
    code = f"""
import sys
from xncaps import main
try:
    main.main({[*command, "--help"]!r})
except SystemExit:
    pass
heavy = {{"tensorflow", "numpy", "larq", "ai_edge_litert", "matplotlib"}} & set(sys.modules)
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr


def test_every_command_of_the_table_exists() -> None:
    for name in main.COMMANDS:
        command = main.cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None and command.name == name


@pytest.mark.parametrize("arguments", [["no-such"], ["train", "--no-such"]], ids=str)
def test_usage_errors_exit_with_2(arguments: list[str], tmp_path: pathlib.Path) -> None:
    done = _run(arguments, tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def _failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", fail)


def test_a_users_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    _failing(monkeypatch, XncapsError("data: expected a file.\nReceived: x.gz."))
    log = output.Log(tmp_path / "log")
    assert main._run(["train"], log) == 1
    assert capsys.readouterr().err == (
        f"xncaps: data: expected a file. Received: x.gz. (log: {log.path})\n"
    )
    assert "Traceback" in log.path.read_text() and log.keep


def test_names_of_strangers_do_not_reach_the_terminal_as_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    _failing(monkeypatch, XncapsError("cat\x1b[2J\u202e.png: expected a picture."))
    assert main._run(["predict"], output.Log(tmp_path / "log")) == 1
    assert capsys.readouterr().err.startswith("xncaps: cat?[2J?.png: expected a picture.")
    output.say("dög 蓝 \x1b]0;title\x07 0.5", "two\nlines")
    assert capsys.readouterr().out == "dög 蓝 ?]0;title? 0.5\ntwo?lines\n"


def test_a_foreign_error_is_one_short_line_with_its_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    _failing(monkeypatch, RuntimeError("loc(" + "mlir " * 1000))
    assert main._run(["convert"], output.Log(tmp_path / "log")) == 1
    line = capsys.readouterr().err
    assert line.startswith("xncaps: RuntimeError: loc(mlir") and len(line) < 500


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str, tmp_path: pathlib.Path) -> None:
    """As a daemon starts it."""
    out, environment = tmp_path / "out", {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path / "logs")}
    for arguments, code in ((["zoo", "copy", "mnist-cnn-xnodr", str(out)], 0), (["zoo", "x"], 2)):
        command = f'exec "$@" {closed}'
        done = subprocess.run(["sh", "-c", command, "sh", *XNCAPS, *arguments], env=environment)
        assert done.returncode == code
    assert (out / "card.json").read_text().startswith("{")


def test_help_on_a_full_disk_is_one_line(tmp_path: pathlib.Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*XNCAPS, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.startswith("xncaps: [Errno 28] No space left")
    assert done.stderr.count("\n") == 1


def test_names_of_another_encoding_are_names(tmp_path: pathlib.Path) -> None:
    done = _run(["inspect", "caf\udce9.tflite"], tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("xncaps: caf?.tflite: cannot be read: No such file"), done.stderr


def test_a_distribution_of_another_state_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    _failing(monkeypatch, AttributeError("no attribute 'new'", name="new", obj=xncaps_runtime))
    assert main._run(["predict"], output.Log(tmp_path / "log")) == 1
    line = capsys.readouterr().err
    assert line.startswith("xncaps: expected all of xncaps to be of one state. Received: xncaps-r")


def test_a_distribution_of_another_release_is_refused_but_by_info(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    known = releases.version
    monkeypatch.setattr(
        releases, "version", lambda name: "0.0.9" if name == "xncaps-zoo" else known(name)
    )
    assert main._run(["zoo", "list"], output.Log(tmp_path / "log")) == 1
    assert "Received: xncaps-zoo 0.0.9; pip install xncaps-zoo==" in capsys.readouterr().err
    monkeypatch.setattr(environment, "_devices", dict)
    assert main._run(["info"], output.Log(tmp_path / "log")) == 0
    assert "xncaps-zoo" in capsys.readouterr().out


def test_native_output_goes_to_the_log_and_results_to_the_screen(tmp_path: pathlib.Path) -> None:
    code = """
import os, sys
from xncaps import output
with output.native_output_to_log(["convert"]) as log:
    os.write(1, b"native out\\n")
    os.write(2, b"native err\\n")
    print("result")
    log.keep = True
os.write(1, str(log.path).encode())
"""
    environment = {**os.environ, "XNCAPS_LOG_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    result, path = done.stdout.split("\n")
    assert result == "result" and done.stderr == ""
    assert pathlib.Path(path).read_text().endswith("native out\nnative err\n")


def test_only_the_newest_logs_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("XNCAPS_LOG_DIR", str(tmp_path))
    made = [output._new_log([str(number)]) for number in range(30)]
    assert len(list(tmp_path.iterdir())) == 20
    assert made[-1].exists() and not made[0].exists()


def test_info_names_versions_and_runtimes(tmp_path: pathlib.Path) -> None:
    done = _run(["info"], tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("tensorflow", "larq-compute-engine", "litert+xncaps", "CPU:0"):
        assert word in done.stdout
    assert done.stderr == ""
