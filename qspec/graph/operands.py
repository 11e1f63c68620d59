"""The names of an op's operands, by position, as the capability tables use them (LiteRT's `tfl_ops.td`)."""

from __future__ import annotations

from qspec.graph.ops import Op

_WITH_WEIGHTS = ("input", "weights", "bias")
_REDUCTION = ("input", "axes")
_SEGMENTS = ("input", "segments")
_RESIZE = ("input", "size")

_NAMED: dict[str, tuple[str, ...]] = {
    "CONV_2D": _WITH_WEIGHTS,
    "DEPTHWISE_CONV_2D": _WITH_WEIGHTS,
    "FULLY_CONNECTED": _WITH_WEIGHTS,
    "CONV_3D": _WITH_WEIGHTS,
    "CONV_3D_TRANSPOSE": ("output_shape", "weights", "input", "bias"),
    "TRANSPOSE_CONV": ("output_shape", "weights", "input", "bias"),
    "PAD": ("input", "paddings"),
    "PADV2": ("input", "paddings", "value"),
    "MIRROR_PAD": ("input", "paddings"),
    "MEAN": _REDUCTION,
    "SUM": _REDUCTION,
    "REDUCE_PROD": _REDUCTION,
    "REDUCE_MAX": _REDUCTION,
    "REDUCE_MIN": _REDUCTION,
    "REDUCE_ANY": _REDUCTION,
    "REDUCE_ALL": _REDUCTION,
    "ARG_MAX": ("input", "axis"),
    "ARG_MIN": ("input", "axis"),
    "RESHAPE": ("input", "shape"),
    "BROADCAST_TO": ("input", "shape"),
    "TRANSPOSE": ("input", "permutation"),
    "EXPAND_DIMS": ("input", "axis"),
    "TILE": ("input", "multiples"),
    "STRIDED_SLICE": ("input", "begin", "end", "strides"),
    "SLICE": ("input", "begin", "size"),
    "SPLIT": ("axis", "input"),
    "SPLIT_V": ("input", "sizes", "axis"),
    "GATHER": ("input", "indices"),
    "GATHER_ND": ("input", "indices"),
    "TOPK_V2": ("input", "k"),
    "CUMSUM": ("input", "axis"),
    "SELECT": ("condition", "input", "input"),
    "SELECT_V2": ("condition", "input", "input"),
    "SPACE_TO_BATCH_ND": ("input", "block_shape", "paddings"),
    "BATCH_TO_SPACE_ND": ("input", "block_shape", "crops"),
    "RESIZE_BILINEAR": _RESIZE,
    "RESIZE_NEAREST_NEIGHBOR": _RESIZE,
    "PRELU": ("input", "alpha"),
    "REVERSE_V2": _REDUCTION,
    "FILL": ("shape", "input"),
    "ONE_HOT": ("indices", "depth", "input", "input"),
    "SCATTER_ND": ("indices", "input", "shape"),
    "REVERSE_SEQUENCE": ("input", "lengths"),
    "SEGMENT_SUM": _SEGMENTS,
    **dict.fromkeys(("UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_PROD"), (*_SEGMENTS, "count")),
    **dict.fromkeys(("UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_MIN"), (*_SEGMENTS, "count")),
    "RFFT2D": ("input", "length"),
    "RANDOM_UNIFORM": ("shape",),
    "RANDOM_STANDARD_NORMAL": ("shape",),
    "MULTINOMIAL": ("input", "count"),
    "SPARSE_TO_DENSE": ("indices", "shape", "input", "input"),
    "EMBEDDING_LOOKUP": ("indices", "weights"),
    "DYNAMIC_UPDATE_SLICE": ("input", "update", "begin"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "input",
        *("input_weights",) * 4,
        *("recurrent_weights",) * 4,
        *("peephole_weights",) * 3,
        *("bias",) * 4,
        *("projection_weights", "projection_bias", "output_state", "cell_state"),
        *("normalization",) * 4,
    ),
}


# Operands that are lists of integers where they are constants: what stands in brackets is a part of the list.
LISTS = frozenset(
    (
        *("axes", "axis", "begin", "block_shape", "crops", "end", "k", "multiples", "output_shape", "paddings"),
        *("permutation", "shape", "size", "sizes", "strides", "indices"),
    )
)
# How many inputs an op takes that names none of them. Of the ops that stand in neither line it is not said.
_ONE = """
    ABS AVERAGE_POOL_2D BITCAST CAST CEIL COS DEPTH_TO_SPACE DEQUANTIZE ELU EXP FAKE_QUANT FLOOR GELU HARD_SWISH
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX MATRIX_DIAG
    MAX_POOL_2D NEG QUANTIZE RANK RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 ROUND RSQRT SHAPE SIGN SIN SOFTMAX SPACE_TO_DEPTH
    SQRT SQUARE SQUEEZE TANH UNIQUE UNPACK WHERE ZEROS_LIKE
"""
_TWO = """
    ADD ATAN2 BATCH_MATMUL BITWISE_XOR DIV EQUAL FLOOR_DIV FLOOR_MOD GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND
    LOGICAL_OR MAXIMUM MINIMUM MUL NOT_EQUAL POW RIGHT_SHIFT SQUARED_DIFFERENCE SUB
"""
_COUNTS = {**dict.fromkeys(_ONE.split(), 1), **dict.fromkeys(_TWO.split(), 2)}
_SEVERAL_RESULTS = frozenset({"UNPACK", "UNIQUE"})


def operand_name(kind: str, position: int) -> str:
    """The name of an op's operand: `weights` for the second of a CONV_2D; every operand of an op that takes any number
    of like ones (ADD, CONCATENATION) is an `input`."""
    names = _NAMED.get(kind, ())
    return names[position] if position < len(names) else "input"


def operand_names(kind: str) -> tuple[str, ...]:
    """The names of the operands of *kind*, each once, in order."""
    return tuple(dict.fromkeys(_NAMED.get(kind, ("input",))))


def operand_position(kind: str, name: str) -> int | None:
    """Where the operand called *name* stands among those of *kind*; None if there is no such."""
    names = _NAMED.get(kind, ())
    return names.index(name) if name in names else None


def operand_count(kind: str, name: str) -> int | None:
    """How many operands of *kind* are called *name*; None where that is open, as of the inputs of a CONCATENATION."""
    if name == "output":
        return 1 if kind in _COUNTS and kind not in _SEVERAL_RESULTS else None
    return _NAMED[kind].count(name) if kind in _NAMED else _COUNTS.get(kind)


def operand_of(op: Op, name: str) -> int:
    """The tensor that *op* reads as the operand called *name*; -1 where it has none."""
    position = operand_position(op.kind, name)
    return -1 if position is None or position >= len(op.inputs) else op.inputs[position]


def weights_of_bias(op: Op, bias: int) -> int:
    """The weights to whose products *op* adds *bias*: those of its gate, where there are gates."""
    return (
        op.inputs[op.inputs.index(bias) - GATE_BIASES.start + GATE_KERNELS.start]
        if is_recurrence(op)
        else operand_of(op, "weights")
    )


def bias_of_weights(op: Op, weights: int) -> int:
    """The bias of *op* that is added to products with *weights*; -1 where it has none."""
    if not is_recurrence(op):
        return operand_of(op, "bias")
    position = op.inputs.index(weights)
    gate = position - GATE_KERNELS.start
    return op.inputs[GATE_BIASES.start + gate] if position < GATE_KERNELS.stop else -1


GATE_KERNELS, GATE_RECURRENT_KERNELS, GATE_BIASES = slice(1, 5), slice(5, 9), slice(12, 16)
"""Where an op with gates has its weights for the input and for the hidden state, and its biases, gate by gate."""


def is_recurrence(op: Op) -> bool:
    """Whether an op runs over a sequence, with states from step to step."""
    return op.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM"
