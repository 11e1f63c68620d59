"""An integer file run, and held against the simulation, tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import FILE_DIFFERS_FROM_PLAN, PARITY_BROKEN
from qspec.graph.ops import Op
from qspec.litert.calibration import fixed_batches
from qspec.litert.interpreter import make_interpreter, run
from qspec.litert.parity import Parity, ProductParity, TensorParity
from qspec.litert.predict import from_interface, to_interface
from qspec.numerics import Parameters, dequantize
from qspec.plan.plan import Plan
from qspec.plan.stored_weights import reads_small_weights

Replace = Callable[[int, np.ndarray], np.ndarray]
# Runs the simulated model on inputs. With a Replace, it rounds as the built-in kernels do, shows every planned tensor,
# and goes on from the answer.
Simulate = Callable[[Sequence[np.ndarray], Replace | None], Sequence[np.ndarray]]


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
        tensor: index for tensor, index in indices.items() if is_computed(plan, tensor) and tensor not in constants
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


def is_computed(plan: Plan, tensor: int) -> bool:
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
