"""What a rule does for one layer, or why it does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qspec.diagnostics import Severity, Span
from qspec.graph.layers import Call
from qspec.plan.cascade import AppliedRule
from qspec.plan.explain_words import decider
from qspec.plan.index import LayerIndex
from qspec.plan.plan import Assigned, Origin
from qspec.plan.program import Program, longest, room_for_patterns

Outcome = Literal["decides", "overridden", "assigns nothing", "not true", "no match", "mistaken"]


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """What the rule `name` does for one call, and why, in a sentence.

    `outcome` is `decides` where it has the last word on one slot at least, `overridden` where later ones have it on
    all, `assigns nothing` where it matches and no slot of this layer is assigned, `not true` where only its condition
    is not, `no match` where the pattern does not match this layer, `mistaken` where the rule itself has an error.
    `span` is where the rule's name stands; `place` what the reason is about: the value that overrides it, the part of
    the condition that is not true, the pattern.
    """

    name: str
    outcome: Outcome
    reason: str
    span: Span
    place: Span | None = None


def explain_rule(
    applied: AppliedRule, call: Call, said: Mapping[str, tuple[Assigned, ...]], index: LayerIndex
) -> RuleExplanation:
    """What became of a rule at *call*, of whose slots *said* tells all that was assigned."""
    rule = applied.rule

    def answer(outcome: Outcome, reason: str, place: Span | None = None) -> RuleExplanation:
        return RuleExplanation(rule.name, outcome, reason, rule.span, place)

    if applied.program is None:
        return answer("mistaken", "its pattern is too large", rule.pattern.span)
    mistakes = [item for item in applied.selected.diagnostics if item.severity is Severity.ERROR]
    if mistakes:
        span = mistakes[0].span
        return answer("mistaken", mistakes[0].message, span if isinstance(span, Span) else None)
    assigned = {slot: chain for slot, chain in said.items() if any(_is_by(each, rule.name) for each in chain)}
    if assigned:
        return answer(*_of_assigned(rule.name, assigned))
    if any(call in match.calls for match in applied.selected.matches):
        return answer(
            "assigns nothing", _nothing(applied, call), rule.assignments[0].span if rule.assignments else None
        )
    rejected = [each for each in applied.selected.rejected if call in each.match.calls]
    if rejected:
        closest = max(rejected, key=lambda one: one.nearness)
        return answer("not true", closest.reason, closest.part.span)
    return answer("no match", _why_not(applied, applied.program, call, index), rule.pattern.span)


def _of_assigned(rule: str, assigned: Mapping[str, Sequence[Assigned]]) -> tuple[Outcome, str, Span | None]:
    """What became of a rule that assigned something to these slots."""
    decided = [slot for slot, chain in assigned.items() if _is_by(chain[-1], rule)]
    if decided:
        return "decides", ", ".join(f"`{slot}`" for slot in decided), None
    last = next(iter(assigned.values()))[-1]
    winners = list(dict.fromkeys(_winner(chain[-1].origin) for chain in assigned.values()))
    slots, verb = ", ".join(f"`{slot}`" for slot in assigned), "decides" if len(winners) == 1 else "decide"
    return "overridden", f"{slots}: {', '.join(winners)} {verb}", last.origin.span


def _winner(origin: Origin) -> str:
    return f"{'later' if origin.kind == 'rule' else 'the'} {decider(origin)}"


def _is_by(assigned: Assigned, rule: str) -> bool:
    return assigned.origin.kind == "rule" and assigned.origin.rule == rule


def _nothing(applied: AppliedRule, call: Call) -> str:
    gone = [slot for pairs in applied.fused.values() for slot, _ in pairs if slot.call == call.index]
    if gone:
        return f"fusion removes its `{gone[0]}`"
    return "it matches, and what it assigns are no slots of this layer"


def _why_not(applied: AppliedRule, program: Program, call: Call, index: LayerIndex) -> str:
    """Why no match holds *call*: its class, what is wrong behind it, or what is wrong before it."""
    if not any(atom.accepts(call.layer) for atom in program.atoms()):
        return f"it is {_named(call)}, and the pattern speaks of {_spoken_of(program)}"
    mismatches = {each.first.index: each for each in applied.found.mismatches}
    if call.index in mismatches:
        return mismatches[call.index].reason
    matched = {each.first.index: each for each in applied.found.matches}
    # Inputs of a merge come before the layer where a match begins.
    with room_for_patterns():
        steps = longest(program.start) - 1
    for first in _near(call, index, steps):
        if first.index in mismatches:
            return f"in a match that would begin at `{first.layer.path}`: {mismatches[first.index].reason}"
        if first.index in matched:
            return f"the match that begins at `{first.layer.path}` does not hold it"
    firsts = ", ".join(dict.fromkeys(atom.words for atom in program.first_atoms()))
    return f"a match begins at {firsts}, and there is none near it"


def _named(call: Call) -> str:
    return f'`Operation("{call.layer.class_name}")`' if call.layer.operation else f"`{call.layer.class_name}`"


def _spoken_of(program: Program) -> str:
    return ", ".join(dict.fromkeys(atom.words for atom in program.atoms()))


def _near(call: Call, index: LayerIndex, steps: int) -> Iterator[Call]:
    """The calls that *call* depends on, the nearest first, up to so many steps away; then those that depend on it."""
    yield from _reached(call, lambda each: map(index.producer, each.inputs), steps)
    yield from _reached(call, index.consumers, steps)


def _reached(call: Call, neighbours: Callable[[Call], Iterable[Call]], steps: int) -> Iterator[Call]:
    seen, level = {call.index}, [call]
    for _ in range(steps):
        level = [each for each in dict.fromkeys(n for one in level for n in neighbours(one)) if each.index not in seen]
        seen |= {each.index for each in level}
        yield from level


def effect(applied: AppliedRule, said: Iterable[tuple[Assigned, ...]]) -> str:
    """What a rule did to a whole model, in a sentence; *said* is all that was assigned to each slot."""
    name = applied.rule.name
    count = len(applied.selected.matches)
    if applied.program is None or any(each.severity is Severity.ERROR for each in applied.selected.diagnostics):
        return "mistaken"
    if not count:
        rejected = len(applied.selected.rejected)
        return f"no match; its condition is true of none of {rejected}" if rejected else "no match"
    spoken = [chain for chain in said if any(_is_by(each, name) for each in chain)]
    decided = sum(_is_by(chain[-1], name) for chain in spoken)
    later = {decider(chain[-1].origin) for chain in spoken if not _is_by(chain[-1], name)}
    matches = f"{count} match{'es' if count > 1 else ''}, decides {decided} slot{'s' if decided != 1 else ''}"
    over = f"; {len(spoken) - decided} overridden by {', '.join(sorted(later))}" if later else ""
    return matches + over
