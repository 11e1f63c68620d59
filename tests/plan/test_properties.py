"""What holds for every plan, over random small models and random specs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from qspec.graph.layers import LayerGraph
from qspec.graph.ops import Op
from qspec.plan.plan import Plan
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import plan_of

# LiteRT 8-bit quantization specification: "Input and outputs must all have same scale/zero_point".
SAME_SCALE = {
    "AVERAGE_POOL_2D": (0,),
    "MAX_POOL_2D": (0,),
    "CONCATENATION": None,
    "RESHAPE": (0,),
    "PAD": (0,),
    "MAXIMUM": None,
}
FIXED = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}

NAMELESS = {"name": "", "span": None}

UNARY = [
    ("Conv2D", {"filters": 4}),
    ("Conv2D", {"filters": 4, "activation": "relu"}),
    ("SeparableConv2D", {"filters": 4}),
    ("BatchNormalization", {}),
    ("ReLU", {"max_value": 6.0}),
    ("Activation", {"activation": "sigmoid"}),
    ("Activation", {"activation": "tanh"}),
    ("Activation", {"activation": "softmax"}),
    ("Activation", {"activation": "silu"}),
    ("MaxPooling2D", {"strides": [1, 1], "padding": "same"}),
    ("AveragePooling2D", {"strides": [1, 1], "padding": "same"}),
    ("Dropout", {}),
    ("Reshape", {"target_shape": [4, 4, 4]}),
]
RULES = [
    "{ all = float }",
    "{ output = a8_wide }",
    "{ output = unit }",
    "{ input = a8_wide }",
    "{ output = a8, input = unit }",
]
EDGES = ["", "{side} {{ type = int8 }}", "{side} {{ type = uint8 }}", "{side} {{ type = int8, range = fixed(-1, 1) }}"]


def random_model(chance: random.Random) -> LayerGraph:
    m = ModelBuilder()
    values = [m.input(4, 4, 4, name="image")]
    if chance.random() < 0.3:
        values.append(m.input(4, 4, 4, name="other"))
    shared = m.layer("Conv2D", "shared", filters=4)
    for number in range(chance.randint(2, 12)):
        kind = chance.random()
        if kind < 0.25:
            merge = chance.choice(["Add", "Maximum"])
            x = m(merge, chance.choice(values), chance.choice(values), name=f"n{number}")
        elif kind < 0.4:
            parts = [chance.choice(values) for _ in range(chance.randint(2, 3))]
            joined = m("Concatenate", *parts, name=f"n{number}")
            x = m("Conv2D", joined, name=f"n{number}_back", filters=4)
        elif kind < 0.45:
            x = m(shared, values[-1])
        else:
            class_name, config = chance.choice(UNARY)
            x = m(class_name, chance.choice(values[-3:]), name=f"n{number}", **config)
        values.append(x)
    outputs = dict.fromkeys([values[-1], *(chance.sample(values[1:], 1) if chance.random() < 0.3 else [])])
    return m.graph(*outputs)


def random_text(chance: random.Random) -> str:
    lines = [chance.choice(EDGES).format(side=side) for side in ("input", "output")]
    for number in range(chance.randint(0, 4)):
        where = f'where name like "n{chance.randint(0, 11)}*"'
        lines.append(f"rule r{number} match any {where} {chance.choice(RULES)}")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(300))
def test_every_plan_is_consistent(seed):
    chance = random.Random(seed)
    layers, text = random_model(chance), random_text(chance)
    print(f"seed {seed}\n{text}\n" + "\n".join(f"{call.layer.path} {call.inputs}" for call in layers.calls))
    plan = plan_of(text, layers)

    errors = {item.code for item in plan.diagnostics if item.severity.value == "error"}
    assert set() == errors
    assert_in_order(plan)
    for op in plan.ops.ops:
        assert_types(plan, op)
        assert_scales(plan, op)
    assert_ranges(plan)
    assert_casts(plan)


def activations(plan: Plan, tensors: tuple[int, ...]) -> list[int]:
    """The tensors of real numbers among *tensors* that are no constants."""
    return [tensor for tensor in tensors if tensor in plan.decisions and not plan.ops.tensors[tensor].constant]


def types(plan: Plan, tensors: list[int]) -> set[str]:
    return {plan.ops.tensors[tensor].type for tensor in tensors}


def assert_in_order(plan: Plan) -> None:
    """Every tensor is written once, before it is read."""
    written = set(plan.ops.inputs)
    for op in plan.ops.ops:
        needed = {tensor for tensor in op.inputs if tensor >= 0 and not plan.ops.tensors[tensor].constant}
        assert needed <= written
        assert written.isdisjoint(op.outputs)
        written.update(op.outputs)
    assert set(plan.ops.outputs) <= written


def assert_types(plan: Plan, op: Op) -> None:
    """An op computes in float or in int8 throughout; only QUANTIZE and DEQUANTIZE change the type."""
    read, written = types(plan, activations(plan, op.inputs)), types(plan, activations(plan, op.outputs))
    if op.kind == "DEQUANTIZE":
        assert ({"int8"}, {"float32"}) == (read, written)
    elif op.kind == "QUANTIZE":
        assert written <= {"int8", "uint8"}
        assert op.inputs[0] != op.outputs[0]
    else:
        assert read == written
        assert read in ({"float32"}, {"int8"})
        for tensor in op.inputs:
            if tensor in plan.decisions and plan.ops.tensors[tensor].constant:
                # Weights may be integers beside activations in float.
                assert plan.ops.tensors[tensor].type != "float32" or written == {"float32"}


def assert_scales(plan: Plan, op: Op) -> None:
    if types(plan, activations(plan, op.outputs)) != {"int8"}:
        return
    result = plan.decisions[op.outputs[0]].range
    if op.kind in SAME_SCALE:
        positions = SAME_SCALE[op.kind] or range(len(op.inputs))
        assert {result} == {plan.decisions[op.inputs[position]].range for position in positions}
    if op.kind in FIXED:
        assert FIXED[op.kind] == plan.ranges[result].fixed


def assert_ranges(plan: Plan) -> None:
    """Every quantized activation has a range, of its own type; a range that data decides has somewhere to look."""
    zeros = {op.inputs[1]: op for op in plan.ops.ops if op.outputs[0] in plan.rewritten}
    for tensor, decision in plan.decisions.items():
        constant = plan.ops.tensors[tensor].constant
        if tensor in zeros:
            assert decision.range == plan.decisions[zeros[tensor].inputs[0]].range
        elif decision.quantizer is None or constant:
            assert decision.range is None
        elif decision.quantizer.type != "uint8":
            assert tensor in plan.ranges[decision.range].tensors
            group = plan.ranges[decision.range].quantizer
            assert replace(group, **NAMELESS) == replace(decision.quantizer, **NAMELESS)
    for group in plan.ranges:
        assert group.fixed is not None or group.sources
        assert set(group.sources) <= set(group.tensors)


def assert_casts(plan: Plan) -> None:
    """An op reads what `casts` says instead of what the float graph gives it."""
    ops = [op for op in plan.ops.ops if op.calls]
    for op, original in zip(ops, plan.predicted.ops, strict=True):
        expected = tuple(plan.casts.get((original.outputs[0], tensor), tensor) for tensor in original.inputs)
        assert expected == op.inputs[: len(expected)]
        assert (len(op.inputs) > len(expected)) == (op.outputs[0] in plan.rewritten)
