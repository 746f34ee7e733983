"""Weights from files and from Keras's download, and what is said where they do not come."""

from __future__ import annotations

import pathlib
import socket
import time

import numpy as np
import pytest

from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.errors import DataError
from xncaps_tf.models import weights

SMALL = {"input_shape": (8, 8, 3), "num_classes": 4, "upsampling_factor": 4}


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    """Keras's own MobileNetV2, its weights drawn and its averages moved, as a download would be."""
    model = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    rng = np.random.default_rng(11)
    model.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    return model


def assert_holds(model: keras.Model, source: keras.Model) -> None:
    for layer in source.layers:
        for ours, theirs in (
            zip(model.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True)
            if layer.weights
            else ()
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_a_file_of_keras_application(mobilenet: keras.Model, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "mobilenet_notop.h5"
    mobilenet.save_weights(file)
    model = models.build("mobilenet_v2", "xnodr", **SMALL, weights=file, seed=1)
    assert_holds(model, mobilenet)
    frozen = [layer.name for layer in model.layers if not layer.trainable]
    assert frozen == ["block_16_project", "block_16_project_BN", "Conv_1", "Conv_1_bn", "out_relu"]
    free = models.build("mobilenet_v2", "xnodr", **SMALL, weights=file, freeze_tail=False)
    assert all(layer.trainable for layer in free.layers)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_file_of_ours(suffix: str, tmp_path: pathlib.Path) -> None:
    source = models.build("small_cnn", "capsfc", (8, 8, 1), 10, seed=1)
    file = tmp_path / f"model{suffix}"
    core = keras.Model(source.input, source.get_layer("features").output)
    if suffix == ".keras":
        source.save(file)
    else:
        core.save_weights(file)
    model = models.build("small_cnn", "xnidr", (8, 8, 1), 3, weights=str(file), seed=2)
    assert_holds(model, core)


def test_imagenet_weights_are_copied_by_name(
    mobilenet: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "imagenet", lambda backbone: weights._by_layer(mobilenet))
    model = models.build("mobilenet_v2", "dense", **SMALL, weights="imagenet")
    assert_holds(model, mobilenet)


def test_imagenet_takes_the_file_that_keras_has_cached(
    mobilenet: keras.Model, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    cache = tmp_path / ".keras" / "models"
    cache.mkdir(parents=True)
    mobilenet.save_weights(cache / weights.IMAGENET_FILES["mobilenet_v2"])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_probe", lambda url: pytest.fail(f"asked for {url}"))
    model = models.build("mobilenet_v2", "dense", **SMALL, weights="imagenet")
    assert_holds(model, mobilenet)


def refuse_names(*arguments, **options):
    raise socket.gaierror(-2, "Name or service not known")


def test_a_download_without_a_network_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", refuse_names)
    with pytest.raises(DataError, match=r"expected to download https://\S+resnet50\S+") as caught:
        models.build("resnet50", "xnodr", **SMALL, weights="imagenet")
    assert "Name or service not known" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_download_that_hangs_ends_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A server that accepts and never answers, as behind some firewalls."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_PROBE_SECONDS", 1.0)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(weights, "_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(
            DataError, match="expected to download http://127.0.0.1.*(?i:timed out|no answer)"
        ):
            weights.imagenet("mobilenet_v2")
    assert time.monotonic() - start < 10


def test_the_time_limits_leave_thirty_seconds() -> None:
    assert weights._PROBE_SECONDS + weights._STALL_SECONDS < 30


def test_a_stalled_download_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """The first answer comes, the file does not; the time limit is Python's for every socket."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_probe", lambda url: None)
    seen = []

    def stall(**arguments):
        seen.append(socket.getdefaulttimeout())
        raise Exception("URL fetch failure on https://example.invalid: None -- timed out")

    monkeypatch.setattr(keras.applications, "MobileNetV2", stall)
    before = socket.getdefaulttimeout()
    with pytest.raises(DataError, match="URL fetch failure.*timed out"):
        weights.imagenet("mobilenet_v2")
    assert seen == [weights._STALL_SECONDS] and socket.getdefaulttimeout() == before


def test_no_such_file() -> None:
    with pytest.raises(DataError, match="weights='nowhere.h5', which is no file"):
        models.build("small_cnn", "xnodr", (8, 8, 1), 10, weights="nowhere.h5")


def test_a_file_that_does_not_fit(mobilenet: keras.Model, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "mobilenet.h5"
    mobilenet.save_weights(file)
    with pytest.raises(DataError, match="expected the weights of small_cnn in .*mobilenet.h5"):
        models.build("small_cnn", "xnodr", (8, 8, 1), 10, weights=file)
    other = tmp_path / "other.keras"
    models.build("small_cnn", "xnodr", (8, 8, 1), 10).save(other)
    with pytest.raises(DataError, match="layer 'conv1' with weights of shapes.*3, 3, 3, 32"):
        models.build("small_cnn", "xnodr", (8, 8, 3), 10, weights=other)
    with pytest.raises(DataError, match="layer 'stem'.*no such layer"):
        models.build("quicknet", "xnodr", (8, 8, 1), 10, weights=other)


@pytest.mark.parametrize("name", ["broken.h5", "broken.keras"])
def test_a_damaged_file(name: str, tmp_path: pathlib.Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"not weights")
    with pytest.raises(DataError, match=name):
        models.build("small_cnn", "xnodr", (8, 8, 1), 10, weights=file)
