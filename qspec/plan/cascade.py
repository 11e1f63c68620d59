"""Who assigns what: `default` first, then the rules in order, then the model's own `input` and `output`; the last wins,
tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import CONFLICTING_WEIGHTS, COSTLY_PATTERN
from qspec.graph.layers import Call
from qspec.graph.ops import Slot
from qspec.plan.conditions import Selected, select
from qspec.plan.layer_attributes import Attributes
from qspec.plan.patterns import Found, Match, find
from qspec.plan.plan import Assigned, Origin
from qspec.plan.program import Program, compile_pattern
from qspec.plan.quantizers import same_quantizer
from qspec.plan.slots import Edge, SlotTable, Target
from qspec.schema.spec import Rule, SlotAssignment, SlotReference, Spec
from qspec.syntax import tree


@dataclass
class AppliedRule:
    """A rule and what became of it: what its pattern found, what `where` kept, what it assigned to which targets, and
    which of its slots are not there."""

    rule: Rule
    program: Program | None
    found: Found
    selected: Selected
    targets: dict[Target, None] = field(default_factory=dict)
    fused: dict[SlotAssignment, list[tuple[Slot, Slot]]] = field(default_factory=dict)
    without_effect: list[SlotAssignment] = field(default_factory=list)


@dataclass(frozen=True)
class Cascade:
    """The last word on every tensor and every edge that somebody spoke of.

    `outputs` is what each call's `output` was given, whether or not fusion left the tensor. `winners` tells for every
    target which rule (by position; -1 the default) has the last word; `said` is all that was said of it, in order.
    """

    tensors: Mapping[int, Assigned]
    edges: Mapping[Edge, Assigned]
    outputs: Mapping[int, Assigned]
    rules: tuple[AppliedRule, ...]
    winners: Mapping[Target, int]
    said: Mapping[Target, Sequence[Assigned]]
    diagnostics: tuple[Diagnostic, ...]


def make_cascade(spec: Spec, slots: SlotTable, known: Attributes) -> Cascade:
    """Apply *spec* to the layers and tensors of *slots*."""
    builder = _Builder(spec, slots, known)
    general = [(each, _assigned(each, Origin("default", span=each.value_span))) for each in spec.default]
    for call in slots.index.graph.calls:
        for assignment, assigned in general:
            builder.assign_default(call, assignment, assigned)
    for position, rule in enumerate(spec.rules):
        builder.apply(position, rule)
    return builder.finish()


class _Builder:
    def __init__(self, spec: Spec, slots: SlotTable, known: Attributes) -> None:
        self.spec, self.slots, self.known = spec, slots, known
        self.assigned: dict[Target, Assigned] = {}
        self.outputs: dict[int, Assigned] = {}
        self.winners: dict[Target, int] = {}
        self.said: dict[Target, list[Assigned]] = {}
        self.rules: list[AppliedRule] = []
        self.searched: dict[str, tuple[Program | Diagnostic, Found]] = {}
        self.diagnostics: list[Diagnostic] = []

    def finish(self) -> Cascade:
        tensors = {target: each for target, each in self.assigned.items() if isinstance(target, int)}
        edges = {target: each for target, each in self.assigned.items() if not isinstance(target, int)}
        rules, diagnostics = tuple(self.rules), tuple(self.diagnostics)
        return Cascade(tensors, edges, self.outputs, rules, self.winners, self.said, diagnostics)

    def assign_default(self, call: Call, assignment: SlotAssignment, assigned: Assigned) -> None:
        for target, _ in self.slots.resolve(assignment.slot, (call,)).targets:
            self.put(target, assigned, -1, assignment.slot)
        self.remember_output(assignment, (call,), assigned)

    def put(self, target: Target, assigned: Assigned, winner: int, slot: SlotReference) -> None:
        self.winners[target] = winner
        said = self.said.setdefault(target, [])
        # A tensor that several calls pass on is assigned through each of them.
        if not said or said[-1] is not assigned:
            said.append(assigned)
        if slot.kind == "all" and isinstance(target, int) and self.follows(target):
            # Float as a whole: unset again, it follows the layer's output, also where a later rule quantizes that.
            self.assigned.pop(target, None)
        else:
            self.assigned[target] = assigned

    def follows(self, tensor: int) -> bool:
        """Whether a tensor has a meaning when nothing is said of it: biases and what is inside a layer."""
        slot = self.slots.ops.tensors[tensor].slot
        return slot is not None and slot.kind in ("bias", "inner")

    def remember_output(self, assignment: SlotAssignment, calls: tuple[Call, ...], assigned: Assigned) -> None:
        if assignment.slot.kind == "output":
            self.outputs[calls[-1].index] = assigned
        elif assignment.slot.kind == "all":
            self.outputs |= dict.fromkeys((call.index for call in calls), assigned)

    def apply(self, position: int, rule: Rule) -> None:
        program, found = self.search(rule.pattern)
        if isinstance(program, Diagnostic):
            self.diagnostics.append(program)
            self.rules.append(AppliedRule(rule, None, found, Selected(())))
            return
        if found.given_up:
            self.diagnostics.append(_costly(rule, found.given_up))
        selected = select(rule.where, program, found.matches, self.known)
        self.diagnostics += selected.diagnostics
        applied = AppliedRule(rule, program, found, selected)
        self.rules.append(applied)
        weights = _WeightsOfRule(rule)
        effective: set[int] = set()
        values = [_assigned(each, Origin("rule", rule.name, each.value_span)) for each in rule.assignments]
        for match in selected.matches:
            for number, assignment in enumerate(rule.assignments):
                if self.assign(position, applied, match, assignment, values[number], weights):
                    effective.add(number)
        applied.without_effect = [a for number, a in enumerate(rule.assignments) if number not in effective]
        self.diagnostics += weights.conflicts

    def search(self, pattern: tree.Pattern) -> tuple[Program | Diagnostic, Found]:
        """The matches of a pattern, found once for all rules that have it."""
        text = pattern.span.source.text[pattern.span.start : pattern.span.end]
        if text not in self.searched:
            program = compile_pattern(pattern, self.spec.patterns)
            found = Found(()) if isinstance(program, Diagnostic) else find(program, self.slots.index)
            self.searched[text] = program, found
        return self.searched[text]

    def assign(
        self,
        position: int,
        applied: AppliedRule,
        match: Match,
        assignment: SlotAssignment,
        assigned: Assigned,
        weights: _WeightsOfRule,
    ) -> bool:
        """Whether the assignment named something in *match*."""
        part = assignment.slot.part
        calls = match.calls if part is None else match.captures.get(part, ())
        if not calls:
            return False
        resolved = self.slots.resolve(assignment.slot, calls)
        for target, call in resolved.targets:
            if isinstance(target, int) and assignment.slot.kind in ("weights", "all"):
                weights.check(target, call, assignment)
            self.put(target, assigned, position, assignment.slot)
            applied.targets[target] = None
        self.remember_output(assignment, calls, assigned)
        if resolved.fused:
            applied.fused.setdefault(assignment, []).extend(resolved.fused)
        return bool(resolved.targets or resolved.fused)


def _assigned(assignment: SlotAssignment, origin: Origin) -> Assigned:
    to_all_inside = assignment.slot.kind == "inner" and assignment.slot.key is None
    return Assigned(assignment.quantizer, origin, assignment.span, to_all_inside=to_all_inside)


def _costly(rule: Rule, given_up: Sequence[Call]) -> Diagnostic:
    count = len(given_up) - 1
    more = f" and {count} more layer{'s' if count > 1 else ''}" if count else ""
    path = given_up[0].layer.path
    return COSTLY_PATTERN.at(
        rule.pattern.span,
        f"from `{path}`{more} there are too many ways to read this pattern",
        help="name fewer of the layers that it asks for again, or their classes where it says `any`",
        layer=path,
    )


class _WeightsOfRule:
    """Watches that one rule does not give a variable two quantizers through two calls of its layer: nothing orders
    them."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.given: dict[int, tuple[int, SlotAssignment]] = {}
        self.conflicts: list[Diagnostic] = []
        self.reported: set[tuple[SlotAssignment, SlotAssignment]] = set()

    def check(self, tensor: int, call: int, assignment: SlotAssignment) -> None:
        earlier_call, earlier = self.given.setdefault(tensor, (call, assignment))
        different = not same_quantizer(earlier.quantizer, assignment.quantizer)
        if call != earlier_call and different and (earlier, assignment) not in self.reported:
            self.reported.add((earlier, assignment))
            self.conflicts.append(
                CONFLICTING_WEIGHTS.at(
                    assignment.value_span,
                    f"rule `{self.rule.name}` gives the weights of a shared layer two quantizers",
                    related=((earlier.value_span, "through another call of the same layer"),),
                    help="a layer that is called twice has its weights once: assign them in one place",
                )
            )
