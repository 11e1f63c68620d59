"""Whether the ops of a model made for a batch of one also hold for several samples at once."""

from __future__ import annotations

from qspec.graph.layers import LayerGraph
from qspec.graph.ops import Op, OpGraph
from qspec.lowering.lower import lower

_BROADCASTING = frozenset(
    {
        "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "POW", "FLOOR_DIV", "FLOOR_MOD",
        "EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR",
        "SELECT_V2",
    }
)  # fmt: skip


def holds_for_one_batch(graph: LayerGraph) -> bool:
    """Whether some layer's result may not have as many samples as the inputs: `ops.broadcast_to(x, (1, 4, 6))`; or
    samples meet inside a layer, as in the loudest value of a `MelSpectrogram`."""
    ops, _ = lower(graph, batch=None)
    computed = [(slot.kind, ops.tensors[tensor]) for slot, tensor in ops.slots.items()]
    results = [tensor for kind, tensor in computed if kind == "output"]
    if any(not result.shape or result.shape[0] is not None for result in results):
        return True
    if any(kind == "inner" and not tensor.constant and tensor.shape == () for kind, tensor in computed):
        return True
    single, _ = lower(graph, batch=1)
    return any(_lets_samples_meet(op, single) for op in single.ops)


def _lets_samples_meet(op: Op, ops: OpGraph) -> bool:
    """Whether an op for one sample would mix several: it broadcasts along the first axis, or looks up what is computed
    by indices that are."""
    read = [ops.tensors[tensor] for tensor in op.inputs if tensor >= 0 and not ops.tensors[tensor].constant]
    if op.kind == "GATHER":
        return len(read) > 1 and not op.attributes.get("batch_dims")
    shapes = [tensor.shape for tensor in read if tensor.shape]
    alike = len({len(shape) for shape in shapes}) == 1
    return op.kind in _BROADCASTING and alike and len({shape[0] for shape in shapes}) > 1
