"""The names of an op's operands, by position, as the capability tables use them."""

_NAMED: dict[str, tuple[str, ...]] = {
    "CONV_2D": ("input", "weights", "bias"),
    "DEPTHWISE_CONV_2D": ("input", "weights", "bias"),
    "FULLY_CONNECTED": ("input", "weights", "bias"),
    "PAD": ("input", "paddings"),
    "PADV2": ("input", "paddings", "value"),
    "MIRROR_PAD": ("input", "paddings"),
    "MEAN": ("input", "axes"),
    "SUM": ("input", "axes"),
    "REDUCE_MAX": ("input", "axes"),
    "REDUCE_MIN": ("input", "axes"),
    "RESHAPE": ("input", "shape"),
    "TRANSPOSE": ("input", "permutation"),
    "STRIDED_SLICE": ("input", "begin", "end", "strides"),
    "SLICE": ("input", "begin", "size"),
    "RESIZE_BILINEAR": ("input", "size"),
    "RESIZE_NEAREST_NEIGHBOR": ("input", "size"),
    "PRELU": ("input", "alpha"),
}


def operand_name(kind: str, position: int) -> str:
    """The name of an op's operand: `weights` for the second of a CONV_2D; every operand of an op that takes any number
    of like ones (ADD, CONCATENATION) is an `input`."""
    names = _NAMED.get(kind, ())
    return names[position] if position < len(names) else "input"
