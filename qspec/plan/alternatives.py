"""How ops that a table does not take could be stored so that it takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product

from qspec.graph.ops import CASTS, OPAQUE, Op
from qspec.plan.plan import Plan
from qspec.plan.quantizers import bias_type
from qspec.plan.representation import representation
from qspec.targets import Representation, Table

# What LiteRT's kernels store activations and weights as. Their biases follow from the activations.
_ACTIVATIONS = (
    Representation("int8", "asymmetric", "per_tensor"),
    Representation("int16", "symmetric", "per_tensor", zero_point=0),
    Representation("uint8", "asymmetric", "per_tensor"),
)
_WEIGHTS = (
    Representation("int8", "symmetric", "per_channel", zero_point=0),
    Representation("int8", "symmetric", "per_tensor", zero_point=0),
)


def runs_in_float(plan: Plan, table: Table, op: Op) -> bool:
    """Whether *table* takes the op in float."""
    return table.judge(op, plan.ops, lambda tensor: Representation(_float_type(plan, tensor))).accepted


def _float_type(plan: Plan, tensor: int) -> str:
    return "float32" if tensor in plan.decisions else plan.ops.tensors[tensor].type


def types_taken(plan: Plan, table: Table, ops: Iterable[Op]) -> str:
    """Quantizers that *table* takes all of *ops* with, in words; empty if it takes them with none that are usual.

    Others for the activations alone come first, then for the weights alone. Casts are not asked about: they follow
    from the types beside them.
    """
    asked = list({op.kind: op for op in ops if op.kind not in CASTS}.values())
    if not asked or any(op.kind == OPAQUE for op in asked):
        return ""
    fitting = (way for way in _ways() if all(_takes(plan, table, op, *way) for op in asked))
    return next((_words(*way) for way in fitting), "")


_Way = tuple[Representation | None, Representation | None]


def _ways() -> Iterator[_Way]:
    """What activations and weights could be; None is as they are planned."""
    yield from product(_ACTIVATIONS, (None,))
    yield from product((None,), _WEIGHTS)
    yield from product(_ACTIVATIONS, _WEIGHTS)


def _words(activations: Representation | None, weights: Representation | None) -> str:
    kinds = (("activations", activations), ("weights", weights))
    return " and ".join(
        f"{kind} of `type = {stored.type}, scheme = {stored.scheme}, granularity = {stored.granularity}`"
        for kind, stored in kinds
        if stored is not None
    )


def _takes(
    plan: Plan, table: Table, op: Op, activations: Representation | None, weights: Representation | None
) -> bool:
    stored = _stored(plan, table, op, activations, weights)
    return table.judge(op, plan.ops, stored, same_scale=lambda one, other: True).accepted


def _stored(
    plan: Plan, table: Table, op: Op, activations: Representation | None, weights: Representation | None
) -> Callable[[int], Representation]:
    """How the tensors of *op* would be stored: its result with the parameters that *table* fixes, its bias as such
    activations and weights ask."""
    planned, output = representation(plan), activations
    if activations is not None:
        scale, zero_point = table.constraints(op, plan.ops).fixed.get(activations.type, (None, activations.zero_point))
        output = Representation(activations.type, activations.scheme, "per_tensor", None, scale, zero_point)

    def of(tensor: int) -> Representation:
        slot = plan.ops.tensors[tensor].slot
        kind = slot.kind if slot is not None else ""
        if tensor not in plan.decisions:
            return planned(tensor)
        if kind == "bias":
            granularity = (weights or planned(tensor)).granularity
            if activations is None:
                return planned(tensor)
            return Representation(bias_type(activations.type), "symmetric", granularity)
        if kind == "weights":
            return weights or planned(tensor)
        return (output if tensor in op.outputs else activations) or planned(tensor)

    return of
