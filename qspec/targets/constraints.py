"""What the runtime asks of a plan: which tensors share a scale, which outputs have fixed parameters, and how finely a
constant may be quantized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qspec.graph.ops import Op, OpGraph
from qspec.schema.evaluate import Mistake, Value
from qspec.schema.target import Form, Group, Operand, Row
from qspec.syntax import tree
from qspec.targets.scope import OpScope
from qspec.targets.verdict import QUANTIZED_TYPES, Granularity, Representation


@dataclass(frozen=True, slots=True)
class ConstantChoice:
    """One way in which a constant operand may be stored, next to activations of type `activation`.

    `axis` is the flatbuffer's, where the granularity is per channel.
    """

    tensor: int
    activation: str
    type: str
    granularity: Granularity
    axis: int | None = None


@dataclass(frozen=True, slots=True)
class Constraints:
    """What one op asks of the tensors around it. Keys are the types of its activations: `int8`, `uint8`, `int16`.

    `same_scale` are groups of tensor ids that must share scale and zero point. `fixed` is the output's (scale, zero
    point). `constants` are the choices for each constant operand.
    """

    same_scale: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    fixed: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    constants: tuple[ConstantChoice, ...] = ()

    def granularities(
        self, tensor: int, activation: str = "int8", type: str | None = None
    ) -> tuple[ConstantChoice, ...]:
        """The choices for one constant; with *type* those of that type alone."""
        return tuple(
            choice
            for choice in self.constants
            if choice.tensor == tensor and choice.activation == activation and type in (None, choice.type)
        )


def constraints(rows: Sequence[Row], options: Mapping[str, Value], op: Op, graph: OpGraph) -> Constraints:
    """What *rows* ask of a plan for *op*, from every form that takes quantized activations."""
    found = Constraints()
    for row in rows:
        for form in row.forms or (None,):
            for activation in sorted(_activation_types(row, form)):
                scope = OpScope(op, graph, _Assumed(graph, activation), options, same_scale=lambda one, other: None)
                found = _merge(found, _of_form(row, form, activation, scope))
    return found


def _activation_types(row: Row, form: Form | None) -> set[str]:
    """The quantized types that the form takes for its outputs; of a DEQUANTIZE, none."""
    outputs = [operand for operand in _declared(row, form) if operand.name == "output"]
    return {words.type for operand in outputs for words in operand.types} & QUANTIZED_TYPES


def _declared(row: Row, form: Form | None) -> tuple[Operand, ...]:
    return row.operands + (form.operands if form else ())


def _of_form(row: Row, form: Form | None, activation: str, scope: OpScope) -> Constraints:
    if form is not None and _cannot_hold(form, scope):
        return Constraints()
    operands: list[Operand] = []
    groups: list[tuple[int, ...]] = []
    for part in (row, form):
        for item in _active(part, scope) if part else ():
            if isinstance(item, Operand):
                operands.append(item)
            else:
                groups += _same_scale_groups(item, scope)
    return Constraints(
        {activation: tuple(groups)} if groups else {},
        _fixed(operands, activation),
        tuple(choice for operand in operands for choice in _choices(operand, activation, scope)),
    )


def _cannot_hold(form: Form, scope: OpScope) -> bool:
    """Whether the op as it is, however it may be stored, is none that the form is for."""
    required = (condition.condition for condition in form.conditions if condition.kind == "require")
    return any(_known_false(condition, scope) for condition in required)


def _known_false(condition: tree.Expression, scope: OpScope) -> bool:
    try:
        return scope.holds(condition) is False
    except Mistake:
        return False


@dataclass(frozen=True)
class _Assumed:
    """Every float tensor stored in one type, its parameters open."""

    graph: OpGraph
    activation: str

    def __call__(self, tensor: int) -> Representation:
        type = self.graph.tensors[tensor].type
        return Representation(self.activation if type == "float32" else type)


def _active(part: Row | Form | Group, scope: OpScope) -> Iterator[Operand | tree.Expression]:
    """The operand lines and `require` conditions that hold for the op; a `when` that is undecided counts as true."""
    yield from part.operands
    for condition in part.conditions:
        if condition.kind == "require":
            yield condition.condition
    for group in part.groups:
        try:
            applies = scope.holds(group.condition) is not False
        except Mistake:
            applies = False
        if applies:
            yield from _active(group, scope)


def _same_scale_groups(condition: tree.Expression, scope: OpScope) -> list[tuple[int, ...]]:
    if isinstance(condition, tree.And):
        return [group for part in condition.parts for group in _same_scale_groups(part, scope)]
    if not isinstance(condition, tree.Call) or condition.function.head.text != "same_scale":
        return []
    try:
        tensors = scope.named_tensors(condition)
    except Mistake:
        return []
    # Plain integers have no scale to share.
    quantized = tuple(tensor for tensor in tensors if scope.representation(tensor).is_quantized)
    return [quantized] if len(quantized) > 1 else []


def _fixed(operands: list[Operand], activation: str) -> Mapping[str, tuple[float, int]]:
    for operand in operands:
        for words in operand.types:
            if operand.name == "output" and words.type == activation and words.scale is not None:
                return {activation: (words.scale, words.zero_point or 0)}
    return {}


def _choices(operand: Operand, activation: str, scope: OpScope) -> Iterator[ConstantChoice]:
    if operand.name == "output":
        return
    for tensor in scope.tensors_of(operand):
        if not tensor.constant:
            continue
        for words in operand.types:
            granularity = words.granularity or "per_tensor"
            yield ConstantChoice(tensor.id, activation, words.type, granularity, words.axis)


def _merge(one: Constraints, other: Constraints) -> Constraints:
    same_scale = dict(one.same_scale)
    for activation, groups in other.same_scale.items():
        same_scale[activation] = tuple(dict.fromkeys((*same_scale.get(activation, ()), *groups)))
    return replace(
        one,
        same_scale=same_scale,
        fixed={**one.fixed, **other.fixed},
        constants=tuple(dict.fromkeys((*one.constants, *other.constants))),
    )
