"""How large the file will be that the writer makes of a plan, predicted without weights and without data.

The parts are laid out as the generated classes of the schema pack them (ai-edge-litert 2.3.0,
schema_py_generated.py). What only values tell is left open, and the prediction takes constants of different variables
to differ: equal ones (two biases of zeros) share a buffer in the file, which is then smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import calcsize
from typing import Any

import qspec
from qspec.diagnostics import Severity
from qspec.graph.attributes import written_options
from qspec.graph.flatbuffer import Field
from qspec.graph.intermediates import intermediates
from qspec.graph.layers import Shape
from qspec.graph.operands import weights_of_bias
from qspec.graph.ops import OPAQUE, Op, Tensor
from qspec.graph.tflite_schema import layout as schema_fields
from qspec.plan.layout import Layout
from qspec.plan.plan import Plan
from qspec.plan.representation import representation
from qspec.targets.costs import stored_bytes
from qspec.targets.versions import version_of

# `Buffer.data` has force_align: 16.
_BUFFER_ALIGNMENT = 16


def predicted_size(plan: Plan) -> int | None:
    """The bytes of the file that will be written for *plan*; None where the plan cannot be carried out."""
    graph = plan.ops
    if any(diagnostic.severity is Severity.ERROR for diagnostic in plan.diagnostics):
        return None
    if any(op.kind == OPAQUE for op in graph.ops):
        return None
    constants = (tensor for tensor in graph.tensors if tensor.constant)
    if any(tensor.shape is None or None in tensor.shape for tensor in constants):
        return None
    return _lay_out(plan, _Contents(plan))


def size_margin(size: int) -> int:
    """How far the written file may be from a predicted *size*, in bytes: 2 %, or 2 KiB if that is more."""
    return max(size * 2 // 100, 2048)


@dataclass(frozen=True, slots=True)
class _FileTensor:
    """A tensor as it will stand in the file. `buffer` is 0 for an activation, `scales` how many there are, and
    `symmetric` whether their zero points are zeros."""

    name: str
    shape: Shape
    type: str
    buffer: int = 0
    scales: int = 0
    axis: int = 0
    symmetric: bool = False
    is_variable: bool = False
    blocks: int = 0  # their scales are in a tensor of their own


class _Contents:
    """The file's tensors and buffers, in the order in which the writer comes to them, constants of equal content on one
    buffer."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.graph = plan.ops
        self.tensors: list[_FileTensor] = []
        self.buffers: list[int] = [0]  # the bytes of each; the format reserves the first
        self._contents: dict[Any, int] = {}
        self._names: set[str] = set()
        self._known: set[Any] = set()
        self._copies = 0
        self._folded = frozenset(self.graph.folded.values())
        for tensor in self.graph.inputs:
            self._activation(tensor)
        for op in self.graph.ops:
            for tensor in op.inputs:
                if tensor >= 0 and self.graph.tensors[tensor].constant:
                    self._constant(op, self.graph.tensors[tensor])
                elif tensor >= 0 and self.graph.tensors[tensor].is_state:
                    self._activation(tensor)
            for tensor in op.outputs:
                self._activation(tensor)
            for inside in intermediates(op, self.graph):
                self._add(_FileTensor(inside.name, inside.shape, inside.type, scales=int(inside.like >= 0)))

    def _activation(self, index: int) -> None:
        if index not in self._known:
            self._known.add(index)
            tensor = self.graph.tensors[index]
            scales = int(self._is_quantized(index))
            self._add(
                _FileTensor(tensor.name, tensor.shape or (), tensor.type, scales=scales, is_variable=tensor.is_state)
            )

    def _constant(self, op: Op, tensor: Tensor) -> None:
        if tensor.id not in self.plan.decisions:
            self._copy(tensor)
            return
        if tensor.id in self._known:
            return
        self._known.add(tensor.id)
        scales, axis = self._scales(op, tensor) if self._is_quantized(tensor.id) else (0, 0)
        buffer = self._buffer(tensor, self._content(op, tensor))
        symmetric, blocks = self._is_symmetric(tensor), self._blocks(tensor)
        self._add(
            _FileTensor(tensor.name, tensor.shape or (), tensor.type, buffer, scales, axis, symmetric, blocks=blocks)
        )

    def _blocks(self, tensor: Tensor) -> int:
        """How many blocks a constant has with a scale each, which stand in a tensor of float16 before it."""
        quantizer = self.plan.decisions[tensor.id].quantizer
        if quantizer is None or quantizer.block_size is None:
            return 0
        rows, columns = ((size or 1) for size in tensor.shape or (1, 1))
        shape = (rows, columns // quantizer.block_size)
        scales = Tensor(-1, f"{tensor.name}/scales", shape, "float16", constant=True)
        self._add(_FileTensor(scales.name, shape, scales.type, self._buffer(scales, ("scales", tensor.id))))
        return shape[0] * shape[1]

    def _copy(self, tensor: Tensor) -> None:
        """The converter keeps one tensor of each value, which the writer copies when an op first reads it."""
        key = tensor.type, tensor.shape, tensor.id if tensor.value is None else tensor.value
        if key not in self._known:
            self._known.add(key)
            name, self._copies = f"constant_{self._copies}", self._copies + 1
            content = tensor.id if tensor.value is None else (tensor.type, (*_flat(tensor.value),))
            self._add(_FileTensor(name, tensor.shape or (), tensor.type, self._buffer(tensor, content)))

    def _is_quantized(self, tensor: int) -> bool:
        decision = self.plan.decisions.get(tensor)
        return decision is not None and decision.quantizer is not None and not decision.quantizer.is_float

    def _is_symmetric(self, tensor: Tensor) -> bool:
        """Whether its zero points are zeros: of a bias, and where the quantizer says so."""
        if tensor.slot is not None and tensor.slot.kind == "bias":
            return True
        quantizer = self.plan.decisions[tensor.id].quantizer
        return quantizer is not None and quantizer.scheme == "symmetric"

    def _is_zeros(self, op: Op, tensor: Tensor) -> bool:
        """Whether it is a bias that no variable gives, and that no normalization was folded into."""
        is_bias = tensor.slot is not None and tensor.slot.kind == "bias"
        return is_bias and tensor.source is None and self.graph.folded.keys().isdisjoint(op.calls)

    def _scales(self, op: Op, tensor: Tensor) -> tuple[int, int]:
        """How many scales a constant has, and along which axis. A bias has as many as its op's weights."""
        is_bias = tensor.slot is not None and tensor.slot.kind == "bias"
        scaled = self.graph.tensors[weights_of_bias(op, tensor.id)] if is_bias else tensor
        decision = self.plan.decisions.get(scaled.id)
        if decision is None or decision.axis is None or not scaled.shape:
            return 1, 0
        scales = scaled.shape[decision.axis] or 1
        return scales, decision.axis if scales > 1 and not is_bias else 0

    def _content(self, op: Op, tensor: Tensor) -> Any:
        """What tells the content of a constant from that of another, as far as it is known.

        A variable gives the same integers to every call of its layer, unless normalizations are folded into it. A bias
        has its scale from its op's input. A known value has its scale from its own largest part.
        """
        kind = tensor.slot.kind if tensor.slot is not None else ""
        if self._is_zeros(op, tensor):
            return "zeros", stored_bytes(tensor.shape or (), tensor.type)
        decision = self.plan.decisions[tensor.id]
        if tensor.value is not None and decision.range is None:
            values = [*_flat(tensor.value)]
            unit = max(map(abs, values), default=0) if self._is_quantized(tensor.id) else 1
            return tensor.type, decision.quantizer, tuple(round(value / (unit or 1), 9) for value in values)
        if kind == "bias" and self._is_quantized(tensor.id):
            source = self.plan.decisions.get(op.inputs[0])
            return tensor.id, source and source.range
        if tensor.slot is not None and kind == "weights" and tensor.slot.call not in self._folded:
            layer = self.plan.layers.calls[tensor.slot.call].layer
            return layer.path, tensor.slot.key, tensor.type, tensor.shape
        return tensor.id

    def _buffer(self, tensor: Tensor, content: Any) -> int:
        """The number of the buffer with this content."""
        number = self._contents.setdefault(content, len(self.buffers))
        if number == len(self.buffers):
            self.buffers.append(stored_bytes(tensor.shape or (), tensor.type))
        return number

    def _add(self, tensor: _FileTensor) -> None:
        name, number = tensor.name, 1
        while name in self._names:
            name, number = f"{tensor.name}_{number}", number + 1
        self._names.add(name)
        self.tensors.append(replace(tensor, name=name))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _lay_out(plan: Plan, contents: _Contents) -> int:
    """Every part in the order in which the schema's classes pack it. Fields are (position in the schema, bytes)."""
    layout, stored = Layout(), representation(plan)
    kinds = [(op.kind, version_of(op, plan.ops, stored) or 1) for op in plan.ops.ops]
    codes = {code: position for position, code in enumerate(dict.fromkeys(kinds))}
    for kind, version in codes:
        named = kind != "ADD"  # which is number 0
        # deprecated_builtin_code, version, builtin_code
        layout.table([*[(0, 1)] * named, *[(2, 4)] * (version != 1), *[(3, 4)] * named])
    layout.vector(len(codes))
    for tensor in contents.tensors:
        _tensor(layout, tensor)
    layout.vector(len(contents.tensors))
    layout.vector(len(plan.ops.inputs))
    layout.vector(len(plan.ops.outputs))
    for op, code in zip(plan.ops.ops, kinds, strict=True):
        _operator(layout, op, codes[code], len(intermediates(op, plan.ops)))
    layout.vector(len(plan.ops.ops))
    layout.string("main")
    layout.table([(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)])  # tensors, inputs, outputs, operators, name
    layout.vector(1)
    layout.string(f"qspec {qspec.__version__}")
    for size in contents.buffers:
        if size:
            layout.vector(size, 1, _BUFFER_ALIGNMENT)
        layout.table([(0, 4)] * bool(size))
    layout.vector(len(contents.buffers))
    _signature(layout, plan)
    layout.vector(1)
    # version, operator_codes, subgraphs, description, buffers, signature_defs
    layout.table([(0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (7, 4)])
    return layout.finish()


def _tensor(layout: Layout, tensor: _FileTensor) -> None:
    dynamic = None in tensor.shape
    layout.shared_vector(tuple(size or 1 for size in tensor.shape), len(tensor.shape))
    layout.string(tensor.name)
    if tensor.blocks:
        layout.table([(0, 4), (1, 4), (2, 4)])  # scales, zero_points, block_size
        layout.table([(4, 1), (5, 4)])  # details_type, details
    elif tensor.scales:
        layout.vector(tensor.scales, 4)
        if tensor.symmetric and tensor.scales > 1:
            layout.shared_vector(f"{tensor.scales} zeros", tensor.scales, 8)
        else:
            layout.vector(tensor.scales, 8)
        layout.table([(2, 4), (3, 4), *[(6, 4)] * bool(tensor.axis)])  # scale, zero_point, quantized_dimension
    if dynamic:
        layout.shared_vector(tuple(-1 if size is None else size for size in tensor.shape), len(tensor.shape))
    fields = ((0, 4, True), (1, 1, tensor.type != "float32"), (2, 4, tensor.buffer), (3, 4, True))
    # quantization, is_variable, shape_signature, has_rank
    more = ((4, 4, tensor.scales), (5, 1, tensor.is_variable), (7, 4, dynamic), (8, 1, True))
    layout.table([(position, size) for position, size, written in (*fields, *more) if written])


def _operator(layout: Layout, op: Op, code: int, intermediate: int) -> None:
    layout.vector(len(op.inputs))
    layout.vector(len(op.outputs))
    options = written_options(op.kind)
    if options is not None:
        _options(layout, op, options)
    if intermediate:
        layout.vector(intermediate)
    # inputs, outputs, builtin_options_type, builtin_options
    fields = [(1, 4), (2, 4), *[(3, 1), (4, 4)] * (options is not None)]
    layout.table([*[(0, 4)] * bool(code), *fields, *[(8, 4)] * bool(intermediate)])


def _options(layout: Layout, op: Op, table: str) -> None:
    fields = []
    for name, field in schema_fields(table).items():
        value = op.attributes.get(name)
        if field.kind == "numbers":
            layout.vector(len(value or ()), calcsize(field.code))
            fields.append((field.slot, 4))
        elif field.kind == "number" and value is not None and value != _default(field):
            fields.append((field.slot, calcsize(field.code)))
    layout.table(fields)


def _default(field: Field) -> Any:
    """What an absent field is, as `Op.attributes` spells it."""
    return field.names[field.default] if field.names else field.default


def _signature(layout: Layout, plan: Plan) -> None:
    indices = {tensor: position for position, tensor in enumerate(plan.ops.inputs)}
    for names, tensors in ((plan.layers.input_names, plan.ops.inputs), (plan.layers.output_names, plan.ops.outputs)):
        for name, tensor in zip(names, tensors, strict=True):
            layout.string(name)
            layout.table([(0, 4), *[(1, 4)] * bool(indices.get(tensor, 1))])  # name, tensor_index
        layout.vector(len(names))
    layout.string("serving_default")
    layout.table([(0, 4), (1, 4), (2, 4)])  # inputs, outputs, signature_key
