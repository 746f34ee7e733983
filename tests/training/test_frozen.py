"""A frozen backbone: its features are computed once, and the whole network comes out."""

from __future__ import annotations

import dataclasses
import pathlib
import resource
import types

import numpy as np
import pytest

import xncaps_tf
from compared_runs import assert_same_run, resumed
from xncaps_tf import data, models, training
from xncaps_tf.data import ArrayImages, Dataset
from xncaps_tf.errors import TrainingError
from xncaps_tf.models import trunk
from xncaps_tf.training import TrainConfig, features

CONFIG = TrainConfig(
    head="xnodr",
    data="digits",
    limit=120,
    batch_size=16,
    epochs=3,
    freeze_backbone=True,
    augment="flip",
    dropout=0.2,
    save_steps=2,
    threads=2,
    seed=5,
)


def test_the_whole_network_comes_out_with_the_backbone_untouched(run: pathlib.Path) -> None:
    model = xncaps_tf.load_model(run / "best.keras")
    before = models.build("small_cnn", "xnodr", (8, 8, 1), 10, seed=5, dropout=0.2)
    names = [layer.name for layer in trunk.layers(before, trunk.find(before))]
    assert "conv4" in names and "features" not in names
    for layer in before.layers:
        pairs = zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True)
        equal = [np.array_equal(one, other) for one, other in pairs]
        assert all(equal) if layer.name in names else not any(equal) or not equal, layer.name


def test_the_hold_out_is_scored_as_from_pixels(run: pathlib.Path) -> None:
    train = data.sample(data.load("digits", "train"), 120, CONFIG.seed)
    _, held_out = data.split_validation(train, CONFIG.validation, CONFIG.seed)
    model = xncaps_tf.load_model(run / "last.keras")
    found = training.evaluate(model, held_out)
    row = (run / "metrics.csv").read_text().splitlines()
    last = dict(zip(row[0].split(","), row[-1].split(","), strict=True))
    assert found.accuracy == pytest.approx(float(last["val_accuracy"]))


def test_it_resumes_bit_for_bit(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert_same_run(run, resumed(CONFIG, tmp_path / "run", 5))


def test_runs_share_a_cache_and_compute_nothing_twice(
    run: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    original = features._save
    monkeypatch.setattr(features, "_save", lambda p, f: (made.append(p.name), original(p, f)))
    config = dataclasses.replace(CONFIG, feature_cache=str(tmp_path / "cache"), epochs=1)
    training.run(config, tmp_path / "first")
    assert len(made) == 3  # the pictures, their mirror images, the hold-out
    training.run(dataclasses.replace(config, head="dense"), tmp_path / "second")
    assert len(made) == 3
    training.run(dataclasses.replace(config, limit=100), tmp_path / "third")  # other pictures
    assert len(made) == 6
    training.run(dataclasses.replace(config, seed=6), tmp_path / "fourth")  # another trunk
    assert len(made) == 9


def test_a_file_half_made_is_made_again_and_the_others_are_kept(tmp_path: pathlib.Path) -> None:
    """As a kill while the features are computed leaves it."""
    folder = tmp_path / "run" / "features"
    training.run(dataclasses.replace(CONFIG, epochs=1), tmp_path / "run")
    files = sorted(folder.rglob("*.npy"))
    assert len(files) == 3 and not list(folder.rglob(".tmp-*"))
    before = {file: file.read_bytes() for file in files}
    files[0].unlink()
    (files[0].parent / ".tmp-0123456789ab.npy").write_bytes(b"half")
    kept = files[1].stat().st_mtime_ns
    (tmp_path / "run" / "state" / "finished").unlink()
    training.resume(tmp_path / "run")
    assert {file: file.read_bytes() for file in sorted(folder.rglob("*.npy"))} == before
    assert files[1].stat().st_mtime_ns == kept and not list(folder.rglob(".tmp-*"))


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_named(content: bytes, tmp_path: pathlib.Path) -> None:
    training.run(dataclasses.replace(CONFIG, epochs=1), tmp_path / "run")
    file = sorted((tmp_path / "run" / "features").rglob("*.npy"))[0]
    file.write_bytes(content)
    (tmp_path / "run" / "state" / "finished").unlink()
    with pytest.raises(TrainingError, match=f"{file.name}: expected features of pictures"):
        training.resume(tmp_path / "run")


def _made(
    tmp_path: pathlib.Path, ds: Dataset, backbone: str = "small_cnn", is_mirrored: bool = True
) -> tuple[Dataset, object]:
    model = models.build(backbone, "dense", ds.image_shape, 10, seed=1)
    made = features.Features(tmp_path, model, trunk.find(model), print)
    return made.of(ds, is_mirrored=is_mirrored), model


def test_features_are_those_of_each_picture_and_of_its_mirror_image(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In files of 50 pictures, in batches of 32, read from memory and from the files."""
    monkeypatch.setattr(features, "FILE_IMAGES", 50)
    ds = data.load("digits", "train").subset(np.arange(120)[::-1])
    small, model = _made(tmp_path, ds)
    monkeypatch.setattr(features, "IN_MEMORY_BYTES", 0)
    mapped, _ = _made(tmp_path, ds)
    assert isinstance(small.images, ArrayImages) and not isinstance(mapped.images, ArrayImages)
    pixels = ds.numpy()[0].astype("float32")
    extract = trunk.extractor(model, trunk.find(model))
    expected = np.concatenate([extract(pixels), extract(pixels[:, :, ::-1])], axis=-1)
    assert small.image_shape == mapped.image_shape == (1, 1, 256)
    # float32 sums in another order where a batch has another size
    np.testing.assert_allclose(small.numpy()[0], expected, rtol=1e-5, atol=1e-5)
    for one, other in ((small, mapped), (mapped, small)):
        (read, labels), (also, _) = (next(iter(data.batches(d, 64, seed=3))) for d in (one, other))
        np.testing.assert_array_equal(read, also)
    np.testing.assert_array_equal(small.labels, ds.labels)


def test_any_number_of_files_takes_few_open_ones(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 200,000 pictures there are 1,600 files."""
    monkeypatch.setattr(features, "FILE_IMAGES", 2)
    monkeypatch.setattr(features, "OPEN_FILES", 8)
    rows = np.arange(120, dtype=np.float32).reshape(60, 2, 1, 1, 1)
    parts = []
    for number, pair in enumerate(rows):
        parts.append([tmp_path / f"{word}-{number}.npy" for word in ("plain", "mirrored")])
        for path, sign in zip(parts[-1], (1, -1), strict=True):
            np.save(path, sign * pair)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(list(pathlib.Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 20, hard))
    try:
        for most in (0, 2**20):
            monkeypatch.setattr(features, "IN_MEMORY_BYTES", most)
            found = features._read(parts, 120).numpy(np.arange(120)[::-1])
            np.testing.assert_array_equal(found[:, 0, 0, 0], np.arange(120)[::-1])
            np.testing.assert_array_equal(found[:, 0, 0, 1], -np.arange(120)[::-1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_mirror_image_takes_its_pictures_place_one_time_in_two(
    tmp_path: pathlib.Path,
) -> None:
    ds, _ = _made(tmp_path, data.load("digits", "train").subset(np.arange(200)))
    plain = ds.numpy()[0][:, 0, 0]
    batch = next(iter(data.batches(ds, 200, seed=0, augment=features.MIRROR, one_hot=False)))
    order = next(iter(data.batches(ds, 200, seed=0, one_hot=False)))[0].numpy()[:, 0, 0]
    shown = batch[0].numpy()[:, 0, 0]
    turned = np.concatenate([order[:, 128:], order[:, :128]], axis=1)
    is_turned = (shown == turned).all(axis=1)
    assert ((shown == order).all(axis=1) ^ is_turned).all()
    assert 70 < is_turned.sum() < 130  # 5 sigma of 200 draws: 35
    assert len(plain) == 200


def test_a_full_disk_is_seen_before(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = types.SimpleNamespace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(TrainingError, match="GB for the backbone's features.*feature_cache"):
        _made(tmp_path, data.load("digits", "train"))


def test_files_that_do_not_go_together(tmp_path: pathlib.Path) -> None:
    ds = data.load("digits", "train").subset(np.arange(60))
    _made(tmp_path, ds)
    file = sorted(tmp_path.rglob("*.npy"))[0]
    np.save(file, np.zeros((59, 1, 1, 128), np.float32))
    with pytest.raises(TrainingError, match="features of 60 pictures. Received: files that"):
        _made(tmp_path, ds)


def test_a_backbone_whose_features_are_not_pooled(tmp_path: pathlib.Path) -> None:
    """MobileNetV2 has a depthwise convolution of ours, not trained yet, behind Keras's layers."""
    config = dataclasses.replace(
        CONFIG, backbone="mobilenet_v2", head="dense", limit=12, epochs=1, batch_size=4, threads=2
    )
    from xncaps_tf.models import applications

    with pytest.MonkeyPatch.context() as patch:  # 32 pixels: enough to see the shapes
        patch.setattr(applications, "upsample", lambda x, how, factor: _enlarged(x))
        training.run(config, tmp_path / "run")
        model = xncaps_tf.load_model(tmp_path / "run" / "best.keras")
    kept = next((tmp_path / "run" / "features").rglob("plain-*.npy"))
    assert np.load(kept).shape[1:] == (2, 2, 1280)
    assert model.get_layer("extra_depthwise").output_shape == (None, 2, 2, 1280)


def _enlarged(image: object) -> object:
    from xncaps_tf._keras import keras

    return keras.layers.UpSampling2D(8)(image)


def test_one_process_computes_features() -> None:
    with pytest.raises(TrainingError, match="strategy 'none' with freeze_backbone"):
        TrainConfig(freeze_backbone=True, strategy="mirrored")
