"""The states of recurrent ops: variables of the file, which an op reads and writes."""

from __future__ import annotations

import math
from dataclasses import replace

from qspec.diagnostics.catalogue import CHANGED_BY_CONSTRAINT
from qspec.graph.operands import is_recurrence, operand_of
from qspec.graph.ops import Op
from qspec.plan.draft import BUILT_IN, Draft
from qspec.plan.places import decided
from qspec.plan.plan import Assigned, Plan
from qspec.schema.quantizer import Quantizer, Range

_CELL = Quantizer(name="int16", type="int16", scheme="symmetric")
_INTEGER_BITS = range(7)  # for which the kernel has a tanh (LiteRT, kernels/internal/portable_tensor_utils.cc)


def recurrences_to_unroll(plan: Plan) -> dict[str, bool]:
    """The layers whose op cannot do what was planned, and whose steps written out may: the kernel takes int8
    activations with int8 weights, and floats (LiteRT, kernels/unidirectional_sequence_lstm.cc). And whether only
    `default` speaks of them."""
    found: dict[str, bool] = {}
    for op in plan.ops.ops:
        if is_recurrence(op) and not {quantizer.type for quantizer in _quantizers(plan, op)} <= {"int8"}:
            found[op.layer] = found.get(op.layer, True) and all(
                plan.decisions[tensor].in_general
                for tensor in (*op.inputs, *op.outputs)
                if _is_weight(plan, tensor) or tensor in op.outputs
            )
    return found


def _quantizers(plan: Plan, op: Op) -> list[Quantizer]:
    """Those of the weights and results of *op*, where it computes in integers."""
    results = [plan.decisions[tensor].quantizer for tensor in op.outputs]
    weights = [plan.decisions[tensor].quantizer for tensor in op.inputs if _is_weight(plan, tensor)]
    return [each for each in (*results, *weights) if each is not None] if all(results) else []


def _is_weight(plan: Plan, tensor: int) -> bool:
    slot = plan.ops.tensors[tensor].slot if tensor >= 0 else None
    return slot is not None and slot.kind == "weights"


def assign_states(draft: Draft, op: Op) -> None:
    """Give each state of *op* what the spec says, or what an unset slot means: the hidden state what the output has,
    which it is the last step of; the cell state int16, and float where the op computes in float."""
    if not is_recurrence(op):
        return
    hidden, cell = (operand_of(op, name) for name in ("output_state", "cell_state"))
    result = draft.assigned[op.outputs[0]]
    unset = {hidden: result, cell: Assigned(_CELL if result.quantizer is not None else None, BUILT_IN)}
    for tensor, otherwise in unset.items():
        assigned = draft.cascade.tensors.get(tensor, otherwise)
        if assigned.quantizer is not None and assigned.quantizer.is_float:
            assigned = replace(assigned, quantizer=None)
        if result.quantizer is None and assigned.quantizer is not None:
            _report_float(draft, op, assigned, result)
            assigned = otherwise
        draft.assigned[tensor] = assigned
    if result.quantizer is not None:
        draft.shifted.add(cell)


def _report_float(draft: Draft, op: Op, assigned: Assigned, result: Assigned) -> None:
    span = assigned.origin.span
    if span is not None and assigned.by_person:
        message = f"`{op.layer}` computes in float, so its state is float"
        related = decided(result.origin, "its output is decided here")
        draft.report(CHANGED_BY_CONSTRAINT.at(span, message, related=related, layer=op.layer, op=op.kind))


def power_of_two(range_: Range) -> tuple[float, int] | None:
    """Scale and zero point of a cell state with this range, where it is known without data; of a range, the scale is
    the power of two that covers it, by which the kernel shifts."""
    if range_.estimated:
        return None
    if range_.method == "exact":
        return float(range_.arguments[0]), int(range_.arguments[1])
    bound = max(map(abs, range_.arguments))
    bits = min(max(math.ceil(math.log2(bound)) if bound else 0, _INTEGER_BITS[0]), _INTEGER_BITS[-1])
    return 2.0 ** (bits - 15), 0
