from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

import xncaps_zoo
from benchmark_results import failed, result
from benchmark_results import model as measured
from xncaps_benchmark import cli, limits, plan, results, terminal
from xncaps_benchmark.errors import BenchmarkError
from xncaps_files.errors import DataError

Make = Callable[..., pathlib.Path]
FAST = ["--runs", "64", "--seconds", "2", "--warm-up", "0.01"]


def test_bench_and_report_make_a_page(model: Make, tmp_path: pathlib.Path) -> None:
    out, page = tmp_path / "r.json", tmp_path / "p.html"
    files = [str(model("first")), str(model("second", hidden=3))]
    ran = CliRunner().invoke(cli.bench, [*files, "-o", str(out), *FAST])
    assert ran.exit_code == 0, ran.output
    assert "first" in ran.output and "verified" in ran.output and "baseline" in ran.output
    assert results.read_result(out)["models"][1]["latency"]["n"] == 64
    made = CliRunner().invoke(cli.report, [str(out), "-o", str(page)])
    assert made.exit_code == 0, made.output
    assert made.output.strip() == str(page)
    assert "second" in page.read_text()


def test_what_is_no_result_or_page_is_not_written_over(model: Make, tmp_path: pathlib.Path) -> None:
    file = model("first")
    kept, page = file.read_bytes(), tmp_path / "page.html"
    with pytest.raises(DataError, match="-o: expected a new file to write, or an older result"):
        cli.bench.main([str(file), "-o", str(file), *FAST], standalone_mode=False)
    assert file.read_bytes() == kept
    out = tmp_path / "r.json"
    results.write_result(result(), out)
    kept = out.read_bytes()
    os.mkfifo(pipe := tmp_path / "pipe")  # for what is no file, as /dev/null
    for place in (out, pipe):
        with pytest.raises(DataError, match=f"older page to replace. Received: {place}, which is"):
            cli.report.main([str(out), "-o", str(place)], standalone_mode=False)
    assert out.read_bytes() == kept
    page.touch()
    for _ in range(2):
        cli.report.main([str(out), "-o", str(page)], standalone_mode=False)


def test_a_result_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_RESULT_BYTES", 1 << 20)
    with pytest.raises(results.ResultError, match="/dev/zero: expected at most 1 MiB. Received"):
        results.read_result("/dev/zero")


def test_a_file_of_the_zoo_is_measured_by_its_name(
    model: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With xncaps-benchmark and xncaps-zoo alone, as a board has them."""
    file, out = model("drawn"), tmp_path / "r.json"
    monkeypatch.setattr(xncaps_zoo, "path", {"drawn": file}.__getitem__)
    with pytest.raises(SystemExit) as ended:
        cli.main(["zoo:drawn", "-o", str(out), *FAST])
    assert ended.value.code == 0
    [measured] = results.read_result(out)["models"]
    assert measured["status"] == "ok" and measured["name"] == file.stem
    with pytest.raises(SystemExit) as ended:
        cli.main(["zoo:nothing"])
    assert ended.value.code == 2


def test_the_next_command_is_one_that_is_installed(
    model: Make,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a board there is no `xncaps`."""
    monkeypatch.setattr("sys.argv", ["/usr/bin/xncaps-benchmark"])
    out = tmp_path / "r.json"
    with pytest.raises(SystemExit):
        cli.main([str(model()), "-o", str(out), *FAST])
    assert f"(xncaps-benchmark report {out} -o page.html)" in capsys.readouterr().out


def test_bench_exits_with_1_where_a_file_failed(model: Make, tmp_path: pathlib.Path) -> None:
    out = tmp_path / "r.json"
    files = [str(model("good")), str(model("wrong", wrong=1.0))]
    ran = CliRunner().invoke(cli.bench, [*files, "-o", str(out), *FAST], standalone_mode=False)
    assert ran.return_value == 1
    assert "wrong failed: wrong outputs" in " ".join(ran.output.split())
    assert results.read_result(out)["models"][0]["status"] == "ok"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "moon"],
        ["--runs", "0"],
        ["--threads", "x"],
        ["--runtime", "onnx"],
        ["--seconds", "-1"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_bench_refuses_wrong_options_with_2(model: Make, arguments: list[str]) -> None:
    ran = CliRunner().invoke(cli.bench, [str(model()), *arguments])
    assert ran.exit_code == 2 and arguments[0] in ran.output


def test_table_fits_80_columns_whatever_the_names() -> None:
    names = ["a_rather_long_model_name_of_a_person_who_likes_them_" * 2, "short", "\x1b[31mred"]
    models = [
        measured(names[0], 1234.5),
        measured(names[1], 0.4),
        failed(names[2], "it broke " * 30),
    ]
    text = terminal.table(result(models))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text and "?[31mred failed: it broke" in text


@pytest.mark.parametrize("command", ["bench", "report"])
def test_help_has_words_for_every_option_in_80_columns(command: str) -> None:
    shown = CliRunner().invoke(getattr(cli, command), ["--help"], terminal_width=80)
    assert shown.exit_code == 0 and max(map(len, shown.output.splitlines())) <= 80
    for option in getattr(cli, command).params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help and option.opts[-1] in shown.output, option.name
            assert f"{option.opts[-1]} TEXT" not in shown.output or option.name == "title"


ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        allowed = {"numpy", "click", "rich", "jsonschema", "ai_edge_litert", "xncaps_benchmark"}
        if name.split(".")[0] in FORBIDDEN:
            raise ImportError(f"{name} is not there")
FORBIDDEN = {"tensorflow", "tf_keras", "keras", "larq", "larq_compute_engine", "xncaps_tf",
             "xncaps_converters", "flatbuffers", "jinja2", "matplotlib", "PIL", "sklearn", "scipy"}
sys.meta_path.insert(0, Refuse())
"""


def test_a_board_needs_only_a_runtime(model: Make, tmp_path: pathlib.Path) -> None:
    """`python -m xncaps_benchmark FILE` in processes (children too) that lack all the rest."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(ALONE)
    path = os.pathsep.join([str(tmp_path / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])])
    out = tmp_path / "r.json"
    command = [sys.executable, "-m", "xncaps_benchmark", str(model()), "-o", str(out), *FAST]
    ran = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(out.read_text())["models"][0]["verification"]["status"] == "verified"
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["report", "nowhere.json"], 1, "nowhere.json: cannot be read: No such file or directory."),
        (["bench", "m.tflite", "--cpus", "999"], 1, "xncaps-benchmark: --cpus"),
        (["bench"], 2, "Missing argument"),
        (["--help"], 0, ""),
    ],
    ids=["no-file", "cpus", "usage", "help"],
)
def test_main_says_one_line(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_the_command_asks_for_what_the_options_allow() -> None:
    words = {parameter.name: parameter for parameter in cli.bench.params}
    for name, limit in limits.LIMITS.items():
        kind = words[name].type
        assert isinstance(kind, click.IntRange | click.FloatRange)
        assert (kind.min, kind.max, words[name].default) == (limit.low, limit.high, limit.default)
        with pytest.raises(BenchmarkError, match=f"expected {name} from {limit.low} to"):
            plan.Options(**{name: limit.high + 1})
