"""Values of a config that exclude each other: each rule says what was expected and received."""

from __future__ import annotations

from collections.abc import Iterator

from xncaps_tf.data.catalogue import PICTURES
from xncaps_tf.models.choices import BINARY_HEADS, RESIZING
from xncaps_tf.training.fields import TrainFields

_WITHOUT_POSES = ("dense",)


def conflicts(config: TrainFields) -> Iterator[str]:
    """A sentence for each pair of values that does not go together, the first of them first."""
    yield from _of_rates(config)
    yield from _of_new_layers(config)
    yield from _of_the_decoder(config)
    yield from _of_strategies(config)
    yield from _of_the_trunk(config)


def _has_new_head(config: TrainFields) -> bool:
    return config.init is None or config.new_head


def _of_rates(config: TrainFields) -> Iterator[str]:
    if config.patience is not None and not config.validation:
        yield (
            "expected validation above 0 where patience is given, since early stopping looks at "
            f"the hold-out. Received: patience={config.patience}, validation=0."
        )
    base = config.base_learning_rate
    is_cyclic = config.schedule == "triangular2" and not config.phases  # each phase is checked
    if is_cyclic and base is not None and base > config.learning_rate:
        yield (
            "expected base_learning_rate of at most learning_rate, the lowest and the highest of "
            f"triangular2. Received: base_learning_rate={base}, "
            f"learning_rate={config.learning_rate}."
        )


def _of_new_layers(config: TrainFields) -> Iterator[str]:
    if config.image_size is not None and config.data not in PICTURES:
        yield (
            f"expected image_size with one of {', '.join(PICTURES)}, the others have one of their "
            f"own. Received: image_size={config.image_size}, data={config.data!r}."
        )
    yield from _of_capsules(config)


def _of_capsules(config: TrainFields) -> Iterator[str]:
    fits = {  # an option that is not at its default -> whether the head has it, which heads do
        "scales": (config.head == "xnodr", "xnodr, whose bits have them"),
        "quantizer": (config.head in BINARY_HEADS, f"{' or '.join(BINARY_HEADS)}"),
        "routing_iterations": (config.head not in _WITHOUT_POSES, "of capsules"),
    }
    for name, (has_it, which) in fits.items():
        value: object = getattr(config, name)
        if value != getattr(type(config), name) and not (has_it and _has_new_head(config)):
            yield (
                f"expected {name} with a new head {which}. "
                f"Received: {name}={value!r}, head={config.head!r}, init={config.init!r}."
            )


def _of_the_decoder(config: TrainFields) -> Iterator[str]:
    if config.decoder and config.freeze_backbone:
        yield (
            "expected no freeze_backbone with decoder, which sees images and not features of "
            "them. Received: decoder=True, freeze_backbone=True; freeze_tail keeps layers as they "
            "are, too."
        )
    if config.decoder and _has_new_head(config) and config.head in _WITHOUT_POSES:
        yield (
            "expected a head of capsules with decoder, which draws from their poses. "
            f"Received: decoder=True, head={config.head!r}."
        )


def _of_strategies(config: TrainFields) -> Iterator[str]:
    if config.strategy == "none":
        return
    if not config.drop_remainder:
        yield (
            "expected drop_remainder under a strategy, whose replicas get equal shares. "
            f"Received: strategy={config.strategy!r}, drop_remainder=False."
        )
    if config.freeze_backbone:
        yield (
            "expected strategy 'none' with freeze_backbone, whose features one process computes. "
            f"Received: strategy={config.strategy!r}."
        )
    if config.ema:
        yield (
            "expected strategy 'none' with ema. "
            f"Received: strategy={config.strategy!r}, ema={config.ema}."
        )


def _of_the_trunk(config: TrainFields) -> Iterator[str]:
    given = {
        "resolution": config.resolution,
        "features": config.features,
        "resizing": config.resizing,
    }
    for name, value in given.items():
        if value is not None and config.init is None and config.backbone not in RESIZING:
            yield (
                f"expected {name} with one of {', '.join(RESIZING)}. "
                f"Received: {name}={value!r}, backbone={config.backbone!r}."
            )
    if config.features is not None and config.init is not None and not config.new_head:
        yield (
            "expected features with a new head, which taps the backbone. "
            f"Received: features={config.features!r}, init={config.init!r}, new_head=False."
        )
    if config.new_head and config.init is None:
        yield ("expected init with new_head, the model whose trunk gets one. Received: init=None.")
