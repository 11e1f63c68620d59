"""What an op costs: multiply-accumulates and bytes of parameters.

A multiply-accumulate is one product added to a sum, as matrix products are made of them: convolutions, fully connected
and recurrent ops. Ops that add, compare, move or look up have none, and neither have the elementwise products of ADD,
MUL or a cell's gates. That is the count that papers publish ("multiply-adds"): products with padded zeros count, a bias
does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from qspec.graph.layers import Shape
from qspec.graph.ops import Op, OpGraph, Tensor

_BITS = {
    "float64": 64, "int64": 64, "uint64": 64, "complex64": 64, "complex128": 128,
    "float32": 32, "int32": 32, "uint32": 32, "float16": 16, "bfloat16": 16, "int16": 16, "uint16": 16,
    "int4": 4, "int2": 2,
}  # fmt: skip


class UnknownCost(Exception):
    """A shape that the count needs is not known."""


def stored_bytes(shape: Shape, type: str) -> int:
    """The bytes of a tensor in a buffer; int4 and int2 are packed. An unknown dimension counts as 0."""
    return math.ceil(math.prod(size or 0 for size in shape) * _BITS.get(type, 8) / 8)


def multiply_accumulates(op: Op, graph: OpGraph) -> int | None:
    """How many multiply-accumulates *op* takes; None where a shape, or what the op does, is not known.

    A dynamic batch counts as 1.
    """
    if op.kind in _UNKNOWN:
        return None
    if op.kind not in _FORMULAS:
        return 0
    inputs = [graph.tensors[tensor] if tensor >= 0 else None for tensor in op.inputs]
    try:
        return _FORMULAS[op.kind](op, inputs, [graph.tensors[tensor] for tensor in op.outputs])
    except (UnknownCost, IndexError):
        return None


_Inputs = list["Tensor | None"]
_Outputs = list[Tensor]


def _sizes(tensor: Tensor | None) -> tuple[int, ...]:
    if tensor is None or tensor.shape is None:
        raise UnknownCost
    batch, *rest = tensor.shape or (1,)
    if None in rest:
        raise UnknownCost
    return (1 if batch is None else batch, *(size or 0 for size in rest))


def _elements(tensor: Tensor | None) -> int:
    return math.prod(_sizes(tensor))


def _convolution(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are O by height by width by I/groups: each output value sums over one filter."""
    return _elements(outputs[0]) * math.prod(_sizes(inputs[1])[1:])


def _depthwise_convolution(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are 1 by height by width by O: each output value sums over one window of one channel."""
    return _elements(outputs[0]) * math.prod(_sizes(inputs[1])[1:3])


def _convolution_3d(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are depth by height by width by I/groups by O."""
    return _elements(outputs[0]) * math.prod(_sizes(inputs[1])[:4])


def _transposed_convolution(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are O by height by width by I. Each input value is spread over a window of every output channel; what
    falls outside the output is counted with the rest."""
    return _elements(inputs[2]) * math.prod(_sizes(inputs[1])[:3])


def _transposed_convolution_3d(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are depth by height by width by O by I."""
    return _elements(inputs[2]) * math.prod(_sizes(inputs[1])[:4])


def _fully_connected(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Weights are O by I: each output value sums over one row."""
    return _elements(outputs[0]) * _sizes(inputs[1])[1]


def _batched_product(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """Each output value sums over the axis that both factors share: the last of the first, unless it is transposed."""
    return _elements(outputs[0]) * _sizes(inputs[0])[-2 if op.attributes.get("adj_x") else -1]


def _recurrent(matrices: slice, *, steps: bool) -> Callable[[Op, _Inputs, _Outputs], int]:
    """Every weight in *matrices* (a slice of the operands) is used once for each sample, and for each time step of an
    op that runs over a sequence: batch and time are all dimensions but the last, in either order."""

    def count(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
        weights = sum(_elements(tensor) for tensor in inputs[matrices] if tensor is not None)
        return weights * math.prod(_sizes(inputs[0])[:-1] if steps else _sizes(inputs[0])[:1])

    return count


def _low_rank_filter(op: Op, inputs: _Inputs, outputs: _Outputs) -> int:
    """SVDF: each sample goes through the feature weights, and each filter's memory through its time weights."""
    return (_elements(inputs[1]) + _elements(inputs[2])) * _sizes(inputs[0])[0]


# Operands as the kernels name them (LiteRT f674577, tflite/kernels/*.cc).
_FORMULAS: Mapping[str, Callable[[Op, _Inputs, _Outputs], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise_convolution,
    "CONV_3D": _convolution_3d,
    "TRANSPOSE_CONV": _transposed_convolution,
    "CONV_3D_TRANSPOSE": _transposed_convolution_3d,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batched_product,
    # Four input, four recurrent and three diagonal peephole weights, and the projection behind four biases.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lambda op, inputs, outputs: (
        _recurrent(slice(1, 12), steps=True)(op, inputs, outputs)
        + _recurrent(slice(16, 17), steps=True)(op, inputs, outputs)
    ),
    "LSTM": lambda op, inputs, outputs: (
        _recurrent(slice(1, 12), steps=False)(op, inputs, outputs)
        + _recurrent(slice(16, 17), steps=False)(op, inputs, outputs)
    ),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent(slice(1, 3), steps=True),
    "RNN": _recurrent(slice(1, 3), steps=False),
    "SVDF": _low_rank_filter,
}

# Their work is in another subgraph, in code that nobody here sees, or in a layer whose ops are not known.
_UNKNOWN = frozenset(
    [
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "CALL",
        "CALL_ONCE",
        "CUSTOM",
        "DELEGATE",
        "IF",
        "OPAQUE",
        "REDUCE_WINDOW",
        "STABLEHLO_CASE",
        "STABLEHLO_COMPOSITE",
        "STABLEHLO_CONVOLUTION",
        "STABLEHLO_CUSTOM_CALL",
        "STABLEHLO_DOT_GENERAL",
        "STABLEHLO_WHILE",
        "WHILE",
    ]
)
