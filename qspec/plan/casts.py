"""Where the type of a tensor changes: float islands, `input` slots that differ, and the edges of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qspec.diagnostics import Advice, Span
from qspec.diagnostics.catalogue import CHANGED_BY_CONSTRAINT, INVALID_VALUE, UNDEFINED_NAME
from qspec.graph.ops import Op, Tensor
from qspec.plan.draft import BUILT_IN, Draft
from qspec.plan.ends import boundary, real_type
from qspec.plan.places import decided
from qspec.plan.plan import Assigned, Origin
from qspec.plan.quantizers import same_quantizer, with_range
from qspec.plan.scales import take_types
from qspec.plan.start import FLOAT, fallback
from qspec.schema.blocks import TYPES_OF_ENDS
from qspec.schema.names import listed, quoted, similar
from qspec.schema.quantizer import Quantizer, Range
from qspec.schema.spec import Boundary


def insert_casts(draft: Draft) -> None:
    """Let every op read its activations in the type that it computes in."""
    shared: dict[tuple[int, str], list[int]] = {}
    results: dict[tuple[int, object], int] = {}
    for op in draft.predicted.ops:
        for tensor in draft.activations(op):
            wanted = _wanted(draft, op, tensor)
            if wanted is not None:
                draft.reads.setdefault(op.index, {})[tensor] = _shared_cast(draft, tensor, wanted, op.layer, shared)
        if draft.integer(op):
            take_types(draft, op)
    for position, tensor in enumerate(draft.predicted.inputs):
        if draft.is_real(tensor):
            _interface(draft, tensor, position)
    for position, tensor in enumerate(draft.predicted.outputs):
        if draft.is_real(tensor):
            block = boundary(draft.spec, draft.layers, "output", position)
            # A model may give one tensor twice, in one type or in two.
            key = (tensor, None if block is None else (block.type, block.range))
            if key not in results:
                results[key] = _result(draft, tensor, block, shared)
            draft.results[position] = results[key]
    for blocks, names, tensors in (
        (draft.spec.inputs, draft.layers.input_names, draft.predicted.inputs),
        (draft.spec.outputs, draft.layers.output_names, draft.predicted.outputs),
    ):
        _report_unknown_ends(draft, blocks, names)
        _report_blocks_of_integers(draft, blocks, names, tensors)
        _report_integers_for_reals(draft, blocks, names, tensors)


def _report_unknown_ends(draft: Draft, blocks: Sequence[Boundary], names: Sequence[str]) -> None:
    for block in blocks:
        if block.key not in (None, *names):
            message = f"the model has no {block.side} `{block.key}`"
            draft.report(UNDEFINED_NAME.at(block.span, message, label="not found", help=_offer(block, names)))


def _offer(block: Boundary, names: Sequence[str]) -> Advice:
    if len(names) == 1:
        hint = f"its only {block.side} is `{names[0]}`; `{block.side} {{ … }}` speaks of it, too"
        return Advice(hint, (f"{block.side}[{quoted(names[0])}]", block.side))
    close = similar(block.key or "", names)
    every = f"its {block.side}s are {listed(names)}"
    return Advice(f"{every}; similar: `{close}`", (f"{block.side}[{quoted(close)}]",)) if close else Advice(every)


def _report_blocks_of_integers(
    draft: Draft, blocks: Sequence[Boundary], names: Sequence[str], tensors: Sequence[int]
) -> None:
    """Say of a block for the model's ends that it speaks of tensors alone which hold no real numbers."""
    for block in blocks:
        meant = [(name, tensor) for name, tensor in zip(names, tensors, strict=True) if block.key in (None, name)]
        if any(draft.is_real(tensor) for _, tensor in meant):
            continue
        for name, tensor in meant[:1]:
            type_ = draft.tensors[tensor].type
            for attribute, said in (("type", block.type not in (None, type_)), ("range", block.range is not None)):
                if said:
                    message = f"the {block.side} `{name}` holds {type_} and keeps it: it has no scale, and no range"
                    draft.report(CHANGED_BY_CONSTRAINT.at(block.spans.get(attribute, block.span), message))


def _report_integers_for_reals(
    draft: Draft, blocks: Sequence[Boundary], names: Sequence[str], tensors: Sequence[int]
) -> None:
    """Say of a block that it gives an end which holds real numbers a type that counts."""
    for block in blocks:
        if block.type is None or real_type(block) is not None:
            continue
        meant = [(name, tensor) for name, tensor in zip(names, tensors, strict=True) if block.key in (None, name)]
        real = [name for name, tensor in meant if draft.is_real(tensor)]
        if real and (block.key is not None or len(real) == len(meant)):
            message = f"the {block.side} `{real[0]}` holds real numbers, and no scale goes with `{block.type}`"
            draft.report(INVALID_VALUE.at(block.spans["type"], message, help=TYPES_OF_ENDS))


def edge_of(draft: Draft, op: Op, tensor: int) -> Assigned | None:
    """What an `input` slot says of *op* reading *tensor*."""
    for call in op.calls:
        if (call, tensor) in draft.edges:
            return draft.edges[call, tensor]
    return None


def _wanted(draft: Draft, op: Op, tensor: int) -> Assigned | None:
    """What *op* reads instead of *tensor*; None where it reads the tensor as it is."""
    have, edge = draft.assigned[tensor], edge_of(draft, op, tensor)
    if draft.in_float(op):
        if edge is not None and edge.quantizer is not None and edge.by_person:
            _report_float_edge(draft, op, edge)
        return None if have.quantizer is None else FLOAT
    if edge is not None and not same_quantizer(edge.quantizer, have.quantizer):
        return edge
    if have.quantizer is None and draft.integer(op):
        general = fallback(draft)
        if general is not None and _is_other_type(draft, op, tensor, general.quantizer):
            general = None
        return edge or general or _like_output(draft, op)
    if have.quantizer is not None and _is_other_type(draft, op, tensor, have.quantizer):
        return _like_output(draft, op)
    return None


def _is_other_type(draft: Draft, op: Op, tensor: int, quantizer: Quantizer | None) -> bool:
    """Whether *op*, which computes in integers, computes in others than those that *tensor* is stored in. An op that
    shares its input's scale takes over its type as well."""
    types = [each.type for output in op.outputs if (each := draft.quantizer(output)) is not None]
    if quantizer is None or not types or quantizer.type == types[0] or {quantizer.type, types[0]} != {"int8", "int16"}:
        return False
    return not any(tensor in group for group in draft.asked_by(op).same_scale.get(types[0], ()))


def _like_output(draft: Draft, op: Op) -> Assigned:
    quantizer = next(quantizer for output in op.outputs if (quantizer := draft.quantizer(output)))
    return Assigned(with_range(quantizer, Range()), BUILT_IN)


def _report_float_edge(draft: Draft, op: Op, edge: Assigned) -> None:
    assert edge.origin.span is not None
    message = f"`{op.layer}` computes in float, so it reads its input in float"
    related = decided(draft.assigned.get(op.outputs[0], FLOAT).origin, "its output is decided here")
    draft.report(CHANGED_BY_CONSTRAINT.at(edge.origin.span, message, related=related, layer=op.layer, op=op.kind))


def _shared_cast(
    draft: Draft, tensor: int, assigned: Assigned, layer: str, shared: dict[tuple[int, str], list[int]]
) -> int:
    """One cast serves all readers of a tensor that want the same."""
    kind = "DEQUANTIZE" if assigned.quantizer is None else "QUANTIZE"
    known = shared.setdefault((tensor, kind), [])
    for cast in known:
        if same_quantizer(draft.quantizer(cast), assigned.quantizer):
            return cast
    known.append(draft.cast(tensor, assigned, layer))
    return known[-1]


def _interface(draft: Draft, tensor: int, position: int) -> None:
    """The tensor that feeds a model input, where it is not the input's own."""
    quantizer, block = draft.quantizer(tensor), boundary(draft.spec, draft.layers, "input", position)
    type_ = real_type(block) or "float32"
    if type_ == "float16":
        _half_interface(draft, tensor, block.spans.get("type", block.span) if block else None)
        return
    if quantizer is None or quantizer.type == type_:
        return
    outside = _uint8_twin(draft.assigned[tensor]) if type_ == "uint8" else FLOAT
    interface = len(draft.tensors)
    draft.tensors.append(Tensor(interface, f"{draft.tensors[tensor].name}/interface", draft.tensors[tensor].shape))
    draft.assigned[interface] = outside
    draft.interface[tensor] = interface
    if outside.quantizer is not None:
        draft.twins[interface] = tensor


def _half_interface(draft: Draft, tensor: int, span: Span | None) -> None:
    """A model input of float16, which becomes float32 before anything else."""
    name, shape = draft.tensors[tensor].name, draft.tensors[tensor].shape
    interface = len(draft.tensors)
    draft.tensors.append(Tensor(interface, f"{name}/interface", shape))
    draft.assigned[interface] = _half("input", span)
    draft.interface[tensor] = interface
    draft.halves[interface] = tensor
    if draft.quantizer(tensor) is not None:
        draft.halves[interface] = len(draft.tensors)
        draft.tensors.append(Tensor(len(draft.tensors), f"{name}/dequantize", shape))
        draft.assigned[draft.halves[interface]] = FLOAT


def _half(side: str, span: Span | None) -> Assigned:
    return Assigned(Quantizer(name="float16", type="float16"), Origin("boundary", side, span))


def _result(draft: Draft, tensor: int, block: Boundary | None, shared: dict[tuple[int, str], list[int]]) -> int:
    """The tensor that a model output is read from: its own, or one made of that."""
    quantizer = draft.quantizer(tensor)
    type_ = real_type(block) or "float32"
    if type_ == ("float32" if quantizer is None else quantizer.type):
        return tensor
    path = draft.path(tensor)
    if block is None or type_ == "float32":
        return _shared_cast(draft, tensor, FLOAT, path, shared)
    origin = Origin("boundary", "output", block.spans.get("type", block.span))
    if type_ == "float16":
        source = tensor if quantizer is None else _shared_cast(draft, tensor, FLOAT, path, shared)
        return draft.cast(source, _half("output", origin.span), path)
    if quantizer is not None and (quantizer.type, type_) == ("int8", "uint8"):
        return _as_uint8(draft, tensor, replace(draft.assigned[tensor], origin=origin), path)
    general = fallback(draft)
    base = quantizer or (general.quantizer if general else None) or Quantizer(name=type_)
    # There is no kernel from 16 bits to uint8, so these go by way of int8.
    halfway = (base.type, type_) == ("int16", "uint8") and quantizer is not None
    inner = "int8" if halfway else type_
    scheme = "symmetric" if type_ == "int16" else base.scheme if base.type != "int16" else "asymmetric"
    quantizer = replace(base, type=inner, scheme=scheme, range=block.range or Range())  # type: ignore[arg-type]
    result = draft.cast(tensor, Assigned(quantizer, origin), path)
    return _as_uint8(draft, result, draft.assigned[result], path) if halfway else result


def _as_uint8(draft: Draft, tensor: int, assigned: Assigned, path: str) -> int:
    """A cast of an int8 *tensor* to uint8."""
    result = draft.cast(tensor, _uint8_twin(assigned), path)
    draft.twins[result] = tensor
    return result


def _uint8_twin(assigned: Assigned) -> Assigned:
    """An int8 tensor as uint8: the same scale, the zero point 128 higher."""
    assert assigned.quantizer is not None
    return replace(assigned, quantizer=replace(assigned.quantizer, type="uint8"))
