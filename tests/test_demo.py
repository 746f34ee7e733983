"""The demo's main job, small: two networks on digits, from training to a page."""

from __future__ import annotations

import json
import pathlib
import shlex
import subprocess

import pytest

from xncaps import demo
from xncaps_tf.errors import XncapsError

SMALL = (
    demo.Network("capsfc", "CapsFC", "small_cnn", "capsfc", ("float",)),
    demo.Network("xnodr", "XnODR", "small_cnn", "xnodr", ("lce", "fused")),
)


def test_the_demo_makes_a_page_and_takes_up_its_runs(tmp_path: pathlib.Path) -> None:
    said: list[str] = []
    result = demo.run(tmp_path, epochs=1, networks=SMALL, bench_seconds=0.2, say=said.append)
    models = {model["name"]: model for model in result["models"]}
    assert set(models) == {"capsfc_float", "xnodr_lce", "xnodr_fused"}
    for name, model in models.items():
        assert model["status"] == "ok", name
        assert model["verification"]["status"] == "verified", name
        assert model["summary"]["accuracy"]["images"] == 364
    assert models["xnodr_lce"]["runtime"]["name"] == "lce"
    assert models["xnodr_fused"]["runtime"]["name"] == "litert+xncaps"
    assert models["xnodr_fused"]["summary"]["binary_macs"] > 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "XnODR" in page and "<svg" in page
    assert json.loads((tmp_path / "result.json").read_text())["models"]
    trained = (tmp_path / "xnodr" / "last.keras").read_bytes()
    again = demo.run(tmp_path, epochs=1, networks=SMALL[1:], bench_seconds=0.2, say=said.append)
    assert "trained before" in " ".join(said)
    assert (tmp_path / "xnodr" / "last.keras").read_bytes() == trained
    assert [model["name"] for model in again["models"]] == ["xnodr_lce", "xnodr_fused"]
    with pytest.raises(XncapsError, match="Received: a run of another one"):
        demo.run(tmp_path, epochs=2, networks=SMALL[1:])


def test_other_data_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    with pytest.raises(XncapsError, match="expected --data to be one of digits"):
        demo.run(tmp_path, data="multi_mnist")


def test_networks_have_names_and_formats_of_their_own() -> None:
    from xncaps_converters.output_formats import FORMATS
    from xncaps_tf.models import BACKBONES, HEADS

    assert len({network.name for network in demo.NETWORKS}) == len(demo.NETWORKS)
    for network in demo.NETWORKS:
        assert network.backbone in BACKBONES and network.head in HEADS
        assert set(network.formats) <= set(FORMATS)


def test_make_demo_has_a_folder_for_each_data_set() -> None:
    """One of digits in which MNIST's runs were refused had to be removed by hand."""
    root = pathlib.Path(__file__).resolve().parents[1]
    folders: set[str] = set()
    for data in ("", "/tmp/mnist"):
        command = ["make", "-n", "demo", f"DATA={data}"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        [line] = [line for line in done.stdout.splitlines() if "xncaps demo" in line]
        folders.add(shlex.split(line)[3])
    assert folders == {"demo_out", "demo_out/mnist"}
