"""Models of one op run by LiteRT for Microcontrollers itself, in processes that may crash, and by LiteRT in float."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.targets.one_op import T
from tests.targets.op_files import NUMPY, RANGES, OpCase, as_float, dequantized, op_file, quantized, stored_constants

_CHILD = """
import sys
from pathlib import Path
import numpy
from tflite_micro import runtime

folder = Path(sys.argv[1])
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    (folder / "now").write_text(str(number))
    try:
        interpreter = runtime.Interpreter.from_bytes((folder / f"{number}.tflite").read_bytes(), arena_size=1 << 22)
        stored = numpy.load(folder / f"{number}.in.npz")
        for place in range(len(stored.files)):
            interpreter.set_input(stored[f"arr_{place}"], place)
        interpreter.invoke()
        count = int((folder / f"{number}.count").read_text())
        numpy.savez(folder / f"{number}.out.npz", *[interpreter.get_output(place) for place in range(count)])
    except (RuntimeError, ValueError, TypeError) as error:
        (folder / f"{number}.error").write_text(str(error))
(folder / "now").write_text("done")
"""


@dataclass(frozen=True)
class Ran:
    """`outputs` as stored, None where the runtime refused; `error` is what it said, or that it crashed."""

    outputs: tuple[NDArray[Any], ...] | None = None
    error: str = ""


@dataclass(frozen=True)
class Job:
    """A case with stored values for its inputs and constants, by tensor id."""

    case: OpCase
    values: Mapping[int, NDArray[Any]]
    dynamic: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def inputs(self) -> list[int]:
        """The ids of the model's inputs."""
        return list(self.case.graph()[0].inputs)


UNFUSED: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "TANH": np.tanh,
    "SIGN_BIT": lambda values: np.signbit(values).astype(np.float32),
}
QUOTIENTS = {"DIV", "FLOOR_DIV", "FLOOR_MOD"}  # of these, the second input only must not be zero
POSITIVE = {"LOG", "SQRT", "RSQRT", "POW", "DIV", "FLOOR_DIV", "FLOOR_MOD"}


def job(case: OpCase, seed: int = 0) -> Job:
    """*case* with random values; positive ones for functions that need them."""
    graph, made = case.graph()
    random = np.random.default_rng(seed)
    values = stored_constants(case, seed)
    for tensor in graph.inputs:
        one = made[tensor]
        shape = [size or 1 for size in one.shape]
        low, high = RANGES.get(one.type, (-900, 900))
        positive = case.kind in POSITIVE and (case.kind not in QUOTIENTS or tensor > 0)
        if positive:
            low = max(low, one.zero_point) + (high - one.zero_point) // 8
        if one.type.startswith("float"):
            drawn = random.uniform(0.5 if positive else -4, 4, shape).astype(one.type)
        elif one.type == "bool":
            drawn = random.integers(0, 2, shape).astype(bool)
        else:
            drawn = random.integers(low, high + 1, shape).astype(NUMPY.get(one.type, one.type))
        values[tensor] = np.asarray(drawn)
    return Job(case, values)


def run_micro(jobs: Sequence[Job], folder: Path) -> list[Ran]:
    """What LiteRT for Microcontrollers makes of *jobs*. A job that kills its process is refused, the next goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(jobs):
        (folder / f"{number}.tflite").write_bytes(op_file(one.case, one.values, one.dynamic))
        np.savez(folder / f"{number}.in.npz", *[one.values[tensor] for tensor in one.inputs])
        (folder / f"{number}.count").write_text(str(len(one.case.outputs)))
    start = 0
    while start < len(jobs):
        command = [sys.executable, "-c", _CHILD, str(folder), str(start), str(len(jobs))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        reached = (folder / "now").read_text()
        if reached == "done":
            break
        (folder / f"{reached}.error").write_text(f"crash, exit {done.returncode}")
        start = int(reached) + 1
    return [_result(folder, number) for number in range(len(jobs))]


def _result(folder: Path, number: int) -> Ran:
    failed = folder / f"{number}.error"
    if failed.exists():
        return Ran(error=failed.read_text())
    loaded = np.load(folder / f"{number}.out.npz")
    return Ran(tuple(loaded[f"arr_{place}"] for place in range(len(loaded.files))))


def float_outputs(one: Job) -> list[NDArray[Any]] | None:
    """The outputs of the same op in float32 under LiteRT, on the dequantized values; None if LiteRT has no such kernel.

    Plain integers and truth values stay what they are.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    _, made = one.case.graph()
    values = {tensor: dequantized(stored, made[tensor]) for tensor, stored in one.values.items()}
    if one.case.kind in ("QUANTIZE", "DEQUANTIZE"):
        return [values[tensor] for tensor in one.inputs]
    if one.case.kind in ("LOGICAL_AND", "LOGICAL_OR"):  # LiteRT has them of truth values only
        truths = [values[tensor] != 0 for tensor in one.inputs]
        return [np.logical_and(*truths) if one.case.kind == "LOGICAL_AND" else np.logical_or(*truths)]
    twin = as_float(one.case)
    fused = twin.attributes.get("fused_activation_function")
    if fused in UNFUSED:  # LiteRT's kernels leave these out too
        twin = replace(twin, attributes={**twin.attributes, "fused_activation_function": "NONE"})
    if twin.kind == "CONV_2D" and twin.inputs[2] is None:  # LiteRT asks for a bias
        channels = twin.outputs[0].shape[-1] or 1
        twin = replace(twin, inputs=[*twin.inputs[:2], T("float32", (channels,), True, scale=None)])
        # Tensors are numbered inputs first: the bias is the third.
        values = {tensor + (tensor > 1): value for tensor, value in values.items()} | {
            2: np.zeros(channels, np.float32)
        }
    try:
        interpreter = Interpreter(
            model_content=op_file(twin, values),
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        for detail, tensor in zip(interpreter.get_input_details(), one.inputs, strict=True):
            interpreter.set_tensor(detail["index"], values[tensor])
        interpreter.invoke()
        found = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
        return [UNFUSED[fused](output) for output in found] if fused in UNFUSED else found
    except (RuntimeError, ValueError):
        return None


def distances(one: Job, outputs: Sequence[NDArray[Any]]) -> Iterator[float]:
    """How far each output is from float arithmetic: in steps of its scale; of floats, relative to the largest."""
    expected = float_outputs(one)
    assert expected is not None, f"LiteRT runs no {one.case} in float"
    for made, wanted, found in zip(one.case.outputs, expected, outputs, strict=True):
        reference = quantized(wanted, made)
        if made.type in ("float32", "float16"):
            yield float(np.abs(reference - found).max() / max(np.abs(reference).max(), 1e-6))
        elif found.shape != reference.shape:
            yield float("inf")
        else:
            yield float(np.abs(np.rint(reference.astype(np.float64)) - found.astype(np.float64)).max())


def right(one: Job, outputs: Sequence[NDArray[Any]]) -> bool:
    """Whether *outputs* are right: within one step of a scale, 1e-4 of the largest float, and else exact."""
    allowed = [1e-4 if made.type.startswith("float") else float(made.scale is not None) for made in one.case.outputs]
    return all(found <= most for found, most in zip(distances(one, outputs), allowed, strict=True))
