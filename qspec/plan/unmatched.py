"""QS301: a rule that matches nothing, with the layers that came closest and why each failed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import UNMATCHED_RULE
from qspec.plan.cascade import AppliedRule
from qspec.plan.conditions import Rejected
from qspec.plan.index import LayerIndex
from qspec.plan.patterns import Mismatch
from qspec.plan.position import Position
from qspec.plan.program import Atom
from qspec.schema.names import similar
from qspec.schema.patterns import parts_of
from qspec.schema.text_patterns import glob_matches
from qspec.syntax import tree

_MOST_REASONS = 3
# What stands in regular expressions and in no name of a layer.
_REGULAR = re.compile(r"\.[*+?]|\\[dwsb.]|\[[^\]]*\]|^\^|\$$|[|(]|[^*]\+$")


Definitions = Mapping[str, tree.PatternDefinition]


def unmatched(applied: AppliedRule, index: LayerIndex, definitions: Definitions) -> Diagnostic:
    """What is said of a rule that matches nothing: where a pattern of *definitions* that it uses has a class that may
    be misspelt, at that word."""
    rejected = sorted(applied.selected.rejected, key=lambda one: -one.nearness)
    if rejected:
        return _not_true(applied, rejected)
    mismatches = sorted(applied.found.mismatches, key=lambda one: -one.matched)
    told = _no_match(applied, mismatches, index) if mismatches else _no_class(applied, index)
    return _at_definition(told, applied, index, definitions)


def _at_definition(told: Diagnostic, applied: AppliedRule, index: LayerIndex, definitions: Definitions) -> Diagnostic:
    """*told* of a rule, at the class in a pattern's definition that the model lacks and that looks like one it has."""
    assert applied.program is not None
    absent: dict[str, str] = {}
    for atom in applied.program.atoms():
        if atom.class_name and not atom.operation and (atom.class_name, False) not in index.by_class:
            absent[atom.class_name] = _class_advice(atom, index)
    needed = [
        (name, word) for name, word in _needed(applied.rule.pattern, definitions, "", set()) if absent.get(word.text)
    ]
    if not needed or any(not name for name, _ in needed):
        return told  # nothing is misspelt, or it stands in the rule itself
    name, word = needed[0]
    return replace(
        told,
        span=word.span,
        message=f"no layer is a `{word.text}`, so the pattern `{name}` matches nothing",
        label="",
        related=((applied.rule.span, f"rule `{applied.rule.name}` uses it"),),
        help=f"there is no `{word.text}` in this model{absent[word.text]}",
        layer="",
    )


def _needed(
    pattern: tree.Pattern, definitions: Definitions, within: str, seen: set[str]
) -> Iterator[tuple[str, tree.Name]]:
    """The classes that every match has, neither alternatives nor optional parts, each with the name of the definition
    *within* which it stands."""
    match pattern:
        case tree.LayerClass(name=name) if name.text in definitions:
            if name.text not in seen:
                seen.add(name.text)
                yield from _needed(definitions[name.text].pattern, definitions, name.text, seen)
        case tree.LayerClass(name=name):
            yield within, name
        case tree.Step(part=part, optional=False):
            yield from _needed(part, definitions, within, seen)
        case tree.Chain(steps=parts):
            for part in parts:
                yield from _needed(part, definitions, within, seen)
        case tree.Merge(name=name, inputs=parts):
            for part in parts:
                yield from _needed(part, definitions, within, seen)
            yield within, name


def _report(applied: AppliedRule, span: Span, help: str, label: str = "", layer: str = "") -> Diagnostic:
    message = f"rule `{applied.rule.name}` matches no layer"
    return UNMATCHED_RULE.at(span, message, label=label, help=help, layer=layer)


# ---- no layer of the class


def _no_class(applied: AppliedRule, index: LayerIndex) -> Diagnostic:
    """No layer can be the first."""
    assert applied.program is not None
    atoms = [atom for atom in applied.program.first_atoms() if atom.class_name]
    known = [_written(name, raw) for name, raw in sorted(index.by_class)]
    advice = next((found for atom in atoms if (found := _class_advice(atom, index))), "")
    wanted = " and no ".join(dict.fromkeys(atom.words for atom in atoms))
    hint = (
        f"there is no {wanted} in this model{advice}; {'all there are: ' if advice else 'there are '}{', '.join(known)}"
    )
    return _report(applied, _class_span(applied, atoms), hint)


def _class_span(applied: AppliedRule, atoms: Sequence[Atom]) -> Span:
    """The class in the rule's own pattern, if it is the only one that can be first."""
    names = {atom.class_name for atom in atoms}
    found = [
        node.name.span
        for node in parts_of(applied.rule.pattern)
        if isinstance(node, tree.LayerClass | tree.Merge) and node.name.text in names
    ]
    return found[0] if len(names) == 1 and len(found) == 1 else applied.rule.pattern.span


def _class_advice(atom: Atom, index: LayerIndex) -> str:
    """What may have been meant by a class that the model lacks."""
    name = atom.class_name or ""
    if (name, not atom.operation) in index.by_class:
        kind = "a layer" if atom.operation else "an operation"
        return f", but {kind} of that name: {_written(name, not atom.operation)}"
    close = similar(name, sorted(known for known, raw in index.by_class if raw == atom.operation))
    return f", but a similar class, {_written(close, atom.operation)}" if close else ""


def _written(name: str, operation: bool) -> str:
    return f'`Operation("{name}")`' if operation else f"`{name}`"


# ---- no layers in a row


def _no_match(applied: AppliedRule, mismatches: list[Mismatch], index: LayerIndex) -> Diagnostic:
    """Layers of the first class are there, and what follows them is not what the pattern asks for."""
    matched = mismatches[0].matched
    closest: dict[Hashable, list[Mismatch]] = {}
    for one in mismatches:
        if one.matched == matched:
            closest.setdefault(_kind(one), []).append(one)
    shown = list(closest.values())[:_MOST_REASONS]
    more = len(mismatches) - sum(map(len, shown))
    others = f"; {more} more layers fail as early or earlier" if more else ""
    reasons = "; ".join(map(_reasons, shown)) + next(filter(None, (_inside(applied, alike[0]) for alike in shown)), "")
    return _report(
        applied,
        applied.rule.pattern.span,
        f"{''.join(_absent_classes(applied, index))}closest: {reasons}{others}",
        label=f"fits no more than {matched} layer{'s' if matched > 1 else ''} in a row" if matched else "",
        layer=shown[0][0].first.layer.path,
    )


def _kind(mismatch: Mismatch) -> Hashable:
    """What is alike in mismatches that differ in their layers only."""
    failure = mismatch.failure
    if not isinstance(failure.wanted, Atom) or failure.call is None:
        return mismatch.reason
    return failure.kind, failure.call.layer.class_name, failure.call.layer.operation, failure.wanted.words


def _reasons(alike: list[Mismatch]) -> str:
    """The first of several that are alike, and how many more there are."""
    first = alike[0]
    reason = f"from `{first.first.layer.path}`, {first.reason}" if first.matched else first.reason
    return reason + (f", and so from {len(alike) - 1} more" if len(alike) > 1 else "")


def _inside(applied: AppliedRule, mismatch: Mismatch) -> str:
    """That an activation which the pattern asks for as a layer is computed inside the first one."""
    assert applied.program is not None
    layer = mismatch.first.layer
    activation = layer.config.get("activation")
    asked = {(atom.class_name or "").lower() for atom in applied.program.atoms()}
    inside = isinstance(activation, str) and activation != "linear" and asked & {activation, "activation"}
    return f"; `{layer.path}` computes its activation, `{activation}`, itself" if inside else ""


def _absent_classes(applied: AppliedRule, index: LayerIndex) -> Iterator[str]:
    """For every class of the pattern that the model lacks, one of the model that may have been meant."""
    assert applied.program is not None
    atoms = {(atom.class_name, atom.operation): atom for atom in applied.program.atoms() if atom.class_name}
    wanted = {atom.words for atom in atoms.values()}
    for key, atom in atoms.items():
        advice = "" if key in index.by_class else _class_advice(atom, index)
        # An alternative like `ReLU | ReLU6` names the similar class itself.
        if advice and not any(advice.endswith(words) for words in wanted):
            yield f"there is no {atom.words} in this model{advice}; "


# ---- a condition that is not true


def _not_true(applied: AppliedRule, rejected: list[Rejected]) -> Diagnostic:
    """The pattern fits, and the condition is true nowhere."""
    part, count = rejected[0].part, len(rejected)
    alike: dict[str, list[Rejected]] = {}
    for one in rejected:
        if one.part is part:
            alike.setdefault(one.reason, []).append(one)
    shown = "; ".join(f"{_layers(group)}: {reason}" for reason, group in list(alike.items())[:_MOST_REASONS])
    return _report(
        applied,
        part.span,
        _range_of_index(rejected) or f"closest: {shown}{_text_advice(part, rejected)}",
        label="not true of the one that fits the pattern" if count == 1 else f"true of none of {count} that fit",
        layer=rejected[0].match.first.layer.path,
    )


def _layers(group: list[Rejected]) -> str:
    first = f"`{group[0].match.first.layer.path}`"
    return first if len(group) == 1 else f"{first} and {len(group) - 1} more"


def _range_of_index(rejected: list[Rejected]) -> str:
    """Where the condition that fails asks for a position alone: which there are."""
    values = [value for _, value in rejected[0].values]
    if len(values) != 1 or not isinstance(values[0], Position):
        return ""
    count = values[0].length
    if count == 1:
        return "one layer fits the pattern: its `index` is 0, and -1"
    return f"{count} layers fit the pattern: `index` goes from 0 to {count - 1}, or from -{count} to -1"


def _text_advice(part: tree.Expression, rejected: list[Rejected]) -> str:
    """What to write where a text was nearly met."""
    for one in rejected:
        for _, value in one.values:
            if one.part is part and isinstance(value, str) and (advice := _nearly(part, value)):
                return f"; {advice}"
    return ""


def _nearly(part: tree.Expression, value: str) -> str:
    match part:
        case tree.Compare(operator="==", left=left, right=right):
            wanted = next((side.text for side in (left, right) if isinstance(side, tree.String)), "")
            if "*" in wanted:
                return f'`==` compares texts as they are: a glob stands behind `like`: `like "{wanted}"`'
            return f'capitals count: write `"{value}"`' if wanted.lower() == value.lower() else ""
        case tree.TextMatch(kind="like", negated=False, pattern=tree.String(text=glob)):
            return _wider_glob(glob, value)
        case tree.TextMatch(kind="matches", negated=False, pattern=tree.String(text=pattern)):
            from qspec.schema.regular_expression import compile_regex

            wide = compile_regex(f".*(?:{pattern}).*")
            fits = not isinstance(wide, str) and wide.fullmatch(value)
            return f"`matches` is over the whole text: `'.*{pattern}.*'` fits" if fits else ""
    return ""


def _wider_glob(glob: str, value: str) -> str:
    """What to write for a glob that does not fit *value*."""
    if _REGULAR.search(glob) and "'" not in glob:
        return f"`like` takes a glob, and this looks like a regular expression: `matches '{glob}'`"
    deeper = glob.replace("*", "**")
    if glob_matches(deeper, value):
        return f'`*` stops at `/`: `"{deeper}"` fits'
    longer = [other for other in (f"{glob}*", f"**{glob}**") if glob_matches(other, value)]
    written = " and ".join(f'`"{other}"`' for other in longer)
    return f"`like` is over the whole text: {written} {'fits' if len(longer) == 1 else 'fit'}" if longer else ""
