"""Times that the app took on its own screen are judged by whoever reads them, as our own are."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from click.testing import CliRunner

from benchmark_results import model, result
from xncaps_benchmark import measuring, results
from xncaps_benchmark.cli import report

LEFT_OUT = ("drift", "memory", "summary", "custom_ops", "ops", "inputs", "outputs")


def of_the_app(**changes: Any) -> dict[str, Any]:
    """Two models as AppResult.java writes them: no ratio, no drift, nothing judged."""
    told = result([model("slow", 3000.0), model("fast", 1000.0)])
    told["ratios"] = []
    told["method"] |= {"baseline": "slow", "minimum_runs": 64, "minimum_seconds": 0.01}
    for record in told["models"]:
        for name in LEFT_OUT:
            record.pop(name, None)
        record |= {"valid": None, "invalid_because": [], "measured_seconds": None}
    return {**told, **changes}


def read(told: dict[str, Any], folder: pathlib.Path) -> dict[str, Any]:
    path = folder / "result.json"
    path.write_text(json.dumps(told))
    return measuring.judged(results.read_result(path))


def test_ratios_drift_and_validity_are_filled_in(tmp_path: pathlib.Path) -> None:
    found = read(of_the_app(), tmp_path)
    (ratio,) = found["ratios"]
    assert (ratio["baseline"], ratio["model"]) == ("slow", "fast")
    assert 2.5 < ratio["low"] < ratio["ratio"] < ratio["high"] < 3.5
    assert [record["valid"] for record in found["models"]] == [True, True]
    assert all(record["measured_seconds"] > 1 for record in found["models"])
    assert not found["models"][0]["drift"]["slowed"]


def test_what_may_not_be_quoted_is_said(tmp_path: pathlib.Path) -> None:
    told = of_the_app()
    told["models"][1]["verification"] = {"status": "not verified", "reason": "none", "rows": 0}
    told["method"]["minimum_runs"] = 5000
    slow, fast = read(told, tmp_path)["models"]
    assert slow["invalid_because"] == ["1024 runs of at least 5000"]
    assert fast["invalid_because"][-1] == "its outputs are not verified"


def test_what_is_judged_or_tells_no_limits_stays(tmp_path: pathlib.Path) -> None:
    own = results.check_result(result([model("slow", 3000.0), model("fast", 1000.0)]))
    assert measuring.judged(own) is own
    told = of_the_app()
    del told["method"]["minimum_runs"]
    found = read(told, tmp_path)
    assert found["ratios"] == [] and found["models"][0]["valid"] is None


def test_a_page_is_made_of_what_the_schema_asks_for(tmp_path: pathlib.Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps(of_the_app()))
    out = tmp_path / "page.html"
    done = CliRunner().invoke(report, [str(tmp_path / "result.json"), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "times faster than slow" in out.read_text()
