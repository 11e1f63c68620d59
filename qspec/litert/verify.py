"""The proof: an integer file read back and held against the plan, tensor by tensor, and against the simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import FILE_DIFFERS_FROM_PLAN, PARITY_BROKEN
from qspec.graph.intermediates import intermediates
from qspec.graph.operands import operand_of, weights_of_bias
from qspec.graph.ops import OPAQUE, Op, Tensor
from qspec.litert.calibration import fixed_batches
from qspec.litert.flatbuffer import enum_names, schema, unpack
from qspec.litert.interpreter import make_interpreter, run
from qspec.litert.parity import Parity, ProductParity, TensorParity
from qspec.litert.predict import from_interface, to_interface
from qspec.numerics import Parameters, bias_scales, dequantize
from qspec.plan.plan import Plan
from qspec.plan.stored_weights import reads_small_weights

Replace = Callable[[int, np.ndarray], np.ndarray]
# Runs the simulated model on inputs. With a Replace, it rounds as the built-in kernels do, shows every planned tensor,
# and goes on from the answer.
Simulate = Callable[[Sequence[np.ndarray], Replace | None], Sequence[np.ndarray]]

# How many samples are simulated at once: enough to be quick, few enough for a large model's tensors to fit.


# ---- the file against the plan


def verify_structure(
    content: bytes, path: str, plan: Plan, parameters: Mapping[int, Parameters]
) -> tuple[dict[int, int], list[Diagnostic]]:
    """Find the plan's tensors in the file, op by op, and compare type, scale, zero point and axis of each.

    Returns the file's tensor index for every tensor of the plan that was found, and what differs.
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
        FILE_DIFFERS_FROM_PLAN.at(place, f"tensor `{plan.ops.tensors[tensor].name}` {difference}")
        for tensor, index in indices.items()
        for difference in _differences(body.tensors[index], plan.ops.tensors[tensor].type, expected.get(tensor), model)
    ]
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
            for difference in _differences(body.tensors[index], each.type, parameters.get(each.like)):
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
    if not np.array_equal(scale, expected.scale.reshape(-1)):
        yield f"has scale {_short(scale)}, the plan {_short(expected.scale.reshape(-1))}"
    zero_point = _array(quantization, "zeroPoint", np.int64)
    if not np.array_equal(zero_point, expected.zero_point.reshape(-1)):
        yield f"has zero point {_short(zero_point)}, the plan {_short(expected.zero_point.reshape(-1))}"
    axis = int(quantization.quantizedDimension) if quantization is not None else 0
    if scale.size > 1 and axis != expected.axis:
        yield f"has its scales along axis {axis}, the plan along {expected.axis}"


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


# ---- the integers against the simulation


@dataclass
class _Tally:
    largest: int = 0
    equal: int = 0
    elements: int = 0

    def add(self, difference: np.ndarray) -> None:
        self.largest = max(self.largest, int(difference.max(initial=0)))
        self.equal += int((difference == 0).sum())
        self.elements += difference.size


@dataclass
class _Comparison:
    """One pass over some samples: the interpreter's integers, shown to the simulation tensor by tensor."""

    plan: Plan
    path: str
    parameters: Mapping[int, Parameters]
    codes: Mapping[int, np.ndarray]
    tallies: dict[int, _Tally] = field(default_factory=dict)
    products: Mapping[int, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)

    def replace(self, tensor: int, simulated: np.ndarray) -> np.ndarray:
        actual = self.codes.get(tensor)
        if actual is None:
            return simulated
        if actual.shape != simulated.shape:
            name = self.plan.ops.tensors[tensor].name
            message = f"`{name}` has shape {actual.shape} when the file runs, and {simulated.shape} in the simulation"
            raise SpecError([FILE_DIFFERS_FROM_PLAN.at(Place(self.path), message)])
        parameters = self.parameters.get(tensor)
        if parameters is None:
            if tensor in self.products:
                self.products[tensor].append((np.ravel(simulated), np.ravel(actual)))
            return actual.astype(simulated.dtype)
        codes = np.rint(simulated / parameters.scale) + parameters.zero_point
        difference = np.abs(codes.astype(np.int64) - actual.astype(np.int64))
        self.tallies.setdefault(tensor, _Tally()).add(difference)
        return dequantize(actual, parameters)


def verify_parity(
    content: bytes,
    path: str,
    plan: Plan,
    parameters: Mapping[int, Parameters],
    indices: Mapping[int, int],
    simulate: Simulate,
    inputs: Sequence[np.ndarray],
    *,
    random: bool = False,
    at_once: int = 8,
) -> Parity:
    """Compare the file with the simulation on *inputs* (float32, samples first), each tensor from the interpreter's own
    integers before it, then the outputs end to end. The simulation gets *at_once* samples at a time.

    Raises:
        SpecError: the file cannot be run, or a tensor has another shape in it than in the simulation.
    """
    interpreter = make_interpreter(content, "built_in", keep_tensors=True)
    fast = make_interpreter(content, "fast")
    constants = {op.outputs[0] for op in plan.ops.ops if _dequantizes_a_constant(plan, op)}
    tensors = {
        tensor: index for tensor, index in indices.items() if _is_planned(plan, tensor) and tensor not in constants
    }
    tallies: dict[int, _Tally] = {}
    products: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {
        op.outputs[0]: [] for op in plan.ops.ops if reads_small_weights(plan, op)
    }
    simulated: list[np.ndarray] = []
    built_in: list[np.ndarray] = []
    default: list[np.ndarray] = []
    for start in range(0, len(inputs[0]), at_once):
        part = [array[start : start + at_once] for array in inputs]
        codes, outputs = _run_all(interpreter, part, plan.batch, tensors)
        simulate(part, _Comparison(plan, path, parameters, codes, tallies, products).replace)
        simulated += [np.ravel(value) for value in simulate(part, None)]
        built_in += [np.ravel(value) for value in outputs]
        default += [np.ravel(value) for value in _run_all(fast, part, plan.batch, {})[1]]
    reference = np.concatenate(simulated)
    producers = plan.ops.producers()
    return Parity(
        tuple(_tensor_parity(plan, producers, tensor, tally) for tensor, tally in sorted(tallies.items())),
        sqnr(reference, np.concatenate(built_in)),
        sqnr(reference, np.concatenate(default)),
        len(inputs[0]),
        random,
        tuple(_product_parity(plan, producers[tensor], found) for tensor, found in products.items() if found),
    )


def _dequantizes_a_constant(plan: Plan, op: Op) -> bool:
    return op.kind == "DEQUANTIZE" and plan.ops.tensors[op.inputs[0]].constant


def _is_planned(plan: Plan, tensor: int) -> bool:
    """Whether it is computed, and more than a state, or a shape or index that no spec speaks of."""
    found = plan.ops.tensors[tensor]
    return not found.constant and not found.is_state and (found.slot is not None or tensor in plan.decisions)


def _run_all(
    interpreter: Any, inputs: Sequence[np.ndarray], batch: int | None, tensors: Mapping[int, int]
) -> tuple[dict[int, np.ndarray], list[np.ndarray]]:
    """The values of *tensors* (plan id → index) and the dequantized outputs, samples first."""
    details = interpreter.get_input_details()
    interface = [to_interface(array, detail) for array, detail in zip(inputs, details, strict=True)]
    found: dict[int, list[np.ndarray]] = {tensor: [] for tensor in tensors}
    results, ran = [], 0
    for part in fixed_batches(interface, batch):
        results.append(run(interpreter, part))
        ran += len(part[0])
        for tensor, index in tensors.items():
            found[tensor].append(interpreter.get_tensor(index))
    count = len(inputs[0])
    outputs = [_of_samples(values, count, ran) for values in zip(*results, strict=True)]
    reals = [from_interface(a, d) for a, d in zip(outputs, interpreter.get_output_details(), strict=True)]
    return {tensor: _of_samples(values, count, ran) for tensor, values in found.items()}, reals


def _of_samples(values: Sequence[np.ndarray], count: int, ran: int) -> np.ndarray:
    """What belongs to the first *count* of the *ran* samples, each of which may have several rows."""
    if not values[0].shape:  # of a file made for one batch, which is run once
        return values[0]
    joined = np.concatenate(values)
    return joined[: len(joined) * count // ran]


def read_tensors(
    content: bytes,
    inputs: Sequence[np.ndarray],
    batch: int | None,
    indices: Mapping[int, int],
    parameters: Mapping[int, Parameters],
) -> dict[int, np.ndarray]:
    """What tensors of a file mean (float32) for *inputs*; *indices* gives the file's index of each."""
    interpreter = make_interpreter(content, "built_in", keep_tensors=True)
    codes, _ = _run_all(interpreter, inputs, batch, indices)
    return {
        tensor: dequantize(array, parameters[tensor]) if tensor in parameters else array
        for tensor, array in codes.items()
    }


# The 16-bit kernels that interpolate between the entries of a table and are not simulated as they do: off by an eighth
# of the second derivative times the step squared, and rounded on the way (measured with ai-edge-litert 2.3.0).
INTERPOLATED = 4
_TABLES = frozenset({"LOGISTIC", "TANH", "LOG", "SQRT"})


def _tensor_parity(plan: Plan, producers: Mapping[int, Op], tensor: int, tally: _Tally) -> TensorParity:
    op = producers.get(tensor)
    name = plan.ops.tensors[tensor].name
    layer, kind = (op.layer, op.kind) if op is not None else (name, "INPUT")
    allowed = INTERPOLATED if kind in _TABLES and plan.ops.tensors[tensor].type == "int16" else 1
    equal = tally.equal / max(tally.elements, 1)
    return TensorParity(name, layer, kind, tally.largest, equal, tally.elements, allowed)


def _product_parity(plan: Plan, op: Op, found: Sequence[tuple[np.ndarray, np.ndarray]]) -> ProductParity:
    simulated, actual = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return ProductParity(plan.ops.tensors[op.outputs[0]].name, op.layer, op.kind, sqnr(simulated, actual))


def sqnr(reference: np.ndarray, other: np.ndarray) -> float:
    """The signal-to-quantization-noise ratio in dB: 10 · log10(Σ reference² / Σ (reference - other)²)."""
    signal = float(np.square(reference.astype(np.float64)).sum())
    noise = float(np.square(reference.astype(np.float64) - other.astype(np.float64)).sum())
    if noise == 0:
        return float("inf")
    return float("-inf") if signal == 0 else 10 * float(np.log10(signal / noise))


# Kernels that quantize their input may round a code otherwise: 1 in 255 of a row's reach.
_LEAST_SQNR = 40.0  # dB


def parity_problems(parity: Parity, path: str) -> list[Diagnostic]:
    """An error for every tensor that differs by more than its kernel may."""
    products = [
        PARITY_BROKEN.at(
            Place(path),
            f"the file differs from the simulation by {product.sqnr:.1f} dB at `{product.tensor}` ({product.op})",
            layer=product.layer,
            op=product.op,
            help=f"at least {_LEAST_SQNR:g} dB are expected of a product with integer weights",
        )
        for product in parity.products
        if -math.inf < product.sqnr < _LEAST_SQNR  # against nothing but zeros no noise can be measured
    ]
    return products + [
        PARITY_BROKEN.at(
            Place(path),
            f"the file differs from the simulation by {tensor.largest} LSB at `{tensor.tensor}` ({tensor.op})",
            layer=tensor.layer,
            op=tensor.op,
            help=f"{tensor.equal:.2%} of {tensor.elements} elements are equal; "
            f"at most {tensor.allowed} LSB is expected",
        )
        for tensor in parity.tensors
        if tensor.largest > tensor.allowed
    ]
