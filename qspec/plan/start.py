"""The first quantizer of every tensor: what the cascade says, what follows from it, and the model's own edges."""

from __future__ import annotations

from dataclasses import replace

from qspec.diagnostics.catalogue import CHANGED_BY_CONSTRAINT
from qspec.graph.operands import operand_of
from qspec.graph.ops import Op, Slot
from qspec.plan.draft import BUILT_IN, Draft
from qspec.plan.ends import boundary, real_type
from qspec.plan.places import decided
from qspec.plan.plan import Assigned, Origin
from qspec.plan.quantizers import bias_type, same_quantizer, with_range
from qspec.plan.states import assign_states
from qspec.schema.quantizer import Quantizer, Range
from qspec.schema.spec import Boundary

FLOAT = Assigned(None, BUILT_IN)


def start(draft: Draft) -> None:
    """Give every tensor of real numbers what the spec assigns to it, or what an unset slot means."""
    for op in draft.predicted.ops:
        for tensor in op.outputs:
            if draft.is_real(tensor):
                draft.assigned[tensor] = _activation(draft, tensor, op)
        for tensor in draft.constants(op):
            draft.assigned[tensor] = _constant(draft, tensor, op)
    for position, tensor in enumerate(draft.predicted.inputs):
        if draft.is_real(tensor):
            draft.assigned[tensor] = _model_input(draft, tensor, position)
    for tensor in _of_unsupported_layers(draft):
        draft.assigned[tensor] = _plain(draft.cascade.tensors.get(tensor, FLOAT))
    for position, tensor in enumerate(draft.predicted.outputs):
        if draft.is_real(tensor):
            _model_output(draft, tensor, position)
    for op in draft.predicted.ops:
        if op.outputs[0] in draft.islands:
            _leave_in_float(draft, op, draft.islands[op.outputs[0]])
    _leave_inputs_in_float(draft)
    for op in draft.predicted.ops:
        assign_states(draft, op)
        _biases(draft, op)


def _of_unsupported_layers(draft: Draft) -> list[int]:
    """Activations that no op gives, because it is not known which ops their layer becomes."""
    activations = (tensor.id for tensor in draft.predicted.tensors if not tensor.constant)
    return [tensor for tensor in activations if draft.is_real(tensor) and tensor not in draft.assigned]


def _activation(draft: Draft, tensor: int, op: Op) -> Assigned:
    assigned = draft.cascade.tensors.get(tensor)
    if op.kind == "CAST" and (assigned is None or not assigned.by_person):
        # It makes reals of integers as they are stored: a scale of its own would not be applied.
        draft.change(tensor, "float, since LiteRT's CAST knows no scale")
        return FLOAT
    if assigned is not None:
        return _plain(assigned)
    slot = draft.tensors[tensor].slot
    if slot is not None and slot.kind == "output":
        return FLOAT
    return _as_output(draft, slot.call if slot else op.calls[0])


def _as_output(draft: Draft, call: int) -> Assigned:
    """What an inner tensor that nobody assigned gets: the quantizer of its layer's `output`. A range that is fixed
    there speaks of the output's values; inner ones (what enters a softmax) have others."""
    assigned = replace(_said_of_output(draft, call), taken_over=True)
    if assigned.quantizer is None or assigned.quantizer.range.estimated:
        return assigned
    return replace(assigned, quantizer=with_range(assigned.quantizer, Range()))


def _said_of_output(draft: Draft, call: int) -> Assigned:
    said = draft.cascade.outputs.get(call)
    holder = draft.slots.holder(Slot(call, "output", 0))
    held = draft.cascade.tensors.get(draft.predicted.slots[holder]) if holder else None
    if said is None or held is None:
        return _plain(said or held or FLOAT)
    if _type(said.quantizer) == _type(held.quantizer):
        return _plain(said)
    # Fusion put another layer's tensor there, and an op computes in one type; that layer's range is its own affair.
    return _plain(held if held.quantizer is None else replace(held, quantizer=with_range(held.quantizer, Range())))


def _type(quantizer: Quantizer | None) -> str:
    return "float32" if quantizer is None else quantizer.type


def _plain(assigned: Assigned) -> Assigned:
    """The same; a quantizer of type float32 is no quantizer."""
    quantizer = assigned.quantizer
    return replace(assigned, quantizer=None) if quantizer is not None and quantizer.is_float else assigned


def _constant(draft: Draft, tensor: int, op: Op) -> Assigned:
    slot = draft.tensors[tensor].slot
    if tensor in draft.cascade.tensors:
        said = draft.cascade.tensors[tensor]
        return said if said.quantizer is not None and said.quantizer.type == "float16" else _plain(said)
    if slot is not None and slot.kind in ("weights", "bias", "state"):
        return FLOAT
    follows = _as_output(draft, slot.call if slot else op.calls[0])
    if follows.quantizer is None:
        return follows
    return replace(follows, quantizer=with_range(follows.quantizer, Range()))


def _biases(draft: Draft, op: Op) -> None:
    for tensor in draft.constants(op):
        slot = draft.tensors[tensor].slot
        if slot is None or slot.kind != "bias" or tensor in draft.cascade.tensors:
            continue
        if not draft.integer(op):
            draft.assigned[tensor] = _beside_float(draft, op)
            continue
        wide = any(_type(draft.quantizer(output)) == "int16" for output in op.outputs)
        draft.assigned[tensor] = Assigned(bias_quantizer(bias_type("int16" if wide else "int8")), BUILT_IN)


def _beside_float(draft: Draft, op: Op) -> Assigned:
    """What a bias is that nobody speaks of: float16 beside weights of float16, else float."""
    weights = draft.assigned.get(operand_of(op, "weights"), FLOAT)
    return weights if _type(weights.quantizer) == "float16" else FLOAT


def bias_quantizer(type_: str) -> Quantizer:
    """A bias: its scale is the product of its op's input and weight scales, so there is no range of its own."""
    return Quantizer(name=type_, type=type_, scheme="symmetric")  # type: ignore[arg-type]


def fallback(draft: Draft) -> Assigned | None:
    """The quantizer that `default` gives to outputs."""
    for assignment in reversed(draft.spec.default):
        if assignment.slot.kind == "output" and assignment.slot.key is None and assignment.quantizer is not None:
            return Assigned(assignment.quantizer, Origin("default", span=assignment.value_span), assignment.span)
    return None


def _model_input(draft: Draft, tensor: int, position: int) -> Assigned:
    assigned = _plain(draft.cascade.tensors.get(tensor, FLOAT))
    block = boundary(draft.spec, draft.layers, "input", position)
    if block is None:
        return assigned
    return _at_edge(draft, tensor, assigned, block)


def _leave_in_float(draft: Draft, op: Op, sentence: str) -> None:
    for tensor in (*op.outputs, *draft.constants(op)):
        if draft.is_real(tensor):
            draft.assigned[tensor] = replace(draft.assigned[tensor], quantizer=None)
            draft.change(tensor, sentence)


def _leave_inputs_in_float(draft: Draft) -> None:
    """A float input that is quantized in general only, and that no op reads in integers, stays float: QUANTIZE and
    DEQUANTIZE in a row would only lose."""
    readers = draft.predicted.consumers()
    for position, tensor in enumerate(draft.predicted.inputs):
        block = boundary(draft.spec, draft.layers, "input", position)
        general = draft.assigned.get(tensor, FLOAT).origin.kind == "default"
        floating = block is None or (real_type(block) in (None, "float32", "float16") and block.range is None)
        ops = readers.get(tensor, ())
        if general and floating and ops and all(draft.in_float(op) for op in ops):
            draft.assigned[tensor] = FLOAT
            draft.change(tensor, "float, since no op reads it in integers")


def _model_output(draft: Draft, tensor: int, position: int) -> None:
    block = boundary(draft.spec, draft.layers, "output", position)
    if block is None or draft.assigned[tensor].quantizer is None or block.range is None:
        return
    said, draft.assigned[tensor] = draft.assigned[tensor], _with_boundary_range(draft.assigned[tensor], block)
    _report_overridden(draft, tensor, said, draft.assigned[tensor])


def _at_edge(draft: Draft, tensor: int, assigned: Assigned, block: Boundary) -> Assigned:
    """A model input's quantizer. Inside the model a uint8 input is int8: only its first QUANTIZE sees uint8."""
    type_ = real_type(block)
    inner = {"uint8": "int8", "float32": None, "float16": None}.get(type_ or "", type_)
    if inner is not None and _type(assigned.quantizer) != inner:
        general = assigned if assigned.quantizer else fallback(draft)
        base = general.quantizer if general and general.quantizer else Quantizer(name=inner)
        span = block.spans.get("type", block.span)
        # 16 bits are symmetric in LiteRT: there is no kernel for another zero point.
        scheme = "symmetric" if inner == "int16" else base.scheme
        quantizer = replace(base, type=inner, scheme=scheme, span=span)  # type: ignore[arg-type]
        said, assigned = assigned, Assigned(quantizer, Origin("boundary", "input", span))
        draft.at_edges.setdefault(tensor, []).append(assigned)
        _report_overridden(draft, tensor, said, assigned)
    if block.range is None:
        return assigned
    if assigned.quantizer is None:
        span = block.spans.get("range", block.span)
        message = f"`{draft.path(tensor)}` stays float, so its range is not used"
        hint = "give the input a `type`, or a quantizer by a rule"
        related = decided(assigned.origin, "it is decided here")
        draft.report(CHANGED_BY_CONSTRAINT.at(span, message, help=hint, related=related))
        return assigned
    said, assigned = assigned, _with_boundary_range(assigned, block)
    _report_overridden(draft, tensor, said, assigned)
    return assigned


def _report_overridden(draft: Draft, tensor: int, rule: Assigned, block: Assigned) -> None:
    """A rule spoke of a model input or output, and its block has the last word."""
    if rule.origin.kind != "rule" or rule.origin.span is None or same_quantizer(rule.quantizer, block.quantizer):
        return
    of_range = _type(rule.quantizer) == _type(block.quantizer)
    if of_range and rule.quantizer is not None and rule.quantizer.range.method == "minmax":
        return  # the rule asked for no range in particular
    path, side, what = draft.path(tensor), block.origin.rule, " on its range" if of_range else ""
    draft.report(
        CHANGED_BY_CONSTRAINT.at(
            rule.origin.span,
            f"`{path}` is the model's {side}, and the `{side}` block has the last word{what}",
            related=((block.origin.span, "this is used instead"),) if block.origin.span else (),
            layer=path,
        )
    )


def _with_boundary_range(assigned: Assigned, block: Boundary) -> Assigned:
    assert assigned.quantizer is not None
    assert block.range is not None
    span = block.spans.get("range", block.span)
    quantizer, origin = with_range(assigned.quantizer, block.range), Origin("boundary", block.side, span)
    return Assigned(quantizer, origin, amended=assigned.amended or assigned)
