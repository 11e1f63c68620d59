"""Rules that speak of every layer, and those that they take all effect from, whatever the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qspec.schema.spec import Rule
from qspec.syntax import tree


def hidden_rules(rules: Sequence[Rule]) -> Mapping[Rule, tuple[Rule, ...]]:
    """For each rule that matches `any` layer without a condition, the narrower rules before it whose assignments it
    makes again, all of them. A rule is named with the first that hides it."""
    found: dict[Rule, tuple[Rule, ...]] = {}
    named: set[int] = set()
    for position, rule in enumerate(rules):
        if not _is_general(rule):
            continue
        assigned = {str(one.slot) for one in rule.assignments if one.slot.part is None}
        hidden = [
            number
            for number, earlier in enumerate(rules[:position])
            if number not in named and not _is_general(earlier) and _slots(earlier) and _slots(earlier) <= assigned
        ]
        if hidden:
            named.update(hidden)
            found[rule] = tuple(rules[number] for number in hidden)
    return found


def _is_general(rule: Rule) -> bool:
    pattern = rule.pattern
    while isinstance(pattern, tree.Step):
        pattern = pattern.part
    return rule.where is None and isinstance(pattern, tree.LayerClass) and pattern.name.text == "any"


def _slots(rule: Rule) -> set[str]:
    """The kinds of slots that a rule assigns, of whatever part and key: a slot as a whole is assigned again with it."""
    return {one.slot.kind for one in rule.assignments}
