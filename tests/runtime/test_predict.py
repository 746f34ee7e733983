"""What `predict` makes of a picture: as the file's metadata say, and as the Android app does it."""

from __future__ import annotations

import json
import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xncaps_converters import metadata
from xncaps_converters.metadata_format import InputTensor
from xncaps_runtime import __main__ as command
from xncaps_runtime import _metadata, _pictures, _predict
from xncaps_runtime.errors import RuntimeLibraryError

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "android"
APP_MODEL = GOLDEN.parents[2] / "android_demo/models/digits.tflite"
INDEX = json.loads((GOLDEN / "preprocessing.json").read_text())
UPRIGHT = [c for c in INDEX["cases"] if "picture" in c and not c["degrees"]]


def about_of(spec: dict[str, Any]) -> _metadata.InputAbout:
    return _metadata.InputAbout(
        mean=tuple(spec["mean"]), std=tuple(spec["std"]), invert=spec["invert"]
    )


def described(path: Path, **input_fields: Any) -> Path:
    """The tiny float model with other metadata."""
    extras = input_fields.pop("extras", {})
    names = input_fields.pop("names", tuple("abcdefghij"))
    about = InputTensor(**{"name": "image", "description": "", "color_space": None, "size": None,
                           "mean": (), "std": (),
                           **input_fields})  # fmt: skip
    content = (GOLDEN / "tiny_float.tflite").read_bytes()
    told = metadata.Metadata("m", "", names, about, {"input": extras})
    path.write_bytes(metadata.add(content, told))
    return path


def test_every_upright_golden_picture_is_among_the_cases() -> None:
    assert {(c["picture"], c["spec"]) for c in UPRIGHT} == {
        (picture, spec) for picture in ("china.png", "flower.png") for spec in INDEX["specs"]
    }


@pytest.mark.parametrize("case", UPRIGHT, ids=lambda c: f"{c['picture']}-{c['spec']}")
def test_pixels_equal_the_golden_ones_that_java_is_held_to(case: dict[str, Any]) -> None:
    spec = INDEX["specs"][case["spec"]]
    expected = np.fromfile(GOLDEN / "expected.f32", "<f4")[case["offset"] :][: case["count"]]
    picture = _pictures.load(GOLDEN / case["picture"])
    got = _predict.preprocess(picture, tuple(spec["shape"]), about_of(spec))
    scaled = np.abs(got - expected.reshape(spec["shape"])) * np.float32(spec["std"])
    assert scaled.max() <= 1 / 255
    if spec["type"] != "float32":
        details = {"shape": [1, *spec["shape"]], "dtype": np.dtype(spec["type"]).type,
                   "quantization": (spec["scale"], spec["zero_point"])}  # fmt: skip
        stored = _predict.to_input(picture, details, about_of(spec))
        assert stored.dtype == spec["type"]
        real = (stored[0].astype(float) - spec["zero_point"]) * spec["scale"]
        assert np.abs(real - got).max() <= spec["scale"] / 2 + 1e-3


@pytest.mark.parametrize("path", [APP_MODEL, GOLDEN / "tiny_float.tflite"], ids=["app", "tiny"])
def test_metadata_is_what_the_converter_wrote(path: Path) -> None:
    told = metadata.read(path.read_bytes())
    assert told is not None
    found = _metadata.read(path)
    assert found.class_names == told.class_names and found.class_names
    assert found.mean == told.input.mean and found.std == told.input.std
    assert found.invert == (told.origin["input"]["polarity"] == "light_on_dark")


def test_ink_on_paper_and_light_on_dark_give_what_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The metadata of digits say light on dark, so a photograph of ink is inverted."""
    digits = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, 8, 8)
    expected = np.fromfile(GOLDEN / "tiny_float.outputs.f32", "<f4").reshape(len(digits), -1)
    files = []
    for row, pixels in enumerate(digits):
        files.append(str(tmp_path / f"{row}.png"))
        Image.fromarray(np.rint(255 - pixels).astype(np.uint8)).save(files[-1])
    assert _metadata.read(GOLDEN / "tiny_float.tflite").invert
    model = str(GOLDEN / "tiny_float.tflite")
    assert command.main(["predict", model, *files, "--json", "--top", "1"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["file"] for line in lines] == files
    assert [line["top"][0]["class"] for line in lines] == expected.argmax(1).tolist()


def test_scaling_of_the_file_is_used(tmp_path: Path) -> None:
    path = described(tmp_path / "m.tflite", mean=(127.5,), std=(63.75,))
    found = _metadata.read(path)
    assert (found.mean, found.std, found.invert) == ((127.5,), (63.75,), False)
    got = _predict.preprocess(Image.new("RGB", (9, 9), (255, 255, 255)), (8, 8, 1), found)
    np.testing.assert_allclose(got, 2.0, atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mean": (1.0, 2.0), "std": (1.0,)}, "expected 1 or 1 values of mean. Received: 2"),
        ({"mean": (0.0,), "std": (0.0,)}, "expected positive values of std"),
        ({"extras": {"channel_order": "RGB"}}, "channel_order of 1 channels. Received: RGB"),
    ],
    ids=["mean", "std", "order"],
)
def test_metadata_that_does_not_fit_is_one_line(
    fields: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(tmp_path / "m.tflite", **{"mean": (0.0,), "std": (1.0,), **fields})
    picture = tmp_path / "p.png"
    Image.new("L", (8, 8)).save(picture)
    assert command.main(["predict", str(path), str(picture)]) == 1
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_damaged_metadata_is_an_error_or_read_and_never_more(tmp_path: Path) -> None:
    good = (GOLDEN / "tiny_float.tflite").read_bytes()
    draw = np.random.default_rng(4)
    refused = 0
    for _ in range(300):
        bad = bytearray(good)
        for at in draw.integers(0, 400, 6):
            bad[at] = draw.integers(256)
        for at in draw.integers(len(bad) - 4000, len(bad), 6):
            bad[at] = draw.integers(256)
        (tmp_path / "m.tflite").write_bytes(bad)
        try:
            _metadata.read(tmp_path / "m.tflite")
        except RuntimeLibraryError:
            refused += 1
    assert refused > 20


def test_a_file_without_metadata_takes_plain_pixels(tmp_path: Path) -> None:
    content = (GOLDEN / "tiny_float.tflite").read_bytes()
    (tmp_path / "m.tflite").write_bytes(content.replace(b"TFLITE_METADATA", b"TFLITE_METADATB"))
    assert _metadata.read(tmp_path / "m.tflite") == _metadata.InputAbout()
    assert struct.unpack_from("<I", content)[0] > 0


def test_names_of_strangers_do_not_reach_the_terminal_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = described(tmp_path / "m.tflite", names=("\x1b[31mred",) * 10)
    picture = tmp_path / "line\nbreak.png"
    Image.new("L", (8, 8)).save(picture)
    assert command.main(["predict", str(path), str(picture), "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "line?break.png: ?[31mred" in out


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
def camera(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    fake = type("Capture", (FakeCapture,), {"released": 0})
    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(VideoCapture=fake))  # type: ignore[arg-type]
    return fake


def test_camera_frames_are_classified_until_it_ends(
    camera: type[FakeCapture], capsys: pytest.CaptureFixture[str]
) -> None:
    """Frames wider than high: the middle is looked at, ink on paper inverted, BGR understood."""
    digits = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, 8, 8)[:4]
    expected = np.fromfile(GOLDEN / "tiny_float.outputs.f32", "<f4").reshape(-1, 10)[:4]
    camera.frames = []
    for pixels in digits:
        frame = np.zeros((8, 20, 3), np.uint8)
        frame[:, 6:14] = np.rint(255 - pixels)[..., None]
        camera.frames.append(frame)
    model = str(GOLDEN / "tiny_float.tflite")
    assert command.main(["predict", model, "--camera", "--json", "--top", "1"]) == 1
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["top"][0]["class"] for line in found] == expected.argmax(1).tolist()
    assert {line["file"] for line in found} == {"camera"}
    assert "the camera stopped giving pictures" in err and err.count("\n") == 1
    assert camera.released == 1


def test_camera_colours_are_not_swapped(camera: type[FakeCapture]) -> None:
    camera.frames = [np.full((4, 4, 3), (250, 20, 10), np.uint8)]  # blue, green, red
    (frame,) = [next(_predict.camera_frames())]
    assert frame.getpixel((0, 0)) == (10, 20, 250)


def test_no_camera_is_one_line(
    camera: type[FakeCapture], capsys: pytest.CaptureFixture[str]
) -> None:
    camera.opens = False
    assert command.main(["predict", str(GOLDEN / "tiny_float.tflite"), "--camera"]) == 1
    err = capsys.readouterr().err
    assert "expected a camera. Received: none that opens" in err and err.count("\n") == 1
    assert camera.released == 1


def test_without_opencv_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert command.main(["predict", str(GOLDEN / "tiny_float.tflite"), "--camera"]) == 1
    assert "pip install 'xncaps-runtime[camera]'" in capsys.readouterr().err
