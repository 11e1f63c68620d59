"""LiteRT's reference, optimized (`built_in`) and XNNPACK (`fast`) kernels against each other: whole files, and each op
of a file by itself, since the delegate hides the tensors inside a file and differences grow on their way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from qspec.diagnostics import SpecError
from qspec.litert.flatbuffer import enum_names, pack, schema, unpack
from qspec.litert.interpreter import Kernels, make_interpreter, run
from qspec.litert.predict import to_interface

OTHERS: tuple[Kernels, ...] = ("reference", "fast")
REFUSED = "refused"


def of_outputs(content: bytes, inputs: Sequence[np.ndarray]) -> dict[str, Any]:
    """The largest difference of a whole file's outputs from those of the built-in kernels, in LSB; `refused` where the
    kernels do not take the file."""
    wanted = _outputs(content, inputs, "built_in")
    assert wanted is not None, "the file is verified with these kernels"
    found: dict[str, Any] = {}
    for kernels in OTHERS:
        other = _outputs(content, inputs, kernels)
        found[kernels] = REFUSED if other is None else max(map(_distance, wanted, other), default=0)
    return found


def of_ops(content: bytes, inputs: Sequence[np.ndarray]) -> dict[str, dict[str, Any]]:
    """By kind of op, the largest difference from the built-in kernels that one op makes, in LSB, given the same
    integers (those of the first samples)."""
    found: dict[str, dict[str, Any]] = {}
    for kind, alone, samples in _ops(content, [array[:4] for array in inputs]):
        wanted = _runs(alone, samples, "built_in")
        if wanted is None:
            continue
        for kernels in OTHERS:
            other = _runs(alone, samples, kernels)
            known = found.setdefault(kind, {}).get(kernels, 0)
            if other is None:
                found[kind][kernels] = REFUSED
            elif known != REFUSED:
                found[kind][kernels] = max(known, *map(_distance, wanted, other))
    return found


def _ops(content: bytes, inputs: Sequence[np.ndarray]) -> Iterator[tuple[str, bytes, list[list[np.ndarray]]]]:
    """Each op that writes integers of a scale: its kind, a file of it alone, and its inputs for each sample."""
    interpreter = make_interpreter(content, "built_in", keep_tensors=True)
    model = unpack(content)
    body, kinds = model.subgraphs[0], enum_names(schema().BuiltinOperator)
    values = []
    for sample in _samples(interpreter, inputs):
        run(interpreter, sample)
        indices = {int(index) for op in body.operators for index in op.inputs if index >= 0}
        values.append({index: interpreter.get_tensor(index) for index in indices if not _constant(model, body, index)})
    for position, op in enumerate(body.operators):
        code = model.operatorCodes[op.opcodeIndex]
        given = [int(index) for index in op.inputs if index >= 0 and not _constant(model, body, int(index))]
        if not given or not any(_quantized(body.tensors[index]) for index in op.outputs):
            continue
        if any(not values[0][index].shape for index in given):
            continue  # a file cannot be given a scalar
        alone = _alone(content, position, list(dict.fromkeys(given)))
        samples = [[known[index] for index in dict.fromkeys(given)] for known in values]
        yield kinds[max(code.builtinCode, code.deprecatedBuiltinCode)], alone, samples


def _alone(content: bytes, position: int, given: list[int]) -> bytes:
    """A file of one operator of *content*, which reads the tensors *given*."""
    model = unpack(content)
    body = model.subgraphs[0]
    operator = body.operators[position]
    model.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    operator.opcodeIndex = 0
    body.operators = [operator]
    body.inputs, body.outputs = np.asarray(given, np.int32), np.asarray(operator.outputs, np.int32)
    model.signatureDefs, model.metadata = [], []
    return pack(model)


def _constant(model: Any, body: Any, index: int) -> bool:
    data = model.buffers[body.tensors[index].buffer].data
    return data is not None and len(data) > 0


def _quantized(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.scale is not None and tensor.type != 0


def _runs(content: bytes, samples: Sequence[Sequence[np.ndarray]], kernels: Kernels) -> list[np.ndarray] | None:
    try:
        interpreter = make_interpreter(content, kernels)
        return [output for sample in samples for output in run(interpreter, sample)]
    except SpecError:
        return None


def _outputs(content: bytes, inputs: Sequence[np.ndarray], kernels: Kernels) -> list[np.ndarray] | None:
    try:
        interpreter = make_interpreter(content, kernels)
        return [output for sample in _samples(interpreter, inputs) for output in run(interpreter, sample)]
    except SpecError:
        return None


def _samples(interpreter: Any, inputs: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The inputs of a file made for one sample, as its interface takes them."""
    details = interpreter.get_input_details()
    given = [to_interface(array, detail) for array, detail in zip(inputs, details, strict=True)]
    for sample in range(len(inputs[0])):
        yield [array[sample : sample + 1] for array in given]


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """In codes of integers; of floats, in 1/255 of what they span."""
    if one.dtype.kind in "iu":
        return int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max(initial=0))
    if one.dtype.kind == "b":
        return int(np.any(one != other))
    span = float(np.ptp(one)) / 255 if one.size else 0.0
    return round(float(np.abs(one - other).max(initial=0)) / (span or 1.0), 3)
