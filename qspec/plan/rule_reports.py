"""What became of the rules: nothing that a person wrote is dropped silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from qspec.diagnostics import Advice, Diagnostic, Place, Severity, Span
from qspec.diagnostics.catalogue import CONFLICTING_WEIGHTS, FUSED_SLOT, MISSING_SLOT, OVERRIDDEN_RULE
from qspec.graph.ops import Slot
from qspec.plan.cascade import AppliedRule, Cascade
from qspec.plan.general_rules import hidden_rules
from qspec.plan.plan import Assigned
from qspec.plan.quantizers import same_quantizer
from qspec.plan.slots import SlotTable
from qspec.plan.unmatched import unmatched
from qspec.schema.names import similar
from qspec.schema.patterns import parts_of
from qspec.schema.spec import SlotAssignment
from qspec.syntax import tree

_MOST_LAYERS = 3  # how many layers a diagnostic names
_MOST_INNER = 8  # and tensors inside a composite layer
_MOST_PLACES = 3  # and assignments that override one


def rule_reports(
    cascade: Cascade, slots: SlotTable, patterns: Mapping[str, tree.PatternDefinition]
) -> Iterator[Diagnostic]:
    """Rules that match nothing, rules and assignments without a last word, and slots that are not there. *patterns* are
    those that rules use by their names."""
    return _once_each_place(_of_each_rule(cascade, slots, patterns))


def _of_each_rule(
    cascade: Cascade, slots: SlotTable, patterns: Mapping[str, tree.PatternDefinition]
) -> Iterator[Diagnostic]:
    # Those that a rule for every layer hides are told together, without a model.
    hidden = {rule for rules in hidden_rules([one.rule for one in cascade.rules]).values() for rule in rules}
    last_words = _last_words(cascade)
    for position, applied in enumerate(cascade.rules):
        if applied.program is None or _is_mistaken(applied):
            continue
        if not applied.selected.matches:
            if not applied.found.given_up:  # else it is not known whether it matches
                yield unmatched(applied, slots.index, patterns)
            continue
        yield from _missing_slots(applied, slots)
        yield from _fused_slots(applied, slots)
        if applied.rule not in hidden:
            yield from _overridden(position, applied, cascade, last_words)


def _once_each_place(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What is said of a pattern's definition is said once, with all the rules that use it."""
    found: dict[tuple[Place | Span, str], Diagnostic] = {}
    for item in diagnostics:
        first = found.get((item.span, item.message))
        found[item.span, item.message] = item if first is None else replace(first, related=first.related + item.related)
    return iter(found.values())


def _is_mistaken(applied: AppliedRule) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in applied.selected.diagnostics)


# ---- slots


def _missing_slots(applied: AppliedRule, slots: SlotTable) -> Iterator[Diagnostic]:
    for assignment in applied.without_effect:
        part = assignment.slot.part
        calls = [call for m in applied.selected.matches for call in (m.captures.get(part, ()) if part else m.calls)]
        if not calls:
            message = f"`{part}` is absent in every match of rule `{applied.rule.name}`"
            yield MISSING_SLOT.at(assignment.span, message, related=tuple(_captured(applied, part)))
            continue
        if all(slots.ops.shapes.get(call.index, (None,)) == (None,) for call in calls):
            continue  # not lowered, which is an error of its own
        known = dict.fromkeys(slot for call in calls for slot in slots.known(call))
        layers = dict.fromkeys(call.layer.path for call in calls)
        yield MISSING_SLOT.at(
            assignment.span,
            f"no layer that rule `{applied.rule.name}` matches has `{_without_part(assignment)}`",
            help=_there_are(assignment, list(known), next(iter(layers))),
            layer=next(iter(layers)),
        )


def _there_are(assignment: SlotAssignment, known: Sequence[str], path: str) -> Advice:
    """The slots that there are, the one that looks like the missing one first; of a great many inner ones, some."""
    if not known:
        return Advice("these layers leave no tensors")
    close = similar(_without_part(assignment), known) if assignment.slot.key is not None else ""
    own = [slot for slot in known if not slot.startswith("inner[")]
    inner = [slot for slot in known if slot.startswith("inner[")]
    left = len(inner) - _MOST_INNER
    listed = ", ".join(f"`{slot}`" for slot in (*own, *inner[:_MOST_INNER]))
    more = f", and {left} more inside: `qspec explain SPEC --model MODEL --layer {path}` lists them" if left > 0 else ""
    if not close:
        return Advice(f"there are {listed}{more}")
    part = f"{assignment.slot.part}." if assignment.slot.part else ""
    return Advice(f"there is a similar one, `{close}`; all there are: {listed}{more}", (f"{part}{close}",))


def _captured(applied: AppliedRule, part: str | None) -> Iterator[tuple[Span, str]]:
    """Where the rule's own pattern gives a part this name."""
    for step in parts_of(applied.rule.pattern):
        if isinstance(step, tree.Step) and step.capture is not None and step.capture.text == part:
            yield step.capture.span, "the part of the pattern"


def _without_part(assignment: SlotAssignment) -> str:
    return str(assignment.slot).removeprefix(f"{assignment.slot.part}.")


def _fused_slots(applied: AppliedRule, slots: SlotTable) -> Iterator[Diagnostic]:
    for assignment, found in applied.fused.items():
        # A rule over both layers has said it of the slot that exists, too.
        pairs = [pair for pair in found if slots.ops.slots[pair[1]] not in applied.targets]
        if not pairs:
            continue
        path = _path(pairs[0][0], slots)
        holders = list(dict.fromkeys(f"`{holder}` of `{_path(holder, slots)}`" for _, holder in pairs))
        more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
        kind = "input" if assignment.slot.kind == "input" else "output"
        yield FUSED_SLOT.at(
            assignment.span,
            f"the {kind} of `{path}`{more} is not a tensor of its own: fusion removes it"
            if kind == "output"
            else f"what enters at `{path}`{more} is not a tensor of its own: fusion removes it",
            help=f"the value is in {', '.join(holders[:_MOST_LAYERS])}: assign that instead",
            layer=path,
        )


def _path(slot: Slot, slots: SlotTable) -> str:
    return slots.index.by_index[slot.call].layer.path


# ---- overridden


def _overridden(position: int, applied: AppliedRule, cascade: Cascade, last_words: _LastWords) -> Iterator[Diagnostic]:
    winners = {cascade.winners[target] for target in applied.targets}
    if not winners:
        return
    if position in winners:
        yield from _overridden_assignments(applied, cascade, last_words)
        return
    related: list[tuple[Span, str]] = []
    for winner in sorted(winners):
        later = cascade.rules[winner].rule
        related.append((later.span, f"the later rule `{later.name}` assigns the same"))
    yield OVERRIDDEN_RULE.at(
        applied.rule.span,
        f"rule `{applied.rule.name}` has no effect: all that it assigns is assigned again later",
        related=tuple(related),
        help="move the more general rule before the more special one",
    )


_LastWords = Mapping[Span, Mapping[Span, Assigned]]


def _last_words(cascade: Cascade) -> _LastWords:
    """For each assignment of a rule, by its slot as written, what has the last word on the tensors that it speaks of:
    by the slot again, itself among them if it has it anywhere."""
    found: dict[Span, dict[Span, Assigned]] = {}
    for said in cascade.said.values():
        last = said[-1]
        for one in said:
            if one.origin.kind == "rule" and one.slot_span is not None and last.slot_span is not None:
                found.setdefault(one.slot_span, {})[last.slot_span] = last
    return found


def _overridden_assignments(applied: AppliedRule, cascade: Cascade, last_words: _LastWords) -> Iterator[Diagnostic]:
    """The assignments of a rule with some effect that have none themselves. One that is said again with the same
    quantizer is followed all the same, and of what fusion removes (QS308) or what contradicts itself (QS305), that is
    what is said."""
    contradicting = {
        span
        for conflict in cascade.diagnostics
        if conflict.code == CONFLICTING_WEIGHTS.code
        for span in (conflict.span, *(span for span, _ in conflict.related))
    }
    for assignment in applied.rule.assignments:
        last = last_words.get(assignment.span, {})
        said_again = all(same_quantizer(one.quantizer, assignment.quantizer) for one in last.values())
        if said_again or assignment.span in last or assignment in applied.fused:
            continue
        if assignment.value_span in contradicting:
            continue
        yield OVERRIDDEN_RULE.at(
            assignment.span,
            f"`{assignment.slot}` in rule `{applied.rule.name}` has no effect: all that it assigns is assigned again "
            "later",
            related=tuple((span, _who(one, applied)) for span, one in list(last.items())[:_MOST_PLACES]),
            help="what is more general comes first: move this behind what overrides it, or remove it",
        )


def _who(later: Assigned, applied: AppliedRule) -> str:
    name = later.origin.rule
    return "overridden here" if name == applied.rule.name else f"the later rule `{name}` overrides it"
