"""The integer flatbuffer, written by the plan into the float one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import qspec
from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.graph.intermediates import Intermediate, intermediates
from qspec.graph.ops import CASTS, OPAQUE, Op, OpGraph, Tensor
from qspec.graph.versions import rescale_of
from qspec.litert.constants import constant_codes
from qspec.litert.flatbuffer import enum_names, operator_code, pack, schema, unpack
from qspec.litert.float_file import FloatFile
from qspec.litert.operators import give_options, written_version
from qspec.litert.pieces import Pieces
from qspec.numerics import PACKED, Parameters, pack_codes
from qspec.plan.plan import Plan


def write(
    file: FloatFile, plan: Plan, parameters: Mapping[int, Parameters], biases: Mapping[int, np.ndarray] | None = None
) -> bytes:
    """The bytes of the integer file. *biases* (float32, by the plan's tensor ids) stand in for those of the float file.

    *parameters* holds scale and zero point of every tensor to be quantized but the biases, by the plan's tensor ids.

    Raises:
        SpecError: the float file is not the one that the plan predicted.
    """
    return _Writer(file, plan, parameters, biases or {}).write()


@dataclass
class _Writer:
    file: FloatFile
    plan: Plan
    parameters: Mapping[int, Parameters]
    biases: Mapping[int, np.ndarray]
    indices: dict[int, int] = field(default_factory=dict)  # tensor of the plan → tensor of the new file
    copied: dict[int, int] = field(default_factory=dict)  # tensor in an opaque layer → tensor of the new file
    alike: dict[tuple[str, tuple[int, ...], int], int] = field(default_factory=dict)  # type, shape, buffer → the tensor
    constants: dict[int, int] = field(default_factory=dict)  # constant of the plan → tensor of the new file
    buffer_of: dict[bytes, int] = field(default_factory=dict)
    codes: dict[tuple[int, int], int] = field(default_factory=dict)  # (builtin code, version) → operator code
    names: set[str] = field(default_factory=set)
    placed: dict[int, int] = field(default_factory=dict)  # tensor of the float file → tensor of the plan
    found: dict[int, int] = field(default_factory=dict)  # tensor of the plan → tensor of the float file
    sources: dict[int, int] = field(default_factory=dict)  # constant behind a DEQUANTIZE → tensor of the float file

    def __post_init__(self) -> None:
        self.schema = schema()
        self.graph: OpGraph = self.plan.ops
        self.original = unpack(self.file.content)
        self.body = self.original.subgraphs[0]
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.buffers: list[Any] = [self.schema.BufferT()]  # the format reserves the first, and it is empty

    def write(self) -> bytes:
        producers, inside = self._operators_by_tensor()
        self._find_dequantized(producers)
        for tensor in self.graph.inputs:
            self._activation(self.graph.tensors[tensor])
        for op in self.graph.ops:
            if op.kind in CASTS or (op.kind == "CAST" and not op.calls):
                self._cast(op)
            elif op.kind == OPAQUE:
                self._opaque(op, inside[op.calls[0]])
                for tensor in op.outputs:
                    producers.pop(tensor, None)
            else:
                self._operator(op, producers.pop(op.outputs[0], None))
        if producers:
            operator = next(iter(producers.values()))
            self._differs(f"the float file has {self._kind(operator)}, which the plan does not know")
        return pack(self._model())

    # ---- the float file

    def _operators_by_tensor(self) -> tuple[dict[int, Any], dict[int, list[Any]]]:
        """The float file's operators, by the plan's id of their first output; those of layers whose ops the plan does
        not know apart, in order, by the layer's call."""
        positions = [
            *zip(self.file.inputs, self.body.inputs, strict=True),
            *zip(self.file.outputs, self.body.outputs, strict=True),
        ]
        unknown = {tensor for op in self.graph.ops if op.kind == OPAQUE for tensor in op.outputs}
        for tensor, index in positions:
            first = self.placed.setdefault(int(index), tensor)
            if first != tensor and tensor not in unknown:
                self._differs("the float file has one tensor for two", self.graph.tensors[tensor].name)
        pieces = Pieces(self.body.operators, frozenset(self.placed))
        self.found = {tensor: int(index) for tensor, index in positions}
        self._follow()
        inside = {
            op.calls[0]: pieces.behind([self.found[tensor] for tensor in op.outputs if self._is_written(tensor)])
            for op in self.graph.ops
            if op.kind == OPAQUE
        }
        copied = {id(operator) for operators in inside.values() for operator in operators}
        found: dict[int, Any] = {}
        for operator in self.body.operators:
            if id(operator) in copied:
                continue
            known = [self.placed[index] for index in map(int, operator.outputs) if index in self.placed]
            if not known:
                where = self._name(operator.outputs[0])
                self._differs(f"the float file has {self._kind(operator)} inside a layer", where)
            found[known[0]] = operator
        return found, inside

    def _find_dequantized(self, producers: Mapping[int, Any]) -> None:
        """Where the float file has the constants that the plan reads through a DEQUANTIZE: where their readers have
        them."""
        casts = {op.outputs[0]: op.inputs[0] for op in self.graph.ops if op.kind == "DEQUANTIZE"}
        for op in self.graph.ops:
            operator = producers.get(op.outputs[0]) if op.outputs else None
            for tensor, index in zip(op.inputs, () if operator is None else operator.inputs, strict=False):
                source = casts.get(tensor, -1)
                if source >= 0 and self.graph.tensors[source].constant:
                    self.sources[source] = int(index)

    def _name(self, index: int) -> str:
        name = self.body.tensors[index].name
        return str(name.decode() if isinstance(name, bytes) else name)

    def _kind(self, operator: Any) -> str:
        code = self.original.operatorCodes[operator.opcodeIndex]
        return enum_names(self.schema.BuiltinOperator)[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def _differs(self, message: str, where: str = "") -> None:
        place = f" (at `{where}`)" if where else ""
        advice = "this is a defect of qspec's lowering table: please report it with the model's config"
        raise SpecError([LOWERING_DIFFERS.at(Place(self.plan.layers.path), message + place, help=advice)])

    def _follow(self) -> None:
        """Place the tensors without a slot that ops of the plan compute: shapes, indices. What reads them tells."""
        writers = {int(index): operator for operator in self.body.operators for index in operator.outputs}
        for op in reversed(self.graph.ops):
            if op.kind == OPAQUE:
                continue  # the operators that stand for it need not read what it reads
            operator = writers.get(self.found.get(op.outputs[0], -1))
            for tensor, index in zip(op.inputs, () if operator is None else operator.inputs, strict=False):
                planned = self.graph.tensors[tensor] if tensor >= 0 else None
                if planned is not None and planned.slot is None and int(index) in writers:
                    self.placed.setdefault(self.found.setdefault(tensor, int(index)), tensor)

    # ---- operators

    def _operator(self, op: Op, original: Any) -> None:
        if original is None:
            self._differs(f"the float file lacks the {op.kind} of layer `{op.layer}`")
        kind = self.plan.rewritten.get(op.outputs[0], op.kind)
        if self._kind(original) != kind:
            self._differs(f"the float file has {self._kind(original)} for layer `{op.layer}`, the plan {kind}")
        if op.outputs[0] in self.plan.rewritten:
            self._clamp(op)
            return
        sources = [int(index) for index in original.inputs]
        count = max(len(sources), len(op.inputs))  # either may leave absent operands at the end away
        sources += [-1] * (count - len(sources))
        planned = [*op.inputs, *[-1] * (count - len(op.inputs))]
        original.inputs = [self._operand(op, tensor, source) for tensor, source in zip(planned, sources, strict=True)]
        original.outputs = [self._activation(self.graph.tensors[tensor]) for tensor in op.outputs]
        give_options(original, op)
        if inside := intermediates(op, self.graph):
            original.intermediates = [self._intermediate(each) for each in inside]
        self._add(op, original, planned)

    def _intermediate(self, intermediate: Intermediate) -> int:
        parameters = self.parameters.get(intermediate.like)
        return self._tensor(intermediate.name, intermediate.shape, intermediate.type, 0, parameters)

    def _clamp(self, op: Op) -> None:
        """An ADD of zero with a fused activation, for the activation alone that the float file has."""
        operator = self.schema.OperatorT()
        give_options(operator, op)
        read, zero = op.inputs
        if zero not in self.constants:
            tensor = self.graph.tensors[zero]
            self.constants[zero] = self._constant(op, tensor, np.asarray(tensor.value, np.float32))
        operator.inputs = [self.indices[read], self.constants[zero]]
        operator.outputs = [self._activation(self.graph.tensors[op.outputs[0]])]
        self._add(op, operator, op.inputs)

    def _opaque(self, op: Op, operators: Sequence[Any]) -> None:
        """Copy what the converter made of a layer whose ops the plan does not know. It reads and writes floats."""
        predicted = next(other for other in self.plan.predicted.ops if other.calls == op.calls)
        read = dict(zip(predicted.inputs, op.inputs, strict=True))
        for operator in operators:
            operator.inputs = [self._inside(int(index), op, read) for index in operator.inputs]
            operator.outputs = [self._inside(int(index), op, read) for index in operator.outputs]
            self._keep_code(operator)
            self.operators.append(operator)
        for tensor in op.outputs:
            if not self._is_written(tensor):
                self._pass_on(op, read.get(self.placed[self.found[tensor]], -1), tensor)

    def _keep_code(self, operator: Any) -> None:
        """Let an operator have the same code and version in the new file."""
        code = self.original.operatorCodes[operator.opcodeIndex]
        key = max(code.builtinCode, code.deprecatedBuiltinCode), code.version
        operator.opcodeIndex = self.codes.setdefault(key, len(self.codes))

    def _bodies(self) -> list[Any]:
        """The bodies of loops and branches inside layers whose ops the plan does not know; their numbers stay."""
        for body in self.original.subgraphs[1:]:
            for tensor in body.tensors:
                data = self.original.buffers[tensor.buffer].data
                tensor.buffer = 0 if data is None else self._buffer(np.asarray(data, np.uint8))
            for operator in body.operators:
                self._keep_code(operator)
        return list(self.original.subgraphs[1:])

    def _is_written(self, tensor: int) -> bool:
        """Whether an operator of the float file writes *tensor*, which is not another one passed on."""
        return self.placed[self.found[tensor]] == tensor

    def _pass_on(self, op: Op, source: int, result: int) -> None:
        """A RESHAPE to the same shape: the plan has a tensor of its own for what a layer passes on."""
        sizes = np.asarray([-1 if size is None else size for size in self.graph.tensors[result].shape or ()], np.int32)
        shape = self._tensor(f"{op.layer}/shape", sizes.shape, "int32", self._buffer(sizes), None)
        operator = self.schema.OperatorT()
        operator.builtinOptionsType = self.schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = self.schema.ReshapeOptionsT()
        operator.inputs = [self.indices[source], shape]
        operator.outputs = [self._activation(self.graph.tensors[result])]
        operator.opcodeIndex = self.codes.setdefault((self.schema.BuiltinOperator.RESHAPE, 1), len(self.codes))
        self.operators.append(operator)

    def _inside(self, index: int, op: Op, read: Mapping[int, int]) -> int:
        """The new file's index of a tensor of the float file in or around an opaque layer."""
        if index < 0:
            return index
        if index in self.placed:
            tensor = self.placed[index]
            return self._activation(self.graph.tensors[read.get(tensor, tensor)])
        original = self.body.tensors[index]
        if self.original.buffers[original.buffer].data is not None:
            return self._copy(index)
        if index not in self.copied:
            shape = [int(size) for size in original.shape] if original.shape is not None else []
            signature = shape if original.shapeSignature is None else [int(size) for size in original.shapeSignature]
            sizes = [None if size < 0 else size for size in signature]
            kind = enum_names(self.schema.TensorType)[original.type].lower()
            self.copied[index] = self._tensor(f"{op.layer}/inside", sizes, kind, 0, None)
        return self.copied[index]

    def _cast(self, op: Op) -> None:
        operator = self.schema.OperatorT()
        give_options(operator, op)
        source = op.inputs[0]
        constant = self.graph.tensors[source].constant
        operator.inputs = [self._operand(op, source, self.sources[source]) if constant else self.indices[source]]
        operator.outputs = [self._activation(self.graph.tensors[op.outputs[0]])]
        self._add(op, operator, op.inputs)

    def _add(self, op: Op, operator: Any, inputs: Any) -> None:
        code = getattr(self.schema.BuiltinOperator, op.kind)
        operator.opcodeIndex = self.codes.setdefault((code, self._version(op, inputs)), len(self.codes))
        self.operators.append(operator)

    def _version(self, op: Op, inputs: Sequence[int]) -> int:
        return written_version(
            op,
            inputs,
            self.graph.tensors,
            per_channel=any(self.parameters[tensor].scale.size > 1 for tensor in inputs if tensor in self.parameters),
            rescale=self._rescale(op) if op.kind == "MUL" else None,
        )

    def _rescale(self, op: Op) -> float | None:
        found = [self.parameters.get(tensor) for tensor in (*op.inputs, *op.outputs)]
        scales = [None if each is None or each.scale.size > 1 else each.scale.item() for each in found]
        return rescale_of(*scales)

    # ---- tensors

    def _operand(self, op: Op, tensor: int, source: int) -> int:
        """The new file's index of an operand: an activation, a constant of the plan, or one copied as it is."""
        if source < 0:
            return -1
        planned = None if tensor < 0 else self.graph.tensors[tensor]
        if planned is not None and not planned.constant:
            return self._activation(planned) if planned.is_state else self.indices[tensor]
        if planned is None or tensor not in self.plan.decisions:
            return self._copy(source)
        if tensor not in self.constants:  # the steps of a recurrence read the same weights
            self.constants[tensor] = self._constant(op, planned, self._values(source))
        return self.constants[tensor]

    def _activation(self, tensor: Tensor) -> int:
        if tensor.id not in self.indices:
            parameters = self.parameters.get(tensor.id)
            shape = list(tensor.shape or ())
            self.indices[tensor.id] = self._tensor(tensor.name, shape, tensor.type, 0, parameters)
            self.tensors[-1].isVariable = tensor.is_state
        return self.indices[tensor.id]

    def _constant(self, op: Op, tensor: Tensor, values: np.ndarray) -> int:
        """A weight or bias on its own buffer: a float file may hold equal constants of different layers as one."""
        slot = tensor.slot
        if tensor.type == "float32":
            return self._tensor(tensor.name, values.shape, tensor.type, self._buffer(values), None)
        if slot is not None and slot.kind == "bias":
            values = self.biases.get(tensor.id, values)
        if tensor.type == "float16":
            limit = np.finfo(np.float16).max
            halves = np.clip(values, -limit, limit).astype(np.float16)
            return self._tensor(tensor.name, values.shape, tensor.type, self._buffer(halves), None)
        codes, parameters = constant_codes(op, tensor, values, self.parameters)
        if tensor.type in PACKED:
            codes = pack_codes(codes, PACKED[tensor.type])
        return self._tensor(tensor.name, values.shape, tensor.type, self._buffer(codes), parameters)

    def _copy(self, source: int) -> int:
        """A constant as it is; one tensor serves all that are equal, whatever the converter made of them."""
        original = self.body.tensors[source]
        kind = enum_names(self.schema.TensorType)[original.type].lower()
        shape = [int(size) for size in original.shape]
        buffer = self._buffer(self._values(source))
        key = kind, tuple(shape), buffer
        if key not in self.alike:
            self.alike[key] = self._tensor(f"constant_{len(self.alike)}", shape, kind, buffer, None)
        return self.alike[key]

    def _values(self, source: int) -> np.ndarray:
        original = self.body.tensors[source]
        kind = enum_names(self.schema.TensorType)[original.type].lower()
        data = self.original.buffers[original.buffer].data
        return np.frombuffer(bytes(data), np.dtype(kind)).reshape([int(size) for size in original.shape])

    def _buffer(self, values: np.ndarray) -> int:
        data = values.tobytes()
        if data not in self.buffer_of:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(data, np.uint8)
            self.buffer_of[data] = len(self.buffers)
            self.buffers.append(buffer)
        return self.buffer_of[data]

    def _tensor(self, name: str, shape: Any, kind: str, buffer: int, parameters: Parameters | None) -> int:
        tensor = self.schema.TensorT()
        tensor.name = self._unique(name)
        tensor.shape = [1 if size is None else int(size) for size in shape]
        if any(size is None for size in shape):
            tensor.shapeSignature = [-1 if size is None else int(size) for size in shape]
        tensor.type = getattr(self.schema.TensorType, kind.upper())
        tensor.buffer = buffer
        tensor.hasRank = True
        if parameters is not None:
            tensor.quantization = self._quantization(str(tensor.name), parameters)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _quantization(self, name: str, parameters: Parameters) -> Any:
        quantization = self.schema.QuantizationParametersT()
        if parameters.block is not None:
            scales = parameters.scale.astype(np.float16)
            quantization.detailsType = self.schema.QuantizationDetails.BlockwiseQuantization
            quantization.details = self.schema.BlockwiseQuantizationT()
            quantization.details.scales = self._tensor(
                f"{name}/scales", scales.shape, "float16", self._buffer(scales), None
            )
            quantization.details.zeroPoints = -1
            quantization.details.blockSize = parameters.block
            return quantization
        quantization.scale = parameters.scale.reshape(-1).astype(np.float32)
        quantization.zeroPoint = parameters.zero_point.reshape(-1).astype(np.int64)
        quantization.quantizedDimension = (parameters.axis or 0) if parameters.scale.size > 1 else 0
        return quantization

    def _unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self.names:
            candidate, number = f"{name}_{number}", number + 1
        self.names.add(candidate)
        return candidate

    # ---- the file

    def _model(self) -> Any:
        body = self.schema.SubGraphT()
        body.name = "main"
        body.tensors, body.operators = self.tensors, self.operators
        body.inputs = [self.indices[tensor] for tensor in self.graph.inputs]
        body.outputs = [self.indices[tensor] for tensor in self.graph.outputs]
        model = self.schema.ModelT()
        model.version = 3
        model.description = f"qspec {qspec.__version__}"
        model.subgraphs, model.buffers = [body, *self._bodies()], self.buffers
        model.operatorCodes = [operator_code(code, version) for code, version in self.codes]
        model.signatureDefs = [self._signature(body)]
        return model

    def _signature(self, body: Any) -> Any:
        def named(names: tuple[str, ...], indices: list[int]) -> list[Any]:
            maps = []
            for name, index in zip(names, indices, strict=True):
                entry = self.schema.TensorMapT()
                entry.name, entry.tensorIndex = name, index
                maps.append(entry)
            return maps

        signature = self.schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs = named(self.plan.layers.input_names, body.inputs)
        signature.outputs = named(self.plan.layers.output_names, body.outputs)
        return signature
