"""Configs as Keras 3 writes them, by hand: only the keys that are read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

Config = dict[str, Any]


def tensor(layer: str, call: int = 0, output: int = 0) -> Config:
    """A tensor among a call's arguments."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [layer, call, output]},
    }


def layer(class_name: str, name: str, *calls: Any, module: str | None = "keras.layers", **config: Any) -> Config:
    """A layer of a Functional model; each of *calls* is the first argument of one call of it."""
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [{"args": [call], "kwargs": {}} for call in calls],
    }


def inputs(name: str, *shape: int | None) -> Config:
    """An InputLayer; *shape* without the batch."""
    return layer("InputLayer", name, batch_shape=[None, *shape], dtype="float32")


def functional(name: str, layers: list[Config], input_layers: Any, output_layers: Any) -> Config:
    """A Functional model. Boundaries are layer names, or structures of (name, call, output)."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": name,
            "trainable": True,
            "layers": layers,
            "input_layers": input_layers,
            "output_layers": output_layers,
        },
        "registered_name": "Functional",
    }


def sequential(name: str, layers: list[Config], **config: Any) -> Config:
    """A Sequential model."""
    plain = [{key: value for key, value in each.items() if key not in ("name", "inbound_nodes")} for each in layers]
    return {"module": "keras", "class_name": "Sequential", "config": {"name": name, "layers": plain, **config}}


def called(model: Config, *calls: Any) -> Config:
    """A model as a layer of another Functional model."""
    nodes = [{"args": [call], "kwargs": {}} for call in calls]
    return {**model, "name": model["config"]["name"], "inbound_nodes": nodes}


def conv_2d(name: str, *calls: Any, filters: int = 4, kernel: int = 3, **config: Any) -> Config:
    """A Conv2D with Keras' defaults."""
    defaults = {
        "strides": [1, 1], "padding": "valid", "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1,
        "activation": "linear", "use_bias": True,
    }  # fmt: skip
    return layer("Conv2D", name, *calls, filters=filters, kernel_size=[kernel, kernel], **defaults | config)


def dense(name: str, *calls: Any, units: int = 3, activation: Any = "linear", use_bias: bool = True) -> Config:
    """A Dense layer."""
    return layer("Dense", name, *calls, units=units, activation=activation, use_bias=use_bias)


def batch_normalization(name: str, *calls: Any, axis: int = -1) -> Config:
    """A BatchNormalization layer."""
    return layer("BatchNormalization", name, *calls, axis=axis, epsilon=0.001, scale=True, center=True)


def re_lu(name: str, *calls: Any, **config: Any) -> Config:
    """A ReLU layer."""
    return layer("ReLU", name, *calls, **{"max_value": None, "negative_slope": 0.0, "threshold": 0.0} | config)


def small_model() -> Config:
    """image → conv → bn → relu → flatten → dense"""
    layers = [
        inputs("image", 8, 8, 3),
        conv_2d("conv", tensor("image")),
        batch_normalization("bn", tensor("conv")),
        re_lu("relu", tensor("bn")),
        layer("Flatten", "flatten", tensor("relu"), data_format="channels_last"),
        dense("logits", tensor("flatten")),
    ]
    return functional("small", layers, [["image", 0, 0]], [["logits", 0, 0]])


def archive(path: Path, config: Config | bytes, metadata: Any = None, compression: int = zipfile.ZIP_STORED) -> Path:
    """A `.keras` file."""
    content = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("metadata.json", json.dumps(metadata or {"keras_version": "3.15.1"}))
        file.writestr("config.json", content)
        file.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(1000))
    return path
