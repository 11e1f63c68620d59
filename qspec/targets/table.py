"""A capability table, ready to be asked: may this op, stored so, run on the target?

An op is taken if one of its rows applies (`when`), one form of that row fits and every condition holds; rows for `any`
add conditions of their own. What is not known counts as not taken, and the reason says so; it never refuses a model and
never warns. The names that conditions can use are listed in `qspec.targets.scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from qspec.graph.ops import OPAQUE, Op, OpGraph
from qspec.schema.conditions import nodes
from qspec.schema.evaluate import UNKNOWN, Mistake, Unknown, Value, condition_holds, step_into
from qspec.schema.target import Row, TargetDefinition
from qspec.syntax import tree
from qspec.targets.attempt import Attempt, applies, broken_reason, try_rows
from qspec.targets.constraints import Constraints, constraints
from qspec.targets.scope import OpScope, SameScale, spelled
from qspec.targets.verdict import Outcome, Reason, Representation, Verdict
from qspec.targets.versions import version_of

MODEL_NAMES = ("static_shapes", "input_types", "output_types", "inputs", "outputs", "ops", "parameters", "memory")
"""What can be asked of a model: `inputs`, `outputs` and `ops` count, `parameters` are the bytes of the constants that
the target would have to hold, and `memory.parameters` is what the table says that it can hold."""


class Table:
    """A target with its options chosen. Options left out have their defaults."""

    def __init__(self, definition: TargetDefinition, options: Mapping[str, Value] | None = None) -> None:
        self.definition = definition
        defaults = {name: option.default for name, option in definition.options.items()}
        self.options: Mapping[str, Value] = defaults | dict(options or {})
        self._rows: dict[str, tuple[Row, ...]] = {}  # by kind, as far as they were asked for

    @property
    def name(self) -> str:
        """The target's name."""
        return self.definition.name

    @cached_property
    def host(self) -> Table | None:
        """The table of the target that runs what this one does not take."""
        return Table(self.definition.host) if self.definition.host else None

    @cached_property
    def asks_for_parameters(self) -> bool:
        """Whether a condition on the whole model asks how much the target has to hold."""
        paths = (node for one in self.definition.model for node in nodes(one.condition))
        return any(isinstance(path, tree.Path) and path.head.text == "parameters" for path in paths)

    def rows(self, kind: str) -> tuple[Row, ...]:
        """The rows that name *kind*, without those for `any`."""
        if kind not in self._rows:
            self._rows[kind] = self.definition.rows_naming(kind)
        return self._rows[kind]

    def general_rows(self, kind: str) -> tuple[Row, ...]:
        """The rows for `any` that do not except *kind*."""
        return tuple(row for row in self.rows("any") if kind not in row.exceptions)

    def constraints(self, op: Op, graph: OpGraph) -> Constraints:
        """What the target asks of a plan for *op*: shared scales, fixed output parameters, granularities."""
        return constraints(self.rows(op.kind), self.options, op, graph)

    def judge(
        self,
        op: Op,
        graph: OpGraph,
        representation: Callable[[int], Representation],
        version: int | None = None,
        same_scale: SameScale | None = None,
    ) -> Verdict:
        """May *op* run on the target, its tensors stored as *representation* says?

        Without *version*, it is the one that a writer gives an op of these types. *same_scale* tells of two tensors
        whether they share scale and zero point, None if that is not known; without it, their parameters are compared.
        """
        written = version if version is not None else version_of(op, graph, representation)
        scope = OpScope(op, graph, representation, self.options, same_scale=same_scale)
        scope.version = UNKNOWN if written is None else written
        rows, broken = self.rows(op.kind), []
        answers = []
        for row in rows:
            try:
                answers.append(applies(row, scope))
            except Mistake as mistake:
                answers.append(UNKNOWN)
                broken.append(broken_reason(mistake))
        scope.version_unknown = _none_applies(answers)
        taking = [row for row, answer in zip(rows, answers, strict=True) if answer is True]
        closest = try_rows(taking, scope) if taking else Attempt(reasons=tuple(broken))
        if not taking and not broken:
            closest = Attempt().failing(self._no_row(op, rows, answers))
        general = [self._general(row, scope) for row in self.general_rows(op.kind)]
        if closest.row is None:  # that alone is the reason: limits of other ops say nothing of this one
            general = [replace(attempt, reasons=()) for attempt in general]
        whole = Attempt(reasons=tuple(broken) if taking else ())
        return self._verdict(closest, *general, whole.with_conditions(self.definition.conditions, scope))

    def _general(self, row: Row, scope: OpScope) -> Attempt:
        """The attempt with a row for every op; nothing speaks against the op if the row does not apply to it."""
        try:
            applying = applies(row, scope)
        except Mistake as mistake:
            return Attempt(reasons=(broken_reason(mistake),))
        return Attempt() if applying is False else try_rows((row,), scope)

    def judge_model(self, graph: OpGraph, parameters: int | Unknown = UNKNOWN) -> Verdict:
        """Does the target take the model as a whole? Its `model { … }` conditions decide, over `MODEL_NAMES` and the
        options. *parameters* are bytes."""
        names = _ModelNames(
            {
                **self.options,
                "static_shapes": _static_shapes(graph),
                "input_types": tuple(graph.tensors[tensor].type for tensor in graph.inputs),
                "output_types": tuple(graph.tensors[tensor].type for tensor in graph.outputs),
                "inputs": len(graph.inputs),
                "outputs": len(graph.outputs),
                "ops": len(graph.ops),
                "parameters": parameters,
                "memory": dict(self.definition.memory),
            }
        )
        return self._verdict(Attempt().with_conditions(self.definition.model, names))

    def _verdict(self, closest: Attempt, *others: Attempt) -> Verdict:
        parts = (closest, *others)
        refusals = tuple(reason for part in parts for reason in part.refusals)
        reasons = tuple(reason for part in parts for reason in part.reasons)
        warnings = tuple(warning for part in parts for warning in part.warnings)
        outcome = Outcome.ACCEPTED
        if refusals:
            outcome = Outcome.REFUSED
        elif reasons:
            outcome = Outcome.LEFT_TO_HOST if self.definition.host else Outcome.NOT_ACCEPTED
        taken = outcome is Outcome.ACCEPTED
        return Verdict(
            outcome,
            refusals or reasons,
            warnings if taken else (),
            closest.row,
            closest.form,
            closest.unverified,
        )

    def _no_row(self, op: Op, rows: Sequence[Row], answers: Sequence[bool | Unknown]) -> Reason:
        if op.kind == OPAQUE:
            return Reason(f"it is not known which ops `{op.layer}` becomes", self.definition.span, undecided=True)
        conditions = [row.when for row in rows if row.when is not None]
        if not conditions:
            return Reason(f"`{self.name}` has no row for {op.kind}", self.definition.span)
        texts = " or ".join(f"`{spelled(condition)}`" for condition in conditions)
        undecided = UNKNOWN in answers
        doubt = ", which cannot be decided" if undecided else ""
        message = f"`{self.name}` takes {op.kind} only when {texts}{doubt}"
        return Reason(message, conditions[0].span, undecided=undecided)


@dataclass
class _ModelNames:
    facts: Mapping[str, Value]
    asked: list[tuple[tree.Expression, Value]] = field(default_factory=list)

    def holds(self, condition: tree.Expression) -> bool | Unknown:
        self.asked.clear()
        return condition_holds(condition, self._lookup)

    def _lookup(self, path: tree.Path) -> Value:
        value = step_into(self.facts.get(path.head.text, UNKNOWN), path.trailers, self._lookup)
        self.asked.append((path, value))
        return value


def _static_shapes(graph: OpGraph) -> bool | Unknown:
    """Whether no dimension is dynamic; not known where nothing is known of a tensor's shape."""
    shapes = [tensor.shape for tensor in graph.tensors]
    if any(shape is not None and None in shape for shape in shapes):
        return False
    return UNKNOWN if None in shapes else True


def _none_applies(answers: Sequence[bool | Unknown]) -> bool | Unknown:
    if True in answers:
        return False
    return UNKNOWN if UNKNOWN in answers else True
