"""The plan held against the runtime that will run it, whatever is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import NOT_ACCEPTED, TARGET_WARNING
from qspec.graph.ops import CASTS, OPAQUE, Op
from qspec.plan.alternatives import runs_in_float, types_taken
from qspec.plan.places import decided, defined
from qspec.plan.plan import Decision, Plan
from qspec.plan.representation import representation, same_scale
from qspec.schema.names import a_few
from qspec.targets import Judge, Reason, Table, Verdict


def runtime_verdicts(plan: Plan, table: Table) -> list[tuple[Op, Verdict]]:
    """What *table* says of each quantized op, as planned."""
    stored = representation(plan)
    judge = Judge(plan.ops, stored, same_scale=same_scale(plan))
    return [(op, judge.judge(table, op)) for op in plan.ops.ops if _quantized(op, plan)]


def runtime_reports(plan: Plan, table: Table, verdicts: Iterable[tuple[Op, Verdict]]) -> Iterator[Diagnostic]:
    """The quantized ops that *table* does not take as planned, one diagnostic for each assignment and reason, and those
    of which it warns."""
    refusals = Refusals(plan)
    warnings: dict[Reason, list[Op]] = {}
    for op, verdict in verdicts:
        if not verdict.accepted:
            refusals.add(op, verdict)
        for warning in verdict.warnings:
            warnings.setdefault(warning, []).append(op)
    yield from refusals.diagnostics(table.name, table)
    for warning, ops in warnings.items():
        yield _warning(plan, table, warning, ops)


def _warning(plan: Plan, table: Table, warning: Reason, ops: Sequence[Op]) -> Diagnostic:
    names = a_few(list(dict.fromkeys(f"{op.kind} of `{op.layer}`" for op in ops)))
    return TARGET_WARNING.at(
        culprit(plan, ops[0], warning),
        f"{table.name} warns of {names}: {warning.message}",
        related=((warning.span, "the table says so"),),
        layer=ops[0].layer,
        op=ops[0].kind,
        target=table.name,
    )


class Refusals:
    """Collects ops that a target does not take, and says each reason once, with the layers that it holds for."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.found: dict[tuple[Span | Place, str, Span | None], _Refusal] = {}

    def add(self, op: Op, verdict: Verdict) -> None:
        """Take up an op with the verdict that is against it."""
        for reason in verdict.reasons:
            # No quantizer mends an op that the target does not have.
            span = Place(self.plan.layers.path) if verdict.row is None else culprit(self.plan, op, reason)
            floating = _floating_output(self.plan, op, reason)
            read = None if verdict.row is None else _floating_input(self.plan, op, reason)
            if read is not None and read.origin.span is not None:
                span = read.origin.span
            cause = None if floating is None else floating.origin.span
            # A quantizer that does not fit meets many ops, and one change mends them all.
            key = (span, "" if reason.operand else reason.message, cause)
            refusal = self.found.setdefault(key, _Refusal(span, op, reason, verdict, floating, read))
            refusal.ops.setdefault(f"{op.kind} of `{op.layer}`", op)

    def diagnostics(self, target: str, table: Table) -> Iterator[Diagnostic]:
        """One for each assignment and reason; *target* is the target's name for people, *table* the one that answered:
        its own, or that of what stands behind it."""
        for refusal in self.found.values():
            yield refusal.diagnostic(self.plan, target, table)


def _quantized(op: Op, plan: Plan) -> bool:
    """Whether the op stores integers for real numbers. Those of a model's own, pixels of uint8, are none."""
    planned = [plan.decisions[tensor] for tensor in (*op.inputs, *op.outputs) if tensor in plan.decisions]
    quantizers = (decision.quantizer for decision in planned if decision.quantizer is not None)
    return op.kind != OPAQUE and any(not quantizer.is_float for quantizer in quantizers)


def culprit(plan: Plan, op: Op, reason: Reason) -> Span | Place:
    """The assignment to which a reason goes back: of the operand it names, else of the op's result."""
    decision = _culprit(plan, op, reason)
    span = decision.origin.span if decision is not None else None
    return span or Place(plan.layers.path)


def _culprit(plan: Plan, op: Op, reason: Reason) -> Decision | None:
    tensors = (reason.cause(op), *op.outputs, *op.inputs)
    decisions = (plan.decisions.get(tensor) for tensor in tensors if tensor is not None)
    return next((one for one in decisions if one is not None and one.origin.span is not None), None)


def _floating_output(plan: Plan, op: Op, reason: Reason) -> Decision | None:
    """The decision for the op's output, if that is float while the reason is its integer weights: what is not taken is
    the two together."""
    if reason.tensor is None or not plan.ops.tensors[reason.tensor].constant:
        return None
    weights, output = plan.decisions.get(reason.tensor), plan.decisions.get(op.outputs[0])
    return output if _stores_integers(weights) and output is not None and not _stores_integers(output) else None


def _floating_input(plan: Plan, op: Op, reason: Reason) -> Decision | None:
    """The decision for an input that a rule wants to be read in float, while the reason is the op's integer result."""
    if reason.cause(op) not in op.outputs or not _stores_integers(plan.decisions.get(op.outputs[0])):
        return None
    read = (plan.decisions.get(tensor) for (result, _), tensor in plan.casts.items() if result == op.outputs[0])
    return next((one for one in read if one and one.quantizer is None and one.origin.kind == "rule"), None)


def _stores_integers(decision: Decision | None) -> bool:
    return decision is not None and decision.quantizer is not None and not decision.quantizer.is_float


@dataclass
class _Refusal:
    span: Span | Place
    op: Op
    reason: Reason
    verdict: Verdict
    floating: Decision | None = None  # the op's output
    read: Decision | None = None  # an input in float
    ops: dict[str, Op] = field(default_factory=dict)

    def diagnostic(self, plan: Plan, target: str, table: Table) -> Diagnostic:
        first, *others = self.ops
        row = self.verdict.row
        related: list[tuple[Span | Place, str]] = [(self.reason.span, f"what {table.name} takes")]
        if row is not None and row.span != self.reason.span:
            related.append((row.span, f"the row of {self.op.kind}"))
        decision = _culprit(plan, self.op, self.reason) if isinstance(self.span, Span) else None
        if self.read is not None and decision is not None:
            related += decided(decision.origin, f"`{self.reason.operand}` is assigned here")
        if self.floating is not None:
            related += decided(self.floating.origin, f"the output of `{self.op.layer}` is float because of this")
        related += defined(decision.quantizer, self.span) if decision is not None else ()
        floating = "" if self.floating is None else "its output is float, and "
        floating = floating if self.read is None else "its input is float, and "
        return NOT_ACCEPTED.at(
            self.span,
            f"{target} does not take {first} as planned: {floating}{self.reason.message}",
            label=f"nor {a_few(others)}" if others else "",
            related=tuple(related),
            help=self._advice(plan, table),
            layer=self.op.layer,
            op=self.op.kind,
            target=target,
        )

    def _advice(self, plan: Plan, table: Table) -> str:
        if self.verdict.unverified is not None:
            return unverified(self.verdict)
        if self.floating is not None:
            return "beside a float output, assign `weights = float` too, or `all = float`"
        if self.verdict.row is None and not self.reason.help:
            return "no type helps: the model needs layers that become other ops"
        if self.read is not None:
            return "remove it, so that the input is read as it is, or assign `all = float`"
        if not self.reason.help and self._is_assigned_bias(plan):
            return "remove it: a bias that nothing is said of gets the type and the scale that its op wants"
        decision = plan.decisions.get(self.op.outputs[0])
        if self.reason.help or (decision is not None and decision.origin.kind == "rule"):
            return self.reason.help
        floating = next((op for op in self.ops.values() if op.kind not in CASTS), self.op)
        if runs_in_float(plan, table, floating):
            return f'to leave it in float: `rule … match any where path == "{floating.layer}" {{ all = float }}`'
        taken = types_taken(plan, table, self.ops.values())
        return f"{table.name} takes {taken}" if taken else ""

    def _is_assigned_bias(self, plan: Plan) -> bool:
        tensor = self.reason.cause(self.op)
        slot = None if tensor is None else plan.ops.tensors[tensor].slot
        decision = None if tensor is None else plan.decisions.get(tensor)
        return slot is not None and slot.kind == "bias" and decision is not None and decision.origin.span is not None


def unverified(verdict: Verdict) -> str:
    """That the row behind a verdict is not settled by any source."""
    return "no source settles this row" + (f": {verdict.unverified}" if verdict.unverified else "")
