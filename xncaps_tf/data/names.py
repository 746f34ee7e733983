"""Names of data sets, splits and classes; importing this loads neither TensorFlow nor NumPy."""

from __future__ import annotations

NAMES = (
    "digits",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "multi_mnist",
    "multi_mnist/efficient_capsnet",
    "folder",
)
SPLITS = ("train", "test")

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
