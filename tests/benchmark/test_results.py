from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

import pytest

from benchmark_results import model, result
from xncaps_benchmark import results
from xncaps_benchmark.errors import ResultError
from xncaps_benchmark.report import write_report


def test_write_and_read_give_the_same(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new" / "r.json"
    results.write_result(result(), path)
    assert results.read_result(path) == result()
    assert [file.name for file in path.parent.iterdir()] == ["r.json"]


def test_write_leaves_the_old_file_where_the_new_one_is_wrong(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "r.json"
    results.write_result(result(), path)
    before = path.read_bytes()
    wrong = result()
    del wrong["models"][0]["latency"]["median_us"]
    with pytest.raises(ResultError, match="models/0/latency.*median_us"):
        results.write_result(wrong, path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def _without(*keys: Any) -> dict[str, Any]:
    changed = copy.deepcopy(result())
    at = changed
    for key in keys[:-1]:
        at = at[key]
    del at[keys[-1]]
    return changed


def _with(value: Any, *keys: Any) -> dict[str, Any]:
    changed = copy.deepcopy(result())
    at = changed
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (_without("format"), "the whole"),
        (_with(3, "format_version"), "format_version"),
        (_with(-1, "models", 0, "latency", "min_us"), "models/0/latency"),
        (_with("fast", "models", 0, "latency", "n"), "models/0/latency"),
        (_with([1, -2.0], "models", 0, "latency", "samples_us"), "models/0/latency/samples_us"),
        (_with([True], "models", 0, "latency", "turns"), "models/0/latency/turns"),
        (_with("<b>", "models", 0, "samples", 0, "png"), "models/0/samples/0/png"),
        (_with("x" * 300, "models", 0, "name"), "models/0/name"),
        (_with("slow", "models", 0, "status"), "models/0/status"),
        (_with(1, "surprise"), "the whole"),
        (_with("telnet", "target", "kind"), "target/kind"),
    ],
    ids=[
        "no-format",
        "version",
        "negative",
        "text",
        "samples",
        "turns",
        "png",
        "long",
        "status",
        "extra",
        "target",
    ],
)
def test_check_names_the_place(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(ResultError, match=place):
        results.check_result(wrong, "r.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ('{"a": NaN}', "NaN is not JSON"),
        ("[" * 200_000, "expected JSON"),
        ("1" + "0" * 400, "a number of 401 digits"),
        ("1e999", "larger than any number"),
    ],
    ids=["cut", "nan", "deep", "long", "infinite"],
)
def test_read_refuses_what_is_no_json(tmp_path: pathlib.Path, text: str, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ResultError, match=f"r.json: {message}|r.json.*{message}"):
        results.read_result(path)


def test_read_refuses_a_file_beyond_the_limit(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(result()))
    monkeypatch.setattr(results, "MAX_RESULT_BYTES", 1 << 10)
    with pytest.raises(ResultError, match="at most"):
        results.read_result(path)


def test_read_summary_checks_its_schema(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.summary.json"
    good = {"format": "xncaps-summary", "format_version": 1, "macs": 5, "binary_macs": 3}
    path.write_text(json.dumps(good))
    assert results.read_summary(path) == good
    path.write_text(json.dumps({**good, "macs": -5}))
    with pytest.raises(ResultError, match="m.summary.json: expected .* Received: macs"):
        results.read_summary(path)


def test_a_result_of_the_first_format_is_still_read(
    root: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The specimen is what `bench` wrote then; what was not recorded is said to be not known."""
    path = root / "tests/golden/formats/v1/result.json"
    old = json.loads(path.read_text("utf-8"))
    assert old["format_version"] == 1
    told = results.read_result(path)
    assert told["format_version"] == results.FORMAT_VERSION and told["tool"]["commit"] is None
    assert told == results.read_result(path)  # its id too
    for before, now in zip(old["models"], told["models"], strict=True):
        assert now["valid"] is None and {**now, **before} == now
    for before, now in zip(old["ratios"], told["ratios"], strict=True):
        assert now["narrow"] is None and {**now, **before} == now
    write_report([told], tmp_path / "page.html")
    assert "1.01×" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("value", [[], 1, {"format_version": 1}, {"format_version": 9}])
def test_an_upgrade_leaves_what_is_no_result_to_the_schema(
    value: Any, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(value))
    with pytest.raises(ResultError, match="r.json: "):
        results.read_result(path)


def test_a_name_of_another_encoding_is_written(tmp_path: pathlib.Path) -> None:
    measured = result([model("name", 10.0) | {"name": "caf\udce9"}])
    results.write_result(measured, tmp_path / "r.json")
    assert results.read_result(tmp_path / "r.json")["models"][0]["name"] == "caf?"
