"""What int8 costs: accuracy on a whole real test set, of networks trained for a minute or two.

MNIST where XNCAPS_DATA_DIR (`make test-all DATA=DIR`) has it, else Debian's Fashion-MNIST.
"""

from __future__ import annotations

import pathlib

import pytest

from xncaps_converters import conversion
from xncaps_converters.conversion import Check
from xncaps_converters.output_formats import Options
from xncaps_tf import training

# Points of accuracy that may be lost, the least accuracy that makes a loss mean anything, and how
# long is trained for it: (points, accuracy, training images, epochs).
LIMITS = {
    "mnist": (0.1, 0.98, 60_000, 2),
    "fashion_mnist": (0.3, 0.8, 40_000, 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("head", ["capsfc", "xnodr", "xnidr"])
def test_an_int8_backbone_loses_next_to_nothing_on_a_whole_test_set(
    head: str, real_data: tuple[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    name, folder = real_data
    most_lost, least, limit, epochs = LIMITS[name]
    config = training.TrainConfig(
        head=head, data=name, data_dir=str(folder), limit=limit, epochs=epochs, validation=0.0
    )
    training.run(config, tmp_path / "run")
    done = conversion.convert_file(
        tmp_path / "run" / "best.keras",
        tmp_path / "net.tflite",
        "fused",
        Options(backbone="int8"),
        Check(name, str(folder), samples=None),
    )
    result = done.verification
    assert result is not None and result.whole and result.samples == 10_000
    assert result.accuracy_keras is not None and result.accuracy_file is not None
    assert result.accuracy_keras > least
    lost = 100 * (result.accuracy_keras - result.accuracy_file)
    assert lost <= most_lost + 1e-9, "\n".join(result.lines())
