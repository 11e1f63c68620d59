"""Which Keras layer each op of a file came from, told from the names that qspec gives to tensors."""

from __future__ import annotations

from collections.abc import Sequence

from qspec.graph.ops import Op, Tensor


def layer_paths(ops: Sequence[Op], tensors: Sequence[Tensor]) -> list[str]:
    """The path of each op's layer, in a file that qspec wrote.

    There a layer's result has the layer's path for its name, its variables and inner tensors the path, `/` and a word.
    The path itself may have slashes, so a word behind the last one counts only where the rest is known for a path. An
    op with weights is the layer's whose weights they are, since its output may be that of an activation behind it.
    """
    owners = [_owner(op, tensors) for op in ops]
    known = {tensor.name for tensor in tensors if not tensor.constant} | set(owners)
    return [owner or _of_output(op, tensors, known) for op, owner in zip(ops, owners, strict=True)]


def _owner(op: Op, tensors: Sequence[Tensor]) -> str:
    """The layer of the op's first variable; empty if it has none."""
    names = (tensors[tensor].name for tensor in op.inputs if tensor >= 0 and tensors[tensor].constant)
    return next((name.rpartition("/")[0] for name in names if "/" in name), "")


def _of_output(op: Op, tensors: Sequence[Tensor], known: set[str]) -> str:
    name = tensors[op.outputs[0]].name if op.outputs else ""
    path, _, _ = name.rpartition("/")
    return path if path and path in known else name
