"""Ops on both sides of every limit in the `ethos_u` table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np

from qspec.targets import Table
from tests.targets.one_op import T, integers, shipped
from tests.targets.op_cases import SHAPE, activation, case_of, convolution, every_case, weights_of
from tests.targets.op_files import OpCase


def x8(*shape: int, **changes: Any) -> T:
    """An int8 activation."""
    return activation("int8", *shape, **changes)


def i32(*shape: int) -> T:
    """An int32 tensor without a scale."""
    return T("int32", shape, scale=None)


# Kernel, stride, dilation and padding of convolutions on a picture of 32 by 32.
GEOMETRY = (
    (3, 4, 1, "VALID"), (3, 4, 1, "SAME"), (3, 1, 2, "SAME"), (3, 1, 3, "SAME"), (3, 2, 2, "VALID"), (3, 4, 2, "VALID"),
    (3, 1, 8, "SAME"), (5, 4, 1, "SAME"), (5, 3, 1, "SAME"), (5, 4, 1, "VALID"), (1, 4, 1, "SAME"), (4, 4, 1, "SAME"),
)  # fmt: skip


def convolutions() -> Iterator[OpCase]:
    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        for kernel, stride, dilation, padding in GEOMETRY:
            strides = {"stride_w": stride, "stride_h": stride, "padding": padding}
            dilations = {"dilation_w_factor": dilation, "dilation_h_factor": dilation}
            yield convolution(kind, "i8pc", 32, kernel, **strides, **dilations)
        yield convolution(kind, "i8pc", batch=2)
        for fused in ("RELU6", "RELU_N1_TO_1", "TANH", "SIGN_BIT"):
            yield convolution(kind, "i8", fused_activation_function=fused)
    for kernel, stride, padding in ((3, 1, "SAME"), (3, 2, "SAME"), (3, 3, "SAME"), (3, 2, "VALID"), (1, 2, "VALID")):
        yield convolution("TRANSPOSE_CONV", "i8pc", 6, kernel, stride_w=stride, stride_h=stride, padding=padding)
    runtime = [x8(1, 6, 6, 8), x8(8, 3, 3, 8), None]
    yield replace(convolution("CONV_2D", "i8"), inputs=runtime, note="weights of the model's input")
    yield OpCase("FULLY_CONNECTED", [x8(4, 16), weights_of("int8", 8, 16), None], [x8(4, 8)], {}, "four rows")
    uneven = {"stride_w": 1, "stride_h": 2, "padding": "SAME"}
    output = [x8(1, 12, 6, 8, factor=8)]
    yield replace(convolution("TRANSPOSE_CONV", "i8pc", **uneven), outputs=output, note="uneven strides")
    for left, right, out in (((4, 6), (6, 8), (4, 8)), ((1, 2, 4, 6), (1, 2, 6, 8), (1, 2, 4, 8))):
        yield OpCase("BATCH_MATMUL", [x8(*left), x8(*right)], [x8(*out, factor=8)], {}, f"rank {len(out)}")


POOLS = (
    (32, 8, 1, "SAME"), (32, 9, 1, "SAME"), (32, 9, 1, "VALID"), (32, 2, 4, "SAME"), (32, 4, 4, "VALID"),
    (32, 6, 4, "SAME"), (32, 6, 3, "SAME"), (9, 9, 9, "SAME"), (300, 257, 1, "VALID"), (300, 256, 1, "VALID"),
)  # fmt: skip


def pools() -> Iterator[OpCase]:
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        for size, kernel, stride, padding in POOLS:
            out = -(-size // stride) if padding == "SAME" else (size - kernel) // stride + 1
            attributes = {"stride_w": stride, "stride_h": stride, "filter_width": kernel, "filter_height": kernel}
            note = f"{size} kernel {kernel} stride {stride} {padding}"
            yield OpCase(kind, [x8(1, size, size, 8)], [x8(1, out, out, 8)], {**attributes, "padding": padding}, note)


def resizes() -> Iterator[OpCase]:
    def resize(kind: str, source: tuple[int, int], target: tuple[int, int], batch: int = 1, **flags: bool) -> OpCase:
        note = " ".join([f"{source} to {target}", *flags, *(("batch 2",) if batch > 1 else ())])
        return OpCase(kind, [x8(batch, *source, 8), integers(target)], [x8(batch, *target, 8)], flags, note)

    for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        for size in (5, 10, 15, 20, 40, 80, 160, 9):
            yield resize(kind, (5, 5), (size, size))
            yield resize(kind, (5, 5), (size, size), half_pixel_centers=True)
        for size in (9, 10, 13, 17, 33, 65):
            yield resize(kind, (5, 5), (size, size), align_corners=True)
        for source, target in (((8, 8), (4, 4)), ((1, 1), (7, 7)), ((4, 4), (8, 16)), ((4, 4), (8, 4))):
            yield resize(kind, source, target)
        for target in ((1, 8), (2, 8), (4, 8)):
            yield resize(kind, (1, 4), target)
        yield resize(kind, (4, 4), (8, 8), align_corners=True, half_pixel_centers=True)
        yield resize(kind, (1, 1), (7, 7), align_corners=True)
        yield resize(kind, (4, 4), (8, 8), batch=2)


REDUCTIONS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 8, 8, 8), (1, 2)), ((1, 8, 8, 8), (3,)), ((1, 1, 8, 8), (3,)), ((1, 8, 8, 1), (3,)), ((2, 8, 8, 8), (1, 2)),
    ((1, 4096, 1, 4), (1,)), ((1, 4097, 1, 4), (1,)), ((1, 1, 5000, 4), (2,)), ((1, 1, 1, 5000), (3,)),
    ((1, 128, 128, 4), (1, 2)), ((1, 8, 8, 8), (1, 2, 3)), ((8, 8), (1,)), ((1, 8, 8), (2,)), ((2, 8, 8), (2,)),
    ((2, 8, 8), (0,)), ((2, 8, 8, 8), (0,)), ((1, 2, 4, 4, 8), (2, 3)), ((1, 1, 4, 4, 8), (2, 3)), ((8,), (0,)),
)  # fmt: skip


def reductions() -> Iterator[OpCase]:
    def reduction(
        kind: str, shape: Sequence[int], axes: tuple[int, ...], type: str = "int8", keep: bool = False
    ) -> OpCase:
        left = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
        operands = [activation(type, *shape), integers(axes)]
        return OpCase(kind, operands, [activation(type, *left)], {"keep_dims": keep}, f"{shape} over {axes}")

    for kind in ("MEAN", "SUM", "REDUCE_MAX"):
        for shape, axes in REDUCTIONS:
            yield reduction(kind, shape, axes)
    for size in (256, 300):
        yield reduction("MEAN", (1, size, size, 2), (1, 2), "int16")
    yield reduction("MEAN", (1, 8, 8, 8), (1, 2), keep=True)
    for depth, axis in ((127, 3), (128, 3), (8, 1)):
        shape = (1, 4, 4, depth)
        left = [size for place, size in enumerate(shape) if place != axis]
        yield OpCase("ARG_MAX", [x8(*shape), integers(axis)], [i32(*left)], {"output_type": "INT32"}, f"{shape} {axis}")


SOFTMAXES = ((1, 256, 256, 2), (1, 256, 257, 2), (65536, 2), (65537, 2), (256, 257, 2), (1, 65537), (1, 65536))


def softmaxes() -> Iterator[OpCase]:
    for shape in SOFTMAXES:
        output = replace(x8(*shape), scale=1 / 256, zero_point=-128)
        yield OpCase("SOFTMAX", [x8(*shape)], [output], {"beta": 1.0}, str(shape))


BROADCASTS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 4, 4, 8), (1, 1, 1, 8)), ((1, 4, 1, 8), (1, 1, 4, 8)), ((1, 4, 4, 8), (8,)), ((1, 4, 4, 8), ()),
    ((2, 4, 4, 8), (2, 4, 4, 8)), ((2, 3, 4, 4, 8), (2, 3, 4, 4, 8)),
)  # fmt: skip


def elementwise() -> Iterator[OpCase]:
    for kind in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"):
        factor = 1 if kind.startswith("M") and kind != "MUL" else 2
        for left, right in BROADCASTS:
            output = x8(*np.broadcast_shapes(left, right), factor=factor)
            yield OpCase(kind, [x8(*left), x8(*right)], [output], {}, f"{left} and {right}")
        scalar = x8(constant=True)
        for operands in ([x8(*SHAPE), scalar], [scalar, x8(*SHAPE)]):
            yield OpCase(kind, operands, [x8(*SHAPE, factor=factor)], {}, f"a number, {operands.index(scalar)}")
        yield OpCase(kind, [x8(*SHAPE), x8(*SHAPE, factor=2)], [x8(*SHAPE)], {}, "two scales")
        per_channel = weights_of("int8", 1, 1, 1, 8, axis=3)
        yield OpCase(kind, [x8(*SHAPE), per_channel], [x8(*SHAPE, factor=factor)], {}, "scales per channel")
    for fused in ("RELU", "SIGN_BIT"):
        attributes = {"fused_activation_function": fused}
        yield OpCase("ADD", [x8(*SHAPE)] * 2, [x8(*SHAPE, factor=2)], attributes, fused)
    shifted = activation("int16", *SHAPE, zero_point=5)
    yield OpCase("ADD", [shifted, shifted], [activation("int16", *SHAPE)], {}, "int16 zero point")
    yield OpCase("PRELU", [x8(*SHAPE), x8(*SHAPE)], [x8(*SHAPE, factor=2)], {}, "alpha of the model's input")


COPYING = (
    "CONCATENATION RESHAPE SQUEEZE EXPAND_DIMS MAX_POOL_2D TRANSPOSE PAD PADV2 SLICE STRIDED_SLICE SPLIT PACK UNPACK "
)
COPYING += "MIRROR_PAD REDUCE_MAX TILE REVERSE_V2 GATHER RELU LOGISTIC SOFTMAX MEAN"


def movements() -> Iterator[OpCase]:
    for kind in COPYING.split():
        case = case_of(kind, "int8")
        outputs = [replace(made, scale=(made.scale or 1) * 2) for made in case.outputs]
        yield replace(case, outputs=outputs, note="other output")
    for strides in ((1, 2, 2, 1), (1, 1, 1, 2), (2, 1, 1, 1), (1, 4, 4, 1)):
        output = [-(-size // stride) for size, stride in zip(SHAPE, strides, strict=True)]
        operands = [x8(*SHAPE), integers((0, 0, 0, 0)), integers(SHAPE), integers(strides)]
        yield OpCase("STRIDED_SLICE", operands, [x8(*output)], {}, f"strides {strides}")
    backwards = [x8(1, 4, 8), integers((0, 0, 0)), integers((1, 4, 8)), integers((1, -1, 1))]
    yield OpCase("STRIDED_SLICE", backwards, [x8(1, 4, 8)], {"begin_mask": 7, "end_mask": 7}, "backwards")
    for order in permutations(range(4)):
        for type in ("int8", "int32", "int64", "bool"):
            output = activation(type, *(SHAPE[axis] for axis in order))
            yield OpCase("TRANSPOSE", [activation(type, *SHAPE), integers(order)], [output], {}, str(order))
    yield OpCase("TRANSPOSE", [x8(2, 300, 300, 8), integers((3, 0, 1, 2))], [x8(8, 2, 300, 300)], {}, "large")
    yield OpCase("TRANSPOSE", [x8(70000, 4), integers((1, 0))], [x8(4, 70000)], {}, "long")
    for paddings in (
        ((0, 0), (1, 1), (1, 1), (0, 0)),
        ((0, 0), (0, 0), (0, 0), (0, 4)),
        ((1, 1), (0, 0), (0, 0), (0, 0)),
    ):
        output = [size + sum(pair) for size, pair in zip(SHAPE, paddings, strict=True)]
        yield OpCase("PAD", [x8(*SHAPE), integers(paddings)], [x8(*output)], {}, str(paddings))
        yield OpCase(
            "MIRROR_PAD", [x8(*SHAPE), integers(paddings)], [x8(*output)], {"mode": "SYMMETRIC"}, str(paddings)
        )


def gathers() -> Iterator[OpCase]:
    def gather(shape: tuple[int, ...], indices: Any, axis: int, dims: int = 0, **changes: Any) -> OpCase:
        picked = integers(indices) if "runtime" not in changes else i32(*integers(indices).shape)
        output = (*shape[:axis], *integers(indices).shape[dims:], *shape[axis + 1 :])
        table = x8(*shape, constant="table" in changes)
        note = f"{shape} axis {axis} dims {dims} {' '.join(changes)}"
        return OpCase("GATHER", [table, picked], [x8(*output)], {"axis": axis, "batch_dims": dims}, note)

    yield gather((8, 4), (1, 2, 3), 0)
    yield gather((8, 4), (1, 2, 3), 0, runtime=True)
    yield gather((8, 4), (1, 2, 3), 0, runtime=True, table=True)
    yield gather((1, 8, 4), ((1, 2),), 1, 1)
    yield gather((1, 8, 4), (1, 2), 1)


def wide_types() -> Iterator[OpCase]:
    """Types of which some variants stop where others take them or leave them."""
    for type in ("int32", "int64", "bool"):
        for kind in (
            "RESIZE_BILINEAR",
            "RESIZE_NEAREST_NEIGHBOR",
            "REDUCE_ALL",
            "REDUCE_MAX",
            "SUM",
            "MEAN",
            "REVERSE_V2",
        ):
            yield case_of(kind, type)
        for kind in ("MIRROR_PAD", "GATHER", "ARG_MAX", "HARD_SWISH", "SELECT_V2", "MAXIMUM", "CONCATENATION"):
            yield case_of(kind, type)
    for type in ("int8", "uint8", "int16"):
        plain, number = T(type, SHAPE, scale=None), i32(*SHAPE)
        yield OpCase("CAST", [plain], [number], {"in_data_type": type.upper(), "out_data_type": "INT32"}, "plain")
        yield OpCase("CAST", [number], [plain], {"in_data_type": "INT32", "out_data_type": type.upper()}, "plain")
    for kind in ("RELU", "RESHAPE", "ADD", "FILL", "EMBEDDING_LOOKUP", "PADV2", "TRANSPOSE", "CONCATENATION"):
        yield case_of(kind, "int4")


def light(case: OpCase, value: int = 20) -> OpCase:
    """*case* with weights that are all of one small value, so that their sum stays below Vela's limit."""
    shape = case.inputs[1].shape if case.inputs[1] is not None else ()
    return replace(case, stored={1: np.full([size or 1 for size in shape], value, np.int8)})


def filters_of(height: int, width: int, channels: int) -> OpCase:
    """A CONV_2D of two filters as large as its input."""
    operands = [x8(1, height, width, channels), weights_of("int8", 2, height, width, channels), None]
    attributes = {"stride_w": 1, "stride_h": 1, "padding": "VALID"}
    return OpCase("CONV_2D", operands, [x8(1, 1, 1, 2, factor=8)], attributes, f"{height} {width} {channels}")


def channels() -> Iterator[OpCase]:
    for depth in (65536, 65537):
        yield light(filters_of(1, 1, depth))
        depthwise = convolution("DEPTHWISE_CONV_2D", "i8", 1, 1, depth)
        yield light(replace(depthwise, inputs=[*depthwise.inputs[:2], None], note=f"{depth} channels"))
        operands = [x8(1, depth), weights_of("int8", 2, depth), None]
        yield light(OpCase("FULLY_CONNECTED", operands, [x8(1, 2, factor=8)], {}, f"{depth} channels"))
        attributes = {"stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "padding": "VALID"}
        for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            yield OpCase(kind, [x8(1, 2, 2, depth)], [x8(1, 1, 1, depth)], attributes, f"{depth} channels")
        yield OpCase("ADD", [x8(1, depth)] * 2, [x8(1, depth, factor=2)], {}, f"{depth} channels")


def limit_cases() -> list[OpCase]:
    """All of these."""
    groups = (
        convolutions,
        pools,
        resizes,
        reductions,
        softmaxes,
        elementwise,
        movements,
        gathers,
        wide_types,
        channels,
    )
    return [case for group in groups for case in group()]


def type_cases() -> list[OpCase]:
    """Every kind of op in every type that LiteRT runs it in, and in the types of feature maps whether or not."""
    table = Table(shipped("tflite"))
    found = []
    for case in every_case():
        graph, made = case.graph()
        types = [made[tensor].type for tensor in graph.inputs]
        mapped = set(types) <= {"int8", "uint8", "int16", "float32"} and {one.type for one in made} <= FEATURES
        judged = table.judge(graph.ops[0], graph, lambda tensor, made=made: made[tensor].representation)  # type: ignore[misc]
        if mapped or (judged.accepted and "int4" not in types):
            found.append(case)
    return found


FEATURES = {"int8", "uint8", "int16", "float32", "int32", "int64", "bool", "int4"}
