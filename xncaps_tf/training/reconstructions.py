"""What a decoder draws, as two pictures for a person: images again, and poses moved about.

Source: Sabour, Frosst, Hinton 2017, figures 3 and 4, https://arxiv.org/abs/1710.09829.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xncaps_files import writing
from xncaps_tf.data import Dataset
from xncaps_tf.layers import WinningCapsule
from xncaps_tf.models import decoder
from xncaps_tf.training.run_folder import RunFolder

MOVES = np.arange(-5, 6) / 20  # of one dimension of a pose
_MOST_CLASSES = 10  # that are drawn again
_MOST_MOVED = 3
_GAP = 1  # pixels between two pictures
_PANEL = 3.4  # inches


def write(folder: RunFolder, model: Any, images: Dataset) -> None:
    """reconstructions.png and poses.png of a network with a decoder.

    Args:
        folder: of the run.
        model: images -> scores and pictures.
        images: of one label each; the first of each of its first classes is drawn.
    """
    chosen = _first_of_each_class(images.labels)
    pixels = np.asarray(images.images.numpy(images.positions[chosen]), np.float32)
    labels = [images.class_names[int(label)] for label in images.labels[chosen]]
    poses, scores = (np.asarray(x) for x in decoder.poses_and_scores(model)(pixels, training=False))
    winners = scores.argmax(axis=1)
    draw = decoder.find(model)
    again = np.asarray(draw(WinningCapsule()([poses, scores])))
    answers = [images.class_names[int(winner)] for winner in winners]
    _write_again(folder, pixels / 255.0, again, labels, answers)
    moved = [
        np.asarray(draw(moved_poses(pose, winner)))
        for pose, winner in list(zip(poses, winners, strict=True))[:_MOST_MOVED]
    ]
    _write_moved(folder, moved, poses.shape[2], answers)


def _first_of_each_class(labels: NDArray[Any]) -> NDArray[Any]:
    """The places of the first image of each of the first classes that there are."""
    return np.unique(labels, return_index=True)[1][:_MOST_CLASSES]


def moved_poses(pose: NDArray[Any], winner: int) -> NDArray[Any]:
    """One image's poses [J, E] with each dimension of the winner's moved by each of `MOVES`.

    Returns:
        [E * moves, J * E]: a dimension after another, each by all moves.
    """
    dims = pose.shape[1]
    alone = np.zeros((dims, len(MOVES), *pose.shape), pose.dtype)
    alone[:, :, winner] = pose[winner]
    for dim in range(dims):
        alone[dim, :, winner, dim] += MOVES
    return alone.reshape(dims * len(MOVES), -1)


def tiled(pictures: NDArray[Any], columns: int) -> NDArray[Any]:
    """[n, H, W, C] of 0 to 1 as one picture of rows of `columns` each, white between them."""
    _, height, width, channels = pictures.shape
    rows = len(pictures) // columns
    cells = np.ones((rows, columns, height + _GAP, width + _GAP, channels), pictures.dtype)
    cells[:, :, :height, :width] = pictures.reshape(rows, columns, height, width, channels)
    whole = cells.transpose(0, 2, 1, 3, 4).reshape(rows * (height + _GAP), -1, channels)
    return np.clip(whole[:-_GAP, :-_GAP], 0, 1)


def _write_again(
    folder: RunFolder, images: Any, again: Any, labels: list[str], answers: list[str]
) -> None:
    """Images above what is drawn of them."""
    count = len(labels)
    figure, (axes,) = _figure(1, (max(4.0, 1.2 * count), 3.0))
    _show(axes, tiled(np.concatenate([images, again]), count))
    step = images.shape[2] + _GAP
    told = [a if a == b else f"{b}\n(is {a})" for a, b in zip(labels, answers, strict=True)]
    axes.set_xticks(np.arange(count) * step + images.shape[2] / 2, told)
    rows = np.arange(2) * (images.shape[1] + _GAP) + images.shape[1] / 2
    axes.set_yticks(rows, ["image", "drawn"])
    _save(figure, folder.reconstructions)


def _write_moved(folder: RunFolder, moved: list[Any], dims: int, answers: list[str]) -> None:
    """A panel an image: a row of pictures a dimension of its pose, a column a move."""
    height, width = moved[0].shape[1] + _GAP, moved[0].shape[2] + _GAP
    rise = _PANEL * dims * height / (len(MOVES) * width)
    figure, panels = _figure(len(moved), (_PANEL * len(moved) + 0.6, rise + 1.0))
    shown = [0, len(MOVES) // 2, len(MOVES) - 1]
    for axes, pictures, name in zip(panels, moved, answers, strict=False):
        _show(axes, tiled(pictures, len(MOVES)))
        axes.set_title(name)
        axes.set_xticks([(at + 0.5) * width for at in shown], [f"{MOVES[at]:+.2f}" for at in shown])
        axes.set_yticks((np.arange(dims) + 0.5) * height, [str(dim) for dim in range(dims)])
    panels[0].set_ylabel("dimension of the pose")
    _save(figure, folder.poses)


def _figure(panels: int, size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=size, dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _show(axes: Any, picture: NDArray[Any]) -> None:
    """[H, W, C]; of other than three channels the first, in grey."""
    is_colour = picture.shape[2] == 3
    axes.imshow(
        picture if is_colour else picture[:, :, 0],
        cmap=None if is_colour else "gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _save(figure: Any, path: Any) -> None:
    writing.write_atomically(
        path, lambda beside: figure.savefig(beside, format="png", bbox_inches="tight")
    )
