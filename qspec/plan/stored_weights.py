"""Weights that are stored small beside activations in float: read by kernels that take them so, or dequantized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qspec.diagnostics.catalogue import CHANGED_BY_CONSTRAINT, NOT_ACCEPTED
from qspec.graph.operands import operand_of
from qspec.graph.ops import Op
from qspec.plan.draft import Draft
from qspec.plan.places import defined, row
from qspec.plan.plan import Plan
from qspec.plan.start import FLOAT
from qspec.schema.quantizer import Quantizer
from qspec.targets import Representation

Adapt = Callable[[Op, int, Quantizer, str], None]  # an op, its constant, what the quantizer becomes, and why

BLOCKS_OF = 32
"""Blocks have a multiple of so many values (google-ai-edge/LiteRT f674577, tflite/kernels/fully_connected.cc)."""

# Beside activations in float, the built-in kernels that compute garbage from the lowest code of these types (measured
# with ai-edge-litert 2.3.0 on x86-64: one operand of their products has its sign moved to the other).
_WITHOUT_LOWEST = {"FULLY_CONNECTED": ("int8", "int4"), "CONV_2D": ("int8",)}
# Of 1, 2 and 3 rows in blocks the built-in kernel makes garbage, of 4 to 33 it does not (ai-edge-litert 2.3.0).
_LEAST_ROWS = 4
_ASKED = "asymmetric_quantize_inputs"  # which those kernels do whose options know it, and XNNPACK always does
_OFFSETS = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"})


def store_weights(draft: Draft, op: Op, casts: dict[int, int], adapt: Adapt) -> None:
    """Let *op*, which computes in float, read each of its constants as it is stored, or through a DEQUANTIZE.

    A kernel that takes integer weights quantizes its input while it runs. *casts* are the dequantized constants.
    *adapt* notes where a quantizer that came by `default` is changed.
    """
    for tensor in draft.constants(op):
        quantizer = draft.quantizer(tensor)
        if quantizer is None:
            continue
        if not quantizer.is_float:
            if draft.is_bias(tensor):
                _report_bias(draft, op, tensor)
                continue
            _set_granularity(draft, op, tensor, adapt)
        elif draft.is_bias(tensor) and _has_integer_weights(draft, op):
            _report_bias(draft, op, tensor)
            continue
        if _is_taken(draft, op, tensor):
            _leave_out_lowest(draft, op, tensor)
            if op.kind in _OFFSETS:
                draft.attributes[op.index] = {_ASKED: True}
        else:
            if tensor not in casts:
                casts[tensor] = draft.cast(tensor, FLOAT, op.layer)
            draft.reads.setdefault(op.index, {})[tensor] = casts[tensor]
            _check_blocks(draft, op, tensor)


def small_weights(plan: Plan) -> dict[int, dict[tuple[str, str], Quantizer]]:
    """The quantizers of weights that a kernel reads as integers beside activations in float, by the call that its op
    stands for, and by the weights' slot: its kind and key."""
    found: dict[int, dict[tuple[str, str], Quantizer]] = {}
    for op in plan.ops.ops:
        slot = plan.ops.tensors[weights_of(op)].slot if reads_small_weights(plan, op) else None
        quantizer = plan.decisions[weights_of(op)].quantizer if slot is not None else None
        if slot is not None and quantizer is not None:
            for call in op.calls:
                found.setdefault(call, {})[slot.kind, str(slot.key)] = quantizer
    return found


def reads_small_weights(plan: Plan, op: Op) -> bool:
    """Whether *op* reads integer weights beside activations in float."""
    weights = weights_of(op)
    decision = plan.decisions.get(weights)
    if decision is None or decision.quantizer is None or not plan.ops.tensors[weights].constant:
        return False
    return plan.ops.tensors[op.outputs[0]].type == "float32"


def weights_of(op: Op) -> int:
    """The operand of *op* that may be integers beside activations in float; -1 if it has none."""
    return op.inputs[1] if op.kind == "BATCH_MATMUL" else operand_of(op, "weights")


def channel_axis(op: Op, tensor: int, rank: int) -> int:
    """Along which axis a constant of *rank* dimensions has the output channels of *op*, in the flatbuffer's layout."""
    if op.kind in ("CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
        return 0
    transposed = op.kind == "CONV_3D_TRANSPOSE" or (op.kind == "BATCH_MATMUL" and _is_transposed(op, tensor))
    return rank - 2 if transposed else rank - 1


def _is_transposed(op: Op, tensor: int) -> bool:
    """Whether the channels that come out of a product are the rows of this factor."""
    if tensor == op.inputs[1]:
        return bool(op.attributes.get("adj_y"))
    return not op.attributes.get("adj_x")


def _has_integer_weights(draft: Draft, op: Op) -> bool:
    """Whether a kernel reads the op's weights as integers: it then takes no bias that is dequantized."""
    weights = weights_of(op)
    quantizer = draft.quantizer(weights) if weights >= 0 else None
    return quantizer is not None and not quantizer.is_float and _is_taken(draft, op, weights)


def _report_bias(draft: Draft, op: Op, tensor: int) -> None:
    assigned, path = draft.assigned[tensor], draft.path(tensor)
    draft.assigned[tensor] = FLOAT
    if assigned.origin.span is None or assigned.quantizer is None:
        return
    message = f"{op.kind} of `{path}` computes in float, and its bias would be {assigned.quantizer.type}"
    hint = "beside activations in float a bias is `float`, or of type `float16` where the weights are float16 too"
    related = (*row(draft.table, op.kind), *defined(assigned.quantizer, assigned.origin.span))
    draft.report(NOT_ACCEPTED.at(assigned.origin.span, message, help=hint, related=related, layer=path, op=op.kind))


def _set_granularity(draft: Draft, op: Op, tensor: int, adapt: Adapt) -> None:
    """The axis of the channels; and what came by `default` is made coarser where the op has no use for it."""
    assigned, shape = draft.assigned[tensor], draft.tensors[tensor].shape or ()
    quantizer = assigned.quantizer
    assert quantizer is not None
    if not assigned.by_person and (problem := _blocks_problem(draft, op, tensor)):
        quantizer = replace(quantizer, granularity="per_channel", block_size=None)
        adapt(op, tensor, quantizer, problem)
    if not assigned.by_person and quantizer.granularity == "per_channel" and len(shape) < 2:
        quantizer = replace(quantizer, granularity="per_tensor")
        adapt(op, tensor, quantizer, f"{op.kind} has one value for each channel")
    if quantizer.granularity == "per_channel":
        draft.axes[tensor] = channel_axis(op, tensor, len(shape))


def _is_taken(draft: Draft, op: Op, tensor: int) -> bool:
    """Whether the runtime has a kernel that reads *tensor* as it is, everything else being float."""
    quantizer = draft.quantizer(tensor)
    assert quantizer is not None
    if quantizer.is_float or tensor != weights_of(op) or op.attributes.get("adj_x"):
        return False
    axis = draft.axes.get(tensor)
    weights = Representation(quantizer.type, quantizer.scheme, quantizer.granularity, axis)

    def stored(other: int) -> Representation:
        return weights if other == tensor else Representation(draft.tensors[other].type)

    return draft.table.judge(op, draft.predicted, stored).accepted and not _blocks_problem(draft, op, tensor)


def _leave_out_lowest(draft: Draft, op: Op, tensor: int) -> None:
    """Leave out a code from which the kernel computes garbage. A range from the extremes has none."""
    assigned = draft.assigned[tensor]
    quantizer, span = assigned.quantizer, assigned.origin.span
    assert quantizer is not None
    if quantizer.narrow or quantizer.block_size is not None or quantizer.type not in _WITHOUT_LOWEST.get(op.kind, ()):
        return
    lowest, path = quantizer.code_range[0], draft.path(tensor)
    draft.assigned[tensor] = replace(assigned, quantizer=replace(quantizer, narrow=True))
    draft.change(tensor, f"narrow, since the kernel of {op.kind} computes wrong numbers from {lowest}")
    if quantizer.range.method != "minmax" and span is not None:
        message = (
            f"`{path}` gets no code {lowest}: beside activations in float the kernel computes wrong numbers from it"
        )
        hint = "`narrow = true` says so"
        related = defined(quantizer, span)
        draft.report(CHANGED_BY_CONSTRAINT.at(span, message, help=hint, related=related, layer=path, op=op.kind))


def _blocks_problem(draft: Draft, op: Op, tensor: int) -> str:
    """What is wrong with the blocks that *tensor* is to have; an empty text if nothing is."""
    quantizer, shape = draft.quantizer(tensor), draft.tensors[tensor].shape or ()
    assert quantizer is not None
    size = quantizer.block_size
    if size is None:
        return ""
    if op.kind != "FULLY_CONNECTED" or tensor != weights_of(op):
        return f"{op.kind} takes no weights in blocks"
    if (shape[0] or 0) < _LEAST_ROWS:
        return f"with blocks the kernel computes wrong numbers for less than {_LEAST_ROWS} units"
    if op.attributes.get("fused_activation_function", "NONE") != "NONE":
        return "with blocks the kernel ignores the fused activation"
    if size % BLOCKS_OF:
        return f"a block has a multiple of {BLOCKS_OF} values, not {size}"
    if (shape[-1] or 0) % size:
        return f"its rows of {shape[-1]} values do not divide into blocks of {size}"
    return "" if quantizer.type == "int4" else f"blocks are of int4, not {quantizer.type}"


def _check_blocks(draft: Draft, op: Op, tensor: int) -> None:
    """Say why weights in blocks are not taken: there is no DEQUANTIZE of them."""
    assigned, problem = draft.assigned[tensor], _blocks_problem(draft, op, tensor)
    if problem and assigned.origin.span is not None:
        path, target = draft.path(tensor), draft.table.name
        message = f"{target} does not take {op.kind} of `{path}` as planned: {problem}"
        hint = "FULLY_CONNECTED takes int4 in blocks beside activations in float; other ops take `per_channel`"
        related = (*row(draft.table, op.kind), *defined(assigned.quantizer, assigned.origin.span))
        what = {"layer": path, "op": op.kind, "target": target}
        draft.report(NOT_ACCEPTED.at(assigned.origin.span, message, help=hint, related=related, **what))
