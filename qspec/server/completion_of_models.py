"""What could be written that only Keras or the model knows: classes, attributes of layers, paths, names of tensors."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from qspec._resources import resource
from qspec.graph.layers import Call, Layer
from qspec.graph.masks import TENSORS_BY_NAME
from qspec.plan.layer_attributes import comparable
from qspec.plan.program import Program, compile_pattern
from qspec.plan.slots import named_inputs
from qspec.schema.keras_layers import layer_classes
from qspec.schema.named_parts import GENERAL
from qspec.server.candidate import Candidate, named
from qspec.server.completion_of_values import option_values
from qspec.server.manual import said_of
from qspec.server.place import Place, written
from qspec.server.view import View
from qspec.syntax import tree

_OF_SIDES: Mapping[str, tuple[str, ...]] = {"input": ("shape", "rank"), "output": ("shape",)}
_MOST_VALUES = 200
_PART_ENDS = re.compile(r"[./]|$")


def layer_names(view: View, own: bool = True) -> list[Candidate]:
    """Layer classes: those of the model first, with how many layers it has of each, then Keras' own. With *own* false,
    no classes of the user's."""
    counts = Counter(layer.class_name for layer in _layers(view) if not layer.operation and (own or layer.built_in))
    found = [
        Candidate(name, "class", f"{n} in the model") for name, n in sorted(counts.items()) if name != "InputLayer"
    ]
    mine = {name: None for name in view.names("layer class") if own and name not in counts}
    return [*found, *named((*mine, *(name for name in layer_classes() if name not in counts)), "class")]


def _layers(view: View) -> list[Layer]:
    """Every layer of the model, once."""
    return [] if view.layers is None else list({call.layer.path: call.layer for call in view.layers.calls}.values())


# ---- attributes in conditions


def attributes(view: View, place: Place, pattern: tree.Pattern) -> Iterator[Candidate]:
    """What a `where` may ask of the layers of *pattern*."""
    before = _qualifier(place)
    captures = view.captures(pattern)
    for side, names in _OF_SIDES.items():
        if before == f"{side}." or before.endswith(f".{side}."):
            yield from named(names, "attribute")
            return
    if before:
        part = before.removesuffix(".")
        asked = view.part_of(pattern, part)
        following = (name[len(before) :].partition(".")[0] for name in captures if name.startswith(before))
        yield from named(dict.fromkeys(following), "capture")
        if asked is not None and not view.patterns.several_layers(asked):
            yield from _attributes_of(view, view.classes(asked))
        return
    yield from named(dict.fromkeys(name.partition(".")[0] for name in captures), "capture")
    yield Candidate("none", "keyword")
    yield Candidate("mod", "value", "mod(a, b)", said_of("mod", "Conditions"), "mod(")
    if view.patterns.several_layers(pattern):
        yield Candidate("index", "attribute", "", said_of("index", "Conditions"))
    else:
        yield from _attributes_of(view, view.classes(pattern))


def _qualifier(place: Place) -> str:
    """`conv.` of a path that is being typed; empty at its start."""
    parts: list[Any] = []
    for part in reversed(place.stack):
        if not (part == "." or isinstance(part, tree.Name | list)) or (part != "." and not parts):
            break
        parts.insert(0, part)
        if isinstance(part, tree.Name):
            break
    return written(parts)


def _attributes_of(view: View, classes: Iterable[str]) -> Iterator[Candidate]:
    general = dict.fromkeys(name.partition(".")[0] for name in GENERAL)
    yield from (Candidate(name, "attribute", "", said_of(name, "Conditions")) for name in general)
    known, likes = layer_classes(), view.likes
    wanted = [likes.get(name, name) for name in classes]
    mine = [one for one in _layers(view) if likes.get(one.class_name, one.class_name) in wanted or not wanted]
    keys = [key for name in wanted or known for key in known.get(name, ())]
    for key in dict.fromkeys((*(key for layer in mine for key in layer.config), *keys)):
        if key not in general:
            seen = dict.fromkeys(str(comparable(layer.config[key])) for layer in mine if key in layer.config)
            yield Candidate(key, "attribute", ", ".join(list(seen)[:4]) + (" …" if len(seen) > 4 else ""))


# ---- in quotes


def strings(view: View, place: Place) -> Iterator[Candidate]:
    """What could stand in the quotes that are open."""
    stack = place.stack
    if place.statement == "import":
        return _files(view.source.path)
    if place.statement in ("input", "output") and place.bracket == "[" and not place.braces and view.layers is not None:
        return named(view.layers.input_names if place.statement == "input" else view.layers.output_names, "layer")
    if place.bracket == "[" and place.braces and place.statement in ("rule", "default"):
        return named(dict.fromkeys(_keys(view, place)), "value")
    if place.bracket == "(" and written(place.head[-1:]) == "sqnr":
        return named((layer.path for layer in _layers(view)), "layer")
    if place.bracket == "(" and written(place.head[-1:]) == "Operation":
        return named(_operations(view), "class")
    if place.bracket == "(" and place.statement == "deploy":
        return option_values(view, place)
    if stack and isinstance(stack[-1], str) and (stack[-1] in ("like", "matches", ",", "(") or "=" in stack[-1]):
        return _values(view, place)
    return iter(())


def _files(path: str) -> Iterator[Candidate]:
    """What can be imported: what is shipped, and the files beside this one."""
    for shipped in sorted((resource("specs") / "std").glob("*.qspec")):
        yield Candidate(f"std/{shipped.name}", "file", "shipped with qspec", _first_comment(shipped))
    folder = Path(path).parent
    try:
        found = sorted(item for item in folder.rglob("*.qspec") if len(item.relative_to(folder).parts) <= 3)
    except OSError:
        return
    for item in found[:_MOST_VALUES]:
        if os.path.normpath(item) != os.path.normpath(path):
            yield Candidate(item.relative_to(folder).as_posix(), "file")


def _first_comment(path: Path) -> str:
    lines = (line for line in path.read_text("utf-8").split("\n") if line.startswith("#"))
    return next(lines, "").removeprefix("#").strip()


def _keys(view: View, place: Place) -> Iterator[str]:
    """What can stand in the brackets behind a slot: the tensors of that kind that the layers of the pattern have, and
    the parts of which there are several; of an input, the arguments of the layers."""
    pattern = place.stack[3] if place.statement == "rule" else None
    part, _, kind = written(place.outer().item).rpartition(".")
    calls = list(_calls(view, pattern, part))
    if kind == "input":
        yield from (name for call in calls for name in named_inputs(call))
        classes = () if pattern is None else view.classes(pattern, part)
        yield from (name for each in classes for name in TENSORS_BY_NAME.get(each, ()))
    plan = view.report.plan if view.report is not None else None
    indices = {call.index for call in calls}
    for slot in plan.ops.slots if plan is not None else ():
        if slot.kind == kind and isinstance(slot.key, str) and slot.call in indices:
            yield from (slot.key[: end.start()] for end in _PART_ENDS.finditer(slot.key))


def _calls(view: View, pattern: tree.Pattern | None, part: str) -> Iterator[Call]:
    """The calls of layers that *pattern* asks for, or the part of it that has that name; all without a pattern."""
    asked = None if pattern is None else view.part_of(pattern, part)
    program = None if asked is None else compile_pattern(asked, view.patterns.definitions)
    atoms = list(program.atoms()) if isinstance(program, Program) else None
    for call in view.layers.calls if view.layers is not None else ():
        if atoms is None or any(atom.accepts(call.layer) for atom in atoms):
            yield call


def _operations(view: View) -> list[str]:
    from qspec.lowering.operations import OPERATIONS

    used = {layer.class_name for layer in _layers(view) if layer.operation}
    return [*sorted(used), *sorted(set(OPERATIONS) - used)]


def _subject(place: Place) -> str:
    """The attribute that is compared with the text being typed: `conv.path` of `conv.path like "`."""
    for part in reversed(place.stack):
        if isinstance(part, tree.Name | tree.Path):
            return written([part])
        if isinstance(part, list) and part and isinstance(part[-1], tree.Name):
            return str(part[-1].text)
    return ""


def _values(view: View, place: Place) -> Iterator[Candidate]:
    """The texts that the layers of the pattern have for the attribute that is compared."""
    part, _, attribute = _subject(place).rpartition(".")
    texts: dict[str, str] = {}
    for call in _calls(view, place.stack[3] if place.statement == "rule" else None, part):
        layer = call.layer
        given = {"path": layer.path, "name": layer.name, "class": layer.class_name}
        value = given.get(attribute, comparable(layer.config.get(attribute)))
        if isinstance(value, str):
            texts.setdefault(value, layer.class_name if attribute in ("path", "name") else "")
    if attribute == "class" and not texts:
        texts = dict.fromkeys(layer_classes(), "")
    return (Candidate(text, "layer", detail) for text, detail in texts.items())
