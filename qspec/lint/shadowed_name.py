"""QS905, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic, Span
from qspec.diagnostics.catalogue import SHADOWED_NAME
from qspec.schema.named_parts import has_attribute, is_general
from qspec.schema.shipped import shipped_targets
from qspec.schema.slots import SLOTS
from qspec.schema.spec import Spec
from qspec.schema.symbols import Definition


def shadowed_name(spec: Spec) -> Iterator[Diagnostic]:
    """A name that hides something else, or reads as if it were something else."""
    named: dict[tuple[str, str], Definition] = {}
    for definition in spec.symbols.definitions:
        named.setdefault((definition.kind, definition.name), definition)
    for definition in spec.symbols.definitions:
        match definition.kind:
            case "capture":
                yield from _capture(spec, definition, named.get(("pattern", definition.name)))
            case "pattern" if _is_class(spec, definition.name):
                message = f"pattern `{definition.name}` hides the layer class of that name"
                hint = "in every pattern the word now means this one: choose a name in lower case"
                yield SHADOWED_NAME.at(definition.span, message, help=hint)
            case "deploy":
                yield from _deploy(spec, definition, named.get(("target", definition.name)))


def _capture(spec: Spec, capture: Definition, pattern: Definition | None) -> Iterator[Diagnostic]:
    name = capture.name
    if pattern is not None:
        message = f"the part `{name}` is called like a pattern"
        hint = f"among a merge's inputs `{name}` means the part, elsewhere the pattern: choose another name"
        found = SHADOWED_NAME.at(capture.span, message, help=hint)
        yield found.with_related(pattern.span, "the pattern")
    elif name in SLOTS:
        message = f"the part `{name}` is called like a slot"
        hint = f"`{name} = …` speaks of the whole match, `{name}.output = …` of the part: choose another name"
        yield SHADOWED_NAME.at(capture.span, message, help=hint)
    elif _is_attribute(spec, capture):
        message = f"the part `{name}` is called like an attribute of layers"
        hint = f"in `where`, `{name}` asks whether the part is there: choose another name"
        yield SHADOWED_NAME.at(capture.span, message, help=hint)
    elif _is_class(spec, name):
        message = f"the part `{name}` is called like a layer class"
        hint = f"among a merge's inputs `{name}` means the part, elsewhere the class: choose a name in lower case"
        yield SHADOWED_NAME.at(capture.span, message, help=hint)


def _is_attribute(spec: Spec, capture: Definition) -> bool:
    """Whether all layers, or those of the pattern that *capture* stands in, have such an attribute."""
    if is_general(capture.name):
        return True
    patterns = (*(rule.pattern for rule in spec.rules), *(each.pattern for each in spec.patterns.values()))
    around = (pattern for pattern in patterns if capture.span.is_in(pattern.span))
    return any(has_attribute(pattern, capture.name, spec.patterns) for pattern in around)


def _is_class(spec: Spec, name: str) -> bool:
    if not name[:1].isupper():
        return False
    from qspec.lowering.table import all_lowerings  # few names begin with a capital

    return name in all_lowerings() or any(one.name == name for one in spec.layer_classes)


def _deploy(spec: Spec, definition: Definition, own: Definition | None) -> Iterator[Diagnostic]:
    """`deploy edgetpu as nnapi`."""
    deploy = next((one for one in spec.deploys if one.span == definition.span), None)
    if deploy is None or deploy.target.name == deploy.name:
        return
    if own is not None or deploy.name in shipped_targets():
        message = f"`{deploy.target.name}` is deployed under the name of another target, `{deploy.name}`"
        related: tuple[tuple[Span, str], ...] = () if own is None else ((own.span, "the other target"),)
        yield SHADOWED_NAME.at(deploy.span, message, related=related, help="choose another name behind `as`")
