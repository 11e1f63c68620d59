"""QS301: a rule that matches nothing, with the layers that came closest and why each failed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from qspec.diagnostics import Advice, Diagnostic, Fix, Span, writing
from qspec.diagnostics.catalogue import UNMATCHED_RULE
from qspec.graph.keras_format import MODEL_CLASSES
from qspec.plan.cascade import AppliedRule
from qspec.plan.conditions import Rejected
from qspec.plan.index import LayerIndex
from qspec.plan.nested_names import nested_advice, nested_models
from qspec.plan.patterns import Mismatch
from qspec.plan.position import Position
from qspec.plan.program import Atom
from qspec.schema.names import quoted, similar
from qspec.schema.patterns import parts_of
from qspec.schema.text_patterns import glob_matches
from qspec.syntax import tree

_MOST_REASONS = 3
# What stands in regular expressions and in no name of a layer.
_REGULAR = re.compile(r"\.[*+?]|\\[dwsb.]|\[[^\]]*\]|^\^|\$$|[|(]|[^*]\+$")
_SET = re.compile(r"\[[^\]]*\]")  # of characters


Definitions = Mapping[str, tree.PatternDefinition]


def unmatched(applied: AppliedRule, index: LayerIndex, definitions: Definitions) -> Diagnostic:
    """What is said of a rule that matches nothing: where a pattern of *definitions* that it uses has a class that may
    be misspelt, at that word."""
    rejected = sorted(applied.selected.rejected, key=lambda one: -one.nearness)
    if rejected:
        return _not_true(applied, rejected, index)
    mismatches = sorted(applied.found.mismatches, key=lambda one: -one.matched)
    told = _no_match(applied, mismatches, index) if mismatches else _no_class(applied, index)
    return _at_definition(told, applied, index, definitions)


def _at_definition(told: Diagnostic, applied: AppliedRule, index: LayerIndex, definitions: Definitions) -> Diagnostic:
    """*told* of a rule, at the class in a pattern's definition that the model lacks and that looks like one it has."""
    assert applied.program is not None
    absent: dict[str, Advice] = {}
    for atom in applied.program.atoms():
        missing = atom.class_name and not atom.operation and (atom.class_name, False) not in index.by_class
        if missing and (advice := class_advice(atom, index)):
            absent[atom.class_name or ""] = advice
    needed = [
        (name, word) for name, word in _needed(applied.rule.pattern, definitions, "", set()) if word.text in absent
    ]
    if not needed or any(not name for name, _ in needed):
        return told  # nothing is misspelt, or it stands in the rule itself
    name, word = needed[0]
    moved = replace(
        told,
        span=word.span,
        message=f"no layer is a `{word.text}`, so the pattern `{name}` matches nothing",
        label="",
        related=((applied.rule.span, f"rule `{applied.rule.name}` uses it"),),
        layer="",
    )
    return moved.with_advice(absent[word.text].after(f"there is no `{word.text}` in this model"))


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
        case tree.Merge(layer=layer, inputs=parts):
            for part in parts:
                yield from _needed(part, definitions, within, seen)
            if isinstance(layer, tree.LayerClass):
                yield within, layer.name


def _report(applied: AppliedRule, span: Span, help: str | Advice, label: str = "", layer: str = "") -> Diagnostic:
    message = f"rule `{applied.rule.name}` matches no layer"
    return UNMATCHED_RULE.at(span, message, label=label, help=help, layer=layer)


# ---- no layer of the class


def _no_class(applied: AppliedRule, index: LayerIndex) -> Diagnostic:
    """No layer can be the first."""
    assert applied.program is not None
    atoms = [atom for atom in applied.program.first_atoms() if atom.class_name]
    known = [_written(name, raw) for name, raw in sorted(index.by_class)]
    advised = [(atom, found) for atom in atoms if (found := class_advice(atom, index))]
    wanted = " and no ".join(dict.fromkeys(atom.words for atom in atoms))
    absent, every = f"there is no {wanted} in this model", ", ".join(known)
    if not advised:
        return _report(applied, _class_span(applied, atoms), f"{absent}; there are {every}")
    atom, advice = advised[0]
    hint = advice.after(absent).then(f"; all there are: {every}")
    return _report(applied, _class_span(applied, atoms), _at_class(hint, applied, atom))


def _at_class(advice: Advice, applied: AppliedRule, atom: Atom) -> Advice:
    """*advice*, to be followed where the rule's own pattern has the class of *atom*, if it has it once."""
    match [node for node in parts_of(applied.rule.pattern) if _asks_for(node, atom)]:
        case [tree.LayerClass(span=span) | tree.RawOperation(span=span)]:
            return advice.on(span)
    return Advice(advice.sentence)


def _asks_for(node: tree.Pattern, atom: Atom) -> bool:
    if isinstance(node, tree.RawOperation):
        return atom.operation and node.name.text == atom.class_name
    return isinstance(node, tree.LayerClass) and not atom.operation and node.name.text == atom.class_name


def _class_span(applied: AppliedRule, atoms: Sequence[Atom]) -> Span:
    """The class in the rule's own pattern, if it is the only one that can be first."""
    names = {atom.class_name for atom in atoms}
    found = [
        node.name.span
        for node in parts_of(applied.rule.pattern)
        if isinstance(node, tree.LayerClass) and node.name.text in names
    ]
    return found[0] if len(names) == 1 and len(found) == 1 else applied.rule.pattern.span


def class_advice(atom: Atom, index: LayerIndex) -> Advice | None:
    """What may have been meant by a class that the model lacks."""
    name = atom.class_name or ""
    if name in MODEL_CLASSES and not atom.operation:
        model = next(iter(nested_models(index)), None)
        hint = "" if model is None else f': `any where path like "{model}/**"` asks for the layers of one'
        return Advice(f", since nested models are opened{hint}")
    if (name, not atom.operation) in index.by_class:
        kind, other = ("a layer", False) if atom.operation else ("an operation", True)
        return Advice(f", but {kind} of that name: {_written(name, other)}", (_plain(name, other),))
    close = similar(name, sorted(known for known, raw in index.by_class if raw == atom.operation))
    if not close:
        return None
    return Advice(f", but a similar class, {_written(close, atom.operation)}", (_plain(close, atom.operation),))


def _written(name: str, operation: bool) -> str:
    return f"`{_plain(name, operation)}`"


def _plain(name: str, operation: bool) -> str:
    return f'Operation("{name}")' if operation else name


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
    others = f"; {more} more layer{'s fail' if more > 1 else ' fails'} as early or earlier" if more else ""
    reasons = "; ".join(map(_reasons, shown)) + next(filter(None, (_inside(applied, alike[0]) for alike in shown)), "")
    absent = list(_absent_classes(applied, index))
    return _report(
        applied,
        applied.rule.pattern.span,
        Advice(
            f"{''.join(f'{each}; ' for each in absent)}closest: {reasons}{others}",
            tuple(offer for each in absent for offer in each.offers),
        ),
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


def _absent_classes(applied: AppliedRule, index: LayerIndex) -> Iterator[Advice]:
    """For every class of the pattern that the model lacks, one of the model that may have been meant."""
    assert applied.program is not None
    atoms = {(atom.class_name, atom.operation): atom for atom in applied.program.atoms() if atom.class_name}
    wanted = {atom.words for atom in atoms.values()}
    for key, atom in atoms.items():
        advice = None if key in index.by_class else class_advice(atom, index)
        # An alternative like `ReLU | ReLU6` names the similar class itself.
        if advice and not any(f"`{offer}`" in wanted for offer in advice.offers):
            yield _at_class(advice.after(f"there is no {atom.words} in this model"), applied, atom)


# ---- a condition that is not true


def _not_true(applied: AppliedRule, rejected: list[Rejected], index: LayerIndex) -> Diagnostic:
    """The pattern fits, and the condition is true nowhere."""
    part, count = rejected[0].part, len(rejected)
    return _report(
        applied,
        part.span,
        closest_rejected(rejected, index),
        label="not true of the one that fits the pattern" if count == 1 else f"true of none of {count} that fit",
        layer=rejected[0].match.first.layer.path,
    )


def closest_rejected(rejected: Sequence[Rejected], index: LayerIndex) -> str | Advice:
    """Why the first of *rejected*, and those like it, are not selected, and what may have been meant."""
    part = rejected[0].part
    alike: dict[str, list[Rejected]] = {}
    for one in rejected:
        if one.part is part:
            alike.setdefault(one.reason, []).append(one)
    shown = "; ".join(f"{_layers(group)}: {reason}" for reason, group in list(alike.items())[:_MOST_REASONS])
    advice, told = nested_advice(part, index) or _text_advice(part, rejected), f"closest: {shown}"
    return _range_of_index(rejected) or (advice.after(f"{told}; ") if advice else told)


def _layers(group: list[Rejected]) -> str:
    first = f"`{group[0].match.first.layer.path}`"
    return first if len(group) == 1 else f"{first} and {len(group) - 1} more"


def _range_of_index(rejected: Sequence[Rejected]) -> str:
    """Where the condition that fails asks for a position alone: which there are."""
    values = [value for _, value in rejected[0].values]
    if len(values) != 1 or not isinstance(values[0], Position):
        return ""
    count = values[0].length
    if count == 1:
        return "one layer fits the pattern: its `index` is 0, and -1"
    return f"{count} layers fit the pattern: `index` goes from 0 to {count - 1}, or from -{count} to -1"


def _text_advice(part: tree.Expression, rejected: Sequence[Rejected]) -> Advice | None:
    """What to write where a text was nearly met."""
    for one in rejected:
        for _, value in one.values:
            if one.part is part and isinstance(value, str) and (advice := _nearly(part, value)):
                return advice
    return None


def _nearly(part: tree.Expression, value: str) -> Advice | None:
    match part:
        case tree.Compare(operator="==", left=left, right=tree.String() as text):
            if "*" in text.text:
                hint = "`==` compares texts as they are: a glob stands behind `like`"
                like = _rewritten(left, "==", text, f"like {quoted(text.text)}")
                return Advice(f"{hint}: `like {quoted(text.text)}`", like)
            return _other_capitals(text, value)
        case tree.Compare(operator="==", left=tree.String() as text):
            return _other_capitals(text, value)
        case tree.TextMatch(kind="like", negated=False, pattern=tree.String() as text):
            return _wider_glob(part.subject, text, value)
        case tree.TextMatch(kind="matches", negated=False, pattern=tree.String() as text):
            from qspec.schema.regular_expression import RegularExpression, compile_regex

            wide = compile_regex(f".*(?:{text.text}).*")
            if not isinstance(wide, RegularExpression) or not wide.fullmatch(value):
                return None
            written = f"'.*{text.text}.*'"
            offers = () if "'" in text.text else (writing(text.span, written),)
            return Advice(f"`matches` is over the whole text: `{written}` fits", offers)
    return None


def _other_capitals(text: tree.String, value: str) -> Advice | None:
    if text.text.lower() != value.lower():
        return None
    return Advice(f"capitals count: write `{quoted(value)}`", (writing(text.span, quoted(value)),))


def _wider_glob(subject: tree.Expression, text: tree.String, value: str) -> Advice | None:
    """What to write for a glob that does not fit *value*."""
    glob = text.text
    if _REGULAR.search(glob) and "'" not in glob:
        hint = "`like` takes a glob, and this looks like a regular expression"
        matches = f"matches '{_regular(glob)}'"
        return Advice(f"{hint}: `{matches}`", _rewritten(subject, "like", text, matches))
    deeper = glob.replace("*", "**")
    if glob_matches(deeper, value):
        return Advice(f"`*` stops at `/`: `{quoted(deeper)}` fits", (writing(text.span, quoted(deeper)),))
    longer = [quoted(other) for other in (f"{glob}*", f"**{glob}**") if glob_matches(other, value)]
    if not longer:
        return None
    fits = f"{' and '.join(f'`{other}`' for other in longer)} {'fits' if len(longer) == 1 else 'fit'}"
    return Advice(f"`like` is over the whole text: {fits}", tuple(writing(text.span, other) for other in longer))


def _regular(glob: str) -> str:
    """The regular expression that was meant: what was written, or a shell's glob with a set of characters, where `*`
    and `?` are not what they are in regular expressions."""
    if _REGULAR.search(_SET.sub("", glob)):
        return glob
    wildcards = {"**": ".*", "*": "[^/]*", "?": "[^/]", ".": r"\."}
    return re.sub(rf"({_SET.pattern})|\*\*|[*?.]", lambda found: found[1] or wildcards[found[0]], glob)


def _rewritten(subject: tree.Expression, operator: str, text: tree.String, written: str) -> tuple[Fix, ...]:
    """The change of how *subject* is held against a text, from the operator on; none where that is misspelt."""
    source = text.span.source
    start = source.text.find(operator, subject.span.end, text.span.start)
    return () if start < 0 else (writing(Span(source, start, text.span.end), written),)
