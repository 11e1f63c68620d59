"""A ReLU that stands alone among integers is written as the addition of zero, with the ReLU fused into the ADD.

XNNPACK, LiteRT's kernels for the CPU, takes RELU of floats alone: one of integers leaves the delegate for a slow
kernel and cuts the graph in two (NASNetMobile at 224 by 224, one thread, ai-edge-litert 2.3.0: 34 ms with RELU, 18 ms
with ADD, 19 ms in float). ADD of int8 is taken there, and by every accelerator that takes RELU.
"""

from __future__ import annotations

from qspec.graph.ops import Op, Tensor
from qspec.plan.draft import Draft
from qspec.plan.scales import Groups

_CLAMPS = frozenset({"RELU", "RELU6", "RELU_N1_TO_1"})


def write_clamps_as_additions(draft: Draft, groups: Groups) -> None:
    """Give each clamp of int8 a zero to add: a constant with the scale and zero point of what the clamp reads."""
    zeros: dict[int, int] = {}
    for op in draft.predicted.ops:
        if op.kind in _CLAMPS and _is_int8(draft, op.outputs[0]):
            read = draft.read_by(op, op.inputs[0])
            if _is_int8(draft, read):
                group = groups.root(read)
                if group not in zeros:
                    zeros[group] = _zero(draft, groups, read, op)
                draft.zeros[op.index] = zeros[group]


def addition(op: Op, zero: int) -> Op:
    """The ADD that stands for the clamp *op*."""
    attributes = {"fused_activation_function": op.kind, "pot_scale_int16": True}
    return Op(op.index, "ADD", (*op.inputs, zero), op.outputs, attributes, op.calls, op.layer)


def _is_int8(draft: Draft, tensor: int) -> bool:
    quantizer = draft.quantizer(tensor)
    return quantizer is not None and quantizer.type == "int8"


def _zero(draft: Draft, groups: Groups, read: int, op: Op) -> int:
    zero = len(draft.tensors)
    draft.tensors.append(Tensor(zero, f"{op.layer}/zero", (1,), constant=True, value=(0.0,)))
    draft.assigned[zero] = draft.assigned[read]
    draft.grouped_constants.add(zero)
    groups.unite(read, zero)
    groups.followers.add(zero)
    return zero
