"""Texts to validated specs: `load` and `loads` never raise; what is wrong with a text comes back as diagnostics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Diagnostics, Place, Severity, Source, Span, SpecError
from qspec.diagnostics.catalogue import UNKNOWN_EDITION, UNKNOWN_TARGET
from qspec.schema.names import offer
from qspec.schema.resolve import resolve
from qspec.schema.shipped import shipped_target, shipped_targets
from qspec.schema.spec import Deploy, Spec
from qspec.syntax import read_source, without_suppressed

__all__ = ["add_deploy", "load", "loads", "shipped_target", "shipped_targets", "suppress", "valid"]

Loaded = tuple[Spec | None, tuple[Diagnostic, ...]]


def load(path: str | os.PathLike[str]) -> Loaded:
    """The spec in a file, and what is wrong with it.

    A spec with mistakes is what is left without them, so that it can still be held against a model. There is none if
    the file cannot be read, or is written in another edition of the language.
    """
    source = read_source(path)
    if isinstance(source, Diagnostic):
        return None, (source,)
    return _resolved(source, None)


def loads(text: str, path: str = "<string>", imports: Mapping[str, str] | None = None) -> Loaded:
    """As `load`, of a text. *path* is its name for people, and what imports are relative to.

    With *imports*, texts by path as in `Spec.sources`, no file is read but those that are shipped.
    """
    return _resolved(Source(path, text), imports)


def _resolved(source: Source, texts: Mapping[str, str] | None) -> Loaded:
    found = Diagnostics()
    spec = resolve(source, texts, found)
    main = [item for item in found.items if getattr(item.span, "source", None) is source]
    if any(item.code == UNKNOWN_EDITION.code for item in main):
        return None, tuple(main)
    order = {path: number for number, path in enumerate(spec.sources)}
    return spec, tuple(sorted(found.items, key=lambda item: _place(item, order)))


def _place(item: Diagnostic, order: Mapping[str, int]) -> tuple[int, int]:
    """Diagnostics stand in the order of the text, those of the main file first."""
    return (order.get(item.span.source.path, -1), item.span.start) if isinstance(item.span, Span) else (-1, 0)


def valid(loaded: Loaded) -> Spec:
    """The spec that `load` or `loads` gave, if it has no mistakes.

    Raises:
        SpecError: with every diagnostic, if any of them is an error.
    """
    spec, diagnostics = loaded
    if spec is None or any(item.severity is Severity.ERROR for item in diagnostics):
        raise SpecError(diagnostics)
    return spec


def add_deploy(spec: Spec, name: str) -> tuple[Spec, tuple[Diagnostic, ...]]:
    """*spec* with the target *name*, of its own or shipped, deployed with its default options.

    Nothing changes if it is deployed already.
    """
    if any(deploy.target.name == name for deploy in spec.deploys):
        return spec, ()
    target = spec.targets.get(name) or shipped_target(name)
    if target is None:
        hint = offer("a target", name, [*spec.targets, *shipped_targets()])
        message = f"target `{name}` is not known"
        return spec, (UNKNOWN_TARGET.at(Place(spec.path), message, help=hint, target=name),)
    options = {option: definition.default for option, definition in target.options.items()}
    taken = {deploy.name for deploy in spec.deploys}
    deploy = Deploy(target=target, options=options, name=name if name not in taken else f"{name}_", span=target.span)
    return replace(spec, deploys=(*spec.deploys, deploy)), ()


def suppress(spec: Spec, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """*diagnostics* without those that comments in the spec's files suppress; comments without effect are warned of."""
    sources = {span.source.path: span.source for span in spec.statements}
    sources.setdefault(spec.path, spec.span.source)
    return without_suppressed(diagnostics, sources.values(), spec.statements)
