"""Small models as layer graphs, written call by call, with the configs that Keras 3 would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qspec.graph.layers import Call, Layer, LayerGraph, Value

_IMAGE = {"data_format": "channels_last"}
_WINDOW = {**_IMAGE, "strides": [1, 1], "padding": "same", "dilation_rate": [1, 1], "activation": "linear"}
DEFAULTS: dict[str, dict[str, Any]] = {
    "Conv2D": {**_WINDOW, "filters": 4, "kernel_size": [3, 3], "groups": 1, "use_bias": True},
    "DepthwiseConv2D": {**_WINDOW, "kernel_size": [3, 3], "depth_multiplier": 1, "use_bias": True},
    "SeparableConv2D": {**_WINDOW, "filters": 4, "kernel_size": [3, 3], "depth_multiplier": 1, "use_bias": True},
    "Dense": {"units": 10, "activation": "linear", "use_bias": True},
    "BatchNormalization": {"axis": -1, "epsilon": 0.001, "scale": True, "center": True},
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "Softmax": {"axis": -1},
    "Concatenate": {"axis": -1},
    "MaxPooling2D": {**_IMAGE, "pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
    "AveragePooling2D": {**_IMAGE, "pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
    "GlobalAveragePooling2D": {**_IMAGE, "keepdims": False},
    "Flatten": {**_IMAGE},
    "ZeroPadding2D": {**_IMAGE, "padding": [[1, 1], [1, 1]]},
    "Dropout": {"rate": 0.5},
    "Rescaling": {"scale": 0.00392156862745098, "offset": -1.0},
}


class ModelBuilder:
    """Collects calls: `x = m.input(8, 8, 3)`, `x = m("Conv2D", x, name="c1", filters=8)`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.inputs: list[Value] = []

    def input(self, *shape: int, name: str = "", dtype: str = "float32") -> Value:
        """An InputLayer of this shape, the batch left out."""
        name = name or f"input_{len(self.inputs)}"
        config = {"name": name, "batch_shape": [None, *shape], "dtype": dtype}
        value = self._add(Layer(name, "InputLayer", "keras.layers", config), (), ())
        self.inputs.append(value)
        return value

    def layer(self, class_name: str, name: str = "", package: str = "keras.layers", **config: Any) -> Layer:
        """A layer object, which may be called several times."""
        name = name or f"{class_name.lower()}_{len(self.calls)}"
        full = {"name": name.rsplit("/", 1)[-1], **DEFAULTS.get(class_name, {}), **config}
        return Layer(name, class_name, package, full)

    def __call__(self, layer: Layer | str, *inputs: Value, **config: Any) -> Value:
        """Call a layer, or a new one of this class."""
        arguments = (inputs[0],) if len(inputs) == 1 else (list(inputs),) if inputs else ()
        return self._add(self.layer(layer, **config) if isinstance(layer, str) else layer, inputs, arguments)

    def operation(self, name: str, *inputs: Value) -> Value:
        """A raw operation."""
        path = f"{name.lower()}_{len(self.calls)}"
        return self._add(Layer(path, name, "keras.src.ops.numpy", {"name": path}, operation=True), inputs, inputs)

    def _add(self, layer: Layer, inputs: Sequence[Value], arguments: tuple[Any, ...]) -> Value:
        self.calls.append(Call(len(self.calls), layer, tuple(inputs), arguments))
        return Value(len(self.calls) - 1)

    def graph(self, *outputs: Value) -> LayerGraph:
        """The whole model."""
        return LayerGraph(
            "model",
            "model.keras",
            tuple(self.calls),
            tuple(self.inputs),
            outputs,
            tuple(self.calls[value.call].layer.name for value in self.inputs),
            tuple(self.calls[value.call].layer.name for value in outputs),
        )


def small_model() -> LayerGraph:
    """Conv-BN-ReLU, pooling, a residual of a separable convolution, a softmax head."""
    m = ModelBuilder()
    x = m.input(16, 16, 3, name="image")
    x = m("Conv2D", x, name="stem", filters=8)
    x = m("BatchNormalization", x, name="stem_bn")
    x = m("ReLU", x, name="stem_relu", max_value=6.0)
    x = m("MaxPooling2D", x, name="pool")
    y = m("SeparableConv2D", x, name="block/sep", filters=8)
    x = m("Add", x, y, name="block/add")
    x = m("GlobalAveragePooling2D", x, name="gap")
    x = m("Dropout", x, name="drop")
    x = m("Dense", x, name="head", activation="softmax")
    return m.graph(x)
