"""The variables of recurrent layers and of wrappers. Those of a layer inside are named after it: `forward/kernel`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.geometry import numbers

Variables = dict[str, Shape]


def _gated(gates: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        units = config["units"].integer(1)
        made: Variables = {
            "kernel": (shape[-1], gates * units),
            "recurrent_kernel": (units, gates * units),
        }
        if _true(config, "use_bias"):
            twice = gates == 3 and _true(config, "reset_after")
            made["bias"] = (2, gates * units) if twice else (gates * units,)
        return made

    return found


def _convolutional(rank: int) -> Callable[[Node, Shape], Variables]:
    def found(config: Node, shape: Shape) -> Variables:
        filters, size = config["filters"].integer(1), numbers(config["kernel_size"], rank)
        channels = shape[2] if config.get("data_format").value == "channels_first" else shape[-1]
        kernels: Variables = {
            "kernel": (*size, channels, 4 * filters),
            "recurrent_kernel": (*size, filters, 4 * filters),
        }
        return kernels | ({"bias": (4 * filters,)} if _true(config, "use_bias") else {})

    return found


def _true(config: Node, key: str) -> bool:
    value = config.get(key)
    return value.is_none or value.boolean()


_LAYERS: dict[str, Callable[[Node, Shape], Variables]] = {
    "LSTM": _gated(4),
    "GRU": _gated(3),
    "SimpleRNN": _gated(1),
    **{f"ConvLSTM{rank}D": _convolutional(rank) for rank in (1, 2, 3)},
}
_CELLS = {"LSTMCell": _gated(4), "GRUCell": _gated(3), "SimpleRNNCell": _gated(1)}


def _rnn(config: Node, shape: Shape) -> Variables:
    return _cell(config["cell"], shape)


def _cell(cell: Node, shape: Shape) -> Variables:
    name, config = cell["class_name"].text(), cell["config"]
    if name == "StackedRNNCells":
        return _stacked(config, shape)
    return _CELLS[name](config, shape) if name in _CELLS else {}


def _stacked(config: Node, shape: Shape) -> Variables:
    made: Variables = {}
    for number, inner in enumerate(config["cells"].items()):
        made |= {f"cell_{number}/{key}": size for key, size in _cell(inner, shape).items()}
        shape = (*shape[:-1], inner["config"]["units"].integer(1))
    return made


def _bidirectional(config: Node, shape: Shape) -> Variables:
    given = config.get("backward_layer")
    both = {"forward": config["layer"], "backward": config["layer"] if given.is_none else given}
    return {f"{name}/{key}": size for name, layer in both.items() for key, size in _inside(layer, shape).items()}


def _inside(layer: Node, shape: Shape) -> Variables:
    name, config = layer["class_name"].text(), layer["config"]
    if name == "RNN":
        return _rnn(config, shape)
    return _LAYERS[name](config, shape) if name in _LAYERS else {}


def _of_first(found: Callable[[Node, Shape], Variables]) -> Callable[[Node, Sequence[Shape | None]], Variables]:
    def variables(config: Node, shapes: Sequence[Shape | None]) -> Variables:
        return {} if shapes[0] is None else found(config, shapes[0])

    return variables


VARIABLES: dict[str, Callable[[Node, Sequence[Shape | None]], Variables]] = {
    name: _of_first(found)
    for name, found in {
        **_LAYERS, **_CELLS, "StackedRNNCells": _stacked, "RNN": _rnn, "Bidirectional": _bidirectional,
    }.items()
}  # fmt: skip
"""By class, from the config and the shapes of the inputs."""
