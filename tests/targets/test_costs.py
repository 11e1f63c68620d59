"""Multiply-accumulates and bytes: against loops that do the products one by one, and against published figures."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from qspec.graph.ops import OpGraph
from qspec.lowering import lower
from qspec.targets.costs import multiply_accumulates, stored_bytes
from tests.plan.layer_models import ModelBuilder
from tests.targets.one_op import T, one_op

SEEDS = range(12)


def counted(kind: str, inputs: list[T | None], output: tuple[int | None, ...], **attributes: Any) -> int | None:
    graph, _ = one_op(kind, inputs, [T("int8", output)], attributes)
    return multiply_accumulates(graph.ops[0], graph)


def loops(*sizes: int) -> int:
    """How often the body of nested loops of these lengths runs."""
    return sum(1 for _ in itertools.product(*map(range, sizes)))


@pytest.mark.parametrize("seed", SEEDS)
def test_convolutions(seed: int) -> None:
    chance = random.Random(seed)
    batch, height, width, rows, columns, groups, per_group = (chance.randint(1, 3) for _ in range(7))
    outputs = groups * chance.randint(1, 2)
    image, kernel = T("int8", (batch, 9, 9, groups * per_group)), T("int8", (outputs, rows, columns, per_group), True)
    result = (batch, height, width, outputs)
    print(seed, image.shape, kernel.shape, result)

    assert loops(*result, rows, columns, per_group) == counted("CONV_2D", [image, kernel, None], result)
    assert loops(*result, rows, columns) == counted(
        "DEPTHWISE_CONV_2D", [T("int8", (batch, 9, 9, 2)), T("int8", (1, rows, columns, outputs), True), None], result
    )
    depth = chance.randint(1, 3)
    weights = T("int8", (depth, rows, columns, per_group, outputs), True)
    volume = (batch, 2, height, width, outputs)
    assert loops(*volume, depth, rows, columns, per_group) == counted("CONV_3D", [image, weights, None], volume)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_transposed_convolution_adds_to_a_window_for_each_input_value(seed: int) -> None:
    chance = random.Random(seed)
    batch, height, width, channels, outputs, rows, columns = (chance.randint(1, 3) for _ in range(7))
    print(seed, batch, height, width, channels, outputs, rows, columns)
    additions = 0
    for _ in itertools.product(range(batch), range(height), range(width), range(channels)):
        additions += sum(1 for _ in itertools.product(range(outputs), range(rows), range(columns)))
    size, image = T("int32", (4,), True), T("int8", (batch, height, width, channels))
    kernel = T("int8", (outputs, rows, columns, channels), True)

    assert additions == counted("TRANSPOSE_CONV", [size, kernel, image], (batch, 9, 9, outputs))
    volume, weights = T("int8", (batch, 2, height, width, channels)), T("int8", (2, rows, columns, outputs, channels))
    assert 4 * additions == counted("CONV_3D_TRANSPOSE", [size, weights, volume], (batch, 9, 9, 9, outputs))


@pytest.mark.parametrize("seed", SEEDS)
def test_matrix_products(seed: int) -> None:
    chance = random.Random(seed)
    batch, rows, inner, columns = (chance.randint(1, 4) for _ in range(4))
    print(seed, batch, rows, inner, columns)
    products = loops(batch, rows, columns, inner)
    left, weights = T("int8", (batch, rows, inner)), T("int8", (columns, inner), True)

    assert products == counted("FULLY_CONNECTED", [left, weights, None], (batch, rows, columns))
    right, turned = T("int8", (batch, inner, columns)), T("int8", (batch, columns, inner))
    result = (batch, rows, columns)
    assert products == counted("BATCH_MATMUL", [left, right], result)
    assert products == counted("BATCH_MATMUL", [left, turned], result, adj_y=True)
    assert products == counted("BATCH_MATMUL", [T("int8", (batch, inner, rows)), right], result, adj_x=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_short_term_memory_uses_its_matrices_in_every_step(seed: int) -> None:
    chance = random.Random(seed)
    batch, steps, inputs, units = (chance.randint(1, 4) for _ in range(4))
    print(seed, batch, steps, inputs, units)
    products = 0
    for _ in itertools.product(range(batch), range(steps), range(4)):  # each gate of each step
        products += loops(units, inputs) + loops(units, units)
    operands: list[T | None] = [T("int8", (batch, steps, inputs)), *[T("int8", (units, inputs), True)] * 4]
    operands += [*[T("int8", (units, units), True)] * 4, *[None] * 3, *[T("int32", (units,), True)] * 4, None, None]
    operands += [T("int8", (batch, units)), T("int16", (batch, units))]

    assert products == counted("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, (batch, steps, units))


def test_what_is_no_product_costs_nothing_and_what_nobody_sees_is_unknown() -> None:
    image = T("int8", (1, 4, 4, 8))

    assert 0 == counted("ADD", [image, image], (1, 4, 4, 8))
    assert None is counted("WHILE", [image], (1, 4, 4, 8))
    assert None is counted("OPAQUE", [image], (1, 4, 4, 8))


def test_a_dynamic_batch_counts_as_one_and_another_unknown_size_is_unknown() -> None:
    weights = T("int8", (3, 8), True)

    assert 24 == counted("FULLY_CONNECTED", [T("int8", (None, 8)), weights, None], (None, 3))
    assert None is counted("FULLY_CONNECTED", [T("int8", (1, None, 8)), weights, None], (1, None, 3))


@pytest.mark.parametrize(
    ("expected", "type"), [(7, "int8"), (4, "int4"), (2, "int2"), (14, "int16"), (28, "int32"), (56, "int64")]
)
def test_bytes_of_seven_numbers(expected: int, type: str) -> None:
    assert expected == stored_bytes((7, 1), type)


# ---- published figures


def total(graph: OpGraph) -> int:
    return sum(multiply_accumulates(op, graph) or 0 for op in graph.ops)


def convolution(m: ModelBuilder, value: Any, filters: int, kernel: int, strides: int = 1) -> Any:
    sizes = {"filters": filters, "kernel_size": (kernel, kernel), "strides": (strides, strides)}
    return m("Conv2D", value, padding="same", use_bias=False, **sizes)


def depthwise(m: ModelBuilder, value: Any, strides: int) -> Any:
    sizes = {"kernel_size": (3, 3), "strides": (strides, strides)}
    return m("DepthwiseConv2D", value, padding="same", use_bias=False, **sizes)


def mobile_net(m: ModelBuilder, value: Any) -> Any:
    """Howard et al. 2017, table 1."""
    value = convolution(m, value, 32, 3, 2)
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for filters, strides in blocks:
        value = convolution(m, depthwise(m, value, strides), filters, 1)
    return value


def mobile_net_v2(m: ModelBuilder, value: Any) -> Any:
    """Sandler et al. 2018, table 2."""
    value, channels = convolution(m, value, 32, 3, 2), 32
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for factor, filters, repeats, strides in rows:
        for number in range(repeats):
            expanded = convolution(m, value, factor * channels, 1) if factor > 1 else value
            narrowed = convolution(m, depthwise(m, expanded, strides if number == 0 else 1), filters, 1)
            value, channels = (m("Add", value, narrowed) if number else narrowed), filters
    return convolution(m, value, 1280, 1)


def res_net_50(m: ModelBuilder, value: Any) -> Any:
    """He et al. 2015, table 1; the first 1x1 convolution of a stage has the stride."""
    value = convolution(m, value, 64, 7, 2)
    value = m("MaxPooling2D", value, pool_size=(3, 3), strides=(2, 2), padding="same")
    for filters, repeats, strides in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(repeats):
            step = strides if number == 0 else 1
            inner = convolution(m, convolution(m, value, filters, 1, step), filters, 3)
            shortcut = value if number else convolution(m, value, 4 * filters, 1, step)
            value = m("Add", shortcut, convolution(m, inner, 4 * filters, 1))
    return value


@pytest.mark.parametrize(
    ("make", "millions", "rounding"),
    [(mobile_net, 569, 0.5), (mobile_net_v2, 300, 1), (res_net_50, 3_860, 10)],  # papers: 569 M, 300 M, 3.8 G
)
def test_published_networks(make: Any, millions: float, rounding: float) -> None:
    m = ModelBuilder()
    value = make(m, m.input(224, 224, 3, name="image"))
    value = m("GlobalAveragePooling2D", value)
    graph, diagnostics = lower(m.graph(m("Dense", value, name="logits", units=1000)))

    assert () == diagnostics
    assert pytest.approx(millions, abs=rounding) == total(graph) / 1e6
