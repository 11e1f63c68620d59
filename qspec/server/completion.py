"""What could be written at an offset: the words that the grammar takes there, and the names that make sense."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Severity
from qspec.diagnostics.codes import codes
from qspec.diagnostics.page import page
from qspec.schema.conditions import MEASURES, OF_TARGETS, UNITS
from qspec.schema.operands import WORDS
from qspec.schema.shipped import shipped_target, shipped_targets
from qspec.schema.slots import SLOTS
from qspec.schema.vocabulary import BLOCKS, VALUES
from qspec.server.candidate import Candidate, named
from qspec.server.completion_of_models import attributes, layer_names, strings
from qspec.server.completion_of_values import arguments, option_values, options, units, values
from qspec.server.manual import introduction, said_of
from qspec.server.place import Place, written
from qspec.server.view import View
from qspec.syntax import tree
from qspec.syntax.expectation import expectation

_IN_CONDITIONS = frozenset({"and", "in", "like", "matches", "not", "or"})


@dataclass(frozen=True)
class Completion:
    """Candidates for what stands between two offsets."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]


def complete(view: View, offset: int) -> Completion:
    """What could stand at *offset* in place of the word, or the text in quotes, that ends there."""
    expected = expectation(view.source, offset)
    place = Place(expected)
    if expected.comment is not None:
        start, found = _in_comment(expected.comment, expected.start)
        return Completion(start, offset, found)
    if expected.string is not None:
        return Completion(expected.start, offset, tuple(strings(view, place)))
    candidates = [*_keywords(view, place), *units(place)]
    if place.name_is_possible:
        candidates += _names(view, place)
    return Completion(expected.start, offset, tuple({one.label: one for one in candidates}.values()))


# ---- words of the language


def _keywords(view: View, place: Place) -> Iterator[Candidate]:
    for word in place.expected.keywords:
        if word == "qspec" and any(isinstance(item, tree.Edition) for item in view.now.file.statements):
            continue
        if word in _IN_CONDITIONS and place.in_arguments:
            continue  # the grammar has one kind of expression; an argument is no condition
        block = said_of(word, "target") if place.statement == "target" else ""
        yield Candidate(word, "keyword", documentation=block or introduction(word) or said_of(word, "Conditions"))


def _in_comment(comment: str, start: int) -> tuple[int, tuple[Candidate, ...]]:
    """The codes that a suppression may name."""
    before, bracket, inside = comment.rpartition("[")
    if not bracket or "]" in inside or "".join(before.split()) != "#qspec:ignore":
        return start + len(comment), ()
    written_so_far = inside.rsplit(",", 1)[-1].lstrip()
    found = []
    for code in codes():
        about = page(code)
        if code.severity is not Severity.ERROR:
            found.append(Candidate(code.code, "code", code.name, about.meaning if about is not None else ""))
    return start + len(comment) - len(written_so_far), tuple(found)


# ---- names, by the statement and the bracket they stand in


def _names(view: View, place: Place) -> Iterator[Candidate]:
    if place.bracket == "{" and place.statement != "target":
        return _in_block(view, place)
    if place.bracket == "(" and (found := _in_call(view, place)) is not None:
        return found
    if place.bracket == "[":
        return iter(())
    header = place
    while header.bracket:
        header = header.outer()
    words = [part for part in place.stack if isinstance(part, str)]
    match place.statement:
        case "deploy" if place.stack == ("deploy",):
            return _targets(view)
        case "quantizer" if words[-1] == "extends":
            return (one for one in _quantizers(view) if one.label != place.stack[1].text)
        case "layer" if words[-1] == "as":
            return iter(layer_names(view, own=False))
        case "layer":
            return (one for one in layer_names(view) if one.detail)
        case "rule" if "where" in header.stack:
            return attributes(view, place, header.stack[3])
        case "rule" if "match" in words and words[-1] != "as":
            return _pattern_parts(view, place)
        case "pattern" if "=" in words and words[-1] != "as":
            return _pattern_parts(view, place)
        case "require":
            return _quantities(view, place)
        case "target":
            return _in_target(view, place, words)
    return iter(())


def _quantizers(view: View) -> Iterator[Candidate]:
    for name in view.names("quantizer"):
        quantizer = view.quantizer(name)
        yield Candidate(name, "quantizer", summary(quantizer) if quantizer is not None else "")


def summary(quantizer: object) -> str:
    """A quantizer in a line: `int8 symmetric per_channel`."""
    return " ".join(str(getattr(quantizer, name)) for name in ("type", "scheme", "granularity"))


def _targets(view: View) -> Iterator[Candidate]:
    for name in dict.fromkeys((*view.names("target"), *shipped_targets())):
        target = view.target(name)
        yield Candidate(name, "target", target.title if target is not None else "")


def _pattern_parts(view: View, place: Place) -> Iterator[Candidate]:
    yield Candidate("any", "keyword", documentation=said_of("any", "Patterns"))
    yield Candidate("Operation", "class", "a Keras operation", said_of("Operation", "Patterns"))
    own = place.stack[1].text if place.statement == "pattern" else ""
    yield from named((name for name in view.names("pattern") if not view.leads_to(name, own)), "pattern")
    captured = (part for node in place.stack if isinstance(node, tree.Node) for part in _captures_in(node))
    yield from named(captured, "capture")
    yield from layer_names(view)


def _captures_in(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Step(capture=tree.Name(text=text)):
            yield text
        case tree.Chain(steps=steps):
            for step in steps:
                yield from _captures_in(step)


# ---- blocks of assignments


def _in_block(view: View, place: Place) -> Iterator[Candidate]:
    if not place.assigned:
        return _left_sides(view, place)
    if place.statement in ("rule", "default"):
        return _slot_values(view, place)
    return values(view, place)


def _left_sides(view: View, place: Place) -> Iterator[Candidate]:
    done = {written((node.path,)) for node in place.nodes if isinstance(node, tree.Assignment)}
    if place.statement not in ("rule", "default"):
        for name in BLOCKS.get(place.statement, ()):
            if name not in done:
                yield Candidate(name, "attribute", _list(VALUES.get(name, ())), _about_attribute(place.statement, name))
        return
    yield from (Candidate(slot, "slot", "", said_of(slot, "Slots")) for slot in SLOTS if slot not in done)
    if place.statement == "rule":
        yield from _parts(view, place, written(place.item))


def _parts(view: View, place: Place, before: str) -> Iterator[Candidate]:
    """The captures behind *before*, which is empty or ends with a dot."""
    captures = view.captures(place.stack[3])
    following = (name[len(before) :].partition(".")[0] for name in captures if name.startswith(before))
    yield from named(dict.fromkeys(following), "capture")


def _slot_values(view: View, place: Place) -> Iterator[Candidate]:
    yield Candidate("float", "keyword", "not quantized")
    if place.assigned.rsplit(".", 1)[-1] != "all":
        yield from _quantizers(view)


def _about_attribute(block: str, name: str) -> str:
    return said_of(name, {"target": "target", "train": "calibrate and train"}.get(block, "quantizer"))


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


# ---- parentheses


def _in_call(view: View, place: Place) -> Iterator[Candidate] | None:
    """Behind `(`: options of a target, numbers, or attributes to amend; None where it is none of these."""
    if place.statement == "deploy" and isinstance(place.stack[1], tree.Name):
        return option_values(view, place) if place.assigned else options(view, place)
    return arguments(view, place)


# ---- `require` and targets


def _quantities(view: View, place: Place) -> Iterator[Candidate]:
    before = written(place.item[1:] if place.item and place.item[0] == "require" else place.item)
    if before.endswith("coverage."):
        yield from (Candidate(name, "quantity") for name in MEASURES)
    elif before.endswith("."):
        yield from (Candidate(name, "quantity", "", said_of(f"NAME.{name}", "require")) for name in OF_TARGETS)
    else:
        deploys = {deploy.name: deploy for state in (view.now,) if state.spec for deploy in state.spec.deploys}
        yield from named({**view.names("deploy"), **deploys}, "deploy")
        whole = (name for name in UNITS if name not in OF_TARGETS)
        yield from (Candidate(name, "quantity", "", said_of(name, "require")) for name in whole)


def _in_target(view: View, place: Place, words: list[str]) -> Iterator[Candidate]:
    if words[-1] in ("on", "extends") and not place.braces:
        yield from (one for one in _targets(view) if one.label != place.stack[1].text)
    elif words[-1] in ("op", "without", "except"):
        yield from _ops()
    elif "=" in place.item:
        yield from values(view, place) if place.block == "target" else (Candidate(word, "value") for word in WORDS)
    elif {"when", "require"} & {part for part in place.item if isinstance(part, str)} or place.bracket == "(":
        yield from _of_ops(view, place)
    elif place.block == "target":
        before = written(place.item)
        known = (name for name in BLOCKS["target"] if name.startswith(before))
        yield from (Candidate(name[len(before) :], "attribute", "", said_of(name, "target")) for name in known)
    elif place.block in ("op", "form", "when"):
        yield from _operands(place)


def _ops() -> Iterator[Candidate]:
    """The ops that LiteRT's own table has a row for."""
    runtime = shipped_target("tflite")
    kinds = runtime.deferred_rows().kinds if runtime is not None else ()
    yield Candidate("any", "keyword", "every op")
    yield from named(sorted({kind for row in kinds for kind in row} - {"any"}), "op")


def _kinds(place: Place) -> list[str]:
    """The ops that the innermost row speaks of."""
    rows = [part for part in place.stack if isinstance(part, list) and all(isinstance(one, tree.Name) for one in part)]
    return [name.text for name in rows[0]] if rows else []


def _operands(place: Place) -> Iterator[Candidate]:
    from qspec.graph.operands import operand_names

    found = dict.fromkeys(name for kind in _kinds(place) for name in operand_names(kind))
    yield from named((*(found or ("input",)), "output"), "operand")


def _of_ops(view: View, place: Place) -> Iterator[Candidate]:
    """What a condition on an op may ask for."""
    from qspec.targets.scope import known_names

    options = (node.name.text for node in place.stack if isinstance(node, tree.Option))
    yield from named(options, "option")
    yield from named(sorted({name for kind in _kinds(place) or ["any"] for name in known_names(kind)}), "attribute")
