"""Small Keras models: every activation function, as a layer, as an argument of a layer, and the activation layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMAGE = (6, 5, 4)
FEATURES = (6,)
SEQUENCE = (5, 6)

NAMES = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "softplus", "softsign", "squareplus", "silu", "swish", "gelu",
    "glu", "tanh", "tanh_shrink", "hard_tanh", "hard_sigmoid", "hard_silu", "hard_swish", "hard_shrink", "soft_shrink",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "exponential", "linear", "mish", "log_sigmoid", "log_softmax",
    "softmax", "sigmoid",
)  # fmt: skip

Models = dict[str, Callable[[], Any]]


def models() -> Models:
    """By name, what makes the model."""
    return {**_named(), **_layers(), **_arguments()}


def chain(shape: tuple[int | None, ...], *layers: Any, dtype: str = "float32", batch: int | None = None) -> Any:
    """A model of layers one behind the other."""
    import keras

    tensor = inputs = keras.Input(shape, batch_size=batch, dtype=dtype)
    for layer in layers:
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


def _named() -> Models:
    from keras import layers as L

    found: Models = {}
    for name in NAMES:
        found[f"activation_{name}"] = lambda name=name: chain(SEQUENCE, L.Activation(name), L.Identity())
        found[f"conv_{name}"] = lambda name=name: chain(IMAGE, L.Conv2D(4, 3, activation=name))
        found[f"dense_{name}"] = lambda name=name: chain(FEATURES, L.Dense(4, activation=name))
    return found


def _layers() -> Models:
    from keras import layers as L

    image: dict[str, Callable[[], Any]] = {
        "relu": lambda: L.ReLU(),
        "relu_1": lambda: L.ReLU(max_value=1.0),
        "relu_6": lambda: L.ReLU(max_value=6.0),
        "relu_limit": lambda: L.ReLU(max_value=0.4),
        "relu_slope": lambda: L.ReLU(negative_slope=0.1),
        "relu_slope_limit": lambda: L.ReLU(max_value=0.5, negative_slope=0.25),
        "relu_slope_6": lambda: L.ReLU(max_value=6.0, negative_slope=0.25),
        "relu_threshold": lambda: L.ReLU(threshold=0.3),
        "relu_threshold_limit": lambda: L.ReLU(threshold=0.3, max_value=0.6),
        "relu_threshold_6": lambda: L.ReLU(threshold=0.3, max_value=6.0),
        "relu_threshold_slope": lambda: L.ReLU(threshold=0.3, negative_slope=0.2),
        "relu_all": lambda: L.ReLU(max_value=0.6, threshold=0.3, negative_slope=0.2),
        "leaky_relu": lambda: L.LeakyReLU(),
        "leaky_relu_steep": lambda: L.LeakyReLU(negative_slope=1.5),
        "leaky_relu_0": lambda: L.LeakyReLU(negative_slope=0.0),
        "prelu": lambda: L.PReLU(),
        "prelu_channels": lambda: L.PReLU(shared_axes=[1, 2]),
        "prelu_row": lambda: L.PReLU(shared_axes=[1]),
        "elu": lambda: L.ELU(),
        "elu_half": lambda: L.ELU(alpha=0.5),
        "elu_steep": lambda: L.ELU(alpha=2.0),
        "softmax": lambda: L.Softmax(),
        "softmax_height": lambda: L.Softmax(axis=1),
        "softmax_width": lambda: L.Softmax(axis=-2),
        "softmax_batch": lambda: L.Softmax(axis=0),
        "softmax_one": lambda: L.Softmax(axis=[2]),
        "softmax_image": lambda: L.Softmax(axis=(1, 2)),
        "softmax_last_two": lambda: L.Softmax(axis=[-2, -1]),
        "softmax_outer": lambda: L.Softmax(axis=(1, 3)),
        "softmax_sample": lambda: L.Softmax(axis=(1, 2, 3)),
    }
    found: Models = {f"layer_{name}": lambda make=make: chain(IMAGE, make()) for name, make in image.items()}
    found["layer_prelu_vector"] = lambda: chain(FEATURES, L.PReLU())
    found["layer_softmax_vector"] = lambda: chain(FEATURES, L.Softmax())
    found["layer_softmax_cube"] = lambda: chain((2, 3, 4, 5), L.Softmax(axis=2))
    found["layer_softmax_masked"] = lambda: masked_softmax((5, 6), (5, 6))
    found["layer_softmax_masked_rows"] = lambda: masked_softmax((5, 6), (1, 6), axis=1)
    return found


def masked_softmax(shape: tuple[int, ...], mask: tuple[int, ...], **config: Any) -> Any:
    """A softmax whose mask is an input of the model."""
    import keras

    inputs = [keras.Input(shape, name="scores"), keras.Input(mask, dtype="bool", name="shown")]
    return keras.Model(inputs, keras.layers.Softmax(**config)(inputs[0], mask=inputs[1]))


def _arguments() -> Models:
    """Activation layers as the activation of a layer."""
    from keras import layers as L

    inside: dict[str, Callable[[], Any]] = {
        "relu": lambda: L.ReLU(),
        "relu_6": lambda: L.ReLU(max_value=6.0),
        "relu_all": lambda: L.ReLU(max_value=0.6, threshold=0.3, negative_slope=0.2),
        "leaky_relu": lambda: L.LeakyReLU(negative_slope=0.3),
        "prelu": lambda: L.PReLU(),
        "elu": lambda: L.ELU(alpha=0.7),
        "softmax": lambda: L.Softmax(),
        "activation": lambda: L.Activation("softplus"),
        "activation_nested": lambda: L.Activation(L.PReLU()),
        "linear": lambda: L.Activation("linear"),
    }
    found: Models = {}
    for name, make in inside.items():
        found[f"dense_with_{name}"] = lambda make=make: chain(FEATURES, L.Dense(4, activation=make()))
        found[f"conv_with_{name}"] = lambda make=make: chain(IMAGE, L.Conv2D(4, 3, activation=make()))
    found["conv_with_prelu_shared"] = lambda: chain(IMAGE, L.Conv2D(4, 3, activation=L.PReLU(shared_axes=[1, 2])))
    found["activation_of_layer"] = lambda: chain(FEATURES, L.Activation(L.LeakyReLU(negative_slope=0.4)))
    return found
