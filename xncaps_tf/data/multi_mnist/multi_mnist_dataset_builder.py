"""The tfds builder of MultiMNIST: `tfds build` in this folder, or by --imports of the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from numpy.typing import NDArray

from xncaps_tf.data import mnist, overlap
from xncaps_tf.data.catalogue import DIGIT_CLASSES
from xncaps_tf.data.dataset import Dataset

_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_FILES = {
    split: (f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz")
    for split, stem in (("train", "train"), ("test", "t10k"))
}
_VERSION = "1.0.0"


class MultiMnistConfig(tfds.core.BuilderConfig):
    """One published variant of MultiMNIST."""

    def __init__(self, variant: overlap.Config) -> None:
        super().__init__(
            name=variant.name,
            version=tfds.core.Version(_VERSION),
            description=f"{variant.text}.",
        )
        self.variant = variant


class Builder(tfds.core.GeneratorBasedBuilder):
    """Two MNIST digits of different classes in 36x36: 240,000 train and 40,000 test pictures.

    MNIST's four IDX files come from `--manual_dir` (or DOWNLOADS/manual) where they are there,
    gzipped or not, and are downloaded where not. The draws have a fixed seed, so two builds are
    alike, and like what `overlap.dataset` composes on the fly.
    """

    name = "multi_mnist"
    VERSION = tfds.core.Version(_VERSION)
    RELEASE_NOTES = {_VERSION: "First version."}
    BUILDER_CONFIGS = [MultiMnistConfig(variant) for variant in overlap.CONFIGS.values()]
    DEFAULT_BUILDER_CONFIG_NAME = overlap.DEFAULT
    SIZES = overlap.SIZES

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(
                "Two handwritten digits of different classes, each placed at random in a picture "
                f"of 36x36 pixels. This variant: {self._variant.text}."
            ),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(overlap.SIDE, overlap.SIDE, 1),
                        dtype=self._variant.dtype,
                        encoding_format="png",
                    ),
                    "labels": tfds.features.Sequence(
                        tfds.features.ClassLabel(names=list(DIGIT_CLASSES)), length=2
                    ),
                }
            ),
            homepage="https://arxiv.org/abs/2111.10854",
            citation=_CITATION,
        )

    @property
    def _variant(self) -> overlap.Config:
        config: Any = self.builder_config
        return config.variant

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {
            split: self._generate_examples(split, self._base(split, dl_manager)) for split in _FILES
        }

    def _base(self, split: str, dl_manager: tfds.download.DownloadManager) -> Dataset:
        """The digits of a split, from the user's own files if they are there."""
        # The attribute, not the property: that one raises where no file has been put by hand.
        manual = getattr(dl_manager, "_manual_dir", None)
        if manual is not None and Path(manual).is_dir():
            found = mnist.from_idx("mnist", split, Path(manual))
            if isinstance(found, Dataset):
                return found
        paths: Any = dl_manager.download([_URL + name for name in _FILES[split]])
        return mnist.from_files("mnist", split, Path(paths[0]), Path(paths[1]))

    def _generate_examples(
        self, split: str, base: Dataset
    ) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        digits, labels = base.numpy()
        pairs = overlap.Pairs(labels, self._variant, overlap.SEEDS[split])
        table = pairs.table(self.SIZES[split])
        pictures = overlap.OverlapImages(digits, table, self._variant)
        for index, row in enumerate(table):
            yield index, {"image": pictures.example(row), "labels": labels[row[:2]]}


_CITATION = """\
@article{sun2023xnodr,
  title={XnODR and XnIDR: Two Accurate and Fast Fully Connected Layers for Convolutional Neural
    Networks},
  author={Sun, Jian and Fard, Ali Pourramezan and Mahoor, Mohammad H.},
  journal={Journal of Intelligent \\& Robotic Systems},
  year={2023},
  doi={10.1007/s10846-023-01952-w}
}
"""
