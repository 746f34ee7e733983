"""`Classifier` and `predict`: pictures of every kind, as the file's metadata say."""

from __future__ import annotations

import concurrent.futures
import io
import json
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xncaps_converters import graph_edit
from xncaps_files import camera, metadata
from xncaps_files import zoo as names
from xncaps_files.errors import DataError
from xncaps_files.scores import ScoreScale
from xncaps_runtime import Classifier, Interpreter
from xncaps_runtime import __main__ as command

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "android"
MODEL = GOLDEN / "tiny_float.tflite"
DIGITS = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, 8, 8)
OUTPUTS = np.fromfile(GOLDEN / "tiny_float.outputs.f32", "<f4").reshape(len(DIGITS), -1)
WHOLE = np.rint(DIGITS).astype(np.uint8)  # light on dark
INK = 255 - WHOLE


def described(path: Path, origin: dict[str, Any], names: tuple[str, ...] | None = None) -> Path:
    """The tiny float model with more in its metadata."""
    content = MODEL.read_bytes()
    told = metadata.read(content)
    assert told is not None
    changed = replace(told, origin={**told.origin, **origin}, class_names=names or told.class_names)
    path.write_bytes(graph_edit.with_metadata(content, changed))
    return path


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(MODEL)


def test_ink_on_paper_and_light_on_dark_give_what_was_trained_on(classifier: Classifier) -> None:
    """The metadata of digits say light on dark, so a photograph of ink is inverted."""
    assert classifier.preprocessing.invert
    found = classifier(list(INK), top=1)
    assert [ranking.classes[0] for ranking in found] == OUTPUTS.argmax(1).tolist()
    as_is = Classifier(MODEL, invert=False)(list(WHOLE), top=1)
    assert [ranking.classes[0] for ranking in as_is] == OUTPUTS.argmax(1).tolist()


def test_a_picture_is_the_same_by_path_bytes_pil_and_array(
    classifier: Classifier, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(INK[3]).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    wanted = classifier(INK[3])
    assert len(wanted) == 5 and wanted == sorted(wanted, key=lambda entry: -entry[1])
    for picture in (
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        buffer.getvalue(),
        Image.fromarray(INK[3]),
        INK[3][..., None],
        np.repeat(INK[3][..., None], 3, 2),
    ):
        found = classifier(picture)
        assert [name for name, _ in found] == [name for name, _ in wanted]
        assert [share for _, share in found] == pytest.approx([s for _, s in wanted], abs=1e-5)


def test_a_batch_is_what_its_pictures_are(classifier: Classifier) -> None:
    alone = [classifier(picture) for picture in INK]
    assert classifier(list(INK)) == alone and classifier(tuple(INK)) == alone
    assert classifier(INK[..., None]) == alone
    assert classifier([]) == []


def test_outputs_are_those_of_the_file_and_shares_add_up(classifier: Classifier) -> None:
    interpreter = Interpreter(MODEL)
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(source["index"], WHOLE[:1, ..., None].astype(np.float32))
    interpreter.invoke()
    wanted = interpreter.get_tensor(target["index"])
    given = Classifier(MODEL, invert=False)
    np.testing.assert_allclose(given.outputs([WHOLE[0]]), wanted, atol=1e-6)
    shares = classifier.shares(list(INK))
    np.testing.assert_allclose(shares.sum(1), 1)
    ranking = classifier(INK[0], top=100)
    assert len(ranking) == 10 and sum(share for _, share in ranking) == pytest.approx(1)


@pytest.mark.parametrize("name", ["tiny_float", "tiny_fused"])
def test_more_threads_give_the_same(name: str) -> None:
    one, two = (Classifier(GOLDEN / f"{name}.tflite", n)(list(INK)) for n in (1, 2))
    assert [r.classes for r in one] == [r.classes for r in two]


@pytest.mark.parametrize("name", ["digits", "tiny_fused", "binary_lce", "composite"])
def test_litert_2s_api_gives_the_same(name: str) -> None:
    path = MODEL if name == "digits" else GOLDEN / f"{name}.tflite"
    plain, compiled = (Classifier(path, api=api) for api in ("interpreter", "compiled_model"))
    np.testing.assert_array_equal(compiled.outputs(list(INK)), plain.outputs(list(INK)))
    with pytest.raises(ValueError, match="expected api one of .* Received: api='gpu'"):
        Classifier(path, api="gpu")


def test_threads_are_served_one_after_another(classifier: Classifier) -> None:
    wanted = classifier(list(INK[:3]), top=3)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: classifier(list(INK[:3]), top=3), range(400)))
    assert all(each == wanted for each in found)


def test_the_threshold_of_the_file_says_none_of_these(tmp_path: Path) -> None:
    scale = ScoreScale("lengths", 0.5, 0.99)
    strict = Classifier(described(tmp_path / "m.tflite", {"output": scale.to_json()}))
    outputs = strict.outputs([INK[0]])
    found = strict(INK[0])
    assert found[0][1] == pytest.approx(scale.shares(outputs)[0].max())
    assert found.is_none == (found[0][1] < 0.99)
    kind = ScoreScale("lengths", 0.5, 0.0).to_json()
    assert not Classifier(described(tmp_path / "n.tflite", {"output": kind}))(INK[0]).is_none


def test_a_file_without_metadata_takes_plain_pixels_and_numbers_its_classes(
    tmp_path: Path,
) -> None:
    content = MODEL.read_bytes().replace(b"TFLITE_METADATA", b"TFLITE_METADATB")
    (tmp_path / "m.tflite").write_bytes(content)
    plain = Classifier(tmp_path / "m.tflite")
    assert plain.names == tuple(str(n) for n in range(10)) and not plain.preprocessing.invert
    assert plain(WHOLE[0]).classes[0] == OUTPUTS[0].argmax()


def test_a_file_of_another_batch_takes_any_number(tmp_path: Path) -> None:
    from xncaps_converters import convert_float
    from xncaps_tf import models

    model = models.build("small_cnn", "dense", (8, 8, 1), 10, seed=2)
    alone = None
    for batch in (1, 3, None):
        path = tmp_path / f"{batch}.tflite"
        path.write_bytes(convert_float(model, batch_size=batch))
        classifier = Classifier(path)
        found = np.concatenate([classifier.shares(list(INK[:7])), classifier.shares([INK[7]])])
        alone = found if alone is None else alone
        np.testing.assert_allclose(found, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"no picture", "the picture: expected a picture"),
        ("missing.png", "missing.png: cannot be read"),
        (np.zeros((8, 8), np.float32), r"array of uint8 .*Received: float32 \[8, 8\]"),
        (np.zeros((8, 8, 2), np.uint8), r"Received: uint8 \[8, 8, 2\]"),
        (np.zeros((0, 8), np.uint8), r"Received: uint8 \[0, 8\]"),
        (Image.new("F", (8, 8)), "floating-point pixels"),
    ],
    ids=["bytes", "missing", "floats", "channels", "empty", "mode"],
)
def test_what_is_no_picture_is_refused(classifier: Classifier, picture: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classifier(picture)


def test_arguments_out_of_range_are_refused(classifier: Classifier) -> None:
    for top in (0, 1.5, "a", True):
        with pytest.raises(ValueError, match=f"expected top >= 1. Received: top={top!r}"):
            classifier(INK[0], top=top)
    for threads in (0, True, "2"):
        with pytest.raises(ValueError, match="Classifier: expected num_threads >= 1. Received"):
            Classifier(MODEL, threads)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("origin", "names", "message"),
    [
        ({}, ("a", "b"), "expected 10 class names, one a score. Received: 2"),
        ({"input": {"channel_order": "RGB"}}, None, "channel_order of 1 channels. Received: RGB"),
        ({"output": {"temperature": -1}}, None, "temperature to be a number above 0"),
        ({"format_version": 9}, None, "format_version 1 to 2. Received: 9"),
    ],
    ids=["names", "order", "temperature", "version"],
)
def test_metadata_that_do_not_fit_are_refused(
    tmp_path: Path, origin: dict[str, Any], names: tuple[str, ...] | None, message: str
) -> None:
    path = described(tmp_path / "m.tflite", origin, names)
    with pytest.raises(DataError, match=message):
        Classifier(path)


def test_what_is_no_classifier_of_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"no model")
    with pytest.raises(DataError, match="m.tflite: expected a TFLite file"):
        Classifier(tmp_path / "m.tflite")
    with pytest.raises(DataError, match="n.tflite: cannot be read"):
        Classifier(tmp_path / "n.tflite")


def test_names_of_the_zoo_are_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def path(name: str) -> Path:
        return {"digits-tiny": MODEL}[name]

    fake = types.SimpleNamespace(path=path, names=lambda: ("digits-tiny",))
    monkeypatch.setitem(sys.modules, "xncaps_zoo", fake)  # type: ignore[arg-type]
    for name in ("zoo:digits-tiny", "digits-tiny"):
        assert names.resolve(name) == MODEL
        assert Classifier(name).names[3] == Classifier(MODEL).names[3]
    with pytest.raises(DataError, match=r"zoo:mnist: expected .*\(digits-tiny\). Received: neith"):
        names.resolve("zoo:mnist")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits-tiny").write_bytes(b"")
    assert names.resolve("digits-tiny") == Path("digits-tiny")  # a file of that name comes first
    assert names.resolve("folder/none") == Path("folder/none")


def test_without_the_zoo_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xncaps_zoo", None)
    with pytest.raises(DataError, match="digits-tiny: no such file. .*pip install xncaps-zoo"):
        Classifier("digits-tiny")


def test_predict_shows_names_and_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for row, pixels in enumerate(INK[:3]):
        files.append(str(tmp_path / f"{row}.png"))
        Image.fromarray(pixels).save(files[-1])
    assert command.main(["predict", str(MODEL), *files, "--json", "--top", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["picture"] for line in lines] == files
    assert [line["top"][0]["number"] for line in lines] == OUTPUTS[:3].argmax(1).tolist()
    assert all(0 <= top["score"] <= 1 for line in lines for top in line["top"])
    assert not any(line["none_of_these"] for line in lines)
    Image.fromarray(WHOLE[0]).save(tmp_path / "light.png")
    arguments = ["predict", str(MODEL), str(tmp_path / "light.png"), "--as-is", "--json"]
    assert command.main(arguments) == 0
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line["top"][0]["number"] == OUTPUTS[0].argmax()


def test_predict_says_none_of_these(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scale = {"output": ScoreScale("lengths", 100.0, 0.5).to_json()}
    model = described(tmp_path / "m.tflite", scale)
    Image.fromarray(INK[0]).save(tmp_path / "a.png")
    assert command.main(["predict", str(model), str(tmp_path / "a.png")]) == 0
    assert f"{tmp_path}/a.png: none of these; " in capsys.readouterr().out
    assert command.main(["info", str(model)]) == 0
    assert "output: scores lengths, temperature 100.0, threshold 0.5" in capsys.readouterr().out


def test_names_of_strangers_do_not_reach_the_terminal_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(tmp_path / "m.tflite", {}, ("\x1b[31mred",) * 10)
    picture = tmp_path / "line\nbreak.png"
    Image.new("L", (8, 8)).save(picture)
    assert command.main(["predict", str(path), str(picture), "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "line?break.png: ?[31mred" in out


def test_importing_the_package_loads_itself_alone_and_is_quick() -> None:
    """No numpy, no LiteRT, no Pillow: what a program pays for that may not run a file at all."""
    code = (
        "import sys, time\n"
        "start = time.process_time(); before = set(sys.modules)\n"
        "import xncaps_runtime\n"
        "took = time.process_time() - start\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - sys.stdlib_module_names), took < 0.1)"
    )
    for _ in range(3):  # the best of three: what the machine does besides is not the package's
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        new, is_quick = done.stdout.rsplit(" ", 1)
        assert new == "['xncaps_files', 'xncaps_runtime']", done.stdout + done.stderr
        if is_quick.strip() == "True":
            break
    assert is_quick.strip() == "True", "importing xncaps_runtime took over 0.1 s"


def test_a_classifier_loads_no_more_than_numpy_and_the_runtime() -> None:
    """And no Pillow, no zoo, no TensorFlow: what a board pays for before it has a picture."""
    code = (
        "import sys, xncaps_runtime; xncaps_runtime.Classifier\n"
        "unwanted = {'PIL', 'xncaps_zoo', 'tensorflow', 'cv2'}\n"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    import xncaps_runtime

    with pytest.raises(AttributeError, match="'xncaps_runtime' has no attribute 'Clasifier'"):
        xncaps_runtime.Clasifier  # type: ignore[attr-defined]  # noqa: B018
    assert set(dir(xncaps_runtime)) >= {"Classifier", "Interpreter", "load_delegate"}


class FakeCapture:
    """cv2.VideoCapture: gives its frames (BGR), then none."""

    frames: list[np.ndarray] = []
    opens = True
    released = 0

    def __init__(self, number: int) -> None:
        assert number == 0
        self._left = list(self.frames)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def read(self) -> tuple[bool, np.ndarray | None]:
        return (True, self._left.pop(0)) if self._left else (False, None)

    def release(self) -> None:
        type(self).released += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    fake = type("Capture", (FakeCapture,), {"released": 0})
    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(VideoCapture=fake))  # type: ignore[arg-type]
    return fake


def test_camera_frames_are_classified_until_it_ends(
    fake: type[FakeCapture], capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames wider than high: the middle is looked at, ink on paper inverted, BGR understood."""
    fake.frames = []
    for pixels in DIGITS[:4]:
        frame = np.zeros((8, 20, 3), np.uint8)
        frame[:, 6:14] = np.rint(255 - pixels)[..., None]
        fake.frames.append(frame)
    assert command.main(["predict", str(MODEL), "--camera", "--json", "--top", "1"]) == 1
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["top"][0]["number"] for line in found] == OUTPUTS[:4].argmax(1).tolist()
    assert [line["picture"] for line in found] == [f"frame {number}" for number in range(1, 5)]
    assert "expected a frame. Received: none from 0, which stopped" in err and err.count("\n") == 1
    assert fake.released == 1


def test_camera_colours_are_not_swapped(fake: type[FakeCapture]) -> None:
    fake.frames = [np.full((4, 4, 3), (250, 20, 10), np.uint8)]  # blue, green, red
    [(name, frame)] = camera.frames(count=1)
    assert name == "frame 1" and frame.getpixel((0, 0)) == (10, 20, 250)
    assert fake.released == 1


def test_no_camera_is_one_line(fake: type[FakeCapture], capsys: pytest.CaptureFixture[str]) -> None:
    fake.opens = False
    assert command.main(["predict", str(MODEL), "--camera"]) == 1
    err = capsys.readouterr().err
    assert "expected a camera. Received: 0, which does not open" in err and err.count("\n") == 1
    assert fake.released == 1


def test_without_opencv_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert command.main(["predict", str(MODEL), "--camera"]) == 1
    assert "pip install opencv-python-headless" in capsys.readouterr().err
    with pytest.raises(DataError, match="expected OpenCV"):
        next(camera.frames())
