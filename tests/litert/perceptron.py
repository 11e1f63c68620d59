"""A perceptron of two layers without a framework: its plan, and the float file that a converter would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qspec.litert.calibration import calibrate
from qspec.litert.flatbuffer import pack, schema, unpack
from qspec.litert.float_file import FloatFile
from qspec.litert.writer import write
from qspec.numerics import Parameters, parameters_from_range
from qspec.plan.plan import Plan
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import named, plan_of

EDGES = "input { type = int8 }\noutput { type = int8 }\n"
GENERATOR = np.random.default_rng(5)
SAMPLES = GENERATOR.normal(size=(32, 4)).astype(np.float32)
KERNELS = [GENERATOR.normal(size=shape).astype(np.float32) for shape in ((3, 4), (2, 3))]  # as LiteRT has them
BIASES = [GENERATOR.normal(size=size).astype(np.float32) for size in (3, 2)]


def hidden(inputs: np.ndarray) -> np.ndarray:
    """The first layer in numpy."""
    return np.maximum(inputs @ KERNELS[0].T + BIASES[0], 0)


def reference(inputs: np.ndarray) -> np.ndarray:
    """The model in numpy."""
    return hidden(inputs) @ KERNELS[1].T + BIASES[1]


def perceptron_plan(text: str = EDGES) -> Plan:
    """Dense with ReLU, then Dense."""
    m = ModelBuilder()
    value = m("Dense", m.input(4, name="image"), name="first", units=3, activation="relu")
    plan = plan_of(text, m.graph(m("Dense", value, name="last", units=2)))
    assert not plan.diagnostics
    return plan


class FileBuilder:
    """Writes a float file tensor by tensor."""

    def __init__(self) -> None:
        self.model, self.body = schema().ModelT(), schema().SubGraphT()
        self.model.version, self.model.buffers = 3, [schema().BufferT()]
        self.model.subgraphs, self.model.operatorCodes = [self.body], []
        self.body.tensors, self.body.operators = [], []

    def tensor(self, name: str, shape: tuple[int, ...], values: np.ndarray | None = None) -> int:
        """A tensor's index; with *values* a constant's."""
        tensor = schema().TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), schema().TensorType.FLOAT32
        if values is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = schema().BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
        self.body.tensors.append(tensor)
        return len(self.body.tensors) - 1

    def dense(self, layer: int, source: int, output: int, *, relu: bool) -> None:
        """FULLY_CONNECTED with the kernel and bias of one of the two layers."""
        kernel = self.tensor(f"kernel_{layer}", KERNELS[layer].shape, KERNELS[layer])
        bias = self.tensor(f"bias_{layer}", BIASES[layer].shape, BIASES[layer])
        operator = schema().OperatorT()
        operator.inputs, operator.outputs = [source, kernel, bias], [output]
        operator.builtinOptionsType = schema().BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = schema().FullyConnectedOptionsT()
        operator.builtinOptions.fusedActivationFunction = int(relu)
        self._add("FULLY_CONNECTED", operator)

    def relu(self, source: int, output: int) -> None:
        """RELU, which no plan of this model has."""
        operator = schema().OperatorT()
        operator.inputs, operator.outputs = [source], [output]
        self._add("RELU", operator)

    def _add(self, kind: str, operator: Any) -> None:
        code = schema().OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema().BuiltinOperator, kind)
        code.version = 1
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        self.body.operators.append(operator)

    def content(self, inputs: list[int], outputs: list[int]) -> bytes:
        """The file."""
        self.body.inputs, self.body.outputs = inputs, outputs
        return pack(self.model)


def float_file(plan: Plan) -> FloatFile:
    """The model in float, both layers' outputs returned."""
    builder = FileBuilder()
    image, first, last = (builder.tensor(name, (1, size)) for name, size in (("image", 4), ("first", 3), ("last", 2)))
    builder.dense(0, image, first, relu=True)
    builder.dense(1, first, last, relu=False)
    planned = tuple(named(plan, name) for name in ("first", "last"))
    return FloatFile(builder.content([image], [first, last]), tuple(plan.predicted.inputs), planned)


def found_parameters(plan: Plan, file: FloatFile) -> dict[int, Parameters]:
    """Calibrated activations, and weights from their own extremes along their first axis."""
    found: dict[int, Parameters] = {}
    ranges = calibrate(file, plan, [SAMPLES])
    for tensor, decision in plan.decisions.items():
        if decision.quantizer is None or decision.range is None:
            continue
        lowest, highest = decision.quantizer.code_range
        ends = ranges[decision.range].minimum, ranges[decision.range].maximum
        found[tensor] = parameters_from_range(*ends, lowest=lowest, highest=highest, symmetric=False)
    for slot, tensor in plan.ops.slots.items():
        if slot.kind == "weights" and plan.decisions[tensor].quantizer is not None:
            kernel = KERNELS[0 if plan.layers.calls[slot.call].layer.name == "first" else 1]
            codes: dict[str, Any] = {"lowest": -127, "highest": 127, "symmetric": True}
            found[tensor] = parameters_from_range(kernel.min(1), kernel.max(1), axis=0, **codes)
    return found


@dataclass(frozen=True)
class Written:
    """An integer file and what it came from."""

    plan: Plan
    parameters: dict[int, Parameters]
    content: bytes


def written(text: str = EDGES) -> Written:
    """The integer file of the perceptron."""
    plan = perceptron_plan(text)
    file = float_file(plan)
    parameters = found_parameters(plan, file)
    return Written(plan, parameters, write(file, plan, parameters))


def tensor_of(model: Any, name: str) -> Any:
    """The tensor called *name* of an unpacked model."""
    return next(tensor for tensor in model.subgraphs[0].tensors if tensor.name in (name, name.encode()))


def changed(content: bytes, change: Any) -> bytes:
    """The file after *change* was made to its unpacked model."""
    model = unpack(content)
    change(model)
    return pack(model)
