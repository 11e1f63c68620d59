"""An integer file read back and held against the plan, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import FILE_DIFFERS_FROM_PLAN
from qspec.graph.intermediates import intermediates
from qspec.graph.operands import operand_of, weights_of_bias
from qspec.graph.ops import OPAQUE, Op, Tensor
from qspec.litert.flatbuffer import enum_names, schema, unpack
from qspec.numerics import Parameters, bias_scales
from qspec.plan.places import Related, decided
from qspec.plan.plan import Plan


def verify_structure(
    content: bytes, path: str, plan: Plan, parameters: Mapping[int, Parameters], advice: str = ""
) -> tuple[dict[int, int], list[Diagnostic]]:
    """Find the plan's tensors in the file, op by op, and compare type, scale, zero point and axis of each.

    Returns the file's tensor index for every tensor of the plan that was found, and what differs. Scales and zero
    points that differ in many tensors are told once; *advice* says what to do where calibration decides them.
    """
    model = unpack(content)
    body, place = model.subgraphs[0], Place(path)
    builtin = enum_names(schema().BuiltinOperator)
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in body.operators]
    kinds = [builtin.get(max(code.builtinCode, code.deprecatedBuiltinCode), "an unknown op") for code in codes]
    runs = _runs_of_opaque_ops(plan, body)
    kinds = _joined(kinds, runs)
    operators = _joined(body.operators, runs)
    planned = [op.kind for op in plan.ops.ops]
    if kinds != planned:
        position = next((i for i, (a, b) in enumerate(zip(kinds, planned, strict=False)) if a != b), len(kinds))
        found = kinds[position] if position < len(kinds) else "the end"
        wanted = planned[position] if position < len(planned) else "the end"
        message = f"op {position} is {found}, the plan has {wanted}"
        return {}, [FILE_DIFFERS_FROM_PLAN.at(place, message)]
    indices: dict[int, int] = {}
    for op, operator in zip(plan.ops.ops, operators, strict=True):
        if op.kind == OPAQUE:
            continue
        if not (_pair(indices, op.inputs, operator.inputs) and _pair(indices, op.outputs, operator.outputs)):
            message = f"{op.kind} of `{op.layer}` reads or writes another tensor than the plan has"
            return {}, [FILE_DIFFERS_FROM_PLAN.at(place, message, layer=op.layer, op=op.kind)]
    for side, ends, found in (("inputs", plan.ops.inputs, body.inputs), ("outputs", plan.ops.outputs, body.outputs)):
        if len(found) != len(ends) or not _pair(indices, ends, found):
            return {}, [FILE_DIFFERS_FROM_PLAN.at(place, f"its {side} are other tensors than the plan has")]
    expected = {**parameters, **_bias_parameters(plan, parameters)}
    problems = [
        FILE_DIFFERS_FROM_PLAN.at(
            place, f"tensor `{plan.ops.tensors[tensor].name}` {difference}", related=_decided(plan, tensor)
        )
        for tensor, index in indices.items()
        for difference in _differences(body.tensors[index], plan.ops.tensors[tensor].type, expected.get(tensor), model)
    ]
    others = {
        tensor: values
        for tensor, index in indices.items()
        if (values := " and ".join(_other_values(body.tensors[index], expected.get(tensor))))
    }
    problems += _told_together(plan, place, others, advice)
    problems += [
        FILE_DIFFERS_FROM_PLAN.at(place, f"`{plan.ops.tensors[tensor].name}` has other values than the plan")
        for tensor, index in indices.items()
        if not _has_values(model, body.tensors[index], plan.ops.tensors[tensor])
    ]
    problems += [
        FILE_DIFFERS_FROM_PLAN.at(place, f"`{plan.ops.tensors[tensor].name}` {'is' if stored else 'is not'} a variable")
        for tensor, index in indices.items()
        if (stored := bool(body.tensors[index].isVariable)) != plan.ops.tensors[tensor].is_state
    ]
    problems += [
        FILE_DIFFERS_FROM_PLAN.at(place, f"intermediate {position} of `{op.layer}` {difference}")
        for op, operator in zip(plan.ops.ops, operators, strict=True)
        for position, difference in _intermediate_differences(op, operator, plan, body, parameters)
    ]
    islands = [operator for begin, end in runs for operator in body.operators[begin:end]]
    return indices, problems + _unplanned_floats(body, place, plan, indices, islands)


_FEW = 3  # tensors that are each told by themselves


def _told_together(plan: Plan, place: Place, others: Mapping[int, str], advice: str) -> Iterator[Diagnostic]:
    """The tensors whose scale or zero point differs, each by itself or, if they are many, those of data and weights."""
    if len(others) <= _FEW:
        for tensor, difference in others.items():
            message = f"tensor `{plan.ops.tensors[tensor].name}` {difference}"
            yield FILE_DIFFERS_FROM_PLAN.at(place, message, help=advice, related=_decided(plan, tensor))
        return
    weights = {tensor for tensor in others if _is_weight(plan.ops.tensors[tensor])}
    for kind, tensors, help in (
        ("weight tensors", weights, "they are those of another model, or training went on since"),
        ("activations and biases", others.keys() - weights, advice),
    ):
        if tensors:
            first = min(tensors)
            message = f"{len(tensors)} {kind} have another scale or zero point than in the plan: "
            message += f"`{plan.ops.tensors[first].name}` {others[first]}"
            more = f", and so {len(tensors) - 1} more" if len(tensors) > 1 else ""
            yield FILE_DIFFERS_FROM_PLAN.at(place, message + more, help=help)


def _is_weight(tensor: Tensor) -> bool:
    return tensor.slot is not None and tensor.slot.kind == "weights"


def _decided(plan: Plan, tensor: int) -> Related:
    decision = plan.decisions.get(tensor)
    return () if decision is None else decided(decision.origin, "the spec decides this tensor here")


def _runs_of_opaque_ops(plan: Plan, body: Any) -> list[tuple[int, int]]:
    """Where the operators of the file stand that make up an opaque op of the plan: begin and end of each run. They are
    found by the names of its results."""
    ends = {str(tensor.name.decode()): index for index, tensor in enumerate(body.tensors)}
    written = {int(index): position for position, op in enumerate(body.operators) for index in op.outputs}
    runs: list[tuple[int, int]] = []
    extra = 0
    for position, op in enumerate(plan.ops.ops):
        if op.kind != OPAQUE:
            continue
        names = [plan.ops.tensors[tensor].name for tensor in op.outputs]
        last = max((written.get(ends.get(name, -1), -1) for name in names), default=-1)
        begin = position + extra
        if last < begin:
            return runs
        runs.append((begin, last + 1))
        extra += last - begin
    return runs


def _joined(items: Sequence[Any], runs: Sequence[tuple[int, int]]) -> list[Any]:
    """*items*, each run of them as one `OPAQUE`."""
    joined: list[Any] = []
    start = 0
    for begin, end in runs:
        joined += [*items[start:begin], OPAQUE]
        start = end
    return [*joined, *items[start:]]


def _pair(indices: dict[int, int], planned: Sequence[int], found: Sequence[int]) -> bool:
    """Note which tensors of the file stand for those planned; false where one already stands for another."""
    if len(found) < len(planned):
        return False
    pairs = [(tensor, int(index)) for tensor, index in zip(planned, found, strict=False) if tensor >= 0]
    return all(index >= 0 and indices.setdefault(tensor, index) == index for tensor, index in pairs)


def _has_values(model: Any, stored: Any, planned: Tensor) -> bool:
    """Whether paddings, axes and shapes are those that the plan has; and the shape of a tensor between ops."""
    shape = [] if stored.shape is None else [int(size) for size in stored.shape]
    if not planned.constant:
        sizes = planned.shape if planned.shape is not None else shape
        return shape == [1 if size is None else size for size in sizes]
    if planned.value is None or planned.type not in ("int32", "int64"):
        return True
    values = np.frombuffer(bytes(model.buffers[stored.buffer].data), planned.type)
    return np.array_equal(values, np.asarray(planned.value).reshape(-1))


def _intermediate_differences(
    op: Op, operator: Any, plan: Plan, body: Any, parameters: Mapping[int, Parameters]
) -> Iterator[tuple[int, str]]:
    wanted = intermediates(op, plan.ops)
    listed = None if op.kind == OPAQUE else operator.intermediates
    found = () if listed is None else tuple(map(int, listed))
    for position, (each, index) in enumerate(zip_longest(wanted, found)):
        if each is None or index is None:
            yield position, "is there, the plan has none" if each is None else "is missing"
        else:
            tensor, expected = body.tensors[index], parameters.get(each.like)
            for difference in (*_differences(tensor, each.type, expected), *_other_values(tensor, expected)):
                yield position, difference


def _bias_parameters(plan: Plan, parameters: Mapping[int, Parameters]) -> dict[int, Parameters]:
    found: dict[int, Parameters] = {}
    read = [(op, tensor) for op in plan.ops.ops for tensor in op.inputs if tensor >= 0]
    for op, bias in read:
        slot = plan.ops.tensors[bias].slot
        if slot is None or slot.kind != "bias" or plan.ops.tensors[bias].type.startswith("float"):
            continue
        scales = [parameters[factor].scale for factor in (operand_of(op, "input"), weights_of_bias(op, bias))]
        scale = bias_scales(*scales)
        limits = np.iinfo(plan.ops.tensors[bias].type)
        found[bias] = Parameters(scale, np.zeros(scale.shape, np.int32), int(limits.min), int(limits.max), 0)
    return found


def _differences(tensor: Any, kind: str, expected: Parameters | None, model: Any = None) -> Iterator[str]:
    """How a *tensor* of the file differs from what the plan has. *model* is the file, where scales of blocks stand in
    tensors of their own."""
    found = enum_names(schema().TensorType)[tensor.type].lower()
    if found != kind:
        yield f"is {found}, the plan has {kind}"
    quantization = tensor.quantization
    if expected is not None and expected.block is not None:
        yield from _block_differences(model, quantization, expected)
        return
    scale = _array(quantization, "scale", np.float32)
    if expected is None:
        if scale.size or _blocks(quantization) is not None:
            yield "is quantized, the plan has no parameters for it"
        return
    if scale.size != expected.scale.size:
        yield f"has {_scales(scale.size)}, the plan {_scales(expected.scale.size)}"
        return
    axis = int(quantization.quantizedDimension) if quantization is not None else 0
    if scale.size > 1 and axis != expected.axis:
        yield f"has its scales along axis {axis}, the plan along {expected.axis}"


def _other_values(tensor: Any, expected: Parameters | None) -> Iterator[str]:
    """How the scales and zero points of a *tensor* of the file differ from as many that the plan has."""
    scale = _array(tensor.quantization, "scale", np.float32)
    if expected is None or expected.block is not None or scale.size != expected.scale.size:
        return
    if not np.array_equal(scale, expected.scale.reshape(-1)):
        yield f"has scale {_short(scale)}, the plan {_short(expected.scale.reshape(-1))}"
    zero_point = _array(tensor.quantization, "zeroPoint", np.int64)
    if not np.array_equal(zero_point, expected.zero_point.reshape(-1)):
        yield f"has zero point {_short(zero_point)}, the plan {_short(expected.zero_point.reshape(-1))}"


def _blocks(quantization: Any) -> Any:
    """The scales of blocks in a tensor's quantization; None where it has none."""
    kind = schema().QuantizationDetails.BlockwiseQuantization
    return quantization.details if quantization is not None and quantization.detailsType == kind else None


def _block_differences(model: Any, quantization: Any, expected: Parameters) -> Iterator[str]:
    blocks = _blocks(quantization)
    if blocks is None or int(blocks.blockSize) != expected.block:
        found = "no blocks" if blocks is None else f"blocks of {int(blocks.blockSize)}"
        yield f"has {found}, the plan blocks of {expected.block}"
        return
    stored = model.subgraphs[0].tensors[int(blocks.scales)]
    scale = np.frombuffer(bytes(model.buffers[stored.buffer].data), np.float16)
    if not np.array_equal(scale.astype(np.float32), expected.scale.reshape(-1)):
        yield f"has scale {_short(scale)}, the plan {_short(expected.scale.reshape(-1))}"


def _array(quantization: Any, name: str, kind: Any) -> np.ndarray:
    values = None if quantization is None else getattr(quantization, name)
    return np.asarray([] if values is None else values, kind)


def _scales(count: int) -> str:
    return f"{count} scales" if count > 1 else "one scale" if count else "no scale"


def _short(values: np.ndarray) -> str:
    return f"{values[0]:g}" if values.size == 1 else f"of {values.size} channels ({values[:2].tolist()} …)"


def _unplanned_floats(
    body: Any, place: Place, plan: Plan, indices: Mapping[int, int], islands: Sequence[Any]
) -> list[Diagnostic]:
    floats = {getattr(schema().TensorType, name) for name in ("FLOAT32", "FLOAT16", "FLOAT64", "BFLOAT16")}
    planned = {index for tensor, index in indices.items() if plan.ops.tensors[tensor].type.startswith("float")}
    # What stands inside a layer whose ops the plan does not know is float, as the layer is.
    planned |= {int(index) for operator in islands for index in (*operator.inputs, *operator.outputs)}
    blocks = (_blocks(tensor.quantization) for tensor in body.tensors)
    planned |= {int(each.scales) for each in blocks if each is not None}
    return [
        FILE_DIFFERS_FROM_PLAN.at(place, f"tensor {index} is float, and the plan has no such tensor")
        for index, tensor in enumerate(body.tensors)
        if tensor.type in floats and index not in planned
    ]
