"""The names of an op's operands, by position, as the capability tables use them (LiteRT's `tfl_ops.td`)."""

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
