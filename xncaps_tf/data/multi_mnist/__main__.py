"""`python -m xncaps_tf.data.multi_mnist`: what `tfds build` does for this builder.

The command `tfds` of tensorflow-datasets 4.9.7 to 4.9.10 starts only where apache-beam and
mlcroissant are installed too, which pip does not do by itself; this needs neither.
"""

from __future__ import annotations

import argparse
import sys

from xncaps_tf.errors import DataError


def main(arguments: list[str] | None = None) -> int:
    """Builds one config or all of them; the exit code."""
    import tensorflow_datasets as tfds

    from xncaps_tf.data.multi_mnist import Builder

    configs: list[str] = list(Builder.builder_configs)
    parser = argparse.ArgumentParser(
        prog="python -m xncaps_tf.data.multi_mnist", description="Build MultiMNIST for tfds."
    )
    parser.add_argument("--config", choices=configs, help="one variant; all where not given")
    parser.add_argument("--data_dir", help="where to; ~/tensorflow_datasets where not given")
    parser.add_argument("--manual_dir", help="a folder with MNIST's four IDX files")
    parser.add_argument("--max_examples_per_split", type=int, help="only so many, to try it")
    given = parser.parse_args(arguments)
    wanted = tfds.download.DownloadConfig(
        manual_dir=given.manual_dir, max_examples_per_split=given.max_examples_per_split
    )
    for config in [given.config] if given.config else configs:
        builder = Builder(config=config, data_dir=given.data_dir)
        try:
            builder.download_and_prepare(download_config=wanted)
        except DataError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        sys.stdout.write(f"{builder.data_dir}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
