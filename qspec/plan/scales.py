"""Tensors that must share one scale and zero point, and outputs whose parameters the op fixes.

An op that moves or selects values (RESHAPE, MAX_POOL_2D) gives its output the parameters of its input, through any
number of such ops. An op that joins several (CONCATENATION) shares its output's parameters with those inputs that can
take them; the others, whose parameters are fixed otherwise, are requantized on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from qspec.diagnostics.catalogue import ADAPTED_GRANULARITY, CHANGED_BY_CONSTRAINT, NOT_ACCEPTED
from qspec.graph.ops import Op, Tensor
from qspec.plan.draft import Draft, Loss
from qspec.plan.places import Related, decided, row
from qspec.plan.plan import Assigned, RangeGroup
from qspec.plan.quantizers import fixed_parameters, same_quantizer
from qspec.plan.states import power_of_two
from qspec.schema.quantizer import Quantizer

Parameters = tuple[float, int]

_INSTEAD = "this quantizer is used instead"


@dataclass(frozen=True, slots=True)
class _Relation:
    """What one op asks for: these inputs, outputs and constants share a scale."""

    op: Op
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: tuple[int, ...]


def share_scales(draft: Draft) -> Groups:
    """Put tensors into groups, insert the QUANTIZE ops that this takes, and settle each group's quantizer."""
    groups = Groups(draft)
    joins: list[_Relation] = []
    for op in draft.predicted.ops:
        if draft.integer(op):
            groups.fix_output(op)
            for relation in _relations(draft, op):
                if len(relation.inputs) > 1:
                    joins.append(relation)
                elif relation.inputs:
                    groups.follow(relation)
                else:
                    groups.lead(relation)
    for relation in joins:
        groups.join(relation)
    groups.settle()
    _report_losses(draft)
    return groups


def _relations(draft: Draft, op: Op) -> Iterator[_Relation]:
    quantizer = next(quantizer for output in op.outputs if (quantizer := draft.quantizer(output)))
    for tensors in draft.asked_by(op).same_scale.get(quantizer.type, ()):
        quantized = [tensor for tensor in tensors if draft.quantizer(draft.read_by(op, tensor)) is not None]
        outputs = tuple(tensor for tensor in quantized if tensor in op.outputs)
        # A state takes over the parameters of the output, whose last step it is, as constants do.
        constants = tuple(tensor for tensor in quantized if _has_no_writer(draft.tensors[tensor]))
        inputs = tuple(tensor for tensor in quantized if tensor not in outputs and tensor not in constants)
        if outputs and (inputs or constants):
            yield _Relation(op, inputs, outputs, constants)


def _has_no_writer(tensor: Tensor) -> bool:
    return tensor.constant or tensor.is_state


@dataclass
class Groups:
    draft: Draft
    parent: dict[int, int] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    fixed: dict[int, Parameters] = field(default_factory=dict)  # by tensor: what its op fixes
    fixers: dict[int, Op] = field(default_factory=dict)
    followers: set[int] = field(default_factory=set)
    chosen: dict[int, Quantizer] = field(default_factory=dict)  # by root

    def root(self, tensor: int) -> int:
        while self.parent.setdefault(tensor, tensor) != tensor:
            self.parent[tensor] = self.parent[self.parent[tensor]]
            tensor = self.parent[tensor]
        return tensor

    def of(self, tensor: int) -> list[int]:
        """The tensors in the group of *tensor*."""
        return self.members.get(self.root(tensor), [tensor])

    def unite(self, one: int, other: int) -> None:
        first, second = self.root(one), self.root(other)
        if first != second:
            self.members[first] = [*self.of(first), *self.of(second)]
            self.parent[second] = first

    def fix_output(self, op: Op) -> None:
        quantizer = self.draft.quantizer(op.outputs[0])
        parameters = self.draft.asked_by(op).fixed.get(quantizer.type) if quantizer else None
        if parameters is not None:
            self.fixed[op.outputs[0]], self.fixers[op.outputs[0]] = parameters, op

    def follow(self, relation: _Relation) -> None:
        """One input: output and constants take over its parameters, and its type. Where there are constants, the range
        is to hold them too: the output shows them."""
        source = self.draft.read_by(relation.op, relation.inputs[0])
        self.draft.grouped_constants.update(relation.constants)
        for tensor in (*relation.outputs, *relation.constants):
            _take_type(self.draft, tensor, source, relation.op)
            self.unite(source, tensor)
        self.followers.update(relation.constants or relation.outputs)

    def lead(self, relation: _Relation) -> None:
        """No input that is quantized (GATHER, ONE_HOT of integers): the constants take over the output's parameters."""
        output = relation.outputs[0]
        self.draft.grouped_constants.update(relation.constants)
        for tensor in relation.constants:
            _take_type(self.draft, tensor, output, relation.op)
            self.unite(output, tensor)
        self.followers.update(relation.constants)

    def join(self, relation: _Relation) -> None:
        """Several inputs: those that can share the output's parameters do, the others are requantized."""
        op, output = relation.op, relation.outputs[0]
        self.draft.grouped_constants.update(relation.constants)
        for tensor in (*relation.outputs[1:], *relation.constants):
            self.unite(output, tensor)
        common = self._common_parameters(relation)
        for tensor in relation.inputs:
            read = self.draft.read_by(op, tensor)
            if self.root(read) != self.root(output) and not self._compatible(read, output, common):
                read = self.draft.cast(read, self.draft.assigned[output], op.layer)
                self.draft.reads.setdefault(op.index, {})[tensor] = read
                self.draft.change(read, f"requantized for {op.kind}, whose inputs share one scale")
            self.unite(read, output)
        self.followers.update((*relation.outputs, *relation.constants))

    def _common_parameters(self, relation: _Relation) -> Parameters | None:
        """The parameters to which all inputs are fixed alike: then the output takes them, without any requantizing."""
        reads = [self.draft.read_by(relation.op, tensor) for tensor in relation.inputs]
        found = {self.parameters(read) for read in reads}
        return found.pop() if len(found) == 1 else None

    def _compatible(self, read: int, output: int, common: Parameters | None) -> bool:
        mine, theirs = self.quantizer(read), self.quantizer(output)
        fixed, wanted = self.parameters(read), self.parameters(output)
        if mine.type != theirs.type:
            return False
        return fixed == wanted or (wanted is None and fixed == common)

    def parameters(self, tensor: int) -> Parameters | None:
        """Scale and zero point of a group where they are fixed: by an op, or by the quantizer."""
        for member in self.of(tensor):
            if member in self.fixed:
                return self.fixed[member]
        return fixed_parameters(self.quantizer(tensor))

    def quantizer(self, tensor: int) -> Quantizer:
        """The quantizer of a group: of the member that stands highest."""
        quantizer = self.winner(tensor)[1].quantizer
        assert quantizer is not None
        return quantizer

    def winner(self, tensor: int) -> tuple[int, Assigned]:
        """Who decides for a group: a member whose op fixes it, then one that a person assigned (those that bring
        values of their own first; a follower only if it keeps their type), then the first to bring values."""
        members = self.of(tensor)
        sources = [member for member in members if member not in self.followers] or members
        kind = self.draft.quantizer(sources[0])
        assert kind is not None
        followers = [m for m in members if m in self.followers and self._type(m) == kind.type]
        candidates = [
            *(member for member in members if member in self.fixed),
            *(member for member in (*sources, *followers) if self.draft.assigned[member].by_person),
            *sources,
        ]
        return candidates[0], self.draft.assigned[candidates[0]]

    def _type(self, tensor: int) -> str:
        quantizer = self.draft.quantizer(tensor)
        return quantizer.type if quantizer else "float32"

    def settle(self) -> None:
        """Every member takes its group's quantizer; a person's that differs is reported."""
        roots = {self.root(tensor): None for tensor in (*self.members, *self.fixed)}
        decided = {root: (self.winner(root), self.of(root)) for root in roots}
        for winner, members in decided.values():
            self._settle_group(*winner, members)

    def _settle_group(self, winner: int, decision: Assigned, members: Sequence[int]) -> None:
        quantizer = decision.quantizer
        fixer = self.fixers.get(winner)
        for member in members:
            assigned = self.draft.assigned[member]
            if fixer is not None:
                scale, zero_point = self.fixed[winner]
                reason = f"the output of {fixer.kind} always has scale {scale:g} and zero point {zero_point}"
                if not self._harmless(assigned.quantizer, self.fixed[winner]):
                    _lose(self.draft, member, assigned, reason, row(self.draft.table, fixer.kind))
                elif member in self.fixers:
                    self.draft.change(member, reason)
            elif self._is_coarser(member, assigned):
                self._report_coarser(member, assigned, decision)
            elif not same_quantizer(assigned.quantizer, quantizer):
                reason = f"it shares one scale with {self.draft.named(winner)}"
                _lose(self.draft, member, assigned, reason)
        for member in members:
            if not same_quantizer(self.draft.quantizer(member), quantizer):
                self.draft.assigned[member] = decision

    def _is_coarser(self, member: int, assigned: Assigned) -> bool:
        """Whether weights have a finer granularity by `default` than activations can have."""
        slot, quantizer = self.draft.tensors[member].slot, assigned.quantizer
        finer = quantizer is not None and quantizer.granularity != "per_tensor"
        return slot is not None and slot.kind == "weights" and not assigned.by_person and finer

    def _report_coarser(self, member: int, assigned: Assigned, decision: Assigned) -> None:
        path = self.draft.path(member)
        reason = "it shares the one scale of the layer's output"
        self.draft.change(member, reason)
        if assigned.quantizer is not None and assigned.origin.span is not None:
            words = assigned.quantizer.granularity.replace("_", " ")
            message = f"`{assigned.quantizer.name}` is {words}, and per tensor in `{path}`: {reason}"
            related = decided(decision.origin, "the quantizer of the layer's output")
            self.draft.report(ADAPTED_GRANULARITY.at(assigned.origin.span, message, related=related, layer=path))

    def _harmless(self, quantizer: Quantizer | None, fixed: Parameters) -> bool:
        """Whether nothing that was said is lost to *fixed*: a range from the data's extremes is what a quantizer has
        when nothing is said."""
        return quantizer is None or quantizer.range.method == "minmax" or fixed_parameters(quantizer) == fixed


def take_types(draft: Draft, op: Op) -> None:
    """Give the result of *op* the type of its one input, where they share a scale."""
    for relation in _relations(draft, op):
        if len(relation.inputs) == 1:
            source = draft.read_by(op, relation.inputs[0])
            for tensor in (*relation.outputs, *relation.constants):
                _take_type(draft, tensor, source, op)


def _take_type(draft: Draft, tensor: int, source: int, op: Op) -> None:
    mine, theirs = draft.assigned[tensor], draft.assigned[source]
    assert mine.quantizer is not None
    assert theirs.quantizer is not None
    if mine.quantizer.type == theirs.quantizer.type:
        return
    slot, reason = draft.tensors[tensor].slot, f"{op.kind} keeps the type and scale of its input"
    if slot is not None and slot.kind == "weights" and mine.origin.span is not None:
        _refuse_weights(draft, tensor, op, reason)  # types of weights never adapt
    else:
        _lose(draft, tensor, mine, reason, row(draft.table, op.kind))
    draft.assigned[tensor] = replace(theirs, taken_over=True)


def _refuse_weights(draft: Draft, tensor: int, op: Op, reason: str) -> None:
    mine, result = draft.assigned[tensor], draft.assigned[op.outputs[0]]
    assert mine.origin.span is not None
    assert mine.quantizer is not None
    path, target = draft.path(tensor), draft.table.name
    given = result.quantizer.type if result.quantizer is not None else "float32"
    message = (
        f"{target} does not take {op.kind} of `{path}` as planned: {reason}, and {mine.quantizer.type} is not {given}"
    )
    related = (*decided(result.origin, "the quantizer of its output"), *row(draft.table, op.kind))
    hint = "give weights and output one type, or leave the output in float"
    what = {"layer": path, "op": op.kind, "target": target}
    draft.report(NOT_ACCEPTED.at(mine.origin.span, message, related=related, help=hint, **what))


def _lose(draft: Draft, tensor: int, assigned: Assigned, reason: str, rows: Related = ()) -> None:
    """*tensor* does not get what was assigned to it. That is reported if a person did so, and to this very tensor."""
    draft.change(tensor, reason)
    if assigned.by_person and not assigned.taken_over and assigned.origin.span is not None:
        losses = draft.losses.setdefault((assigned.origin.span, reason), [])
        losses.append(Loss(tensor, assigned, rows))


def _report_losses(draft: Draft) -> None:
    """A warning for each assignment and each reason, however many layers it is true of; none where it was made to
    everything inside a layer, and something there has it."""
    lost = {loss.tensor for losses in draft.losses.values() for loss in losses}
    kept = {each.origin.span for tensor, each in draft.assigned.items() if each.to_all_inside and tensor not in lost}
    for (span, reason), losses in draft.losses.items():
        if span in kept and all(loss.assigned.to_all_inside for loss in losses):
            continue
        first = losses[0]
        more = len(dict.fromkeys(draft.path(loss.tensor) for loss in losses)) - 1
        others = f" (and {more} more layer{'s' if more > 1 else ''})" if more else ""
        message = f"{draft.named(first.tensor)}{others} does not get {_lost(first.assigned)}: {reason}"
        path, instead = draft.path(first.tensor), draft.assigned[first.tensor].origin
        related = (*(decided(instead, _INSTEAD) if instead.span != span else ()), *first.rows)
        draft.report(CHANGED_BY_CONSTRAINT.at(span, message, related=related, layer=path))


def _lost(assigned: Assigned) -> str:
    if assigned.origin.kind == "boundary":
        return f"what the `{assigned.origin.rule}` block says"
    return f"`{assigned.name}`"


def range_groups(groups: Groups, order: Iterable[int]) -> tuple[tuple[RangeGroup, ...], dict[int, int]]:
    """The range groups in the order of their first tensors, and the group of each tensor.

    *order* are the quantized activations as they come in the file.
    """
    numbers: dict[int, int] = {}
    tensors: list[list[int]] = []
    for tensor in order:
        number = numbers.setdefault(groups.root(tensor), len(tensors))
        if number == len(tensors):
            tensors.append([])
        tensors[number].append(tensor)
    found = tuple(_range_group(groups, members) for members in tensors)
    return found, {tensor: number for number, members in enumerate(tensors) for tensor in members}


def _range_group(groups: Groups, members: list[int]) -> RangeGroup:
    sources = tuple(member for member in members if member not in groups.followers)
    quantizer, shifted = groups.quantizer(members[0]), members[0] in groups.draft.shifted
    fixed = power_of_two(quantizer.range) if shifted else groups.parameters(members[0])
    return RangeGroup(quantizer, tuple(members), sources, fixed, shifted)
