"""One op of every kind, in any type: the models with which oracles are asked about the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.targets.one_op import T, integers
from tests.targets.op_files import OpCase

TYPES = ("float32", "float16", "int8", "uint8", "int16", "int4", "int32", "int64", "bool")

# One scale and zero point of activations for each type; plain integers have none.
SCALES: dict[str, tuple[float | None, int]] = {
    "int8": (0.05, 3),
    "uint8": (0.05, 131),
    "int16": (0.0005, 0),
    "int4": (0.5, 1),
}


def activation(type: str, *shape: int | None, factor: float = 1.0, **changes: Any) -> T:
    """An activation; *factor* makes its scale another one."""
    scale, zero_point = SCALES.get(type, (None, 0))
    made = T(type, shape, scale=scale and scale * factor, zero_point=zero_point, scheme="asymmetric")
    if type == "int16":
        made = replace(made, scheme="symmetric")
    return replace(made, **changes)


def weights_of(type: str, *shape: int, axis: int | None = None, scale: float = 0.02) -> T:
    """A constant of weights."""
    return T(type, shape, True, axis=axis, scale=None if type.startswith("float") else scale)


# ---- convolutions and matrix products: activations, weights, bias, whether each channel has its scale

WEIGHTED = {
    "f32": ("float32", "float32", "float32", False),
    "f16": ("float16", "float16", "float16", False),
    "i8": ("int8", "int8", "int32", False),
    "i8pc": ("int8", "int8", "int32", True),
    "u8": ("uint8", "uint8", "int32", False),
    "i16x8": ("int16", "int8", "int64", True),
    "i16x8pt": ("int16", "int8", "int64", False),
    "i16x8_b32": ("int16", "int8", "int32", True),
    "i16x16": ("int16", "int16", "int64", False),
    "hyb8": ("float32", "int8", "float32", False),
    "hyb8pc": ("float32", "int8", "float32", True),
    "hyb4pc": ("float32", "int4", "float32", True),
    "i8w4": ("int8", "int4", "int32", False),
    "i8w4pc": ("int8", "int4", "int32", True),
    "i16w4pc": ("int16", "int4", "int64", True),
}
CONVOLUTION = {"stride_w": 1, "stride_h": 1, "padding": "SAME"}


def convolution(
    kind: str,
    scheme: str,
    size: int = 6,
    kernel: int = 3,
    channels: int = 8,
    bias: bool = True,
    batch: int = 1,
    groups: int = 1,
    **attributes: Any,
) -> OpCase:
    """A CONV_2D, DEPTHWISE_CONV_2D or TRANSPOSE_CONV; 8 channels become 8."""
    source, weights, bias_type, per_channel = WEIGHTED[scheme]
    chosen: dict[str, Any] = {**CONVOLUTION, **attributes}
    stride, reach = chosen["stride_w"], (kernel - 1) * chosen.get("dilation_w_factor", 1) + 1
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    shape = (1, kernel, kernel, channels) if axis else (channels, kernel, kernel, channels // groups)
    same = chosen["padding"] == "SAME"
    out = -(-size // stride) if same else (size - reach) // stride + 1
    if kind == "TRANSPOSE_CONV":
        out = size * stride + (0 if same else max(kernel - stride, 0))
    x = activation(source, batch, size, size, channels)
    w = weights_of(weights, *shape, axis=axis if per_channel else None)
    y = activation(source, batch, out, out, channels, factor=8)
    b = bias_of(bias_type, channels, x, w) if bias else None
    if kind == "TRANSPOSE_CONV":
        operands: list[T | None] = [integers((batch, out, out, channels)), w, x, *([b] if bias else [])]
    else:
        operands = [x, w, b]
    if kind == "DEPTHWISE_CONV_2D":
        chosen.setdefault("depth_multiplier", 1)
    note = " ".join(
        [scheme, *(() if bias else ("no bias",)), *(f"{name} {value}" for name, value in attributes.items())]
    )
    return OpCase(kind, operands, [y], chosen, note)


def bias_of(type: str, channels: int, x: T, w: T) -> T:
    """A bias whose scale is that of input times weights."""
    if type.startswith("float"):
        return T(type, (channels,), True, scale=None)
    assert x.scale is not None
    assert w.scale is not None
    return T(type, (channels,), True, axis=0 if w.axis is not None else None, scale=x.scale * w.scale)


def dense(scheme: str, bias: bool = True, runtime: bool = False, rank: int = 2, rows: int = 1) -> OpCase:
    """A FULLY_CONNECTED from 16 to 8."""
    source, weights, bias_type, per_channel = WEIGHTED[scheme]
    x = activation(source, rows, *(3,) * (rank - 2), 16)
    w = weights_of(weights, 8, 16, axis=0 if per_channel else None)
    if runtime:
        w = activation(weights, 8, 16)
    y = activation(source, rows, *(3,) * (rank - 2), 8, factor=8)
    b = bias_of(bias_type, 8, x, w) if bias else None
    note = " ".join([scheme, *(() if bias else ("no bias",)), *(("runtime",) if runtime else ()), f"rank {rank}"])
    return OpCase("FULLY_CONNECTED", [x, w, b], [y], {"keep_num_dims": rank > 2}, note)


def far_bias(case: OpCase) -> OpCase:
    """*case* with a bias of another scale, so far off that a bias of 1 moves the output by more than 0.02."""
    bias = case.inputs[2]
    assert bias is not None
    assert bias.scale is not None
    far = replace(bias, scale=bias.scale * 200)
    return replace(case, inputs=[*case.inputs[:2], far], note=f"{case.note} far bias")


def matmul(type: str, constant: bool = False, adj_y: bool = False) -> OpCase:
    """A BATCH_MATMUL of two tensors."""
    right = (1, 8, 6) if adj_y else (1, 6, 8)
    y = weights_of(type, *right) if constant else activation(type, *right)
    inputs = [activation(type, 1, 4, 6), y]
    note = f"{'constant ' if constant else ''}{'adj_y ' if adj_y else ''}".strip()
    return OpCase("BATCH_MATMUL", inputs, [activation(type, 1, 4, 8, factor=8)], {"adj_y": adj_y}, note)


def weighted_cases() -> Iterator[OpCase]:
    """Every scheme of every op with weights."""
    for scheme in WEIGHTED:
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
            yield convolution(kind, scheme)
            yield convolution(kind, scheme, bias=False)
        yield convolution("CONV_2D", scheme, groups=2)
        yield convolution("CONV_2D", scheme, dilation_w_factor=2, dilation_h_factor=2)
        yield dense(scheme)
        yield dense(scheme, bias=False)
        yield dense(scheme, rank=3)
    for scheme in ("f32", "i8", "u8", "i16x16"):
        yield dense(scheme, runtime=True, bias=False)
    for type in TYPES:
        yield matmul(type)
        yield matmul(type, constant=True)
        yield matmul(type, adj_y=True)


# ---- everything else: a function of the type of its activations

Maker = Callable[[str], OpCase]
SHAPE = (1, 4, 4, 8)
FIXED: dict[tuple[str, str], tuple[float, int]] = {
    **{(kind, "int8"): (1 / 256, -128) for kind in ("LOGISTIC", "SOFTMAX")},
    **{(kind, "uint8"): (1 / 256, 0) for kind in ("LOGISTIC", "SOFTMAX")},
    **{(kind, "int16"): (1 / 32768, 0) for kind in ("LOGISTIC", "SOFTMAX", "TANH")},
    **{(kind, "int8"): (1 / 128, 0) for kind in ("TANH", "L2_NORMALIZATION")},
    **{(kind, "uint8"): (1 / 128, 128) for kind in ("TANH", "L2_NORMALIZATION")},
    ("LOG_SOFTMAX", "int8"): (1 / 16, 127),
    ("LOG_SOFTMAX", "uint8"): (1 / 16, 255),
}
ONE = (
    "ABS CEIL COS EXP FLOOR LOG NEG ROUND SIN SQRT SQUARE RSQRT RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 LEAKY_RELU ELU "
    "GELU HARD_SWISH LOGISTIC TANH SOFTMAX LOG_SOFTMAX L2_NORMALIZATION LOGICAL_NOT ZEROS_LIKE SIGN"
)
ONE_ATTRIBUTES: dict[str, dict[str, Any]] = {"LEAKY_RELU": {"alpha": 0.2}, "SOFTMAX": {"beta": 1.0}}
TWO = "ADD SUB MUL DIV SQUARED_DIFFERENCE MAXIMUM MINIMUM FLOOR_DIV FLOOR_MOD POW LOGICAL_AND LOGICAL_OR ADD_N ATAN2"
TWO += " BITWISE_XOR RIGHT_SHIFT"
COMPARISONS = "EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL"
RESCALING = {"ADD", "SUB", "MUL", "DIV", "SQUARED_DIFFERENCE"}
RESCALING_ONE = {"ABS", "EXP", "RSQRT", "SQRT", "LOG", "RELU", "LEAKY_RELU", "ELU", "GELU", "HARD_SWISH"}


def _one(kind: str) -> Maker:
    def make(type: str) -> OpCase:
        output = activation(type, *SHAPE, factor=2 if kind in RESCALING_ONE else 1)
        if (kind, type) in FIXED:
            scale, zero_point = FIXED[kind, type]
            output = replace(output, scale=scale, zero_point=zero_point)
        if kind == "ZEROS_LIKE":
            output = replace(output, zero_point=0)
        source = activation(type, *SHAPE, zero_point=0 if kind == "ZEROS_LIKE" else SCALES.get(type, (None, 0))[1])
        return OpCase(kind, [source], [output], ONE_ATTRIBUTES.get(kind, {}))

    return make


def _two(kind: str) -> Maker:
    def make(type: str) -> OpCase:
        factor = 2.0 if kind in RESCALING else 1.0
        inputs = [activation(type, *SHAPE), activation(type, *SHAPE, factor=factor / 2 if factor > 1 else 1)]
        output = activation("bool" if kind.startswith("LOGICAL") else type, *SHAPE, factor=factor)
        if kind == "ADD_N":
            inputs = [replace(made, zero_point=0) for made in inputs]
            output = replace(output, zero_point=0)
        return OpCase(kind, inputs, [output])

    return make


def _comparison(kind: str) -> Maker:
    return lambda type: OpCase(
        kind, [activation(type, *SHAPE), activation(type, *SHAPE)], [T("bool", SHAPE, scale=None)]
    )


def _pool(kind: str) -> Maker:
    attributes = {"stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "padding": "VALID"}
    return lambda type: OpCase(kind, [activation(type, *SHAPE)], [activation(type, 1, 2, 2, 8)], attributes)


def _resize(kind: str) -> Maker:
    return lambda type: OpCase(kind, [activation(type, *SHAPE), integers((8, 8))], [activation(type, 1, 8, 8, 8)], {})


def _reduction(kind: str) -> Maker:
    factor = 4.0 if kind == "SUM" else 1.0
    return lambda type: OpCase(
        kind, [activation(type, *SHAPE), integers((1, 2))], [activation(type, 1, 8, factor=factor)], {}
    )


def _moved(kind: str, shape: tuple[int, ...], *operands: T, at: int = 0, **attributes: Any) -> Maker:
    """An op that copies from one activation, which is its operand number *at*, to one of *shape*."""

    def make(type: str) -> OpCase:
        inputs: list[T | None] = [*operands[:at], activation(type, *SHAPE), *operands[at:]]
        return OpCase(kind, inputs, [activation(type, *shape)], attributes)

    return make


def _several(kind: str, count: int, shape: tuple[int, ...], *operands: T, at: int = 0, **attributes: Any) -> Maker:
    def make(type: str) -> OpCase:
        inputs: list[T | None] = [*operands[:at], activation(type, *SHAPE), *operands[at:]]
        return OpCase(kind, inputs, [activation(type, *shape)] * count, attributes)

    return make


def _joined(kind: str, shape: tuple[int, ...], **attributes: Any) -> Maker:
    return lambda type: OpCase(
        kind, [activation(type, *SHAPE), activation(type, *SHAPE)], [activation(type, *shape)], attributes
    )


def _select(kind: str) -> Maker:
    x = SHAPE
    return lambda type: OpCase(
        kind, [T("bool", x, scale=None), activation(type, *x), activation(type, *x)], [activation(type, *x)]
    )


def _index(kind: str) -> Maker:
    return lambda type: OpCase(
        kind,
        [activation(type, *SHAPE), integers(3)],
        [T("int32", (1, 4, 4), scale=None)],
        {"output_type": "INT32"},
    )


def _prelu(type: str) -> OpCase:
    return OpCase("PRELU", [activation(type, *SHAPE), weights_of(type, 1, 1, 8)], [activation(type, *SHAPE)])


def _padv2(type: str) -> OpCase:
    value = replace(activation(type), constant=True)
    made = _moved("PADV2", (1, 6, 6, 8), PADDINGS)(type)
    return replace(made, inputs=[*made.inputs, value])


def _fill(type: str) -> OpCase:
    return OpCase("FILL", [integers((2, 3)), replace(activation(type), constant=True)], [activation(type, 2, 3)])


def _update(type: str) -> OpCase:
    inputs = [activation(type, *SHAPE), activation(type, 1, 2, 2, 8), integers((0, 1, 1, 0))]
    return OpCase("DYNAMIC_UPDATE_SLICE", inputs, [activation(type, *SHAPE)])


def _embedding(type: str) -> OpCase:
    table = replace(activation(type, 5, 4), constant=True)
    return OpCase("EMBEDDING_LOOKUP", [integers((1, 3, 0)), table], [activation(type, 3, 4)])


PADDINGS = integers(((0, 0), (1, 1), (1, 1), (0, 0)))
BLOCK = integers((2, 2))
MAKERS: dict[str, Maker] = {
    **{kind: _one(kind) for kind in ONE.split()},
    **{kind: _two(kind) for kind in TWO.split()},
    **{kind: _comparison(kind) for kind in COMPARISONS.split()},
    **{kind: _pool(kind) for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")},
    **{kind: _resize(kind) for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")},
    **{kind: _reduction(kind) for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")},
    **{kind: _reduction(kind) for kind in ("REDUCE_ALL", "REDUCE_ANY")},
    **{kind: _index(kind) for kind in ("ARG_MAX", "ARG_MIN")},
    **{kind: _select(kind) for kind in ("SELECT", "SELECT_V2")},
    "PRELU": _prelu,
    "CUMSUM": lambda type: OpCase(
        "CUMSUM", [activation(type, *SHAPE, zero_point=0), integers(1)], [activation(type, *SHAPE, zero_point=0)]
    ),
    "RESHAPE": _moved("RESHAPE", (1, 128), integers((1, 128))),
    "SQUEEZE": _moved("SQUEEZE", (4, 4, 8), squeeze_dims=[0]),
    "EXPAND_DIMS": _moved("EXPAND_DIMS", (1, 1, 4, 4, 8), integers(0)),
    "BROADCAST_TO": _moved("BROADCAST_TO", (2, 4, 4, 8), integers((2, 4, 4, 8))),
    "SHAPE": lambda type: OpCase(
        "SHAPE", [activation(type, *SHAPE)], [T("int32", (4,), scale=None)], {"out_type": "INT32"}
    ),
    "TRANSPOSE": _moved("TRANSPOSE", (1, 8, 4, 4), integers((0, 3, 1, 2))),
    "REVERSE_V2": _moved("REVERSE_V2", SHAPE, integers((2,))),
    "TILE": _moved("TILE", (1, 8, 4, 8), integers((1, 2, 1, 1))),
    "SLICE": _moved("SLICE", (1, 2, 3, 8), integers((0, 1, 1, 0)), integers((1, 2, 3, 8))),
    "STRIDED_SLICE": _moved(
        "STRIDED_SLICE", (1, 2, 2, 8), integers((0, 0, 0, 0)), integers((1, 4, 4, 8)), integers((1, 2, 2, 1))
    ),
    "PAD": _moved("PAD", (1, 6, 6, 8), PADDINGS),
    "PADV2": _padv2,
    "MIRROR_PAD": _moved("MIRROR_PAD", (1, 6, 6, 8), PADDINGS, mode="REFLECT"),
    "SPACE_TO_BATCH_ND": _moved("SPACE_TO_BATCH_ND", (4, 2, 2, 8), BLOCK, integers(((0, 0), (0, 0)))),
    "BATCH_TO_SPACE_ND": lambda type: OpCase(
        "BATCH_TO_SPACE_ND",
        [activation(type, 4, 2, 2, 8), BLOCK, integers(((0, 0), (0, 0)))],
        [activation(type, *SHAPE)],
    ),
    "DEPTH_TO_SPACE": _moved("DEPTH_TO_SPACE", (1, 8, 8, 2), block_size=2),
    "SPACE_TO_DEPTH": _moved("SPACE_TO_DEPTH", (1, 2, 2, 32), block_size=2),
    "SPLIT": _several("SPLIT", 2, (1, 4, 4, 4), integers(3), at=1, num_splits=2),
    "SPLIT_V": _several("SPLIT_V", 2, (1, 4, 4, 4), integers((4, 4)), integers(3), num_splits=2),
    "UNPACK": _several("UNPACK", 4, (1, 4, 8), num=4, axis=1),
    "PACK": _joined("PACK", (1, 2, 4, 4, 8), values_count=2, axis=1),
    "CONCATENATION": _joined("CONCATENATION", (1, 4, 4, 16), axis=3),
    "GATHER": _moved("GATHER", (1, 2, 4, 8), integers((2, 0)), axis=1),
    "GATHER_ND": _moved("GATHER_ND", (2, 4, 8), integers(((0, 1), (0, 3)))),
    "DYNAMIC_UPDATE_SLICE": _update,
    "FILL": _fill,
    "EMBEDDING_LOOKUP": _embedding,
    "TOPK_V2": lambda type: OpCase(
        "TOPK_V2", [activation(type, 1, 8), integers(3)], [activation(type, 1, 3), T("int32", (1, 3), scale=None)]
    ),
}


def case_of(kind: str, type: str) -> OpCase:
    """The op of *kind* with activations of *type*."""
    return MAKERS[kind](type)


def casts(kind: str) -> Iterator[OpCase]:
    """A QUANTIZE, DEQUANTIZE or CAST between every two types."""
    for source in TYPES:
        for target in TYPES:
            attributes = {"in_data_type": source.upper(), "out_data_type": target.upper()} if kind == "CAST" else {}
            x, y = activation(source, *SHAPE), activation(target, *SHAPE, factor=2)
            if kind == "QUANTIZE" and source == "int32":
                x = replace(x, scale=0.001)
            yield OpCase(kind, [x], [y], attributes, f"{source} to {target}")


def every_case() -> Iterator[OpCase]:
    """Every kind in every type, every scheme of weights, every cast."""
    yield from weighted_cases()
    for kind in MAKERS:
        for type in TYPES:
            yield case_of(kind, type)
    for kind in ("QUANTIZE", "DEQUANTIZE", "CAST"):
        yield from casts(kind)


def varied(case: OpCase) -> Iterator[OpCase]:
    """*case* with other scales and zero points in an output, an input, its weights or its bias, one at a time."""
    outputs = [_changed(made, scale=2) for made in case.outputs]
    if any(made.scale for made in case.outputs):
        yield replace(case, outputs=outputs, note=f"{case.note} output scale 2".strip())
        shifted = [_changed(made, shift=4) for made in case.outputs]
        yield replace(case, outputs=shifted, note=f"{case.note} output zero point".strip())
    for position, made in enumerate(case.inputs):
        if made is None or made.scale is None:
            continue
        other = [_changed(made, scale=2), *case.inputs[position + 1 :]]
        yield replace(case, inputs=[*case.inputs[:position], *other], note=f"{case.note} {position} scale 2".strip())
        other = [_changed(made, shift=4), *case.inputs[position + 1 :]]
        yield replace(case, inputs=[*case.inputs[:position], *other], note=f"{case.note} {position} zero point".strip())
    if case.attributes.get("fused_activation_function") is None and case.kind in FUSING:
        for activation in ("RELU", "RELU6", "RELU_N1_TO_1", "TANH", "SIGN_BIT"):
            attributes = {**case.attributes, "fused_activation_function": activation}
            yield replace(case, attributes=attributes, note=f"{case.note} {activation}".strip())


FUSING = {
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "CONCATENATION",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "L2_POOL_2D",
    "FULLY_CONNECTED",
}
FUSING |= {"CONV_2D", "DEPTHWISE_CONV_2D"}


def _changed(made: T, scale: float = 1.0, shift: int = 0) -> T:
    if made.scale is None:
        return made
    scheme = "asymmetric" if shift else made.scheme
    if made.constant:  # far enough to be seen in an output: weights, and a bias with its small steps
        shift *= 500 if made.type in ("int32", "int64") else 5
    return replace(made, scale=made.scale * scale, zero_point=made.zero_point + shift, scheme=scheme)


def small_outputs() -> Iterator[OpCase]:
    """Sums and differences whose output has a scale far below the inputs', a little above and below what a kernel can
    multiply by: a factor below 1 behind a shift by 20 bits (15 of int16), or 14 of a squared difference."""
    for kind, type, limit in (
        ("ADD", "int8", 2 * 0.05 / 2**20),
        ("SUB", "int8", 2 * 0.05 / 2**20),
        ("ADD", "int16", 2 * 0.0005 / 2**15),
        ("SUB", "int16", 2 * 0.0005 / 2**15),
        ("SQUARED_DIFFERENCE", "int8", (2 * 0.05) ** 2 / 2**14),
    ):
        for factor in (1.1, 0.9):
            inputs = [activation(type, *SHAPE)] * 2
            output = activation(type, *SHAPE, scale=limit * factor)
            yield OpCase(kind, inputs, [output], {}, f"output scale {factor} of the limit")


def varied_cases() -> Iterator[OpCase]:
    """Variations of the int8 and int16 ops."""
    for scheme in ("i8", "i8pc", "i16x8"):
        for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
            yield from varied(convolution(kind, scheme))
        yield from varied(dense(scheme))
    yield OpCase("ADD_N", [activation("int8", *SHAPE)] * 2, [activation("int8", *SHAPE)], {}, "one zero point")
    for scheme in ("i8", "i8pc", "i16x8pt", "i16x8"):
        yield far_bias(dense(scheme))
    yield from small_outputs()
    for type in ("int8", "int16"):
        yield from varied(matmul(type))
        for kind in MAKERS:
            yield from varied(case_of(kind, type))
