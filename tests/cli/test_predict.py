"""`xncaps predict` on files, folders, globs and a camera's frames."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import xncaps_tf
from xncaps.commands.predict import predict
from xncaps_files import camera
from xncaps_runtime import Classifier
from xncaps_tf import data, models
from xncaps_tf.errors import DataError
from xncaps_tf.training import predicting
from xncaps_tf.training.config import TrainConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """model.keras, without.keras (no class names) and five pictures of digits."""
    made = tmp_path_factory.mktemp("predict")
    names = [f"digit {n}" for n in range(10)]
    for file, given in (("model.keras", names), ("without.keras", None)):
        models.build("small_cnn", "dense", (8, 8, 1), 10, class_names=given, seed=2).save(
            made / file
        )
    (made / "pictures" / "deep").mkdir(parents=True)
    images, _ = data.load("digits", "test").numpy()
    for index, image in enumerate(images[:5]):
        place = made / "pictures" / ("deep" if index > 2 else "") / f"{index}.png"
        Image.fromarray(image.astype(np.uint8)[:, :, 0]).save(place)
    return made


def _rows(*args: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(predict, [*args, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_files_folders_and_globs(folder: pathlib.Path) -> None:
    model, pictures = str(folder / "model.keras"), folder / "pictures"
    whole = _rows(model, str(pictures))
    assert [pathlib.Path(row["picture"]).name for row in whole] == [f"{n}.png" for n in range(5)]
    some = _rows(model, str(pictures / "?.png"))
    assert [row["picture"] for row in some] == [row["picture"] for row in whole[:3]]
    for one, other in zip(some, whole[:3], strict=True):  # a batch of another size rounds anew
        assert [entry["class"] for entry in one["top"]] == [
            entry["class"] for entry in other["top"]
        ]
    assert [row["picture"] for row in _rows(model, *(row["picture"] for row in whole[3:]))] == [
        row["picture"] for row in whole[3:]
    ]


def test_top_are_the_highest_scores(folder: pathlib.Path) -> None:
    images, _ = data.load("digits", "test").numpy()
    pixels = images[:1].astype(np.uint8).astype(np.float32)  # as the picture holds them
    scores = xncaps_tf.load_model(folder / "model.keras")(pixels)[0].numpy()
    [row] = _rows(str(folder / "model.keras"), str(folder / "pictures" / "0.png"), "--top", "4")
    best = np.argsort(-scores)[:4]
    assert [entry["class"] for entry in row["top"]] == [f"digit {n}" for n in best]
    assert [entry["score"] for entry in row["top"]] == pytest.approx(scores[best], rel=1e-5)


def test_text_and_a_model_without_names(folder: pathlib.Path) -> None:
    args = [str(folder / "without.keras"), str(folder / "pictures" / "0.png"), "--top", "1"]
    result = CliRunner().invoke(predict, args, catch_exceptions=False)
    assert result.output.startswith(f"{folder}/pictures/0.png: 9 ")


GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "android"


def _ink(folder: pathlib.Path) -> tuple[list[str], list[int]]:
    """Digits as ink on paper, and what the tiny model says of them."""
    digits = np.fromfile(GOLDEN / "digits.inputs.f32", "<f4").reshape(-1, 8, 8)
    outputs = np.fromfile(GOLDEN / "tiny_float.outputs.f32", "<f4").reshape(len(digits), -1)
    files = []
    for row, pixels in enumerate(digits):
        files.append(str(folder / f"{row}.png"))
        Image.fromarray(np.rint(255 - pixels).astype(np.uint8)).save(files[-1])
    return files, outputs.argmax(1).tolist()


def test_a_tflite_file_takes_ink_on_paper_as_the_runtime_and_the_app_do(
    tmp_path: pathlib.Path,
) -> None:
    files, wanted = _ink(tmp_path)
    model = GOLDEN / "tiny_float.tflite"
    names = Classifier(model).names
    rows = _rows(str(model), *files, "--top", "1", "--batch-size", "3")
    assert [row["top"][0]["class"] for row in rows] == [names[number] for number in wanted]
    assert [row["picture"] for row in rows] == files
    assert all(0 <= row["top"][0]["score"] <= 1 and not row["none_of_these"] for row in rows)


def test_a_run_on_light_digits_inverts_ink_and_nothing_with_as_is(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "best.keras").write_bytes((folder / "model.keras").read_bytes())
    (run / "config.json").write_text(TrainConfig(data="digits").to_json())
    light = folder / "pictures" / "0.png"
    Image.fromarray(255 - np.asarray(Image.open(light))).save(tmp_path / "ink.png")
    [wanted] = _rows(str(folder / "model.keras"), str(light))  # no run: nothing is known
    [ink] = _rows(str(run), str(tmp_path / "ink.png"))
    [as_is] = _rows(str(run), str(light), "--as-is")
    assert ink["top"] == wanted["top"] == as_is["top"]


def test_a_model_that_is_not_there_is_a_usage_error(folder: pathlib.Path) -> None:
    picture = str(folder / "pictures" / "0.png")
    result = CliRunner().invoke(predict, [str(folder / "no.keras"), picture])
    assert result.exit_code == 2 and "which is not there" in result.output


def test_pictures_or_a_camera(folder: pathlib.Path) -> None:
    model = str(folder / "model.keras")
    for args in ([model], [model, "a.png", "--camera", "0"]):
        result = CliRunner().invoke(predict, args)
        assert result.exit_code == 2 and "one of both" in result.output


@pytest.mark.parametrize("is_file", [False, True], ids=["keras", "tflite"])
def test_damaged_pictures_are_named_and_the_others_classified(
    folder: pathlib.Path, tmp_path: pathlib.Path, is_file: bool
) -> None:
    model = GOLDEN / "tiny_float.tflite" if is_file else folder / "model.keras"
    for name in ("2bad.png", "9bad.png"):
        (tmp_path / name).write_bytes(b"no picture")
    args = [str(model), str(folder / "pictures"), str(tmp_path), "--batch-size", "4", "--json"]
    result = CliRunner().invoke(predict, args)
    assert result.exit_code == 1
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    wanted = _rows(str(model), str(folder / "pictures"), "--batch-size", "4")
    assert rows == wanted and len(rows) == 5
    first, second, last = result.stderr.splitlines()
    assert f"{tmp_path}/2bad.png: expected a picture" in first and "9bad.png" in second
    assert last == "xncaps: predict: expected sound pictures. Received: 2 of 7 not."


def test_an_unknown_name_of_the_zoo_is_a_usage_error(folder: pathlib.Path) -> None:
    result = CliRunner().invoke(predict, ["zoo:nope", str(folder / "pictures")])
    assert result.exit_code == 2 and "zoo:nope: expected a file or the name" in result.output


def test_frames_of_a_camera(
    folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV reads a video file as it reads a camera."""
    cv2 = pytest.importorskip("cv2", reason="the extra `camera` is not installed")
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 5, (64, 48))
    for _ in range(3):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[:, :, 2] = 250  # OpenCV's order is blue, green, red
        writer.write(frame)
    writer.release()
    [(_, frame)] = camera.frames(str(film), 1)
    red, _, blue = frame.getpixel((32, 24))
    assert frame.size == (64, 48) and red > 240 and blue < 15
    real = camera.frames
    monkeypatch.setattr(camera, "frames", lambda number, count: real(str(film), count))
    for model in (folder / "model.keras", GOLDEN / "tiny_float.tflite"):
        args = [str(model), "--camera", "0", "--json", "--frames"]
        found = CliRunner().invoke(predict, [*args, "2"], catch_exceptions=False)
        rows = [json.loads(line) for line in found.stdout.splitlines()]
        assert [row["picture"] for row in rows] == ["frame 1", "frame 2"]
        with pytest.raises(DataError, match="expected a frame. Received: none from"):
            CliRunner().invoke(predict, [*args, "4"], catch_exceptions=False)


def test_a_camera_that_is_not_there(folder: pathlib.Path) -> None:
    pytest.importorskip("cv2", reason="the extra `camera` is not installed")
    args = [str(folder / "model.keras"), "--camera", "99"]
    with pytest.raises(DataError, match="expected a camera. Received: 99"):
        CliRunner().invoke(predict, args, catch_exceptions=False)


def test_a_model_of_no_images() -> None:
    from xncaps_tf._keras import keras

    vector = keras.Input((5,))
    with pytest.raises(DataError, match="expected a model of images"):
        predicting.Classifier(keras.Model(vector, keras.layers.Dense(2)(vector)))
