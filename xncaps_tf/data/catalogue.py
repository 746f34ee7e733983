"""Names of data sets, splits and classes; importing this loads neither TensorFlow nor NumPy."""

from __future__ import annotations

NAMES = (
    "digits",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "multi_mnist",
    "multi_mnist/efficient_capsnet",
    "affine_mnist",
    "grocery",
    "grocery/coarse",
    "folder",
)
SPLITS = ("train", "test")  # what every data set has
VALIDATION = "validation"  # the split that training may look at, which some have as well
# Data sets of pictures of any size: they are scaled to the size that is asked for.
PICTURES = ("grocery", "grocery/coarse", "folder")

# Light strokes or things on dark ground: a picture of ink on paper is inverted for their models.
_LIGHT_ON_DARK = ("digits", "mnist", "fashion_mnist", "multi_mnist", "affine_mnist")


def is_light_on_dark(name: str) -> bool:
    """Whether the images of a data set are light on dark."""
    return name.partition("/")[0] in _LIGHT_ON_DARK


DIGIT_CLASSES = tuple(str(digit) for digit in range(10))
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
