"""load_model: three formats, a fresh process, nothing from the file run as code, clear errors."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy as np
import pytest

import xncaps_tf
from xncaps_tf import losses, metrics, schedules
from xncaps_tf._keras import keras, tf
from xncaps_tf.errors import DataError, XncapsError
from xncaps_tf.layers import CapsuleReshape, ClassScores, Length, SeededDropout, XnIDR, XnODR

X = np.random.default_rng(41).normal(size=(4, 32)).astype(np.float32)
FORMATS = ["model.keras", "model.h5", "model"]


def _model():
    model = keras.Sequential(
        [
            keras.Input((32,)),
            CapsuleReshape(8),
            XnODR(4, 6, kernel_regularizer="l2"),
            SeededDropout(0.2, seed=3),
            XnIDR(3, 5),
            Length(),
            ClassScores(["ä", "b c", "d"]),
        ]
    )
    optimizer = keras.optimizers.Adam(schedules.Triangular2(1e-4, 1e-3, 10))
    model.compile(optimizer, losses.MarginLoss(0.8), metrics=[metrics.ScoreAccuracy()])
    model.fit(X, np.eye(3)[[0, 1, 2, 0]], verbose=0)
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with the model in each format, the inputs and the outputs."""
    folder = tmp_path_factory.mktemp("saved")
    model = _model()
    for name in FORMATS:
        model.save(folder / name)
    np.savez(folder / "io.npz", x=X, y=model.predict(X, verbose=0))
    return folder


CODE = """
import sys
import numpy as np
import xncaps_tf
assert "tensorflow" not in sys.modules
data = np.load(sys.argv[1], allow_pickle=False)
for path in sys.argv[2:]:
    model = xncaps_tf.load_model(path)
    assert np.array_equal(model.predict(data["x"], verbose=0), data["y"]), path
    assert model.get_layer("scores").class_names == ("ä", "b c", "d"), path
    assert type(model.loss).__name__ == "MarginLoss" and model.loss.m_plus == 0.8, path
    model.fit(data["x"], np.eye(3)[[0, 1, 2, 0]], verbose=0)
    print("loaded", path)
"""


def test_a_fresh_process_loads_and_trains_on(saved):
    paths = [str(saved / name) for name in ("io.npz", *FORMATS)]
    arguments = [sys.executable, "-c", CODE, *paths]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("loaded") == len(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_it_may_stay_uncompiled(saved, name):
    model = xncaps_tf.load_model(saved / name, compile=False)

    assert getattr(model, "loss", None) is None
    assert int(model.get_layer(index=2).step) == 1


def test_a_keras_file_loads_as_by_keras_itself(saved):
    path = saved / "model.keras"
    ours = xncaps_tf.load_model(path)
    keras_own = keras.models.load_model(path)

    assert ours.get_config() == keras_own.get_config()
    assert ours.get_compile_config() == keras_own.get_compile_config()
    pairs = [(ours.variables, keras_own.variables)]
    pairs.append((ours.optimizer.variables, keras_own.optimizer.variables))
    assert len(pairs[1][0]) > 2  # the moments too
    for found, expected in pairs:
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one.numpy(), other.numpy()), one.name


def test_a_shared_layer_and_the_parts_of_a_text_layer_are_restored(tmp_path):
    words = keras.layers.StringLookup()
    words.adapt(["one", "two", "two"])  # words that are learnt are a part of the file
    dense = keras.layers.Dense(3)
    entry = keras.Input((1,), dtype=tf.string)
    number = keras.Input((3,))
    outputs = [words(entry), dense(dense(number))]
    keras.Model([entry, number], outputs).save(tmp_path / "words.keras")
    keras.Model(number, outputs[1]).save(tmp_path / "shared.keras")

    with zipfile.ZipFile(tmp_path / "words.keras") as archive:
        assert any(name.startswith("assets/") for name in archive.namelist())
    loaded = xncaps_tf.load_model(tmp_path / "words.keras")
    assert loaded([tf.constant([["two"]]), tf.zeros((1, 3))])[0].numpy().tolist() == [[1]]
    shared = xncaps_tf.load_model(tmp_path / "shared.keras")
    assert [w.shape for w in shared.get_weights()] == [(3, 3), (3,)]
    assert np.array_equal(shared.get_weights()[0], dense.get_weights()[0])


def test_every_name_of_the_package_is_registered_by_importing_layers():
    names = {"CapsFC", "XnODR", "XnIDR", "Length", "CapsuleReshape", "SeededDropout", "CapsSign"}
    for name in names:
        assert keras.saving.get_registered_object(f"xncaps_tf>{name}").__name__ == name


def _fails(path, text):
    with pytest.raises(DataError, match=text) as info:
        xncaps_tf.load_model(path)
    assert isinstance(info.value, XncapsError)
    assert "\n" not in str(info.value)
    assert str(path) in str(info.value)


def test_missing_file_is_named(tmp_path):
    _fails(tmp_path / "none.keras", "which does not exist")


def test_a_tflite_file_is_called_one(tmp_path):
    """Those with metadata are ZIP files too, and were asked for the suffix .keras."""
    path = tmp_path / "net.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "one\ntwo\n")
    assert zipfile.is_zipfile(path)
    _fails(path, "expected a Keras model .* a TFLite file")


def test_a_part_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("config.json", "w") as part:
            for _ in range(200):
                part.write(bytes(1 << 20))
    _fails(path, "'config.json' of 209715200 bytes")


def test_many_parts_that_unpack_to_gigabytes_are_refused_unread(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"assets/{number}", bytes(10 << 20))
    _fails(path, "with 209715200 bytes in ")


def test_folder_without_a_model_is_named(tmp_path):
    _fails(tmp_path, "has no saved_model.pb")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("keep", [0, 10, 2000, -100])
def test_truncated_file_is_named(saved, tmp_path, name, keep):
    path = tmp_path / name
    path.write_bytes((saved / name).read_bytes()[:keep])
    _fails(path, "cannot be read")


@pytest.fixture(scope="module")
def of_text(tmp_path_factory):
    """A network with a text layer, whose words are parts of the file beside its weights."""
    words = keras.layers.TextVectorization(output_sequence_length=2)
    words.adapt(["bread milk", "bread tea"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), words])
    path = tmp_path_factory.mktemp("text") / "text.keras"
    model.save(path)
    return path


def test_the_words_of_text_layers_come_along(of_text, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = xncaps_tf.load_model(of_text)
    found = model(tf.constant([["tea bread"], ["soup milk"]])).numpy()
    words = keras.models.load_model(of_text).layers[-1].get_vocabulary()
    assert found.tolist() == [[words.index("tea"), words.index("bread")], [1, words.index("milk")]]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("has_text", [False, True], ids=["weights", "weights and words"])
def test_a_full_disk_of_temporary_files_is_not_the_models_fault(
    saved, of_text, has_text, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    words = rf"expected room for \d+ bytes of weights in {tmp_path}.*File too large"
    try:
        with pytest.raises(DataError, match=words):
            xncaps_tf.load_model(of_text if has_text else saved / "model.keras")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_flipped_byte_in_the_weights_is_found(saved, tmp_path):
    path = tmp_path / "model.keras"
    data = bytearray((saved / "model.keras").read_bytes())
    with zipfile.ZipFile(saved / "model.keras") as archive:
        info = archive.getinfo("model.weights.h5")
    data[info.header_offset + len(info.FileHeader()) + info.compress_size // 2] ^= 1
    path.write_bytes(data)
    _fails(path, "damaged")


def test_other_kinds_of_files_are_named(tmp_path):
    for name, content in (("a.keras", b"text"), ("a.h5", b"text"), ("a.txt", b"")):
        (tmp_path / name).write_bytes(content)
        _fails(tmp_path / name, "cannot be read: it is empty, cut off or of another kind")
    os.mkfifo(tmp_path / "pipe.keras")
    for path in (tmp_path / "pipe.keras", pathlib.Path("/dev/null")):
        _fails(path, "expected a file or a folder.* neither")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    _fails(tmp_path / "data.h5", "cannot be read")


def test_a_config_of_something_else_is_no_saved_model(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "m.keras")
    with (
        zipfile.ZipFile(tmp_path / "m.keras") as old,
        zipfile.ZipFile(tmp_path / "n.keras", "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, b"[1, 2]" if name == "config.json" else old.read(name))
    _fails(tmp_path / "n.keras", "a file of something else")


def test_saved_model_that_is_no_keras_model_is_named(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x, input_signature=[tf.TensorSpec(())])
    tf.saved_model.save(module, str(tmp_path / "module"))
    _fails(tmp_path / "module", "SavedModel of something else|cannot be read")


@pytest.mark.parametrize("name", FORMATS)
def test_lambda_code_is_refused_not_run(tmp_path, name):
    flag = tmp_path / "ran"
    code = f"(lambda x: (open({str(flag)!r}, 'w').close(), x)[1])"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(eval(code))])
    model.save(tmp_path / name)
    flag.unlink(missing_ok=True)

    _fails(tmp_path / name, "without Python code")
    assert not flag.exists()


def _rewrite(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(info, data)


@pytest.mark.parametrize(
    "item",
    [
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "shutil", "class_name": "Error", "config": {}, "registered_name": None},
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
    ],
    ids=["os.system", "shutil.Error", "keras.utils.get_file"],
)
def test_functions_of_other_modules_are_refused(saved, tmp_path, item):
    def change(config):
        config["config"]["layers"][1]["config"]["activity_regularizer"] = item

    _rewrite(saved / "model.keras", tmp_path / "bad.keras", change)
    _fails(tmp_path / "bad.keras", "or registered ones")


def test_a_registered_layer_of_another_package_loads(tmp_path):
    @keras.saving.register_keras_serializable(package="somebody")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    model = keras.Sequential([keras.Input((3,)), Twice(), keras.layers.Dense(2, "relu")])
    model.save(tmp_path / "m.keras")

    loaded = xncaps_tf.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded(X[:, :3]), model(X[:, :3]))


KERAS_3 = """
import sys, keras
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
net.save(sys.argv[1] + "/three.keras")
net.save(sys.argv[1] + "/three.h5")
"""


def test_a_model_of_keras_3_is_said_to_be_one(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    environment.pop("TF_USE_LEGACY_KERAS")
    command = [sys.executable, "-c", KERAS_3, str(tmp_path)]
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=120)
    for name in ("three.keras", "three.h5"):
        _fails(tmp_path / name, r"expected a model of Keras 2 .*saved by Keras 3\..*errors.md")
    (tmp_path / "no.h5").write_bytes(b"no file of HDF5")
    _fails(tmp_path / "no.h5", "cannot be read")
