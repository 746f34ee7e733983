"""The networks of a training: built or loaded, copied, resized, given another head."""

from __future__ import annotations

from typing import Any, cast

from xncaps_tf import models
from xncaps_tf._keras import keras
from xncaps_tf.data import Dataset
from xncaps_tf.errors import DataError, TrainingError
from xncaps_tf.layers import ClassScores
from xncaps_tf.models import decoder, registry
from xncaps_tf.models.input_layers import RESIZE
from xncaps_tf.saving import load_model
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.run_folder import RunFolder


def start_model(config: TrainConfig, folder: RunFolder) -> Any:
    """The model to fine-tune, with its decoder where that is trained further, or None.

    Raises:
        DataError: it is none, or damaged; names what the run has copied it from.
    """
    path = folder.init_model(config)
    if path is None:
        return None
    try:
        return load_model(path, compile=False, decoder=config.decoder)
    except DataError as error:
        raise DataError(f"--init {config.init}: {error}") from error


def image_shape(config: TrainConfig, start: Any) -> tuple[int | None, ...]:
    """(H, W, C) of the model's images; None where the data decides."""
    if config.image_size is not None:
        return config.image_size, config.image_size, 3
    return (None, None, None) if start is None else input_shape(start, "--init")


def input_shape(model: Any, who: str) -> tuple[int | None, ...]:
    """The shape of a model's input without the batch; of several inputs that of each.

    Raises:
        DataError: the model is not built; `who` is what the error begins with.
    """
    if not getattr(model, "inputs", None):  # as of a Sequential, or a subclass of Model
        raise DataError(
            f"{who}: expected a model whose inputs are known. Received: {model.name!r}, which is "
            "not built; call model.build(input_shape) before it is saved."
        )
    return _shape(model.inputs)


def output_shape(model: Any) -> tuple[Any, ...]:
    """The shape of a built model's output without the batch; of several outputs that of each."""
    return _shape(model.outputs)


def _shape(tensors: list[Any]) -> tuple[Any, ...]:
    several = [tuple(tensor.shape[1:]) for tensor in tensors]
    return several[0] if len(several) == 1 else tuple(several)


def build_model(config: TrainConfig, start: Any, train: Dataset) -> tuple[Any, str]:
    """The model to train, and where its trunk ends ('' where it has none).

    It is the one to train further (`start`), with another head where `config.new_head` says so, or
    backbone and head; with a decoder where `config.decoder` says so, which is that of `start` where
    it has one and its head stays.

    Raises:
        TrainingError: the model to train further does not fit the data, or has no trunk or capsules
            where the config needs them.
    """
    model, end = _classifier(config, start and decoder.without_decoder(start), train)
    if config.decoder:
        if train.labels.ndim == 2:
            raise TrainingError(
                "--decoder: expected images of one label, which are drawn from one capsule. "
                f"Received: {train.name}, whose images have {train.num_labels}."
            )
        old = None if start is None or config.new_head else decoder.find(start)
        try:
            model = decoder.with_decoder(model, seed=config.seed, decoder=old)
        except DataError as error:
            raise TrainingError(f"--decoder: {error}") from error
    return model, end


def _classifier(config: TrainConfig, start: Any, train: Dataset) -> tuple[Any, str]:
    if start is None:
        model = models.build(
            config.backbone,
            config.head,
            train.image_shape,
            train.num_classes,
            weights=config.weights,
            freeze_tail=config.freeze_tail,
            upsampling=config.upsampling,
            resolution=config.resolution,
            features=config.features,
            resizing=config.resizing,
            class_names=train.class_names,
            dropout=config.dropout,
            routing_iterations=config.routing_iterations,
            scales=config.scales,
            quantizer=config.quantizer,
            seed=config.seed,
        )
        return model, _trunk_end(model, config, config.backbone)
    if config.new_head:
        model = registry.with_head(
            start,
            config.head,
            train.num_classes,
            features=config.features,
            class_names=train.class_names,
            dropout=config.dropout or 0.0,
            routing_iterations=config.routing_iterations,
            scales=config.scales,
            quantizer=config.quantizer,
            seed=config.seed,
        )
        model = rebuilt(_checked(model, train, str(config.init)))
    else:
        model = _named(_checked(start, train, str(config.init)), train.class_names)
    if config.resolution is not None:
        model = rebuilt(model, config.resolution)
    return model, _trunk_end(model, config)


def _trunk_end(model: Any, config: TrainConfig, backbone: str | None = None) -> str:
    """Where the trunk ends; '' where a network of people's own has none that any phase needs."""
    try:
        return registry.trunk_end(model, backbone)
    except DataError as error:
        for phase in config.phase_configs():
            if phase.freeze_backbone or phase.freeze_norms or phase.backbone_learning_rate:
                who = "--init" if backbone is None else "train"
                raise TrainingError(f"{who}: {error}") from error
    return ""


def check_fit(model: Any, ds: Dataset, who: str, *, source: str = "one", advice: str = "") -> None:
    """Raises TrainingError unless the model takes the data's images and has its classes, DataError
    if it is not built.

    Args:
        model: whose sides of images may be open.
        ds: the data set.
        who: what the error begins with.
        source: what the model is called in it.
        advice: what it ends with.
    """
    wants, gives = input_shape(model, who), output_shape(model)
    fits = len(wants) == 3 and all(a in (None, b) for a, b in zip(wants, ds.image_shape))  # noqa: B905
    if not fits or gives != (ds.num_classes,):
        scores = f"{gives[0]} classes" if len(gives) == 1 else f"outputs {gives}"
        raise TrainingError(
            f"{who}: expected a model of images {tuple(ds.image_shape)} and {ds.num_classes} "
            f"classes, as {ds.name} has. Received: {source} of images {wants} and {scores}{advice}."
        )
    names = models.class_names(model)
    if names is not None and tuple(names) != tuple(ds.class_names):
        raise TrainingError(
            f"{who}: expected a model of the classes {', '.join(ds.class_names)}. Received: "
            f"{source} of {', '.join(names)}."
        )


def _checked(model: Any, train: Dataset, source: str) -> Any:
    advice = "; --new-head puts another head on its trunk"
    check_fit(model, train, "--init", source=source, advice=advice)
    return model


def _named(model: Any, names: tuple[str, ...]) -> Any:
    """The model with the class names in it."""
    if models.class_names(model) is not None:
        return model
    for layer in model.layers:
        if isinstance(layer, ClassScores):
            layer.class_names = names
            return model
    taken = {layer.name for layer in model.layers}
    name = next(word for word in ("scores", "named_scores") if word not in taken)
    scores = ClassScores(names, name=name)(model.outputs[0])
    return keras.Model(model.inputs, scores, name=model.name)


def rebuilt(model: Any, resolution: int | None = None) -> Any:
    """A model of the same layers and weights but with variables of its own, made in this scope.

    Keras's BatchNormalization becomes `models.BatchNorm`, whose statistics are those of the whole
    batch under a strategy; the weights are the same.

    Args:
        model: a Keras model.
        resolution: side that images are resized to inside from now on; None: as before.

    Raises:
        TrainingError: a resolution, and the model does not resize its images.
    """
    config = model.get_config()
    if resolution is not None and RESIZE not in [layer.name for layer in model.layers]:
        raise TrainingError(
            "train: expected resolution with a network that resizes its images (efficientnet_lite0 "
            f"to 2). Received: resolution={resolution}, {model.name}."
        )
    twin = model.__class__.from_config(_replaced(config, resolution))
    twin.set_weights(model.get_weights())
    return twin


def _replaced(config: Any, resolution: int | None) -> Any:
    """A model's config with our BatchNorm, and with another size inside."""
    if isinstance(config, (list, tuple)):
        made = [_replaced(value, resolution) for value in cast("list[Any]", config)]
        return made if isinstance(config, list) else tuple(made)
    if not isinstance(config, dict):
        return config
    items = cast("dict[str, Any]", config).items()
    made = {key: _replaced(value, resolution) for key, value in items}
    if made.get("class_name") in ("BatchNormalization", "SyncBatchNormalization"):
        registered = models.BatchNorm.__name__
        made |= {
            "module": models.BatchNorm.__module__,
            "class_name": registered,
            "registered_name": f"xncaps_tf>{registered}",
            "config": {k: v for k, v in made["config"].items() if k != "synchronized"},
        }
    inner = made.get("config")
    if resolution is not None and isinstance(inner, dict):
        config = cast("dict[str, Any]", inner)
        if config.get("name") == RESIZE:
            made["config"] = {**config, "height": resolution, "width": resolution}
    return made
