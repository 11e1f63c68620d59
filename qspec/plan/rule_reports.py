"""What became of the rules: nothing that a person wrote is dropped silently."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Severity, Span
from qspec.diagnostics.catalogue import FUSED_SLOT, MISSING_SLOT, OVERRIDDEN_RULE, UNMATCHED_RULE
from qspec.graph.ops import Slot
from qspec.plan.cascade import AppliedRule, Cascade
from qspec.plan.conditions import Rejected
from qspec.plan.patterns import Mismatch
from qspec.plan.slots import SlotTable
from qspec.schema.names import similar
from qspec.schema.spec import SlotAssignment

_MOST_LAYERS = 3  # how many layers a diagnostic names


def rule_reports(cascade: Cascade, slots: SlotTable) -> Iterator[Diagnostic]:
    """Rules that match nothing, rules without a last word, and slots that are not there."""
    for position, applied in enumerate(cascade.rules):
        if applied.program is None or _is_mistaken(applied):
            continue
        if not applied.selected.matches:
            yield _unmatched(applied, slots)
            continue
        yield from _missing_slots(applied, slots)
        yield from _fused_slots(applied, slots)
        yield from _overridden(position, applied, cascade)


def _is_mistaken(applied: AppliedRule) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in applied.selected.diagnostics)


# ---- nothing matched


def _unmatched(applied: AppliedRule, slots: SlotTable) -> Diagnostic:
    rejected = sorted(applied.selected.rejected, key=lambda one: -one.nearness)
    if rejected:
        return _rejected(applied, rejected)
    mismatches = sorted(applied.found.mismatches, key=lambda one: -one.matched)
    span = applied.rule.pattern.span
    name = applied.rule.name
    if not mismatches:
        return UNMATCHED_RULE.at(span, f"rule `{name}` matches no layer", help=_classes(applied, slots))
    closest = [one for one in mismatches if one.matched == mismatches[0].matched][:_MOST_LAYERS]
    reasons = "; ".join(_of_mismatch(one) for one in closest)
    more = len(mismatches) - len(closest)
    others = f"; {more} more layers fail as early or earlier" if more else ""
    matched = closest[0].matched
    return UNMATCHED_RULE.at(
        span,
        f"rule `{name}` matches no layer",
        label=f"fits no more than {matched} layer{'s' if matched > 1 else ''} in a row" if matched else "",
        help=f"{_similar_classes(applied, slots)}closest: {reasons}{others}",
        layer=closest[0].first.layer.path,
    )


def _similar_classes(applied: AppliedRule, slots: SlotTable) -> str:
    """For every class of the pattern that the model lacks, one of the model that may have been meant."""
    assert applied.program is not None
    wanted = dict.fromkeys(
        atom.class_name for atom in applied.program.atoms() if atom.class_name and not atom.operation
    )
    known = sorted(name for name, raw in slots.index.by_class if not raw)
    texts = []
    for name in wanted:
        close = "" if name in known else similar(name, known)
        # An alternative like `ReLU | ReLU6` names the similar class itself.
        if close and close not in wanted:
            texts.append(f"there is no `{name}` in this model, but a similar class, `{close}`; ")
    return "".join(texts)


def _of_mismatch(mismatch: Mismatch) -> str:
    return f"from `{mismatch.first.layer.path}`, {mismatch.reason}" if mismatch.matched else mismatch.reason


def _rejected(applied: AppliedRule, rejected: list[Rejected]) -> Diagnostic:
    closest = [one for one in rejected if one.part is rejected[0].part][:_MOST_LAYERS]
    reasons = "; ".join(f"`{one.match.first.layer.path}`: {one.reason}" for one in closest)
    count = len(rejected)
    return UNMATCHED_RULE.at(
        rejected[0].part.span,
        f"rule `{applied.rule.name}` matches no layer",
        label="not true of the one that fits the pattern" if count == 1 else f"true of none of {count} that fit",
        help=f"closest: {reasons}",
        layer=closest[0].match.first.layer.path,
    )


def _classes(applied: AppliedRule, slots: SlotTable) -> str:
    assert applied.program is not None
    wanted = [atom.class_name for atom in applied.program.first_atoms() if atom.class_name]
    known = sorted({f'Operation("{name}")' if raw else name for name, raw in slots.index.by_class})
    close = [match for name in wanted if (match := similar(name, known))]
    listed = ", ".join(f"`{name}`" for name in known)
    none = f"there is no `{wanted[0]}` in this model; " if wanted else ""
    if close:
        return f"{none}there is a similar class, `{close[0]}`; all there are: {listed}"
    return f"{none}there are {listed}"


# ---- slots


def _missing_slots(applied: AppliedRule, slots: SlotTable) -> Iterator[Diagnostic]:
    for assignment in applied.without_effect:
        part = assignment.slot.part
        calls = [call for m in applied.selected.matches for call in (m.captures.get(part, ()) if part else m.calls)]
        if not calls:
            yield MISSING_SLOT.at(assignment.span, f"`{part}` is absent in every match of rule `{applied.rule.name}`")
            continue
        if all(slots.ops.shapes.get(call.index, (None,)) == (None,) for call in calls):
            continue  # not lowered, which is an error of its own
        known = dict.fromkeys(slot for call in calls for slot in slots.known(call))
        layers = dict.fromkeys(call.layer.path for call in calls)
        yield MISSING_SLOT.at(
            assignment.span,
            f"no layer that rule `{applied.rule.name}` matches has `{_without_part(assignment)}`",
            help="there are " + ", ".join(f"`{slot}`" for slot in known) if known else "these layers leave no tensors",
            layer=next(iter(layers)),
        )


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


def _overridden(position: int, applied: AppliedRule, cascade: Cascade) -> Iterator[Diagnostic]:
    winners = {cascade.winners[target] for target in applied.targets}
    if not winners or position in winners:
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
